"""Lists of numbers as people type them: ``3, 6, 9`` and ``1/6, 2/6``."""

from __future__ import annotations

import math
import re

from ..errors import InputError


def read_numbers(text: str, what: str) -> tuple[float, ...]:
    """Return the numbers of a list; commas, semicolons or spaces part them, fractions are allowed.

    Args:
        text: the list; nothing or blanks: no numbers.
        what: how the message names it.

    Raises:
        InputError: a part is no finite number.

    Example:
        >>> read_numbers("1.5, 3 6", "distances")
        (1.5, 3.0, 6.0)
        >>> read_numbers("1/4; 1/2", "fractions")
        (0.25, 0.5)
    """
    return tuple(_number(part, what) for part in re.split(r"[,;\s]+", text) if part)


def _number(part: str, what: str) -> float:
    above, sign, below = part.partition("/")
    try:
        # Not Fraction("1e999999999"), which is worked out digit by digit.
        value = float(above) / float(below) if sign else float(above)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{what} must be numbers such as 3, 6, 9 or 1/6, 2/6; {part!r} is none")
    return value
