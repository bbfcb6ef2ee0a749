"""What is written of a model that was fitted on imputed tables."""

from __future__ import annotations

from RadiomicsCoreLib.jobs.output import JobOutput

from ..imputation.chained_equations import ImputationSettings
from ..models.imputed import ImputedFit, ModelT, shares_chosen
from ..tables.covariates import Term
from ..tables.survival_table import SurvivalTable
from ..validation.cox_modelling import CoxModelling, NothingChosen, fitted_or_null

MOST = 0.5
"""A covariate goes into the pooled model where at least this share of the imputations chooses it."""
PATIENTS_A_CANDIDATE = 3
"""With fewer training patients for every candidate column, the imputation models of all candidates cannot be fitted."""


def chosen_in_imputations(
    output: JobOutput,
    training: SurvivalTable,
    modelling: CoxModelling,
    terms: tuple[Term, ...],
    settings: ImputationSettings,
) -> tuple[Term, ...]:
    """Return the terms of the pooled model, and write ``imputed_selection.csv`` where the imputations choose them.

    Args:
        output: takes the table and what is to be said.
        training: the training patients with their gaps.
        modelling: the modelling step.
        terms: that it chose with the medians in place of what is missing.
        settings: of the imputation.

    Raises:
        ModelError: no covariate is chosen by most imputations.
    """
    if not modelling.selects or not training.has_gaps(training.terms):
        return terms
    candidates = sum(len(term.columns) for term in training.terms)
    if len(training) < PATIENTS_A_CANDIDATE * candidates:
        output.notes.append(
            f"{candidates} candidate columns are too many for {len(training)} patients to impute them all: covariates "
            "are chosen with the median or the most frequent level in place of a missing value"
        )
        return terms

    def choose(table: SurvivalTable) -> list[str]:
        return [term.name for term in fitted_or_null(modelling, table).terms]

    shares = shares_chosen(training.with_gaps(training.terms), choose, settings)
    output.table("imputed_selection", [{"covariate": name, "share_chosen": share} for name, share in shares.items()])
    most = tuple(term for term in training.terms if shares[term.name] >= MOST)
    if not most:
        raise NothingChosen(f"no covariate is chosen in {MOST:.0%} or more of the {settings.count} imputations")
    output.notes.append(
        f"covariates are chosen in each of the {settings.count} imputations; {', '.join(t.name for t in most)} "
        f"in {MOST:.0%} or more of them and go into the pooled model (imputed_selection.csv)"
    )
    return most


def write_imputed(output: JobOutput, imputed: ImputedFit[ModelT]) -> ModelT:
    """Write ``imputed_coefficients.csv``, say what the imputation does not reach, and return the pooled model."""
    output.table("imputed_coefficients", imputed.pooled.table())
    output.notes += [
        imputed.model.warnings[-1],
        "imputed_coefficients.csv has the t intervals of Rubin's rules; competing events, resampling and the figures "
        "of validation see the median or the most frequent level of training where a value is missing; a new patient "
        "without a value is predicted as one at that median or level, not imputed",
    ]
    return imputed.model
