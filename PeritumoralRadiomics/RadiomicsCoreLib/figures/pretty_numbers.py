"""Round numbers for axes, chosen exactly as R's ``pretty`` does, so that axes equal those of R's packages."""

from __future__ import annotations

import math
import sys

import numpy as np

HIGH_BIAS = 1.5
FIVE_BIAS = 0.5 + 1.5 * HIGH_BIAS
SHRINK_SMALL = 0.75
ROUNDING = 1e-10


def pretty(low: float, high: float, n: int = 5) -> np.ndarray:
    """About ``n`` + 1 equally spaced round numbers that cover [low, high].

    Args:
        low, high: the range; equal values are widened.
        n: wanted number of intervals.

    Example:
        >>> pretty(39, 82, 10).tolist()
        [35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0]

    Reference:
        R's ``pretty.default`` (R 4.2, ``src/appl/pretty.c``).
    """
    fewest = n // 3
    unit = _unit(_cell(low, high, n, fewest))
    first = math.floor(low / unit + ROUNDING)
    last = math.ceil(high / unit - ROUNDING)
    short = fewest - (last - first)
    if short > 0:
        first, last = _widened(first, last, short, low, high)
    return np.arange(first, last + 1) * unit


def _cell(low: float, high: float, n: int, fewest: int) -> float:
    largest = max(abs(low), abs(high))
    margin = (1 + 1 / (1 + HIGH_BIAS)) * max(1, n) * sys.float_info.epsilon * 3
    if largest > 0 and high - low >= largest * margin:
        return (high - low) / max(1, n)
    cell = largest or 1.0
    cell = 9 + cell / 10 if cell > 10 else cell
    return cell * SHRINK_SMALL / max(1, fewest)


def _unit(cell: float) -> float:
    base = 10.0 ** math.floor(math.log10(cell))
    unit = base
    for factor, bias in ((2, HIGH_BIAS), (5, FIVE_BIAS), (10, HIGH_BIAS)):
        if factor * base - cell >= bias * (cell - unit):
            break
        unit = factor * base
    return unit


def _widened(first: int, last: int, short: int, low: float, high: float) -> tuple[int, int]:
    if low == 0 and first == 0 and high != 0:
        return first, last + short
    if high == 0 and last == 0 and low != 0:
        return first - short, last
    if first >= 0:
        return first - short // 2 - short % 2, last + short // 2
    return first - short // 2, last + short // 2 + short % 2
