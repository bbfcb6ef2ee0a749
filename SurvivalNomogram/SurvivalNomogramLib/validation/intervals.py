"""Confidence intervals from a standard error, on the scale where the figure's distribution is closest to normal."""

from __future__ import annotations

import numpy as np


def z_value(confidence: float) -> float:
    """Two-sided normal quantile, 1.96 at 95 %."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence / 2))


def logit_interval(value: float, se: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of an area or share: normal on the logit, so that it never leaves (0, 1) and leans towards 0.5.

    The plain normal interval of an AUC of 0.8 and more covers 90 to 93 % at 150 patients. At 0 or 1, and where the
    standard error is 0 or unknown, nothing can be said: both ends are NaN.

    Example:
        >>> [round(end, 3) for end in logit_interval(0.9, 0.04)]
        [0.79, 0.956]

    Reference:
        Pepe MS. The Statistical Evaluation of Medical Tests (2003), 5.2.5.
    """
    if not 0 < value < 1 or not se > 0:
        return float("nan"), float("nan")
    half = z_value(confidence) * se / (value * (1 - value))
    centre = np.log(value / (1 - value))
    low, high = 1 / (1 + np.exp(-np.array([centre - half, centre + half])))
    return float(low), float(high)


def log_interval(value: float, se_of_log: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a ratio: normal on its logarithm; NaN where the ratio or its error has no value.

    Example:
        >>> [round(end, 3) for end in log_interval(1.2, 0.1)]
        [0.986, 1.46]
    """
    if not (value > 0 and np.isfinite(se_of_log)):
        return float("nan"), float("nan")
    half = z_value(confidence) * se_of_log
    return float(value * np.exp(-half)), float(value * np.exp(half))
