"""``correlation``: how far two feature tables, radiomic and deep, say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from RadiomicsCoreLib.cohort.columns import ID_COLUMN, CaseColumns, features_option, select_option
from RadiomicsCoreLib.cohort.joined import read_joined
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..explanation.correlation_figure import correlation_figure
from ..explanation.feature_correlation import FeatureCorrelation, correlate_features
from ..models.classifier_bundle import load_bundle
from ..tables.feature_tables import FeatureTables
from .table_options import figure_formats_option

if TYPE_CHECKING:
    import pandas as pd

LARGEST_TABLE = 2_000_000
"""Correlations that are written as a table; of more, only the picture and the summary are."""


@dataclass(frozen=True, kw_only=True)
class CorrelationJob(Job):
    """Correlate every feature of one table with every feature of another, over the patients of both.

    Writes ``figures/correlation``, ``correlation.csv`` (one row a feature of the first table) and
    ``correlation_summary.csv`` (patients, features, mean absolute r, features that do not vary).

    Attributes:
        features: name to feature table, two of them: the rows and the columns of the heat map.
        select: patterns of the features to take.
        columns: of the cohort.
        cohort: table with ``case_id``: other patients of the feature tables are left out; None: all are taken.
        bundle: a classifier's or fusion's; only the features that it uses are shown. None: all.
        cases: ids of the patients; None: all in both tables.
        formats: of the pictures.

    Raises:
        InputError: other than two tables.

    Reference:
        zhang2024, Biomark Res 2024;12:12 (RadScores against deep features, mean absolute Pearson r).
    """

    verb = "correlation"

    features: Mapping[str, Path] = features_option("two feature tables: rows and columns of the heat map")
    select: tuple[str, ...] = select_option()
    cohort: Path | None = option("cohort table: other patients are left out", None)
    columns: CaseColumns = CaseColumns()
    bundle: Path | None = option("model of fuse: only the features that it uses", None, word="--model")
    cases: tuple[str, ...] | None = option("patients to take (default: all)", None)
    formats: tuple[str, ...] = figure_formats_option(("png", "svg"))

    def __post_init__(self) -> None:
        if len(self.features) != 2:
            raise InputError(
                f"a correlation heat map needs two feature tables, got {len(self.features)}: --features "
                "radiomics=a.csv deep=b.csv"
            )

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Correlate and draw."""
        tables = FeatureTables.read(self.features, self.select)
        used = None if self.bundle is None else set(load_bundle(self.bundle).model.features)
        table = _of_cases(_of_cohort(tables.table, self.cohort, self.columns), self.cases)
        (first, rows), (second, columns) = ((name, _used(name, tables.columns[name], used)) for name in self.features)
        found = correlate_features(table, rows, columns, part_of(progress, 0.0, 0.5))
        title = f"{first} against {second}" + ("" if used is None else ", features of the model")
        output.files["summary"] = output.table("correlation_summary", [_summary(first, second, found)])
        output.notes += tables.notes
        if found.r.size <= LARGEST_TABLE:
            output.files["correlations"] = output.table("correlation", found.rows())
        else:
            output.notes.append(
                f"{found.r.size:,} correlations are too many for a table; the picture and the summary hold them"
            )
        draw = partial(correlation_figure, progress=part_of(progress, 0.5, 1.0))
        output.figure("correlation", draw, found, title)
        output.notes.append(f"{title}: mean |r| = {found.mean_absolute:.3f} over {found.patients} patients")
        if found.constant:
            output.notes.append(
                f"{len(found.constant)} features do not vary and have no correlation: {found.constant[0]} …"
            )


def _used(name: str, columns: Sequence[str], used: Collection[str] | None) -> list[str]:
    left = [column for column in columns if used is None or column in used]
    if not left:
        raise InputError(f"the model uses no feature of the table {name!r}; leave the model out to see all features")
    return left


def _of_cohort(table: pd.DataFrame, cohort: Path | None, columns: CaseColumns) -> pd.DataFrame:
    if cohort is None:
        return table
    known = read_joined(cohort, columns)
    if known.columns.id is None:
        raise InputError(f"the cohort table has no column {ID_COLUMN}; name its ids by --id")
    left = table.loc[table.index.isin(known.ids)]
    if not len(left):
        raise InputError("no patient of the cohort is in both feature tables; compare the case_id columns")
    return left


def _of_cases(table: pd.DataFrame, cases: Sequence[str] | None) -> pd.DataFrame:
    if cases is None:
        return table
    missing = [case for case in cases if case not in table.index]
    if missing:
        raise InputError(f"case {missing[0]!r} is not in both feature tables; check its name")
    return table.loc[list(dict.fromkeys(cases))]


def _summary(first: str, second: str, found: FeatureCorrelation) -> dict[str, str | int | float]:
    return {
        "rows": first,
        "columns": second,
        "patients": found.patients,
        "row_features": len(found.radiomic),
        "column_features": len(found.deep),
        "mean_absolute_r": found.mean_absolute,
        "features_that_do_not_vary": len(found.constant),
    }
