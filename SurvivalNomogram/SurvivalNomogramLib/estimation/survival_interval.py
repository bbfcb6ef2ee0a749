"""Pointwise intervals of a predicted survival, from what the fit knows about its cumulative hazard.

The log survival of a patient varies with the baseline's steps and with the coefficients. Both need the sums over
the risk sets of the fit, so they are kept with the baseline: without them no interval can be made afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .partial_likelihood import sums_at_events
from .relative_hazard import relative_hazard
from .risk_sets import RiskSets


@dataclass(frozen=True)
class HazardMoments:
    """Cumulative sums over the event times, for a patient at the centre of the covariates.

    Args:
        hazard: (m,) Efron's cumulative hazard, the sum of 1 / S0.
        variance: (m,) sum of 1 / S0^2, the hazard's variance at known coefficients.
        drift: (m, p) sum of mean covariates at risk / S0, the hazard's derivative by the coefficients less a sign.
    """

    hazard: np.ndarray
    variance: np.ndarray
    drift: np.ndarray


def hazard_moments(sets: RiskSets, x: np.ndarray, coefficients: np.ndarray) -> HazardMoments:
    """Sum what the variance of a predicted hazard needs.

    Args:
        sets: risk sets of the fit.
        x: (n, p) covariates less their centre, in the sorted order.
        coefficients: (p,).

    Reference:
        Tsiatis AA. Ann Stat 1981;9:93, with Efron's ties as in ``survfit.coxph``: every tied event has its own
        risk set, so that a tie adds the sum of 1 / S0^2, not the square of the sum.
    """
    risk = relative_hazard(x @ coefficients)
    total = sums_at_events(sets, risk)
    means = sums_at_events(sets, x * risk[:, np.newaxis]) / total[:, np.newaxis]
    return HazardMoments(
        *(
            np.cumsum(np.add.reduceat(values, sets.starts, axis=0), axis=0)
            for values in (1 / total, total**-2.0, means / total[:, np.newaxis])
        )
    )


@dataclass(frozen=True)
class SurvivalInterval:
    """Predicted survival with its interval, each (n, k): patients by times.

    Where the survival is 1 or 0 (before the first event, or after the last) there is no log-log interval: the
    limits are NaN, as in R.
    """

    survival: np.ndarray
    standard_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def log_log_interval(survival: np.ndarray, log_error: np.ndarray, confidence: float = 0.95) -> SurvivalInterval:
    """Interval on the scale log(-log S), which never leaves [0, 1].

    Args:
        survival: probabilities.
        log_error: standard errors of log S, same shape.
        confidence: level.

    Example:
        >>> import numpy as np
        >>> interval = log_log_interval(np.array([[0.5]]), np.array([[0.2]]))
        >>> interval.lower.round(3).tolist(), interval.upper.round(3).tolist()
        ([[0.295]], [[0.675]])

    Reference:
        Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data, 1980, eq. 1.18.
    """
    from scipy.special import ndtri

    inside = (survival > 0) & (survival < 1)
    log_survival = np.log(np.where(inside, survival, 0.5))
    spread = ndtri(0.5 + confidence / 2) * log_error / log_survival
    lower, upper = np.exp(log_survival * relative_hazard(-spread)), np.exp(log_survival * relative_hazard(spread))
    return SurvivalInterval(
        survival, survival * log_error, np.where(inside, lower, np.nan), np.where(inside, upper, np.nan)
    )
