"""The whole modelling step as one thing: screening, selection, fit. What the bootstrap must do again each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..models.cox import CoxModel, chosen_terms, few_events, fit_cox
from ..models.lasso_cox import LassoCoxFit, LassoCoxSettings, fit_lasso_cox, model_of_lasso
from ..models.stepwise import StepwiseResult, stepwise_cox
from ..models.univariable import UnivariableLine, significant, univariable_cox
from ..tables.survival_table import SurvivalTable
from .bootstrap import BootstrapSettings, cross_partitions, cross_rows, each_item, resample

_GROUP = "modelling (done again in every resample)"


class NothingChosen(ModelError):
    """The modelling step ran and chose nothing; in a resample that is a model without covariates."""


class Selection(StrEnum):
    """How covariates are chosen after the univariable screening."""

    NONE = "none"
    BACKWARD = "backward"
    FORWARD = "forward"
    BOTH = "both"
    LASSO = "lasso"


@dataclass(frozen=True)
class CoxModelling:
    """How a Cox model is made of a table, of which every covariate may be chosen.

    Args:
        univariable_p: only covariates whose univariable likelihood ratio test lies below it go on; None: all.
        selection: none, backward, forward or both (AIC), or lasso (the penalised LASSO-Cox or elastic-net model).
        keep: covariates that selection never removes.
        lambda_choice: "min" or "1se", for lasso.
        folds, seed: of the lasso's cross-validation.
        alpha: share of the absolute penalty, in (0, 1]; 1 is the LASSO, less an elastic net.
        refit: with lasso, fit an ordinary Cox model on what it chose instead of keeping the shrunk coefficients; where
            that cannot be done (more coefficients than events), the penalised model stays.
    """

    univariable_p: float | None = option("only covariates with a univariable p below this go on", None, group=_GROUP)
    selection: Selection = option("how covariates are chosen", Selection.NONE, group=_GROUP)
    keep: tuple[str, ...] = option("covariates that selection never removes", (), group=_GROUP)
    lambda_choice: str = option("penalty of the LASSO", "min", word="--lambda", choices=("min", "1se"), group=_GROUP)
    folds: int = option("of the LASSO's cross-validation", 10, group=_GROUP)
    seed: int = option("of the folds", 0, group=_GROUP)
    alpha: float = option("1: LASSO; between 0 and 1: elastic net", 1.0, group=_GROUP)
    refit: bool = option("fit what the LASSO chose again without a penalty", False, group=_GROUP)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "selection", Selection(self.selection))
        except ValueError:
            choices = ", ".join(Selection)
            raise InputError(f"selection {self.selection!r} is unknown; choose one of {choices}") from None
        if self.univariable_p is not None and not 0 < self.univariable_p <= 1:
            raise InputError(f"univariable_p is {self.univariable_p:g}; it must lie in (0, 1]")
        if self.lambda_choice not in ("min", "1se"):
            raise InputError(f"lambda_choice {self.lambda_choice!r} is unknown; choose min or 1se")
        if self.keep and self.selection is Selection.LASSO and not self.refit:
            raise InputError(
                f"keep {', '.join(self.keep)}: the penalised model may drop any covariate; add --refit, or no keep"
            )
        self.lasso_settings()

    def lasso_settings(self) -> LassoCoxSettings:
        """The settings of the penalised fit; InputError where one is out of range."""
        return LassoCoxSettings(alpha=self.alpha, folds=self.folds, seed=self.seed)

    @property
    def selects(self) -> bool:
        """Whether covariates are chosen by the outcome, so that the correction is that of cross-validation."""
        return self.univariable_p is not None or self.selection is not Selection.NONE

    def partitions(self, event: np.ndarray, settings: BootstrapSettings) -> tuple[np.ndarray, ...]:
        """Folds for the correction of a step that selects; none for one that does not."""
        return cross_partitions(event, settings) if self.selects else ()

    def fit(self, table: SurvivalTable, progress: Progress = no_progress) -> ModellingResult:
        """Screen, select and fit on the training patients of the table.

        Raises:
            ModelError: nothing passes, or the model cannot be fitted.
        """
        offered = [term.name for term in chosen_terms(table.training, None)]
        univariable: list[UnivariableLine] = []
        passed = offered
        if self.univariable_p is not None:
            univariable = univariable_cox(table, offered, progress=part_of(progress, 0.0, 0.3))
            significant_ones = significant(univariable, self.univariable_p)
            passed = [name for name in offered if name in significant_ones or name in self.keep]
            if not passed:
                raise NothingChosen(
                    f"no covariate has a univariable p below {self.univariable_p:g}; raise the limit or "
                    "name the covariates"
                )
        found = self._select(table, passed, univariable, part_of(progress, 0.3, 1.0))
        if not self.selects:
            return found
        # Every candidate was looked at: those that were not chosen cost events as well.
        candidates = sum(len(term.columns) for term in table.training.terms)
        told = few_events(found.model.events, candidates, "candidate coefficients")
        return replace(found, model=replace(found.model, warnings=tuple(told)))

    def _select(
        self, table: SurvivalTable, names: Sequence[str], univariable: list[UnivariableLine], progress: Progress
    ) -> ModellingResult:
        if self.selection is Selection.NONE:
            return ModellingResult(fit_cox(table, list(names)), tuple(univariable))
        if self.selection is Selection.LASSO:
            return self._lasso(table, names, univariable, progress)
        keep = [name for name in self.keep if name in names]
        steps = stepwise_cox(table, list(names), self.selection.value, keep=keep, progress=progress)
        if not steps.model.terms:
            raise NothingChosen("selection by AIC leaves no covariate: none predicts the outcome")
        return ModellingResult(steps.model, tuple(univariable), stepwise=steps)

    def _lasso(
        self, table: SurvivalTable, names: Sequence[str], univariable: list[UnivariableLine], progress: Progress
    ) -> ModellingResult:
        lasso = fit_lasso_cox(table, list(names), self.lasso_settings(), progress=progress)
        columns = lasso.coefficients_at(self.lambda_choice)
        chosen = [
            term.name
            for term in chosen_terms(table.training, list(names))
            if term.name in self.keep or any(column in columns for column in term.columns)
        ]
        if not columns and not self.keep:
            raise NothingChosen(
                f"LASSO-Cox at lambda.{self.lambda_choice} leaves no covariate: none predicts the outcome"
            )
        if not columns:
            return ModellingResult(fit_cox(table, chosen), tuple(univariable), lasso=lasso)
        found = ModellingResult(model_of_lasso(lasso, table, self.lambda_choice), tuple(univariable), lasso=lasso)
        if not self.refit:
            return found
        try:
            return replace(found, model=fit_cox(table, chosen))
        except ModelError as error:
            return replace(found, notes=(f"the penalised model is kept, it cannot be fitted again: {error}",))

    def to_dict(self) -> dict[str, object]:
        """Plain values for the bundle."""
        return {**asdict(self), "selection": self.selection.value}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CoxModelling:
        """Rebuild from :meth:`to_dict`."""
        try:
            values = dict(data)
            values["keep"] = tuple(str(item) for item in values.get("keep") or ())
            return cls(**values)
        except TypeError as error:
            raise InputError(f"the modelling step in the bundle cannot be read: {error}") from None


@dataclass(frozen=True)
class ModellingResult:
    """A model and how it came about.

    Attributes:
        model: the Cox model.
        univariable: lines of the screening; empty without one.
        stepwise, lasso: the selection; None where it was not asked for.
        notes: what became of a refit.
    """

    model: CoxModel
    univariable: tuple[UnivariableLine, ...] = ()
    stepwise: StepwiseResult | None = None
    lasso: LassoCoxFit | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FittedResamples:
    """The modelling step done once on every resample, for all the measures that look at it.

    Its rows are those that :func:`SurvivalNomogramLib.validation.bootstrap.optimism` draws with the same settings.

    Args:
        table: the training patients, no split.
        models: rows (as bytes) -> the model fitted on them, or the reason why there is none.
        horizon: predict survival at this time, (n,); None: the linear predictor.
        partitions: folds of a cross-validation, whose models are here too, where the modelling step chooses by the
            outcome; none where it does not.
    """

    table: SurvivalTable
    models: Mapping[bytes, CoxModel | str]
    horizon: float | None = None
    partitions: tuple[np.ndarray, ...] = ()

    def at(self, horizon: float) -> FittedResamples:
        """The same models, predicting survival at a horizon."""
        return replace(self, horizon=horizon)

    def model(self, rows: np.ndarray) -> CoxModel:
        """Return the model fitted on these rows. Raises ModelError: there is none."""
        model = self.models.get(_key(rows), "these patients were not resampled")
        if isinstance(model, str):
            raise ModelError(model)
        return model

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        model = self.model(rows)
        if self.horizon is None:
            return model.linear_predictor(self.table.frame)
        return model.survival_at(self.table.frame, self.horizon)[:, 0]


def fit_resamples(
    table: SurvivalTable,
    modelling: CoxModelling,
    settings: BootstrapSettings,
    progress: Progress = no_progress,
) -> FittedResamples:
    """Do the modelling step on the cohort and on every resample of it.

    Args:
        table: the training patients, no split.
        modelling: the modelling step.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.

    Raises:
        ModelError: no model can be fitted on the cohort itself.
    """
    n = len(table)

    def on(rows: np.ndarray) -> tuple[bytes, CoxModel | str]:
        try:
            return _key(rows), fitted_or_null(modelling, table.rows(rows))
        except (ModelError, InputError) as error:
            return _key(rows), str(error)

    def one(generator: np.random.Generator) -> tuple[bytes, CoxModel | str]:
        return on(generator.integers(0, n, n))

    everyone = modelling.fit(table).model
    partitions = modelling.partitions(table.event, settings)
    pairs, _ = resample(one, settings, part_of(progress, 0.0, 0.8))
    pairs += each_item(on, cross_rows(partitions), settings.workers, part_of(progress, 0.8, 1.0))
    return FittedResamples(table, {_key(np.arange(n)): everyone, **dict(pairs)}, partitions=partitions)


def fitted_or_null(modelling: CoxModelling, table: SurvivalTable) -> CoxModel:
    """The modelling step's model; the one without covariates where it chooses nothing.

    Left out, such resamples would make the others look better than the modelling step is.
    """
    try:
        return modelling.fit(table).model
    except NothingChosen:
        return fit_cox(table, [])


def _key(rows: np.ndarray) -> bytes:
    return np.asarray(rows, np.int64).tobytes()


@dataclass(frozen=True)
class ModellingRefit:
    """Does the whole modelling step on resampled patients: a refit for the bootstrap's optimism.

    Args:
        table: the training patients, no split.
        modelling: the modelling step.
        horizon: predict survival at this time, (n,); None: the linear predictor.
    """

    table: SurvivalTable
    modelling: CoxModelling
    horizon: float | None = None

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        model = fitted_or_null(self.modelling, self.table.rows(rows))
        if self.horizon is None:
            return model.linear_predictor(self.table.frame)
        return model.survival_at(self.table.frame, self.horizon)[:, 0]
