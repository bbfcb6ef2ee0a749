"""What words of the verbs without a job mean: comma-separated names, whole numbers."""

from __future__ import annotations

from RadiomicsCoreLib.errors import InputError


def names(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of names.

    Example:
        >>> names("ct, pet")
        ('ct', 'pet')
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


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
