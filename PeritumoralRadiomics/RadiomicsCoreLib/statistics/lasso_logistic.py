"""LASSO and elastic-net logistic regression with cross-validation: glmnet's choices at a stated optimality error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError, ModelError
from .penalised_path import LambdaChoice, PathSolver, PathWalk, PenalisedProblem, PenaltyPath
from .stratified_folds import stratified_folds

PROBABILITY_FLOOR = 1e-5
"""glmnet's: predictions in a left-out fold are moved into [floor, 1 - floor] before their deviance is taken."""
FOLD_TOLERANCE = 1e-4
"""Relative violation of the optimality conditions in the cross-validation folds, whose coefficients nobody reads:
it moves the deviance by less than 1e-5 and halves the time."""


@dataclass(frozen=True)
class LassoSettings:
    """How a penalised logistic model is fitted; the defaults are those of R's ``cv.glmnet``, but for ``patience``.

    Args:
        alpha: share of the absolute penalty, in (0, 1]; 1 is the LASSO.
        folds: stratified cross-validation folds, at least 3; fewer are used where a class has fewer cases.
        seed: of the random folds.
        choice: which penalty to take.
        lambda_count: penalties of the path, at least 2.
        smallest_ratio: smallest penalty over the largest, in (0, 1); None takes 0.01 where there are fewer
            patients than features and 0.0001 otherwise.
        patience: the walk down the path ends when the deviance has not reached a new least for so many penalties;
            None goes on to the end of the path, where small cohorts spend most of the time on models that
            overfit.
    """

    alpha: float = 1.0
    folds: int = 10
    seed: int = 0
    choice: LambdaChoice = LambdaChoice.MINIMUM
    lambda_count: int = 100
    smallest_ratio: float | None = None
    patience: int | None = 15

    def __post_init__(self) -> None:
        object.__setattr__(self, "choice", LambdaChoice(self.choice))
        if not 0 < self.alpha <= 1:
            raise InputError(f"alpha must lie above 0 and up to 1 (1 is the LASSO), not {self.alpha:g}")
        if self.folds < 3:
            raise InputError(f"folds of the LASSO must be at least 3, not {self.folds}")
        if self.lambda_count < 2:
            raise InputError(f"lambda_count must be at least 2, not {self.lambda_count}")
        if self.smallest_ratio is not None and not 0 < self.smallest_ratio < 1:
            raise InputError(f"smallest_ratio must lie between 0 and 1, not {self.smallest_ratio:g}")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience must be at least 1 penalty, not {self.patience}")

    def sequence(self, problem: PenalisedProblem) -> np.ndarray:
        """Penalties for a problem, largest first."""
        return problem.glmnet_lambdas(self.lambda_count, self.smallest_ratio)


@dataclass(frozen=True)
class CrossValidatedDeviance:
    """Binomial deviance of left-out patients along the path.

    Attributes:
        mean, standard_error: (k,) deviance per patient, and its standard error over the folds.
        at_minimum, at_one_standard_error: places on the path.
        fold_of: (n,) fold of each patient, from 0.
    """

    mean: np.ndarray
    standard_error: np.ndarray
    at_minimum: int
    at_one_standard_error: int
    fold_of: np.ndarray


@dataclass(frozen=True)
class LassoFit:
    """A penalised logistic model.

    Attributes:
        path: all penalties up to where the cross-validation ended.
        validation: cross-validated deviance.
        place: the place on the path that was chosen.
    """

    path: PenaltyPath
    validation: CrossValidatedDeviance
    place: int

    @property
    def coefficients(self) -> np.ndarray:
        """(p,) at the chosen penalty, on the features' own scale."""
        return self.path.coefficients[self.place]

    @property
    def intercept(self) -> float:
        """At the chosen penalty, for features on their own scale."""
        return float(self.path.intercepts[self.place])

    @property
    def penalty(self) -> float:
        """The chosen lambda."""
        return float(self.path.lambdas[self.place])


class _LogisticPoint:
    def __init__(self, outcome: np.ndarray, predictor: np.ndarray) -> None:
        from scipy.special import expit

        self.value = float(np.mean(np.logaddexp(0.0, predictor) - outcome * predictor))
        chance = expit(predictor)
        self.residual = outcome - chance
        self._weight = chance * (1 - chance) / len(outcome)

    def curvature(self, x: np.ndarray) -> np.ndarray:
        return (x * self._weight) @ x.T


@dataclass(frozen=True)
class LogisticLoss:
    """Mean negative log-likelihood of a logistic model; ``outcome`` (n,) holds 0 and 1."""

    outcome: np.ndarray

    def at(self, predictor: np.ndarray) -> _LogisticPoint:
        """The loss at a linear predictor (n,)."""
        return _LogisticPoint(self.outcome, predictor)


def logistic_problem(x: np.ndarray, outcome: np.ndarray, alpha: float = 1.0) -> PenalisedProblem:
    """The penalised logistic problem of features x (n, p) and outcome (n,) of 0 and 1."""
    outcome = np.asarray(outcome, float)
    share = outcome.mean()
    if not 0 < share < 1:
        raise ModelError(f"all {len(outcome)} cases have outcome {int(share)}; a logistic model needs both classes")
    return PenalisedProblem(x, LogisticLoss(outcome), float(np.log(share / (1 - share))), alpha)


def fit_lasso_logistic(
    x: np.ndarray,
    outcome: np.ndarray,
    settings: LassoSettings | None = None,
    *,
    lambdas: np.ndarray | None = None,
    fold_of: np.ndarray | None = None,
) -> LassoFit:
    """Fit a LASSO (or elastic-net) logistic model, its penalty chosen by cross-validated deviance.

    All folds use the penalties of the whole cohort.

    Args:
        x: features (n, p); standardised inside, coefficients come back on the scale given.
        outcome: (n,) of 0 and 1.
        settings: penalty, folds, choice.
        lambdas: (k,) falling penalties to use instead of a path of our own.
        fold_of: (n,) folds from 0, instead of random ones.

    Raises:
        ModelError: one class only, no feature that varies, or no convergence.
        InputError: fewer than 3 cases in a class.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((60, 4))
        >>> fit = fit_lasso_logistic(x, (x[:, 1] > 0).astype(int))
        >>> int(np.abs(fit.coefficients).argmax())
        1

    Reference: Friedman J, Hastie T, Tibshirani R. J Stat Softw 2010;33(1).
    """
    settings = settings or LassoSettings()
    x, outcome = np.asarray(x, float), np.asarray(outcome, float)
    problem = logistic_problem(x, outcome, settings.alpha)
    if not problem.largest_lambda > 1e-12:
        raise ModelError(
            f"none of the {x.shape[1]} features varies with the outcome; a LASSO has nothing to choose from"
        )
    if fold_of is None:
        fold_of = stratified_folds(outcome.astype(int), settings.folds, settings.seed, smallest=3)
    own = lambdas is None
    sequence = settings.sequence(problem) if lambdas is None else np.asarray(lambdas, float)
    path, validation = _walk(problem, x, outcome, sequence, fold_of, settings, stops_early=own)
    minimum = settings.choice is LambdaChoice.MINIMUM
    return LassoFit(path, validation, validation.at_minimum if minimum else validation.at_one_standard_error)


def first_with_a_feature(path: PenaltyPath, place: int) -> int:
    """The first place at or after ``place`` where a coefficient differs from zero (the last place if none does)."""
    later = np.flatnonzero(np.any(path.coefficients[place:] != 0, axis=1))
    return place + int(later[0]) if len(later) else len(path.lambdas) - 1


def _walk(
    problem: PenalisedProblem,
    x: np.ndarray,
    outcome: np.ndarray,
    lambdas: np.ndarray,
    fold_of: np.ndarray,
    settings: LassoSettings,
    *,
    stops_early: bool,
) -> tuple[PenaltyPath, CrossValidatedDeviance]:
    """Go down the path with the whole cohort and all folds together: it ends once the deviance only rises."""
    folds = np.unique(fold_of)
    solvers = [PathSolver(logistic_problem(x[fold_of != k], outcome[fold_of != k], settings.alpha)) for k in folds]
    left_out = [(x[fold_of == k], outcome[fold_of == k]) for k in folds]
    weight = np.array([len(y) for _, y in left_out], float)
    walk = PathWalk(problem)
    mean: list[float] = []
    error: list[float] = []
    for penalty in map(float, lambdas):
        walk.step(penalty)
        deviance = np.array([_deviance(s, part, penalty) for s, part in zip(solvers, left_out, strict=True)])
        mean.append(float(np.average(deviance, weights=weight)))
        error.append(float(np.sqrt(np.average((deviance - mean[-1]) ** 2, weights=weight) / (len(folds) - 1))))
        if stops_early and walk.glmnet_stops():
            break
        if settings.patience is not None and len(mean) - 1 - int(np.argmin(mean)) >= settings.patience:
            break
    best = int(np.argmin(mean))
    within = np.flatnonzero(np.array(mean) <= mean[best] + error[best])
    validation = CrossValidatedDeviance(np.array(mean), np.array(error), best, int(within[0]), fold_of)
    return walk.path(), validation


def _deviance(solver: PathSolver, left_out: tuple[np.ndarray, np.ndarray], penalty: float) -> float:
    from scipy.special import expit

    solver.solve(penalty, FOLD_TOLERANCE)
    coefficients, intercept = solver.solution()
    x, outcome = left_out
    chance = np.clip(expit(x @ coefficients + intercept), PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return float(-2 * np.mean(outcome * np.log(chance) + (1 - outcome) * np.log(1 - chance)))
