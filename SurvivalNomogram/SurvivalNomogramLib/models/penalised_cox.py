"""Cox models with an elastic-net penalty along a path of penalties: the loss, and where its path ends.

The objective is glmnet's, ``-log_likelihood / n + lambda * (alpha * |b|_1 + (1 - alpha) / 2 * |b|_2^2)`` with
Breslow's ties and coefficients ``b`` of standardised covariates, solved by
:mod:`RadiomicsCoreLib.statistics.penalised_path`
with the exact second derivative of the partial likelihood. Coordinate descent on the same problems needs hundreds
of passes where the active covariates are many and correlated; Newton's linear systems (as many unknowns as active
covariates, never more than patients) do not care.

Reference:
    Simon N, Friedman J, Hastie T, Tibshirani R. Regularization paths for Cox's proportional hazards model via
    coordinate descent. J Stat Softw 2011;39(5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.blas_threads import single_blas_thread
from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.statistics.penalised_path import (
    KKT_TOLERANCE,
    PathSolver,
    PathWalk,
    PenalisedProblem,
    PenaltyPath,
)

FARTHEST = 600.0
"""Range of the linear predictor beyond which the relative hazards leave the range of double precision."""


class PerfectRanking(ModelError):
    """The covariates rank the events perfectly, and the penalty is too small to keep the coefficients finite."""


@dataclass(frozen=True)
class BreslowSets:
    """Risk sets with Breslow's ties; rows sorted by time.

    Args:
        order: (n,) index that sorts the caller's rows by time.
        event: (n,) float, 1 for an event.
        first: (m,) first row at risk at each distinct event time.
        count: (m,) float, events at that time.
        rows_from: (n,) number of distinct event times at or before each row's time.
    """

    order: np.ndarray
    event: np.ndarray
    first: np.ndarray
    count: np.ndarray
    rows_from: np.ndarray

    @property
    def saturated(self) -> float:
        """Log-likelihood of the saturated model, from which glmnet's deviance is measured."""
        return -float((self.count * np.log(self.count)).sum())


def breslow_sets(time: np.ndarray, event: np.ndarray) -> BreslowSets:
    """Sort the patients and find the risk set of every distinct event time; ``time``, ``event`` (n,)."""
    order = np.argsort(time, kind="stable")
    time, is_event = np.asarray(time, float)[order], np.asarray(event)[order] == 1
    times, count = np.unique(time[is_event], return_counts=True)
    return BreslowSets(
        order,
        is_event.astype(float),
        np.searchsorted(time, times, side="left"),
        count.astype(float),
        np.searchsorted(times, time, side="right"),
    )


class _BreslowPoint:
    """The likelihood at one linear predictor, and what its derivatives are made of; rows in the sorted order."""

    def __init__(self, sets: BreslowSets, predictor: np.ndarray) -> None:
        top = predictor.max()
        self._sets, self._n = sets, len(predictor)
        self._risk = np.exp(predictor - top)
        self._total = np.cumsum(self._risk[::-1])[::-1][sets.first]
        hazard = np.concatenate(([0.0], np.cumsum(sets.count / self._total)))
        self._expected = self._risk * hazard[sets.rows_from]
        self.residual = sets.event - self._expected
        self.value = float(sets.count @ (np.log(self._total) + top) - sets.event @ predictor) / self._n

    def curvature(self, x: np.ndarray) -> np.ndarray:
        """Second derivative (a, a) of the mean loss by the coefficients of covariates x (a, n)."""
        weighted = x * np.sqrt(self._expected)
        means = np.cumsum((x * self._risk)[:, ::-1], axis=1)[:, ::-1][:, self._sets.first]
        means *= np.sqrt(self._sets.count) / self._total
        curvature: np.ndarray = (weighted @ weighted.T - means @ means.T) / self._n
        return curvature


@dataclass(frozen=True)
class BreslowLoss:
    """Mean negative log partial likelihood of patients in the order of the sets."""

    sets: BreslowSets

    def at(self, predictor: np.ndarray) -> _BreslowPoint:
        """The loss at a linear predictor (n,)."""
        return _BreslowPoint(self.sets, predictor)


def breslow_log_likelihood(sets: BreslowSets, predictors: np.ndarray) -> np.ndarray:
    """Return Breslow's log partial likelihood (k,) of predictors (k, n) in the sorted order."""
    top = predictors.max(axis=1, keepdims=True)
    total = np.cumsum(np.exp(predictors - top)[:, ::-1], axis=1)[:, ::-1][:, sets.first]
    return predictors @ sets.event - (np.log(total) + top) @ sets.count


class PenalisedCox(PenalisedProblem):
    """The penalised problem on one set of patients.

    Args:
        x: covariates (n, p); standardised here to mean 0 and (population) standard deviation 1. Constant
            columns keep a coefficient of zero.
        time, event: (n,).
        alpha: share of the absolute penalty; 1 is the LASSO, 0 < alpha < 1 the elastic net.
    """

    def __init__(self, x: np.ndarray, time: np.ndarray, event: np.ndarray, alpha: float = 1.0) -> None:
        sets = breslow_sets(time, event)
        self.sets = sets
        super().__init__(np.asarray(x, float)[sets.order], BreslowLoss(sets), None, alpha, -sets.saturated / len(x))

    def path(self, lambdas: np.ndarray, tolerance: float = KKT_TOLERANCE, stops_early: bool = False) -> PenaltyPath:
        """Solve the falling penalties ``lambdas`` (k,), each from the one before.

        Args:
            tolerance: accepted violation of the optimality conditions, relative to the penalty.
            stops_early: end where glmnet ends a path of its own making: the explained deviance exceeds 0.999
                or rises by less than 1e-3 of itself over four steps; or where the covariates rank the events
                perfectly and the coefficients leave the range of double precision.

        Raises:
            ModelError: the solver did not reach the tolerance.
            PerfectRanking: a penalty is too small for covariates that rank the events perfectly.
        """
        walk = PathWalk(self, _CoxSolver(self))
        with single_blas_thread():
            for penalty in lambdas:
                try:
                    walk.step(float(penalty), tolerance)
                except PerfectRanking:
                    if stops_early and walk.lines:
                        break
                    raise
                if stops_early and walk.glmnet_stops():
                    break
        return walk.path()


class _CoxSolver(PathSolver):
    """The common solver, on its guard against coefficients that grow without end."""

    def _newton_step(self, slope: np.ndarray, l1: float, l2: float) -> None:
        with np.errstate(all="ignore"):  # a step too far overflows; it is halved like one that ascends
            super()._newton_step(slope, l1, l2)
        if np.ptp(self.beta @ self.x) > FARTHEST:
            raise PerfectRanking(
                "the covariates rank the events perfectly, so that hardly penalised coefficients grow without end: "
                "raise the smallest lambda"
            )
