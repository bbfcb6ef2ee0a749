"""Checks that settings records share: a choice by its text, a number within bounds, a whole number."""

from __future__ import annotations

import math
from enum import Enum
from typing import TypeVar

from ..errors import InputError
from .rules import is_number

Choice = TypeVar("Choice", bound=Enum)


def choice(name: str, choices: type[Choice], value: object) -> Choice:
    """Return the member that a text names.

    Raises:
        InputError: none is called so; with what there is.

    Example:
        >>> from enum import Enum
        >>> choice("plane", Enum("Plane", {"VOLUME": "3d"}), "2d")
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: plane is '2d'; choose from 3d
    """
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in choices)
        raise InputError(f"{name} is {value!r}; choose from {known}") from None


def choose(record: object, **choices: type[Enum]) -> None:
    """In a frozen record's ``__post_init__``: put the members in the place of their texts; None stays.

    Raises:
        InputError: as :func:`choice`.
    """
    for name, kind in choices.items():
        value = getattr(record, name)
        if value is not None:
            object.__setattr__(record, name, choice(name, kind, value))


def finite_number(name: str, value: object, at_least: float | None = None, above: float | None = None) -> float:
    """Return a number, or what reads as one, within its lower bound.

    Args:
        name: of the setting, for messages.
        value: number or text.
        at_least: lowest number allowed; or
        above: highest number too low.

    Raises:
        InputError: with name, bound and value.

    Example:
        >>> finite_number("gap_mm", "1.5", at_least=0)
        1.5
    """
    bound = f"> {above:g}" if above is not None else f">= {-math.inf if at_least is None else at_least:g}"
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number {bound}, got {value!r}") from None
    low_enough = number >= at_least if at_least is not None else above is None or number > above
    if not math.isfinite(number) or not low_enough:
        raise InputError(f"{name} must be a finite number {bound}, got {number:g}")
    return number


def check_number(name: str, value: object, lowest: float, highest: float) -> None:
    """Refuse what is no number from ``lowest`` to ``highest``.

    Raises:
        InputError: with name, value and bounds.
    """
    if not is_number(value) or not lowest <= float(str(value)) <= highest:
        raise InputError(f"{name} is {value!r}; give a number from {lowest:g} to {highest:g}")


def check_whole(name: str, value: object, lowest: int, highest: int | None = None) -> None:
    """Refuse what is no whole number from ``lowest`` (to ``highest``).

    Raises:
        InputError: with name, value and bounds.

    Example:
        >>> check_whole("folds", 1, 2)
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: folds is 1; give a whole number of 2 or more
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or int(str(value)) < lowest or (highest is not None and int(str(value)) > highest):
        bounds = f"of {lowest} or more" if highest is None else f"from {lowest} to {highest}"
        raise InputError(f"{name} is {value!r}; give a whole number {bounds}")
