"""What command-line words mean: comma-separated lists, fractions, windows, and the options that verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from PeritumoralRadiomicsLib.ring_settings import RingLayout, RingPlane, RingSettings
from RadiomicsCoreLib.errors import InputError

Value = TypeVar("Value")


def comma_list(text: str, parse: Callable[[str], Value]) -> tuple[Value, ...]:
    """Return the parts of a comma-separated list, each parsed.

    Example:
        >>> comma_list("3, 6,9", float)
        (3.0, 6.0, 9.0)
    """
    return tuple(parse(part.strip()) for part in text.split(",") if part.strip())


def millimetres(text: str) -> tuple[float, ...]:
    """Parse distances in mm.

    Raises:
        argparse.ArgumentTypeError: a part is no number.
    """
    return _parse_all(text, float, "distances in mm such as 3,6,9")


def fractions(text: str) -> tuple[float, ...]:
    """Parse fractions of the mean tumour radius.

    Raises:
        argparse.ArgumentTypeError: a part is no fraction.

    Example:
        >>> fractions("1/6,0.5")
        (0.16666666666666666, 0.5)
    """
    return _parse_all(text, lambda part: float(Fraction(part)), "fractions of the mean radius such as 1/6,2/6")


def numbers(text: str) -> tuple[float, ...]:
    """Parse a list of numbers.

    Raises:
        argparse.ArgumentTypeError: a part is no number.
    """
    return _parse_all(text, float, "numbers such as 365,1095")


def names(text: str) -> tuple[str, ...]:
    """Parse a list of names."""
    return comma_list(text, str)


def window(text: str) -> tuple[float, float]:
    """Parse an intensity window ``low,high``.

    Raises:
        argparse.ArgumentTypeError: not two numbers.
    """
    values = _parse_all(text, float, "low,high such as -150,250")
    if len(values) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} has {len(values)} numbers; give low,high such as -150,250")
    return values[0], values[1]


def positive_int(text: str) -> int:
    """Parse a whole number of 1 or more.

    Raises:
        argparse.ArgumentTypeError: anything else.
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return value


def _parse_all(text: str, parse: Callable[[str], Value], example: str) -> tuple[Value, ...]:
    try:
        values = comma_list(text, parse)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {example}") from None
    if not values:
        raise argparse.ArgumentTypeError(f"the list is empty; give {example}")
    return values


def add_ring_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which rings to grow."""
    group = parser.add_argument_group("rings")
    group.add_argument("--rings", type=millimetres, metavar="MM", default=(), help="outer distances: 3,6,9")
    group.add_argument(
        "--adaptive", type=fractions, metavar="F", default=(), help="fractions of the mean radius: 1/6,2/6"
    )
    group.add_argument(
        "--layout",
        choices=[layout.value for layout in RingLayout],
        default=RingLayout.CUMULATIVE.value,
        help="cumulative: border to each distance; bands: from one distance to the next",
    )
    group.add_argument(
        "--plane",
        choices=[plane.value for plane in RingPlane],
        default=RingPlane.VOLUME.value,
        help="grow in 3D, in the slice with the largest tumour area, or in every slice",
    )
    group.add_argument("--inner-rim", type=float, metavar="MM", help="also a rim of this depth inside the tumour")
    group.add_argument("--gap", type=float, default=0.0, metavar="MM", help="leave this gap at the border")
    group.add_argument("--union", action="store_true", help="also tumour and ring together (intra_ring_…)")
    group.add_argument("--ring-window", type=window, metavar="LOW,HIGH", help="intensities that a ring may hold")
    group.add_argument("--supersampling", action="store_true", help="make thick slices isotropic for the distances")


def ring_settings(arguments: argparse.Namespace) -> RingSettings:
    """Return the ring settings that the options name.

    Raises:
        InputError: no ring at all, or values that make no sense.
    """
    if not arguments.rings and not arguments.adaptive and arguments.inner_rim is None:
        raise InputError("no ring named; give --rings 3,6,9 (mm) or --adaptive 1/6,2/6 (of the mean radius)")
    return RingSettings(
        outer_mm=arguments.rings,
        fractions=arguments.adaptive,
        layout=RingLayout(arguments.layout),
        plane=RingPlane(arguments.plane),
        inner_rim_mm=arguments.inner_rim,
        gap_mm=arguments.gap,
        union=arguments.union,
        window=arguments.ring_window,
        supersampling=arguments.supersampling,
    )
