"""What command-line words mean: comma-separated lists, fractions, windows, and the options that verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from PeritumoralRadiomicsLib.regions.ring_settings import RingLayout, RingPlane, RingSettings
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.number_lists import read_numbers


def numbers(what: str) -> Callable[[str], tuple[float, ...]]:
    """Return an option's type: a list of numbers or fractions, named ``what`` in its error.

    Example:
        >>> numbers("fractions")("1/4,0.5")
        (0.25, 0.5)
    """

    def read(text: str) -> tuple[float, ...]:
        values = read_numbers(text, what)
        if not values:
            raise InputError(f"{what} is an empty list; give numbers such as 3,6,9")
        return values

    return read


def names(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of names.

    Example:
        >>> names("ct, pet")
        ('ct', 'pet')
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


def window(text: str) -> tuple[float, float]:
    """Parse an intensity window ``low,high``.

    Raises:
        InputError: not two numbers.
    """
    values = read_numbers(text, "window")
    if len(values) != 2:
        raise InputError(f"window {text!r} has {len(values)} numbers; give low,high such as -150,250")
    return values[0], values[1]


def positive_int(text: str) -> int:
    """Parse a whole number of 1 or more.

    Raises:
        InputError: anything else.
    """
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise InputError(f"{text!r} is not a whole number of 1 or more")
    return value


def add_ring_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which rings to grow."""
    group = parser.add_argument_group("rings")
    group.add_argument("--rings", type=numbers("rings"), metavar="MM", default=(), help="outer distances: 3,6,9")
    group.add_argument(
        "--adaptive", type=numbers("adaptive"), metavar="F", default=(), help="fractions of the mean radius: 1/6,2/6"
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


def add_reading_options(parser: argparse.ArgumentParser, *, own_seed: bool = True) -> None:
    """Add the options that repeat an extraction on other masks, for the ICC filter.

    Args:
        parser: of the verb.
        own_seed: add ``--seed``; False where the verb has one for other things, which then serves both.
    """
    group = parser.add_argument_group("repeated readings, for the ICC filter")
    group.add_argument("--reader", type=int, choices=(1, 2), default=1, help="2: the masks of <phase>_second_mask")
    group.add_argument(
        "--perturb", type=positive_int, metavar="N", help="also N perturbed contours of every mask: perturbed_1, …"
    )
    group.add_argument("--perturb-mm", type=float, metavar="SD", help="displacement of the contour (default 1 mm)")
    group.add_argument(
        "--perturb-correlation", type=float, metavar="MM", help="smoothness of the displacement (default 10 mm)"
    )
    group.add_argument(
        "--perturb-volume", type=float, metavar="SD", help="set the volume too: 0 keeps it, 0.1 varies it by 10 %%"
    )
    if own_seed:
        group.add_argument("--seed", type=int, help="of the perturbations (default 0)")
    parser.set_defaults(seed_of_perturbations_alone=own_seed)


def perturbation(arguments: argparse.Namespace) -> Any:
    """Return how contours are perturbed, None without ``--perturb``.

    Raises:
        InputError: an option of perturbations without ``--perturb``, or a value out of bounds.
    """
    from PeritumoralRadiomicsLib.regions.mask_perturbation import ContourPerturbation

    words = {
        "perturb_mm": "sd_mm", "perturb_correlation": "correlation_mm", "perturb_volume": "volume_sd", "seed": "seed"
    }  # fmt: skip
    given = {name: value for word, name in words.items() if (value := getattr(arguments, word)) is not None}
    if arguments.perturb:
        return ContourPerturbation(**given)
    alone = [
        word for word in words if words[word] in given and (word != "seed" or arguments.seed_of_perturbations_alone)
    ]
    if alone:
        word = alone[0]
        raise InputError(
            f"--{word.replace('_', '-')} says how to perturb; add --perturb 3 for three perturbed readings"
        )
    return None
