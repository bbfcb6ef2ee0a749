"""LASSO-Cox and elastic net with cross-validation: glmnet's choices, at a stated optimality error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.legends import legend_below
from RadiomicsCoreLib.figures.style import (
    GREY,
    LIGHT_GREY,
    colour,
    dashes,
    literal,
    new_figure,
    plain_axes,
)
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsCoreLib.statistics.penalised_path import KKT_TOLERANCE, LambdaChoice, PenaltyPath

from ..tables.covariates import DesignMatrix, Term
from .cox import CoxModel, chosen_terms, efron_baseline
from .penalised_cox import PenalisedCox, breslow_log_likelihood, breslow_sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..tables.survival_table import SurvivalTable


@dataclass(frozen=True)
class LassoCoxSettings:
    """How a penalised Cox model is fitted; the defaults are those of R's ``cv.glmnet``.

    Args:
        alpha: share of the absolute penalty, in (0, 1]; 1 is the LASSO.
        folds: number of cross-validation folds, at least 3.
        seed: of the random folds.
        lambda_count: penalties of the path, at least 2.
        smallest_ratio: smallest penalty over the largest, in (0, 1); None takes 0.01 where there are fewer
            patients than columns and 0.0001 otherwise.
        lambdas: penalties to use instead of a path of our own, falling. The folds then use them too; without
            them each fold has a path of its own, between whose points it is interpolated, as in glmnet.
        kkt_tolerance: accepted violation of the optimality conditions, relative to the penalty.
    """

    alpha: float = 1.0
    folds: int = 10
    seed: int = 0
    lambda_count: int = 100
    smallest_ratio: float | None = None
    lambdas: tuple[float, ...] | None = None
    kkt_tolerance: float = KKT_TOLERANCE

    def __post_init__(self) -> None:
        if not 0 < self.alpha <= 1:
            raise InputError(f"alpha must lie above 0 and up to 1 (1 is the LASSO), not {self.alpha:g}")
        if self.folds < 3:
            raise InputError(f"folds must be at least 3, not {self.folds}")
        if self.lambda_count < 2:
            raise InputError(f"lambda_count must be at least 2, not {self.lambda_count}")
        if self.smallest_ratio is not None and not 0 < self.smallest_ratio < 1:
            raise InputError(f"smallest_ratio must lie between 0 and 1, not {self.smallest_ratio:g}")
        if self.lambdas is not None and (np.diff(self.lambdas) >= 0).any():
            raise InputError("lambdas must fall from the first to the last")
        if self.lambdas is not None and (not self.lambdas or min(self.lambdas) <= 0):
            raise InputError("lambdas must be positive numbers")

    def sequence(self, problem: PenalisedCox) -> np.ndarray:
        """Penalties for a problem, largest first."""
        if self.lambdas is not None:
            return np.array(self.lambdas, float)
        return problem.glmnet_lambdas(self.lambda_count, self.smallest_ratio)


@dataclass(frozen=True)
class CrossValidation:
    """Cross-validated partial likelihood deviance along the path.

    Args:
        mean, standard_error: (k,) deviance per event, and its standard error over the folds.
        fold_of: (n,) fold of each training patient, from 1.
        at_minimum, at_one_standard_error: places on the path.

    Reference:
        Verweij PJM, Van Houwelingen HC. Cross-validation in survival analysis. Stat Med 1993;12:2305-2314.
    """

    mean: np.ndarray
    standard_error: np.ndarray
    fold_of: np.ndarray
    at_minimum: int
    at_one_standard_error: int


@dataclass(frozen=True)
class LassoCoxFit:
    """A penalised Cox model along its path.

    Args:
        terms: covariates that were offered.
        path: penalties, coefficients (k, p) on the covariates' own scale, deviance, optimality error.
        validation: cross-validation; None where no folds were asked for.
        settings: how it was fitted.
        spread: (p,) standard deviation of each column (over n) among the training patients.
    """

    terms: tuple[Term, ...]
    path: PenaltyPath
    validation: CrossValidation | None
    settings: LassoCoxSettings
    spread: np.ndarray

    @property
    def columns(self) -> tuple[str, ...]:
        return DesignMatrix(self.terms).columns

    def lambda_at(self, choice: LambdaChoice | str = LambdaChoice.MINIMUM) -> float:
        """Return the chosen penalty."""
        return float(self.path.lambdas[self._place(choice)])

    def coefficients_at(self, choice: LambdaChoice | str = LambdaChoice.MINIMUM) -> dict[str, float]:
        """Return the coefficients that are not zero at the chosen penalty, by column.

        Raises:
            InputError: the choice is unknown, or there was no cross-validation to choose by.
        """
        row = self.path.coefficients[self._place(choice)]
        return {column: float(value) for column, value in zip(self.columns, row, strict=True) if value}

    def _place(self, choice: LambdaChoice | str) -> int:
        try:
            choice = LambdaChoice(choice)
        except ValueError:
            raise InputError(f'lambda choice {choice!r} is unknown; choose "min" or "1se"') from None
        if self.validation is None:
            raise InputError(f"lambda {choice.value} needs cross-validation, which this fit was made without")
        if choice is LambdaChoice.MINIMUM:
            return self.validation.at_minimum
        return self.validation.at_one_standard_error


def fit_lasso_cox(
    table: SurvivalTable,
    covariates: Sequence[str | Term] | None = None,
    settings: LassoCoxSettings | None = None,
    *,
    fold_of: np.ndarray | None = None,
    progress: Progress = no_progress,
) -> LassoCoxFit:
    """Fit a LASSO or elastic-net Cox model and choose its penalty by cross-validation.

    Covariates are standardised inside; every column of a category is penalised by itself. Ties are
    Breslow's, as in glmnet.

    Args:
        table: patients; where there is a split, those labelled "train" are used.
        covariates: names or terms to offer; all of the table's when None.
        settings: see :class:`LassoCoxSettings`.
        fold_of: (n,) fold of each training patient, 1 to the number of folds; drawn at random within events
            and within censored patients when None.
        progress: called after each fold.

    Raises:
        InputError: a covariate is unknown, or ``fold_of`` does not fit the patients.
        ModelError: there are too few events for the folds, or the solver does not settle.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> rng = np.random.default_rng(0)
        >>> frame = pd.DataFrame(rng.normal(size=(60, 5)), columns=list("abcde"))
        >>> frame["t"], frame["e"] = rng.exponential(np.exp(-2 * frame.a)), 1
        >>> fit = fit_lasso_cox(read_survival_table(frame, time="t", event="e"))
        >>> "a" in fit.coefficients_at("1se")
        True
    """
    settings = settings or LassoCoxSettings()
    training = table.training
    terms = chosen_terms(training, covariates)
    if not terms:
        raise InputError("LASSO-Cox needs at least one covariate")
    x = DesignMatrix(terms).transform(training.frame)
    if not training.events:
        raise ModelError("no training patient has the event: nothing can be fitted")
    problem = PenalisedCox(x, training.time, training.event, settings.alpha)
    if not problem.largest_lambda:
        raise ModelError("no covariate varies among the training patients: nothing can be fitted")
    stops_early = settings.lambdas is None
    path = problem.path(settings.sequence(problem), settings.kkt_tolerance, stops_early)
    folds = (
        _folds(training.event, training.ids, settings) if fold_of is None else _checked_folds(fold_of, len(training))
    )
    progress(1 / (folds.max() + 1), "path of all training patients")
    outcome = (training.time, training.event)
    validation = _cross_validate(x, outcome, path.lambdas, folds, settings, progress)
    return LassoCoxFit(terms, path, validation, settings, x.std(axis=0))


def model_of_lasso(fit: LassoCoxFit, table: SurvivalTable, choice: LambdaChoice | str = "min") -> CoxModel:
    """Return the penalised model itself: its shrunk coefficients with a baseline of their own.

    Its coefficients have no standard errors: those of a refit would treat the chosen covariates as given, and
    undo the shrinkage that the cross-validation found best.

    Args:
        fit: of the training patients of ``table``.
        table: the same patients.
        choice: "min" or "1se".

    Raises:
        InputError: no covariate is left at this penalty.
    """
    training, found = table.training, fit.coefficients_at(choice)
    terms = tuple(term for term in fit.terms if set(term.columns) & set(found))
    if not terms:
        raise InputError(f"LASSO-Cox at lambda.{LambdaChoice(choice).value} leaves no covariate")
    design = DesignMatrix(terms)
    x = design.transform(training.frame)
    coefficients = np.array([found.get(column, 0.0) for column in design.columns])
    center = x.mean(axis=0)
    predictor = (x - center) @ coefficients
    sets = breslow_sets(training.time, training.event)
    likelihoods = breslow_log_likelihood(sets, np.stack((predictor, np.zeros(len(training))))[:, sets.order])
    return CoxModel(
        terms=terms,
        coefficients=coefficients,
        covariance=np.full((len(coefficients),) * 2, np.nan),
        center=center,
        log_likelihood=float(likelihoods[0]),
        null_log_likelihood=float(likelihoods[1]),
        n=len(training),
        events=training.events,
        baseline=efron_baseline(training.time, training.event, x - center, coefficients),
        time_unit=training.time_unit,
        penalty=fit.lambda_at(choice),
    )


def _folds(event: np.ndarray, ids: np.ndarray, settings: LassoCoxSettings) -> np.ndarray:
    """Random folds of equal size with equal shares of events; copies of a patient (a resample's) stay in one fold.

    A copy in the kept part would tell the model the outcome of its twin in the left-out one, and the penalty chosen
    would be too small.
    """
    first, copies = _distinct(ids)
    own = event[first]
    count, events = settings.folds, int(own.sum())
    if events < count and len(first) == len(event):
        raise ModelError(f"{events} events cannot fill {count} folds: use at most {events} folds")
    count = min(count, events)  # a resample holds two thirds of the cohort's events
    if count < 3:
        raise ModelError(f"{events} distinct events in a resample are too few for folds")
    generator = np.random.default_rng(settings.seed)
    shuffled = generator.permutation(len(own))
    shuffled = shuffled[np.argsort(own[shuffled], kind="stable")]
    folds = np.empty(len(own), int)
    folds[shuffled] = np.arange(len(own)) % count + 1
    return folds[copies]


def _distinct(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First row of each patient, in the order of the table, and (n,) the place of each row's patient among them."""
    place: dict[object, int] = {}
    copies = np.array([place.setdefault(name, len(place)) for name in ids.tolist()])
    return np.unique(copies, return_index=True)[1], copies


def _checked_folds(fold_of: np.ndarray, n: int) -> np.ndarray:
    folds = np.asarray(fold_of)
    if folds.shape != (n,):
        raise InputError(f"fold_of has shape {folds.shape}, but there are {n} training patients")
    numbers = np.unique(folds)
    if len(numbers) < 3 or not np.array_equal(numbers, np.arange(1, len(numbers) + 1)):
        raise InputError("fold_of must number at least 3 folds from 1 without gaps")
    return folds.astype(int)


def _cross_validate(
    x: np.ndarray,
    outcome: tuple[np.ndarray, np.ndarray],
    lambdas: np.ndarray,
    folds: np.ndarray,
    settings: LassoCoxSettings,
    progress: Progress,
) -> CrossValidation:
    count = int(folds.max())
    deviance = np.empty((count, len(lambdas)))
    for fold in range(1, count + 1):
        deviance[fold - 1] = _fold_deviance(x, outcome, lambdas, folds != fold, settings)
        progress((fold + 1) / (count + 1), f"fold {fold} of {count}")
    events = np.bincount(folds, outcome[1], minlength=count + 1)[1:]
    used = events > 0  # a fold without an event says nothing
    weight = events[used] / events[used].sum()
    each = deviance[used] / events[used, np.newaxis]
    mean = weight @ each
    error = np.sqrt(weight @ (each - mean) ** 2 / (used.sum() - 1))
    best = int(np.argmin(mean))
    within = int(np.argmax(mean <= mean[best] + error[best]))
    return CrossValidation(mean, error, folds, best, within)


def _fold_deviance(
    x: np.ndarray,
    outcome: tuple[np.ndarray, np.ndarray],
    lambdas: np.ndarray,
    kept: np.ndarray,
    settings: LassoCoxSettings,
) -> np.ndarray:
    """Deviance (k,) that the left-out patients add: that of all less that of the kept ones."""
    time, event = outcome
    if not event[kept].any():
        raise ModelError("a fold holds all events: use other folds")
    problem = PenalisedCox(x[kept], time[kept], event[kept], settings.alpha)
    has_own = settings.lambdas is None
    path = problem.path(settings.sequence(problem), settings.kkt_tolerance, has_own)
    predictors = path.coefficients @ x.T
    if has_own:
        predictors = _between(path.lambdas, predictors, lambdas)
    everyone, fitted = breslow_sets(time, event), breslow_sets(time[kept], event[kept])
    of_all = everyone.saturated - breslow_log_likelihood(everyone, predictors[:, everyone.order])
    of_kept = fitted.saturated - breslow_log_likelihood(fitted, predictors[:, kept][:, fitted.order])
    return 2 * (of_all - of_kept)


def _between(own: np.ndarray, predictors: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
    """Predictors at other penalties, linear between a path's own and constant beyond its ends."""
    wanted = np.clip(lambdas, own[-1], own[0])
    right = np.clip(np.searchsorted(-own, -wanted), 1, len(own) - 1)
    share = ((own[right - 1] - wanted) / (own[right - 1] - own[right]))[:, np.newaxis]
    return (1 - share) * predictors[right - 1] + share * predictors[right]


def plot_path(fit: LassoCoxFit, labelled: int = 10) -> Figure:
    """Draw the coefficients per standard deviation over log lambda, the strongest ``labelled`` with their names.

    Per standard deviation, as they are penalised: on the features' own scales one in mm³ looks like nothing beside
    one between 0 and 1.
    """
    figure = new_figure(6.5, 4.2)
    axes = plain_axes(figure, x_label="Penalty lambda", y_label="Log hazard ratio per SD")
    coefficients = fit.path.coefficients * fit.spread
    strongest = np.argsort(-np.abs(coefficients[-1]))[:labelled]
    entering = np.flatnonzero((coefficients != 0).any(axis=0))
    for column in entering[~np.isin(entering, strongest)]:
        axes.plot(fit.path.lambdas, coefficients[:, column], linewidth=0.6, color=LIGHT_GREY)
    for k, column in enumerate(strongest[np.isin(strongest, entering)]):
        line = axes.plot(fit.path.lambdas, coefficients[:, column], linewidth=1.4, color=colour(k))[0]
        line.set(label=literal(fit.columns[column]), linestyle=dashes(k))
    axes.set_xscale("log")
    axes.invert_xaxis()
    _mark_choices(fit, axes)
    legend_below(figure, axes)
    return figure


def plot_validation(fit: LassoCoxFit) -> Figure:
    """Draw the cross-validated deviance with its standard error, and both choices of lambda.

    Raises:
        InputError: the fit was made without cross-validation.
    """
    if fit.validation is None:
        raise InputError("this fit was made without cross-validation, so there is no deviance to draw")
    figure = new_figure(6.0, 4.2)
    axes = plain_axes(figure, x_label="Penalty lambda", y_label="Partial likelihood deviance per event")
    axes.errorbar(
        fit.path.lambdas,
        fit.validation.mean,
        fit.validation.standard_error,
        fmt="o",
        markersize=3,
        elinewidth=0.7,
        color=colour(0),
        ecolor=LIGHT_GREY,
    )
    axes.set_xscale("log")
    axes.invert_xaxis()
    _mark_choices(fit, axes)
    legend_below(figure, axes)
    return figure


def _mark_choices(fit: LassoCoxFit, axes: Axes) -> None:
    if fit.validation is None:
        return
    for choice, style in ((LambdaChoice.MINIMUM, ":"), (LambdaChoice.ONE_STANDARD_ERROR, "--")):
        count = len(fit.coefficients_at(choice))
        label = f"lambda.{choice.value} = {fit.lambda_at(choice):.3g}, {count} columns"
        axes.axvline(fit.lambda_at(choice), linestyle=style, color=GREY, linewidth=1, label=label)
