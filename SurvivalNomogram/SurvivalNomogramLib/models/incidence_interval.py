"""Pointwise intervals of a predicted cumulative incidence, from what every cause's fit knows about its hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..estimation.relative_hazard import relative_hazard
from ..estimation.survival_interval import log_log_interval
from .cox import CoxModel

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class IncidenceInterval:
    """Predicted incidence with its interval, each (n, k): patients by times.

    Where the incidence is 0 (before the first event) there is no log-log interval: the limits are NaN.
    """

    incidence: np.ndarray
    standard_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class _Cause:
    """One cause on the common times: steps (m,) of its hazard and variance, (m, p) of its drift."""

    model: CoxModel
    hazard: np.ndarray
    variance: np.ndarray
    drift: np.ndarray
    x: np.ndarray
    risk: np.ndarray

    @classmethod
    def of(cls, model: CoxModel, frame: pd.DataFrame, grid: np.ndarray) -> _Cause:
        variance, drift = model.baseline.moments_at(grid)
        return cls(
            model,
            np.diff(model.baseline.at(grid), prepend=0.0),
            np.diff(variance, prepend=0.0),
            np.diff(drift, axis=0, prepend=np.zeros((1, drift.shape[1]))),
            model.design.transform(frame) - model.center,
            relative_hazard(model.linear_predictor(frame)),
        )

    def variance_of(self, row: int, weight: np.ndarray) -> float:
        """What this cause adds to the variance, where its hazard's steps move the incidence by ``weight`` (m,)."""
        slope = weight @ (self.x[row] * self.hazard[:, np.newaxis] - self.drift)
        own = weight**2 @ self.variance + slope @ self.model.covariance @ slope
        return float(self.risk[row] ** 2 * own)


def incidence_interval(
    models: Sequence[CoxModel], frame: pd.DataFrame, times: Sequence[float] | np.ndarray, confidence: float = 0.95
) -> IncidenceInterval:
    """Return the cumulative incidence of the first cause with its log-log interval.

    The incidence is a function of every cause's hazard steps; its derivatives by them are exact, and the steps vary
    with the baseline and with the coefficients as in ``CoxModel.survival_interval``, which this equals where one cause
    is alone. The causes are fitted apart, so that their variances add up.

    Args:
        models: cause-specific Cox models of the same patients, the event of interest first.
        frame: (n rows) covariates.
        times: (k,) horizons within the follow-up.
        confidence: level.

    Raises:
        InputError: a column or value is missing, a time lies beyond the follow-up, or a model was written before there
            were intervals.

    Reference:
        Cheng SC, Fine JP, Wei LJ. Biometrics 1998;54:219. Ozenne B et al. R Journal 2017;9:440 (riskRegression).
    """
    times = np.atleast_1d(np.asarray(times, float))
    for model in models:
        model.baseline.at(times)  # refuses a horizon outside the follow-up
    grid = np.unique(np.concatenate([model.baseline.times for model in models]))
    grid = grid[grid <= times.max()]
    causes = [_Cause.of(model, frame, grid) for model in models]
    incidence, error = np.zeros((2, len(frame), len(times)))
    for row in range(len(frame)):
        steps = np.stack([cause.risk[row] * cause.hazard for cause in causes])
        for k, horizon in enumerate(times):
            until = int(np.searchsorted(grid, horizon, side="right"))
            incidence[row, k], weights = _incidence_and_slopes(steps[:, :until])
            full = np.zeros(steps.shape)
            full[:, :until] = weights
            pieces = [cause.variance_of(row, weight) for cause, weight in zip(causes, full, strict=True)]
            error[row, k] = np.sqrt(sum(pieces))
    relative = np.divide(error, incidence, out=np.zeros_like(error), where=incidence > 0)
    known = log_log_interval(incidence, relative, confidence)
    return IncidenceInterval(incidence, error, known.lower, known.upper)


def _incidence_and_slopes(steps: np.ndarray) -> tuple[float, np.ndarray]:
    """Incidence of the first cause, and its derivatives (causes, m) by the hazards' steps (causes, m)."""
    together = steps.sum(axis=0)
    free = np.exp(-np.concatenate(([0.0], np.cumsum(together))))
    taken = -np.diff(free)
    share = np.divide(steps[0], together, out=np.zeros(len(together)), where=together > 0)
    gained = np.cumsum(share * taken)
    total = float(gained[-1]) if len(gained) else 0.0
    per_hazard = np.divide(taken, together, out=free[:-1].copy(), where=together > 0)
    # A larger step of any cause divides more patients (first part), and leaves fewer for later (last part).
    common = share * (free[1:] - per_hazard) - (total - gained)
    slopes = np.repeat(common[np.newaxis], len(steps), axis=0)
    slopes[0] += per_hazard
    return total, slopes
