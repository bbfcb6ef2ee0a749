"""Logistic regression by maximum likelihood, for a few variables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ModelError

LARGEST_PREDICTOR = 30.0
"""Beyond it a chance differs from 0 or 1 by less than 1e-13: the classes are separated, no maximum exists."""


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic model.

    Attributes:
        intercept: log odds where all variables are 0.
        coefficients: (p,) log odds ratios.
        covariance: (p + 1, p + 1) of intercept and coefficients; with a ridge the penalised information's inverse.
        log_likelihood: without the penalty.
    """

    intercept: float
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float

    @property
    def standard_errors(self) -> np.ndarray:
        """(p + 1,) of intercept and coefficients."""
        return np.sqrt(np.diag(self.covariance))

    def predictor(self, x: np.ndarray) -> np.ndarray:
        """Log odds (n,) of rows x (n, p)."""
        return np.asarray(x, float) @ self.coefficients + self.intercept


def fit_logistic(
    x: np.ndarray,
    target: np.ndarray,
    *,
    ridge: float = 0.0,
    offset: np.ndarray | None = None,
    largest_predictor: float = LARGEST_PREDICTOR,
) -> LogisticFit:
    """Fit a logistic model by Newton's method.

    Args:
        x: (n, p); p may be 0.
        target: (n,) chances of outcome 1, in [0, 1].
        ridge: penalty ``ridge / 2 * sum of squared coefficients`` on the summed likelihood; not on the intercept.
        offset: (n,) part of the log odds that is not fitted; None is 0.
        largest_predictor: of the fitted log odds without a ridge; beyond it the classes count as separated.

    Raises:
        ModelError: the classes are separated or variables depend on each other, so that no single best
            model exists.

    Example:
        >>> fit = fit_logistic([[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1])
        >>> fit.coefficients.round(6).tolist()
        [0.0]

    Reference: as R's ``glm(family = binomial)``.
    """
    target = np.asarray(target, float)
    design = np.column_stack([np.ones(len(target)), np.asarray(x, float).reshape(len(target), -1)])
    penalty = np.concatenate([[0.0], np.full(design.shape[1] - 1, float(ridge))])
    fixed = np.zeros(len(target)) if offset is None else np.asarray(offset, float)
    problem = _Problem(design, target, penalty, fixed)
    beta = np.zeros(design.shape[1])
    value = problem.objective(beta)
    for _ in range(100):
        slope, information = problem.derivatives(beta)
        step = _newton_step(information, slope)
        size = 1.0
        while (after := problem.objective(beta + size * step)) < value - 1e-12 and size > 1e-9:
            size /= 2
        beta, value = beta + size * step, max(after, value)
        if ridge == 0 and np.abs(design @ beta).max() > largest_predictor:
            raise ModelError("the variables separate the two classes without error; no logistic model exists")
        if np.abs(step * np.sqrt(np.diag(information))).max() < 1e-9:
            _, information = problem.derivatives(beta)
            plain = _Problem(design, target, 0 * penalty, fixed).objective(beta)
            return LogisticFit(float(beta[0]), beta[1:], np.linalg.inv(information), plain)
    raise ModelError("the logistic model did not settle; the variables almost separate the two classes")


@dataclass(frozen=True)
class _Problem:
    design: np.ndarray
    target: np.ndarray
    penalty: np.ndarray
    offset: np.ndarray

    def objective(self, beta: np.ndarray) -> float:
        predictor = self.design @ beta + self.offset
        fitted = (self.target * predictor - np.logaddexp(0.0, predictor)).sum()
        return float(fitted - 0.5 * (self.penalty * beta**2).sum())

    def derivatives(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import expit

        chance = expit(self.design @ beta + self.offset)
        weighted = self.design * (chance * (1 - chance))[:, np.newaxis]
        slope = self.design.T @ (self.target - chance) - self.penalty * beta
        return slope, weighted.T @ self.design + np.diag(self.penalty)


def _newton_step(information: np.ndarray, slope: np.ndarray) -> np.ndarray:
    scale = np.sqrt(np.diag(information))
    if not (scale > 0).all():
        raise ModelError("a variable is zero for all cases; leave it out")
    scaled = information / np.outer(scale, scale)
    if np.linalg.cond(scaled) > 1e12:
        raise ModelError("the variables depend on each other or separate the two classes; leave one out")
    return np.linalg.solve(scaled, slope / scale) / scale
