"""Cox and logistic models of patients with missing covariates: fitted in every imputed table, pooled, kept as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..imputation.chained_equations import ImputationSettings, impute, survival_outcome
from ..imputation.rubin import PooledEstimates, pool
from .cox import CoxModel, chosen_terms, efron_baseline, fit_cox
from .logistic import LogisticModel, fit_logistic

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.binary_table import BinaryTable
    from ..tables.cohort_table import CohortTable
    from ..tables.covariates import Term
    from ..tables.survival_table import SurvivalTable

ModelT = TypeVar("ModelT", CoxModel, LogisticModel)


@dataclass(frozen=True)
class ImputedFit(Generic[ModelT]):
    """A model pooled over imputations.

    Attributes:
        model: predicts like any other; its coefficients and covariance are the pooled ones, its likelihoods the mean
            over the imputations (no likelihood-ratio test may be made of them).
        pooled: the table to report, with t intervals and the fraction of missing information.
        tables: completed covariates of the training patients, one table an imputation.
    """

    model: ModelT
    pooled: PooledEstimates
    tables: tuple[pd.DataFrame, ...]


def fit_cox_imputed(
    table: SurvivalTable,
    covariates: Sequence[str | Term] | None = None,
    settings: ImputationSettings | None = None,
    progress: Progress = no_progress,
) -> ImputedFit[CoxModel]:
    """Fit a Cox model on the training patients, missing covariates imputed several times.

    The baseline is the mean over the imputations of the baseline at the pooled coefficients and centre; the mean of
    its moments leaves the intervals of predictions without the baseline's own (small) share of the imputation.

    Args:
        table: patients whose covariates may miss values; those labelled "train" are used, for the imputation too.
        covariates: names or terms to enter; all of the table's terms when None. All terms of the table take part in
            the imputation.
        settings: of the imputation.
        progress: told after every table.

    Raises:
        InputError: no value is missing, or a covariate has too few to impute it.
        ModelError: as :func:`~SurvivalNomogramLib.models.cox.fit_cox`.

    Reference:
        White IR, Royston P. Stat Med 2009;28:1982; Marshall A et al. BMC Med Res Methodol 2009;9:57 (what is pooled).
    """
    training = table.training
    state = training.event if training.state is None else training.state
    tables = _completed(training, survival_outcome(training.time, state), settings, progress)
    terms = chosen_terms(training, covariates)
    fits = [fit_cox(replace(training, frame=frame), terms) for frame in tables]
    first = fits[0]
    estimates, covariances = (np.array([getattr(f, name) for f in fits]) for name in ("coefficients", "covariance"))
    pooled = pool(first.columns, estimates, covariances, first.events - len(first.columns))
    center = np.mean([fit.center for fit in fits], axis=0)
    designs = [first.design.transform(frame) - center for frame in tables]
    baselines = [efron_baseline(training.time, training.event, x, pooled.estimate) for x in designs]
    baseline = replace(
        baselines[0],
        cumulative_hazard=np.mean([b.cumulative_hazard for b in baselines], axis=0),
        variance=np.mean([b.variance for b in baselines if b.variance is not None], axis=0),
        drift=np.mean([b.drift for b in baselines if b.drift is not None], axis=0),
    )
    model = replace(
        first,
        coefficients=pooled.estimate,
        covariance=pooled.covariance,
        center=center,
        log_likelihood=float(np.mean([fit.log_likelihood for fit in fits])),
        null_log_likelihood=float(np.mean([fit.null_log_likelihood for fit in fits])),
        baseline=baseline,
        warnings=(*first.warnings, _told(training, tables)),
    )
    return ImputedFit(model, pooled, tuple(tables))


def fit_logistic_imputed(
    table: BinaryTable,
    covariates: Sequence[str | Term] | None = None,
    settings: ImputationSettings | None = None,
    progress: Progress = no_progress,
) -> ImputedFit[LogisticModel]:
    """Fit a logistic model on the training patients, missing covariates imputed several times.

    Args:
        table, covariates, settings, progress: as in :func:`fit_cox_imputed`.

    Raises:
        InputError, ModelError: as :func:`fit_cox_imputed`.
    """
    training = table.training
    tables = _completed(training, np.asarray(training.event, float)[:, np.newaxis], settings, progress)
    terms = chosen_terms(training, covariates)
    fits = [fit_logistic(replace(training, frame=frame), terms) for frame in tables]
    first = fits[0]
    names = ("(Intercept)", *first.columns)
    estimates = np.array([[fit.intercept, *fit.coefficients] for fit in fits])
    pooled = pool(names, estimates, np.array([fit.covariance for fit in fits]), first.n - len(names))
    model = replace(
        first,
        intercept=float(pooled.estimate[0]),
        coefficients=pooled.estimate[1:],
        covariance=pooled.covariance,
        log_likelihood=float(np.mean([fit.log_likelihood for fit in fits])),
        warnings=(*first.warnings, _told(training, tables)),
    )
    return ImputedFit(model, pooled, tuple(tables))


def shares_chosen(
    table: SurvivalTable,
    choose: Callable[[SurvivalTable], Sequence[str]],
    settings: ImputationSettings | None = None,
    progress: Progress = no_progress,
) -> dict[str, float]:
    """Choose covariates in every imputed table; return each candidate's share of the tables in which it was chosen.

    Args:
        table: patients whose covariates may miss values; those labelled "train" are used.
        choose: takes a completed table and returns the names of what it chooses.
        settings, progress: as in :func:`fit_cox_imputed`.

    Raises:
        InputError: no value is missing, or a covariate has too few to impute it.

    Reference:
        Wood AM, White IR, Royston P. Stat Med 2008;27:3227 (what most imputations choose, their method S2).
    """
    training = table.training
    state = training.event if training.state is None else training.state
    tables = _completed(training, survival_outcome(training.time, state), settings, progress)
    chosen = [set(choose(replace(training, frame=frame, gaps=None))) for frame in tables]
    return {term.name: float(np.mean([term.name in names for names in chosen])) for term in training.terms}


def _completed(
    training: CohortTable, outcome: np.ndarray, settings: ImputationSettings | None, progress: Progress
) -> list[pd.DataFrame]:
    gaps = training.frame[[term.name for term in training.terms]].isna()
    if not gaps.to_numpy().any():
        raise InputError("no training patient misses a covariate: there is nothing to impute")
    return impute(training.frame, training.terms, outcome, settings, progress)


def _told(training: CohortTable, tables: Sequence[pd.DataFrame]) -> str:
    gaps = training.frame[[term.name for term in training.terms]].isna()
    parts = ", ".join(f"{name} {int(count)}" for name, count in gaps.sum().items() if count)
    return (
        f"{int(gaps.any(axis=1).sum())} of {len(training)} training patients miss a covariate ({parts}): imputed "
        f"{len(tables)} times by chained equations, coefficients pooled by Rubin's rules"
    )
