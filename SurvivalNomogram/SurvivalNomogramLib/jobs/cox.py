"""``cox``: a Cox model of a cohort, with nomogram, risk groups and a bundle."""

from __future__ import annotations

from dataclasses import dataclass

from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..bundles.bundle import ModelBundle
from ..bundles.new_patients import without_unknown_levels
from ..groups.out_of_fold import out_of_fold
from ..groups.risk_groups import CutoffRule
from ..imputation.chained_equations import ImputationSettings
from ..models.competing_causes import fit_competing_causes
from ..models.cox import fit_cox
from ..models.imputed import fit_cox_imputed
from ..models.univariable import univariable_cox
from ..nomogram.nomogram_figure import nomogram_figure
from ..nomogram.points import check_horizons, make_nomogram
from ..report.accelerated_failure_report import write_accelerated_failure
from ..report.competing_report import write_fine_gray
from ..report.cox_report import (
    coefficients_table,
    default_horizons,
    make_cutoff,
    selection_notes,
    univariable_table,
    write_concordance,
    write_groups,
    write_schoenfeld,
    write_selection,
)
from ..report.fitting import read_training, write_bundle
from ..report.imputed_report import chosen_in_imputations, write_imputed
from ..settings.inputs import CovariateWords, Figures, FittedPatients, ReadingWords, Resampling
from ..tables.covariate_warnings import collinearity_warnings
from ..tables.survival_table import DAYS_PER_UNIT
from ..tables.table_columns import SurvivalColumns
from ..validation.cox_modelling import CoxModelling, ModellingRefit


@dataclass(frozen=True, kw_only=True)
class CoxJob(Figures, Resampling, ReadingWords, CovariateWords, FittedPatients, Job):
    """Fit a Cox model on the training patients and write all about it, with the bundle that other verbs read.

    Writes ``univariable.csv``, ``selection.csv``, ``coefficients.csv``, ``proportional_hazards.csv``,
    ``concordance.csv``, ``groups.csv``, ``baseline_by_risk.csv``, ``baseline_by_cohort.csv``,
    ``cumulative_incidence.csv`` and ``fine_gray.csv`` (with competing events), ``signature.csv`` and
    ``signature_formula.txt`` (of the lasso), with readings ``icc.csv``, figures of residuals, nomogram, groups and
    risk, and ``model/model.json``.

    Attributes:
        time, event: columns of follow-up and event.
        time_unit: days, weeks, months or years.
        event_values, censored_values: what the event column says, where it leaves that open.
        modelling: screening and selection, done again in every resample.
        horizons: times for the nomogram; quartiles of the event times when empty.
        cutoff: of the risk groups, on the linear predictor.
        compare_aft: write ``aft.csv``: accelerated failure time models with the chosen covariates.
        imputations: completed tables where missing values are imputed (``imputed_coefficients.csv``).
    """

    verb = "cox"

    time: str = option("column of the follow-up time", group="end point")
    event: str = option("column of the event", group="end point")
    time_unit: str = option("unit of the times", "days", choices=tuple(DAYS_PER_UNIT), group="end point")
    event_values: tuple[str, ...] | None = option(
        "what the event column says where the event happened", None, group="end point"
    )
    censored_values: tuple[str, ...] | None = option(
        "what it says where the patient was censored", None, group="end point"
    )
    modelling: CoxModelling = CoxModelling()
    horizons: tuple[float, ...] = option("times to predict at: 365,1095 (default: quartiles of the event times)", ())
    cutoff: CutoffRule = option(
        "of the risk groups: median (default), youden, or a number on the linear predictor",
        CutoffRule(),
        read=str,
        metavar="RULE",
    )
    compare_aft: bool = option(
        "compare with Weibull, log-normal and log-logistic models of the same covariates (aft.csv)", False
    )
    imputations: int = option("completed tables, with --missing mice", 20, metavar="M", group="end point")

    def imputation(self) -> ImputationSettings:
        """The settings of multiple imputation. Raises InputError where one is out of bounds."""
        return ImputationSettings(self.imputations, seed=self.seed)

    def table_columns(self) -> SurvivalColumns:
        """Which columns of the cohort are what."""
        return SurvivalColumns(
            self.time,
            self.event,
            self.time_unit,
            self.censored_values,
            covariates=self.covariates,
            categorical=self.categorical,
            references=self.references,
            split=self.columns.split,
            id_column=self.columns.id,
            patient=self.columns.patient,
            missing=self.columns.missing.to_plain(),
            event_values=self.event_values,
        )

    def check(self) -> None:
        """Refuse settings out of bounds before anything is read. Raises InputError."""
        _ = self.resamples, self.reading_filter(), self.imputation()

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Fit and write."""
        bootstrap, modelling = self.resamples, self.modelling
        source = read_training(self, self.table_columns(), modelling.keep, output)
        table, training = source.table, source.table.training
        progress(0.02, "univariable Cox")
        output.table("univariable", univariable_table(univariable_cox(table), training))
        result = modelling.fit(table, part_of(progress, 0.05, 0.3))
        model = result.model
        output.warnings += [*model.warnings, *collinearity_warnings(training.frame, model.terms)]
        output.notes += selection_notes(result)
        terms = chosen_in_imputations(output, training, modelling, model.terms, self.imputation())
        if training.has_gaps(terms):
            imputed = fit_cox_imputed(training.with_gaps(terms), settings=self.imputation())
            model = write_imputed(output, imputed)
        elif terms != model.terms:
            model = fit_cox(training, terms)
        table, left_out = without_unknown_levels(table, model.terms)
        output.notes += left_out
        chosen = tuple(self.horizons) or default_horizons(training)
        check_horizons(model, chosen)
        nomogram = make_nomogram(model, training.frame, chosen)
        locked = make_cutoff(model, training, self.cutoff, chosen[-1])
        competing = fit_competing_causes(training, model)
        bundle = ModelBundle(
            model, nomogram, locked, table.missing, {"modelling": modelling.to_dict()}, competing=competing
        )
        write_bundle(output, bundle, source)
        output.table("coefficients", coefficients_table(model, training))
        if competing is not None:
            write_fine_gray(output, competing)
        write_selection(output, result, table, modelling.lambda_choice, source.joined.columns.id or "patient")
        progress(0.35, "proportional hazards")
        output.attempt("test of proportional hazards", write_schoenfeld, output, model, training)
        output.table("nomogram_points", nomogram.points_table())
        output.figure("nomogram", nomogram_figure, nomogram)
        held_out = output.attempt(
            "out-of-fold groups",
            lambda: out_of_fold(training, modelling, locked, seed=self.seed, progress=part_of(progress, 0.37, 0.45)),
        )
        if held_out is not None:
            output.notes.append(held_out.note())
        write_groups(output, table, model, locked, held_out)
        if self.compare_aft:
            output.attempt("accelerated failure time models", write_accelerated_failure, output, table, model)
        refit = ModellingRefit(training, modelling)
        corrected = part_of(progress, 0.45, 0.95)
        output.attempt("concordance", write_concordance, output, table, model, refit, bootstrap, corrected)
        progress(1.0, "Cox model done")
