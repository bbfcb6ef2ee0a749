"""Intraclass correlation of repeated readings: how much of a feature's variance is between patients.

Reference: Shrout PE, Fleiss JL. Psychol Bull 1979;86:420-428. McGraw KO, Wong SP. Psychol Methods 1996;1:30-46.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..errors import InputError


class IccModel(Enum):
    """Which intraclass correlation of a single reading."""

    AGREEMENT = "2,1"
    """ICC(2,1): two-way random effects, absolute agreement; a reader who draws larger counts as an error."""
    CONSISTENCY = "3,1"
    """ICC(3,1): two-way mixed effects, consistency; a constant difference between readers does not count."""


@dataclass(frozen=True)
class Icc:
    """Intraclass correlations of p features.

    Attributes:
        value: (p,), 1 is perfect; NaN where a feature does not vary.
        lower: (p,) lower end of the confidence interval.
        upper: (p,) upper end.
        subjects: patients read.
        readings: readings of each patient.
    """

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    subjects: int
    readings: int


def icc(readings: np.ndarray, model: IccModel | str = IccModel.AGREEMENT, *, confidence: float = 0.95) -> Icc:
    """Intraclass correlation with its confidence interval, of one feature or many.

    Args:
        readings: (n, k) n patients read k times each, or (n, k, p) for p features; every value finite.
        model: ICC(2,1) or ICC(3,1).
        confidence: level of the interval, in (0, 1).

    Raises:
        InputError: fewer than 3 patients or 2 readings, or a value that is not finite.

    Example:
        >>> float(icc([[1, 2], [2, 3], [3, 4], [4, 5]], "3,1").value[0])
        1.0

    Reference: equations of Shrout and Fleiss 1979; intervals of McGraw and Wong 1996, table 7, as in R's psych.
    """
    model = IccModel(model)
    values = np.asarray(readings, float)
    values = values[:, :, np.newaxis] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[0] < 3 or values.shape[1] < 2:
        raise InputError(
            f"readings have shape {np.shape(readings)}; give at least 3 patients, each read at least twice"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{int((~np.isfinite(values)).sum())} readings are not finite; leave those patients out")
    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; give a level between 0 and 1, for example 0.95")
    squares = _mean_squares(values)
    subjects, count = values.shape[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = _agreement if model is IccModel.AGREEMENT else _consistency
        value, lower, upper = estimate(*squares, subjects, count, (1 - confidence) / 2)
    return Icc(value, lower, upper, subjects, count)


def _mean_squares(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean squares between patients, between readings, and of the rest, each (p,)."""
    n, k, _ = values.shape
    values = values - values.mean(axis=(0, 1))
    by_patient, by_reading = values.mean(axis=1), values.mean(axis=0)
    rest = values - by_patient[:, np.newaxis] - by_reading
    between = k * (by_patient**2).sum(axis=0) / (n - 1)
    readers = n * (by_reading**2).sum(axis=0) / (k - 1)
    return between, readers, (rest**2).sum(axis=(0, 1)) / ((n - 1) * (k - 1))


def _consistency(
    between: np.ndarray, readers: np.ndarray, rest: np.ndarray, n: int, k: int, tail: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.stats import f

    value = (between - rest) / (between + (k - 1) * rest)
    ratio = between / rest
    low = ratio / f.ppf(1 - tail, n - 1, (n - 1) * (k - 1))
    high = ratio * f.ppf(1 - tail, (n - 1) * (k - 1), n - 1)
    # An infinite ratio (readings that agree in full) has its limit at 1.
    ends = [np.where(np.isinf(end), 1.0, (end - 1) / (end + k - 1)) for end in (low, high)]
    return value, ends[0], ends[1]


def _agreement(
    between: np.ndarray, readers: np.ndarray, rest: np.ndarray, n: int, k: int, tail: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.stats import f

    value = (between - rest) / (between + (k - 1) * rest + k * (readers - rest) / n)
    ratio = readers / rest
    # Satterthwaite's degrees of freedom of the denominator.
    part = k * value * ratio + n * (1 + (k - 1) * value) - k * value
    freedom = (
        (k - 1)
        * (n - 1)
        * part**2
        / ((n - 1) * k**2 * value**2 * ratio**2 + (n * (1 + (k - 1) * value) - k * value) ** 2)
    )
    high, low = f.ppf(1 - tail, n - 1, freedom), f.ppf(1 - tail, freedom, n - 1)
    noise = k * readers + (k * n - k - n) * rest
    lower = n * (between - high * rest) / (high * noise + n * between)
    upper = n * (low * between - rest) / (noise + n * low * between)
    perfect = (rest <= 0) & (readers <= 0) & (between > 0)
    return value, np.where(perfect, 1.0, lower), np.where(perfect, 1.0, upper)
