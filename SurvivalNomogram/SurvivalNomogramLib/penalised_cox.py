"""Cox models with an elastic-net penalty, solved along a path of penalties to a stated optimality error.

The objective is glmnet's, ``-log_likelihood / n + lambda * (alpha * |b|_1 + (1 - alpha) / 2 * |b|_2^2)`` with
Breslow's ties and coefficients ``b`` of standardised covariates. Each penalty is solved by Newton's method on
the active set, with the exact second derivative: a step that would carry a coefficient across zero stops
there and drops it, and covariates whose gradient exceeds the penalty join. Coordinate descent on the same
problems needs hundreds of passes where the active covariates are many and correlated; the linear systems here
(as many unknowns as active covariates, never more than patients) do not care. Covariates are screened with
the sequential strong rule, and the optimality conditions of all of them are checked at the end of each penalty.

Reference:
    Simon N, Friedman J, Hastie T, Tibshirani R. Regularization paths for Cox's proportional hazards model via
    coordinate descent. J Stat Softw 2011;39(5). Tibshirani R et al. Strong rules for discarding predictors in
    lasso-type problems. JRSS B 2012;74:245-266.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.blas_threads import single_blas_thread
from RadiomicsCoreLib.errors import ModelError

KKT_TOLERANCE = 1e-6
"""Largest violation of the optimality conditions, relative to the penalty, at which a solution is accepted."""
MAXIMUM_ROUNDS = 500
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


@dataclass(frozen=True)
class _Point:
    """The likelihood at one linear predictor: its value, and what its derivatives are made of."""

    log_likelihood: float
    residual: np.ndarray  # (n,) derivative by the linear predictor
    risk: np.ndarray  # (n,) exp(linear predictor), scaled
    total: np.ndarray  # (m,) its sum over each risk set
    expected: np.ndarray  # (n,) risk x cumulative hazard


def _point(sets: BreslowSets, predictor: np.ndarray) -> _Point:
    top = predictor.max()
    risk = np.exp(predictor - top)
    total = np.cumsum(risk[::-1])[::-1][sets.first]
    hazard = np.concatenate(([0.0], np.cumsum(sets.count / total)))
    expected = risk * hazard[sets.rows_from]
    value = sets.event @ predictor - sets.count @ (np.log(total) + top)
    return _Point(float(value), sets.event - expected, risk, total, expected)


def breslow_log_likelihood(sets: BreslowSets, predictors: np.ndarray) -> np.ndarray:
    """Return Breslow's log partial likelihood (k,) of predictors (k, n) in the sorted order."""
    top = predictors.max(axis=1, keepdims=True)
    total = np.cumsum(np.exp(predictors - top)[:, ::-1], axis=1)[:, ::-1][:, sets.first]
    return predictors @ sets.event - (np.log(total) + top) @ sets.count


@dataclass(frozen=True)
class Path:
    """Solutions along a path of penalties.

    Args:
        lambdas: (k,) falling penalties.
        coefficients: (k, p) on the covariates' own scale.
        deviance_ratio: (k,) share of the null deviance explained.
        kkt_error: (k,) largest violation of the optimality conditions, relative to the penalty.
    """

    lambdas: np.ndarray
    coefficients: np.ndarray
    deviance_ratio: np.ndarray
    kkt_error: np.ndarray


class PenalisedCox:
    """The penalised problem on one set of patients.

    Args:
        x: covariates (n, p); standardised here to mean 0 and (population) standard deviation 1. Constant
            columns keep a coefficient of zero.
        time, event: (n,).
        alpha: share of the absolute penalty; 1 is the LASSO, 0 < alpha < 1 the elastic net.
    """

    def __init__(self, x: np.ndarray, time: np.ndarray, event: np.ndarray, alpha: float = 1.0) -> None:
        self.alpha = alpha
        self.sets = breslow_sets(time, event)
        rows = np.ascontiguousarray(np.asarray(x, float)[self.sets.order].T)  # one covariate a row
        rows -= rows.mean(axis=1, keepdims=True)
        self.spread = np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1])
        self.spread[self.spread <= 1e-12 * np.abs(x).max(axis=0, initial=1e-300)] = np.inf
        rows /= self.spread[:, np.newaxis]
        self.rows = rows
        self.p, self.n = rows.shape
        null = _point(self.sets, np.zeros(self.n))
        self.null_log_likelihood = null.log_likelihood
        self.null_gradient = self.rows @ null.residual / self.n

    @property
    def largest_lambda(self) -> float:
        """The smallest penalty that leaves all coefficients at zero."""
        return float(np.abs(self.null_gradient).max()) / max(self.alpha, 1e-3)

    def path(self, lambdas: np.ndarray, tolerance: float = KKT_TOLERANCE, stops_early: bool = False) -> Path:
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
        with single_blas_thread():
            return self._path(np.asarray(lambdas, float), tolerance, stops_early)

    def _path(self, lambdas: np.ndarray, tolerance: float, stops_early: bool) -> Path:
        state = _State(self)
        kept: list[tuple[np.ndarray, float, float]] = []
        for k, penalty in enumerate(lambdas):
            previous = float(lambdas[k - 1]) if k else self.largest_lambda
            try:
                error = state.solve(float(penalty), previous, tolerance)
            except PerfectRanking:
                if stops_early and kept:
                    break
                raise
            ratio = self.deviance_ratio(state.point.log_likelihood)
            kept.append((state.coefficients(), ratio, error))
            if stops_early and _glmnet_stops([entry[1] for entry in kept]):
                break
        coefficients, ratios, errors = (np.array(column) for column in zip(*kept, strict=True))
        return Path(lambdas[: len(kept)], coefficients / self.spread, ratios, errors)

    def deviance_ratio(self, log_likelihood: float) -> float:
        saturated = self.sets.saturated
        return 1 - (saturated - log_likelihood) / (saturated - self.null_log_likelihood)


def _glmnet_stops(ratios: list[float]) -> bool:
    if len(ratios) < 5:
        return False
    return ratios[-1] > 0.999 or ratios[-1] - ratios[-5] < 1e-3 * ratios[-1]


class _State:
    """Coefficients on the way down the path: the active covariates, their signs and values."""

    def __init__(self, problem: PenalisedCox) -> None:
        self.problem = problem
        self.active = np.empty(0, int)
        self.sign = np.empty(0)
        self.beta = np.empty(0)
        self.x = np.empty((0, problem.n))
        self.point = _point(problem.sets, np.zeros(problem.n))
        self.gradient = problem.null_gradient  # of all covariates, at the last solution

    def coefficients(self) -> np.ndarray:
        full = np.zeros(self.problem.p)
        full[self.active] = self.beta
        return full

    def solve(self, penalty: float, previous: float, tolerance: float) -> float:
        """Go to the optimum for one penalty; returns the relative error that was reached."""
        l1, l2 = penalty * self.problem.alpha, penalty * (1 - self.problem.alpha)
        strong = np.flatnonzero(np.abs(self.gradient) >= self.problem.alpha * (2 * penalty - previous))
        strong_rows = self.problem.rows[strong]
        for _ in range(MAXIMUM_ROUNDS):
            own_error = self._settle(l1, l2, 0.5 * tolerance * penalty)
            excess = np.abs(strong_rows @ self.point.residual) / self.problem.n - l1
            if self._join(strong, excess, l1, tolerance * penalty):
                continue
            self.gradient = self.problem.rows @ self.point.residual / self.problem.n
            excess = np.abs(self.gradient) - l1
            everyone = np.arange(self.problem.p)
            if self._join(everyone, excess, l1, tolerance * penalty):
                continue
            excess[self.active] = own_error
            return max(float(excess.max()), 0.0) / penalty
        raise ModelError(f"the penalised Cox model did not settle at lambda {penalty:.3g}; raise the smallest lambda")

    def _join(self, candidates: np.ndarray, excess: np.ndarray, l1: float, allowed: float) -> bool:
        """Let covariates whose gradient exceeds the penalty join; True if any did."""
        excess = excess.copy()
        excess[np.isin(candidates, self.active, assume_unique=True)] = -np.inf
        joining = candidates[excess > allowed]
        if not len(joining):
            return False
        rows = self.problem.rows[joining]
        self.active = np.concatenate((self.active, joining))
        self.sign = np.concatenate((self.sign, np.sign(rows @ self.point.residual)))
        self.beta = np.concatenate((self.beta, np.zeros(len(joining))))
        self.x = np.vstack((self.x, rows))
        return True

    def _slope(self, l1: float, l2: float) -> np.ndarray:
        """Negative derivative of the objective for the active covariates with their signs held."""
        return self.x @ self.point.residual / self.problem.n - l1 * self.sign - l2 * self.beta

    def _settle(self, l1: float, l2: float, allowed: float) -> float:
        """Newton steps on the active set until its own optimality error is small enough."""
        for _ in range(MAXIMUM_ROUNDS):
            slope = self._slope(l1, l2)
            error = float(np.abs(slope).max(initial=0.0))
            if error <= allowed:
                return error
            self._newton_step(slope, l1, l2)
        raise ModelError("Newton's method for the penalised Cox model did not settle")

    def _newton_step(self, slope: np.ndarray, l1: float, l2: float) -> None:
        step = _step_within_signs(self._curvature(l2), slope, self.beta, self.sign)
        before = self._objective(self.point, self.beta, l1, l2)
        gain = float(slope @ step)
        size = 1.0
        for _ in range(40):
            beta = self.beta + size * step
            with np.errstate(all="ignore"):  # a step too far overflows; it is halved like one that ascends
                point = _point(self.problem.sets, beta @ self.x)
            after = self._objective(point, beta, l1, l2)
            if np.isfinite(after) and after <= before - 1e-4 * size * gain + 1e-14 * (1 + abs(before)):
                break
            size /= 2
        if np.ptp(beta @ self.x) > FARTHEST:
            raise PerfectRanking(
                "the covariates rank the events perfectly, so that hardly penalised coefficients grow without end: "
                "raise the smallest lambda"
            )
        self.beta, self.point = beta, point
        left = np.where(self.beta == 0, size < 1, True)  # at zero after a full step: dropped
        if not left.all():
            self.active, self.sign, self.beta, self.x = (
                values[left] for values in (self.active, self.sign, self.beta, self.x)
            )

    def _objective(self, point: _Point, beta: np.ndarray, l1: float, l2: float) -> float:
        return -point.log_likelihood / self.problem.n + l1 * np.abs(beta).sum() + l2 / 2 * (beta @ beta)

    def _curvature(self, l2: float) -> np.ndarray:
        """Second derivative of the objective (a, a) for the active covariates."""
        sets, point = self.problem.sets, self.point
        weighted = self.x * np.sqrt(point.expected)
        means = np.cumsum((self.x * point.risk)[:, ::-1], axis=1)[:, ::-1][:, sets.first]
        means *= np.sqrt(sets.count) / point.total
        curvature = (weighted @ weighted.T - means @ means.T) / self.problem.n
        curvature[np.diag_indices(len(curvature))] += l2
        return curvature


def _step_within_signs(curvature: np.ndarray, slope: np.ndarray, beta: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Minimise the quadratic model where no coefficient leaves its sign: walk to a bound, drop, walk on."""
    step = np.zeros(len(beta))
    free = np.arange(len(beta))
    slope = slope.copy()
    while len(free):
        direction = _solve(curvature[np.ix_(free, free)], slope[free])
        now = beta[free] + step[free]
        crossing = (now + direction) * sign[free] < 0
        if not crossing.any():
            step[free] += direction
            break
        shares = np.where(crossing, -now / np.where(direction == 0, 1.0, direction), np.inf)
        share = max(float(shares.min()), 0.0)
        step[free] += share * direction
        gone = shares <= share
        step[free[gone]] = -beta[free[gone]]
        slope[free] *= 1 - share
        free = free[~gone]
    return step


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a symmetric system; where it is singular (as many covariates as patients), the shortest solution."""
    from scipy.linalg.lapack import dposv

    _, solution, info = dposv(matrix, right)
    return solution if info == 0 else np.linalg.lstsq(matrix, right, rcond=1e-12)[0]
