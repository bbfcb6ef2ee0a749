"""``logistic``: a logistic model of a binary end point, with nomogram and a bundle."""

from __future__ import annotations

from dataclasses import dataclass

from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.statistics.roc import youden_threshold

from ..bundles.bundle import ModelBundle
from ..bundles.new_patients import without_unknown_levels
from ..groups.risk_groups import CutoffMethod, RiskCutoff
from ..imputation.chained_equations import ImputationSettings
from ..models.imputed import fit_logistic_imputed
from ..models.logistic import fit_logistic
from ..nomogram.nomogram_figure import nomogram_figure
from ..nomogram.points import make_nomogram
from ..report.fitting import read_training, write_bundle
from ..report.imputed_report import write_imputed
from ..report.logistic_report import odds_ratios, write_validation
from ..settings.inputs import CovariateWords, Figures, FittedPatients, ReadingWords, Resampling
from ..tables.covariate_warnings import collinearity_warnings
from ..tables.table_columns import BinaryColumns


@dataclass(frozen=True, kw_only=True)
class LogisticJob(Figures, Resampling, ReadingWords, CovariateWords, FittedPatients, Job):
    """Fit a logistic model on the training patients and write coefficients, nomogram, AUC and decision curves.

    Writes ``coefficients.csv`` (odds ratios), ``nomogram_points.csv``, ``auc.csv`` (DeLong's interval; for
    training also corrected for optimism), ``decision_curve_<cohort>.csv``, with readings ``icc.csv``, figures, and
    ``model/model.json`` with Youden's cut-off of the training patients, locked.

    Attributes:
        event: column of the end point, with two values.
        event_values: what it says where the outcome happened, where it leaves that open.
        imputations: completed tables where missing values are imputed (``imputed_coefficients.csv``).
    """

    verb = "logistic"

    event: str = option("column of the end point", group="end point")
    event_values: tuple[str, ...] | None = option("what it says where the outcome happened", None, group="end point")

    imputations: int = option("completed tables, with --missing mice", 20, metavar="M", group="end point")

    def imputation(self) -> ImputationSettings:
        """The settings of multiple imputation. Raises InputError where one is out of bounds."""
        return ImputationSettings(self.imputations, seed=self.seed)

    def table_columns(self) -> BinaryColumns:
        """Which columns of the cohort are what."""
        return BinaryColumns(
            self.event,
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
        source = read_training(self, self.table_columns(), (), output)
        table, training = source.table, source.table.training
        model = fit_logistic(table)
        output.warnings += [*model.warnings, *collinearity_warnings(training.frame, model.terms)]
        if training.has_gaps(model.terms):
            imputed = fit_logistic_imputed(training.with_gaps(model.terms), settings=self.imputation())
            model = write_imputed(output, imputed)
        nomogram = make_nomogram(model, training.frame)
        risk = model.linear_predictor(training.frame)
        cutoff = RiskCutoff(float(youden_threshold(training.event, risk)), CutoffMethod.YOUDEN, None, len(training))
        table, left_out = without_unknown_levels(table, model.terms)
        output.notes += left_out
        write_bundle(output, ModelBundle(model, nomogram, cutoff, table.missing), source)
        output.table("coefficients", odds_ratios(model))
        output.table("nomogram_points", nomogram.points_table())
        output.figure("nomogram", nomogram_figure, nomogram)
        write_validation(output, table, model, self.resamples, part_of(progress, 0.2, 1.0))
        progress(1.0, "logistic model done")
