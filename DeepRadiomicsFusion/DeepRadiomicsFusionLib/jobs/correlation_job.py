"""``peritumoral explain --correlation``: how far two feature tables, radiomic and deep, say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import save_figure
from RadiomicsCoreLib.files.tables import read_csv, write_csv

from ..explanation.correlation_figure import correlation_figure
from ..explanation.feature_correlation import FeatureCorrelation, correlate_features
from ..models.classifier_bundle import ClassifierBundle, load_bundle
from ..tables.feature_tables import FeatureTables

if TYPE_CHECKING:
    import pandas as pd

LARGEST_TABLE = 2_000_000
"""Correlations that are written as a table; of more, only the picture and the summary are."""


def correlation_job(
    features: Mapping[str, pd.DataFrame | Path | str],
    out: Path | str,
    *,
    cohort: pd.DataFrame | Path | str | None = None,
    bundle: ClassifierBundle | Path | str | None = None,
    cases: Sequence[str] | None = None,
    formats: Sequence[str] = ("png", "svg"),
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Correlate every feature of one table with every feature of another, over the patients of both.

    Writes ``correlation`` as pictures, ``correlation.csv`` (one row a feature of the first table) and
    ``correlation_summary.csv`` (patients, features, mean absolute r, features that do not vary).

    Args:
        features: name to feature table, two of them: the rows and the columns of the heat map.
        out: output folder.
        bundle: a classifier's or fusion's; only the features that it uses are shown. None: all.
        cohort: table with ``case_id``: other patients of the feature tables are left out; None: all are taken.
        cases: ids of the patients; None: all in both tables.
        formats: of the pictures.

    Returns:
        The files to open, by what they are, and notes.

    Raises:
        InputError: other than two tables, no such case, too few patients, or a model that does not use both tables.

    Reference:
        zhang2024, Biomark Res 2024;12:12 (RadScores against deep features, mean absolute Pearson r).
    """
    if len(features) != 2:
        raise InputError(
            f"a correlation heat map needs two feature tables, got {len(features)}: --features radiomics=a.csv "
            "deep=b.csv"
        )
    tables = FeatureTables(features)
    used = None if bundle is None else set(_loaded(bundle).model.features)
    table = _of_cases(_of_cohort(tables.table, cohort), cases)
    (first, rows), (second, columns) = ((name, _used(name, tables.columns[name], used)) for name in features)
    found = correlate_features(table, rows, columns)
    title = f"{first} against {second}" + ("" if used is None else ", features of the model")
    out = _folder(Path(out))
    files = {"summary": out / "correlation_summary.csv"}
    write_csv(files["summary"], [_summary(first, second, found)])
    notes = [*tables.notes]
    if found.r.size <= LARGEST_TABLE:
        files["correlations"] = out / "correlation.csv"
        write_csv(files["correlations"], found.rows())
    else:
        notes.append(f"{found.r.size:,} correlations are too many for a table; the picture and the summary hold them")
    figure = correlation_figure(found, title)
    paths = save_figure(figure, out / "correlation", formats)
    if paths:
        files["heat map"] = paths[0]
    notes.append(f"{title}: mean |r| = {found.mean_absolute:.3f} over {found.patients} patients")
    if found.constant:
        notes.append(f"{len(found.constant)} features do not vary and have no correlation: {found.constant[0]} …")
    return files, tuple(notes)


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output folder {str(out)!r} cannot be written: {error.strerror}; choose another") from None
    return out


def _loaded(bundle: ClassifierBundle | Path | str) -> ClassifierBundle:
    return bundle if isinstance(bundle, ClassifierBundle) else load_bundle(bundle)


def _used(name: str, columns: Sequence[str], used: Collection[str] | None) -> list[str]:
    left = [column for column in columns if used is None or column in used]
    if not left:
        raise InputError(f"the model uses no feature of the table {name!r}; leave the model out to see all features")
    return left


def _of_cohort(table: pd.DataFrame, cohort: pd.DataFrame | Path | str | None) -> pd.DataFrame:
    if cohort is None:
        return table
    frame = read_csv(cohort) if isinstance(cohort, str | Path) else cohort
    if "case_id" not in frame:
        raise InputError("the cohort table has no column case_id")
    left = table.loc[table.index.isin(frame["case_id"].astype(str))]
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
