"""What every fit does before and after it: reads the patients, says who is fitted, and writes the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.files.provenance import environment_record, hash_settings
from RadiomicsCoreLib.jobs.output import JobOutput

from ..bundles.bundle import ModelBundle, save_bundle
from ..bundles.fitted_patients import fitted_patients
from ..tables.cohort_table import CohortTable
from ..tables.covariate_warnings import code_warnings, lost_warning
from ..tables.feature_table import read_feature_table
from ..tables.missing_values import policies_of
from ..tables.reading_filter import ReadingFilter
from ..tables.table_columns import BinaryColumns, CovariateColumns, SurvivalColumns

Columns = TypeVar("Columns", SurvivalColumns, BinaryColumns)
AnyColumns = TypeVar("AnyColumns", bound=CovariateColumns)
Table = TypeVar("Table", bound=CohortTable)


class Fitting(Protocol):
    """A job that fits something on patients."""

    def joined(self) -> JoinedCohort: ...
    def notes_on_networks(self, joined: JoinedCohort) -> tuple[str, ...]: ...


class FittingWithReadings(Fitting, Protocol):
    """A job that may filter features by repeated readings first."""

    def reading_filter(self) -> ReadingFilter | None: ...


@dataclass(frozen=True)
class TrainingSource(Generic[Table]):
    """A cohort as it was read for a fit.

    Attributes:
        joined: the cohort with its features.
        columns: which columns are what; the covariates are those that the model may choose from.
        table: outcome and covariates of all parts.
        readings: the filter by repeated readings; None without one.
        seen: what is said of the networks behind the tables.
    """

    joined: JoinedCohort
    columns: CovariateColumns
    table: Table
    readings: ReadingFilter | None
    seen: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash of all tables that were read."""
        return hash_settings(self.joined.hashes)


def read_training(job: FittingWithReadings, columns: Columns, keep: Sequence[str], output: JobOutput) -> TrainingSource:
    """Read the patients of a fit, and say who is fitted, who is not, and what was left out.

    Args:
        job: what is asked for.
        columns: which columns are what.
        keep: covariates that stay whatever their ICC.
        output: takes notes, warnings, ``icc.csv`` and the record.

    Raises:
        InputError: the tables cannot be used, or a network behind one has learnt from these patients.
    """
    joined = job.joined()
    seen = job.notes_on_networks(joined)
    columns = columns.found_in(joined)
    readings = job.reading_filter()
    reliable = readings.apply(joined, columns, keep) if readings else None
    columns = reliable.columns if reliable else columns
    table = columns.read(joined)
    _tell(output, table, seen)
    if reliable:
        reliable.write(output)
    return TrainingSource(joined, _chosen_from(columns, table), table, readings, seen)


def read_features_of(job: Fitting, covariates: Sequence[str] | None, output: JobOutput) -> TrainingSource:
    """Read the features of a fit that looks at no outcome; the rest as in :func:`read_training`."""
    joined = job.joined()
    seen = job.notes_on_networks(joined)
    table = read_feature_table(joined, covariates)
    _tell(output, table, seen)
    columns = CovariateColumns(missing=joined.columns.missing.to_plain()).found_in(joined)
    return TrainingSource(joined, _chosen_from(columns, table), table, None, seen)


def _tell(output: JobOutput, table: CohortTable, seen: Sequence[str]) -> None:
    output.notes += [table.who_is_fitted(), *table.report]
    output.warnings += [*seen, *table.warnings, *lost_warning(len(table), table.left_out)]
    output.warnings += code_warnings(table.training.frame, table.terms)
    output.record["patients"] = table.who()


def _chosen_from(columns: AnyColumns, table: CohortTable) -> AnyColumns:
    """The columns with the covariates that the model may choose from, and nothing said of others."""
    names = tuple(term.name for term in table.terms)
    return replace(
        columns,
        covariates=names,
        categorical=tuple(name for name in columns.categorical if name in names),
        references={name: level for name, level in columns.references.items() if name in names},
        missing=policies_of(columns.missing).only(names).to_plain(),
    )


def write_bundle(output: JobOutput, bundle: ModelBundle, source: TrainingSource) -> None:
    """Write ``model/model.json`` with the columns, the hashes of the fitted patients and where all comes from."""
    training, sha256 = source.table.training, source.sha256
    settings = {"columns": source.columns.to_dict(), **bundle.settings}
    if source.readings is not None:
        settings["readings"] = source.readings.to_dict()
    if source.seen:
        settings["networks"] = list(source.seen)
    provenance = environment_record(
        {"training_data_sha256": sha256, "patients": len(training), "events": training.events, **source.table.who()}
    )
    has_ids = source.joined.columns.id is not None
    known = fitted_patients(training, bundle.model.terms, sha256, has_ids=has_ids)
    whole = replace(bundle, settings=settings, provenance=provenance, fitted=known)
    output.files["model"] = save_bundle(whole, output.folder / "model")
