"""Models with an elastic-net penalty, solved along a path of penalties to a stated optimality error.

The objective is glmnet's, ``loss + lambda * (alpha * |b|_1 + (1 - alpha) / 2 * |b|_2^2)`` with coefficients ``b``
of standardised features and, where the model has one, an intercept that is not penalised. Each penalty is solved
by Newton's method on the active set: a step that would carry a coefficient across zero stops there and drops it,
and features whose gradient exceeds the penalty join. Features are screened with the sequential strong rule, and
the optimality conditions of all of them are checked at the end of each penalty.

Reference:
    Friedman J, Hastie T, Tibshirani R. Regularization paths for generalized linear models via coordinate
    descent. J Stat Softw 2010;33(1). Tibshirani R et al. Strong rules for discarding predictors in lasso-type
    problems. JRSS B 2012;74:245-266.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from ..errors import ModelError

KKT_TOLERANCE = 1e-6
"""Largest violation of the optimality conditions, relative to the penalty, at which a solution is accepted."""
MAXIMUM_ROUNDS = 500
DAMPINGS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
"""Added to the curvature's diagonal, as shares of its mean, the next one where a step leads nowhere: features that all
but depend on each other make a curvature that cannot be solved for anything but rounding."""


class LambdaChoice(Enum):
    """Which penalty of the path to take."""

    MINIMUM = "min"
    """Least cross-validated deviance."""
    ONE_STANDARD_ERROR = "1se"
    """The largest penalty whose deviance lies within one standard error of the least."""


class LossPoint(Protocol):
    """A loss at one linear predictor."""

    value: float
    """Mean loss of a patient."""
    residual: np.ndarray
    """(n,) minus the derivative of the summed loss by the linear predictor."""

    def curvature(self, x: np.ndarray) -> np.ndarray:
        """Second derivative (a, a) of the mean loss by the coefficients of features x (a, n)."""


class Loss(Protocol):
    """A smooth convex loss of a linear predictor."""

    def at(self, predictor: np.ndarray) -> LossPoint:
        """The loss at a linear predictor (n,)."""


@dataclass(frozen=True)
class PenaltyPath:
    """Solutions along a path of penalties.

    Attributes:
        lambdas: (k,) falling penalties.
        coefficients: (k, p) on the features' own scale.
        intercepts: (k,) for features on their own scale; 0 for a model without one.
        losses: (k,) mean loss.
        deviance_ratio: (k,) share of the null deviance explained.
        kkt_error: (k,) largest violation of the optimality conditions, relative to the penalty.
    """

    lambdas: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    losses: np.ndarray
    deviance_ratio: np.ndarray
    kkt_error: np.ndarray


class PenalisedProblem:
    """A penalised problem on one set of patients.

    Args:
        x: features (n, p); standardised here to mean 0 and (population) standard deviation 1. Constant
            features keep a coefficient of zero.
        loss: the smooth part.
        null_intercept: best intercept without any feature; None: the model has no intercept.
        alpha: share of the absolute penalty; 1 is the LASSO.
        saturated_loss: mean loss of the saturated model, from which the explained deviance is measured.
    """

    def __init__(
        self,
        x: np.ndarray,
        loss: Loss,
        null_intercept: float | None,
        alpha: float = 1.0,
        saturated_loss: float = 0.0,
    ) -> None:
        self.alpha, self.loss, self.null_intercept = alpha, loss, null_intercept
        self.saturated_loss = saturated_loss
        rows = np.ascontiguousarray(np.asarray(x, float).T)
        self.mean = rows.mean(axis=1)
        rows = rows - self.mean[:, np.newaxis]
        self.spread = np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1])
        self.spread[self.spread <= 1e-12 * np.abs(x).max(axis=0, initial=1e-300)] = np.inf
        self.rows = rows / self.spread[:, np.newaxis]
        self.p, self.n = self.rows.shape
        null = loss.at(np.full(self.n, null_intercept or 0.0))
        self.null_gradient = self.rows @ null.residual / self.n
        self.null_loss = null.value

    @property
    def largest_lambda(self) -> float:
        """The smallest penalty that leaves all coefficients at zero."""
        return float(np.abs(self.null_gradient).max(initial=0.0)) / max(self.alpha, 1e-3)

    def glmnet_lambdas(self, count: int, smallest_ratio: float | None = None) -> np.ndarray:
        """Falling penalties (count,) as glmnet chooses them.

        Args:
            count: how many.
            smallest_ratio: smallest over largest; None takes 0.01 with fewer patients than features, else 0.0001.
        """
        ratio = smallest_ratio or (0.01 if self.n < self.p else 1e-4)
        return self.largest_lambda * np.geomspace(1.0, ratio, count)

    def explained(self, loss: float) -> float:
        """Share of the null deviance that a model of this mean loss explains."""
        return 1 - (loss - self.saturated_loss) / (self.null_loss - self.saturated_loss)

    def path(self, lambdas: np.ndarray, tolerance: float = KKT_TOLERANCE, stops_early: bool = False) -> PenaltyPath:
        """Solve the falling penalties ``lambdas`` (k,), each from the one before.

        Args:
            tolerance: accepted violation of the optimality conditions, relative to the penalty.
            stops_early: end where glmnet ends a path of its own making: the explained deviance exceeds 0.999
                or rises by less than 1e-3 of itself over four steps.

        Raises:
            ModelError: the solver did not reach the tolerance.
        """
        walk = PathWalk(self)
        for penalty in lambdas:
            walk.step(float(penalty), tolerance)
            if stops_early and walk.glmnet_stops():
                break
        return walk.path()


class PathWalk:
    """Solutions collected on the way down a path, one penalty at a time.

    Args:
        problem: what is solved.
        solver: how; a :class:`PathSolver` when None.
    """

    def __init__(self, problem: PenalisedProblem, solver: PathSolver | None = None) -> None:
        self.problem, self.solver = problem, solver or PathSolver(problem)
        self.lines: list[tuple[float, np.ndarray, float, float, float, float]] = []

    def step(self, penalty: float, tolerance: float = KKT_TOLERANCE) -> None:
        """Solve the next, smaller penalty."""
        error = self.solver.solve(penalty, tolerance)
        loss = self.solver.point.value
        self.lines.append((penalty, *self.solver.solution(), loss, self.problem.explained(loss), error))

    def glmnet_stops(self) -> bool:
        """True where glmnet ends a path of its own making."""
        if len(self.lines) < 5:
            return False
        last, earlier = self.lines[-1][4], self.lines[-5][4]
        return last > 0.999 or last - earlier < 1e-3 * last

    def path(self) -> PenaltyPath:
        """All solutions so far."""
        return PenaltyPath(*(np.array(column) for column in zip(*self.lines, strict=True)))


class PathSolver:
    """The way down the path, one penalty after the other: active features, their signs and values.

    The intercept, where there is one, is the first active coordinate; its sign is 0, which holds it to no side.
    """

    def __init__(self, problem: PenalisedProblem) -> None:
        self.problem = problem
        self.previous = problem.largest_lambda
        intercepts = [] if problem.null_intercept is None else [problem.null_intercept]
        self._first = len(intercepts)  # place of the first feature among the active coordinates
        self.active = np.full(self._first, -1)
        self._active_set: set[int] = set()
        self.sign = np.zeros(self._first)
        self.beta = np.array(intercepts, float)
        self.x = np.ones((self._first, problem.n))
        self.point = problem.loss.at(self.beta @ self.x)
        self.gradient = problem.null_gradient  # of all features, at the last solution
        self._damping, self._moved = DAMPINGS[0], True

    def solution(self) -> tuple[np.ndarray, float]:
        """Coefficients (p,) and intercept on the features' own scale."""
        full = np.zeros(self.problem.p)
        full[self.active[self._first :]] = self.beta[self._first :]
        full /= self.problem.spread
        return full, float(self.beta[0] - full @ self.problem.mean) if self._first else 0.0

    def solve(self, penalty: float, tolerance: float = KKT_TOLERANCE) -> float:
        """Go to the optimum for one penalty; returns the relative error that was reached."""
        alpha, problem = self.problem.alpha, self.problem
        l1, l2 = penalty * alpha, penalty * (1 - alpha)
        strong = np.flatnonzero(np.abs(self.gradient) >= alpha * (2 * penalty - self.previous))
        strong_rows, everyone = problem.rows[strong], np.arange(problem.p)
        for _ in range(MAXIMUM_ROUNDS):
            own_error = self._settle(l1, l2, 0.5 * tolerance * penalty)
            excess = np.abs(strong_rows @ self.point.residual) / problem.n - l1
            if self._join(strong, excess, tolerance * penalty):
                continue
            self.gradient = problem.rows @ self.point.residual / problem.n
            excess = np.abs(self.gradient) - l1
            if self._join(everyone, excess, tolerance * penalty):
                continue
            excess[self.active[self._first :]] = own_error
            self.previous = penalty
            return max(float(excess.max(initial=0.0)), own_error, 0.0) / penalty
        raise ModelError(f"the penalised model did not settle at lambda {penalty:.3g}; raise the smallest lambda")

    def _join(self, candidates: np.ndarray, excess: np.ndarray, allowed: float) -> bool:
        """Let features whose gradient exceeds the penalty join; True if any did."""
        joining = candidates[excess > allowed]
        joining = joining[[place not in self._active_set for place in joining.tolist()]] if len(joining) else joining
        if not len(joining):
            return False
        rows = self.problem.rows[joining]
        self.active = np.concatenate((self.active, joining))
        self._active_set.update(joining.tolist())
        self.sign = np.concatenate((self.sign, np.sign(rows @ self.point.residual)))
        self.beta = np.concatenate((self.beta, np.zeros(len(joining))))
        self.x = np.vstack((self.x, rows))
        return True

    def _settle(self, l1: float, l2: float, allowed: float) -> float:
        """Newton steps on the active set until its own optimality error is small enough."""
        dampings = iter(DAMPINGS)
        self._damping, self._moved, last = next(dampings), True, np.inf
        for _ in range(MAXIMUM_ROUNDS):
            slope = self.x @ self.point.residual / self.problem.n - l1 * self.sign - l2 * self.beta * (self.sign != 0)
            error = float(np.abs(slope).max(initial=0.0))
            if error <= allowed:
                return error
            if not self._moved and error > 0.5 * last:
                self._damping = next(dampings, self._damping)
            self._newton_step(slope, l1, l2)
            last = error
        raise ModelError("Newton's method for the penalised model did not settle; raise the smallest lambda")

    def _newton_step(self, slope: np.ndarray, l1: float, l2: float) -> None:
        """One step; ``_moved`` says whether the objective fell or a coefficient was dropped."""
        curvature = self.point.curvature(self.x)
        curvature[np.diag_indices(len(curvature))] += l2 * (self.sign != 0)
        if self._damping:
            curvature[np.diag_indices(len(curvature))] += self._damping * curvature.trace() / len(curvature)
        step = step_within_signs(curvature, slope, self.beta, self.sign)
        before = self._objective(self.point, self.beta, l1, l2)
        gain = float(slope @ step)
        size = 1.0
        for _ in range(40):
            beta = self.beta + size * step
            point = self.problem.loss.at(beta @ self.x)
            after = self._objective(point, beta, l1, l2)
            if after <= before - 1e-4 * size * gain + 1e-14 * (1 + abs(before)):
                break
            size /= 2
        self.beta, self.point = beta, point
        left = (self.beta != 0) | (self.sign == 0) | (size < 1)  # at zero after a full step: dropped
        if not left.all():
            self._active_set.difference_update(self.active[~left].tolist())
            self.active, self.sign = self.active[left], self.sign[left]
            self.beta, self.x = self.beta[left], self.x[left]
        self._moved = not left.all() or before - after > 1e-13 * (1 + abs(before))

    def _objective(self, point: LossPoint, beta: np.ndarray, l1: float, l2: float) -> float:
        penalised = beta * (self.sign != 0)
        return point.value + l1 * np.abs(penalised).sum() + l2 / 2 * (penalised @ penalised)


def step_within_signs(curvature: np.ndarray, slope: np.ndarray, beta: np.ndarray, sign: np.ndarray) -> np.ndarray:
    """Minimise a quadratic model where no coefficient leaves its sign: walk to a bound, drop, walk on."""
    step = np.zeros(len(beta))
    free = np.arange(len(beta))
    slope = slope.copy()
    while len(free):
        whole = len(free) == len(beta)
        direction = _solve(curvature if whole else curvature[np.ix_(free, free)], slope[free])
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
    """Solve a symmetric system; where it is singular (as many features as patients), the shortest solution."""
    from scipy.linalg.lapack import dposv  # scipy.linalg.solve spends most of its time on checks

    _, solution, failed = dposv(matrix, right)
    return np.linalg.lstsq(matrix, right, rcond=1e-12)[0] if failed else solution
