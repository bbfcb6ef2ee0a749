"""``join``: a cohort table with columns of feature tables, and clinical columns as a feature table of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.cohort.columns import ID_COLUMN, features_option, select_option
from RadiomicsCoreLib.cohort.joined import SIGNATURE, listed, read_features
from RadiomicsCoreLib.cohort.moved_table import cells_of, write_moved_table
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_by_table, seen_record
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import typed_column
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

from ..side_by_side.selected_columns import selected_columns

COHORT_FILE, FEATURES_FILE, NUMBERS_FILE = "cohort.csv", "features", "numbers"


@dataclass(frozen=True, kw_only=True)
class JoinJob(Job):
    """Bring columns of feature tables into a cohort table, and columns of the cohort into a feature table.

    Writes ``cohort.csv`` (files named as seen from the output folder; what ``train --scores`` reads),
    ``features.csv`` with the joined columns alone, and with ``numbers`` also ``numbers.csv`` (``number.age``; what
    ``fuse`` and ``signature`` take): numeric columns as they are, categories as a column of 0 and 1 for every level but
    the first, missing values as the median or commonest level of all cases.

    Attributes:
        cohort: the cohort table.
        features: name to feature table; a column that stands in two tables gets its table's name before it.
        select: patterns of their columns.
        numbers: columns of the cohort that become features.
        prefixed: put the table's name before every column, whether or not it stands in two.
    """

    verb = "join"

    cohort: Path = option("cohort table (CSV)", positional=True)
    features: Mapping[str, Path] = features_option()
    select: tuple[str, ...] = select_option()
    numbers: tuple[str, ...] = option("columns of the cohort that become a feature table: age,sex", ())
    prefixed: bool = option("put the table's name before every column", False)

    def __post_init__(self) -> None:
        if not self.features and not self.numbers:
            raise InputError("there is nothing to join; name feature tables (--features), or columns (--numbers)")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Join and write."""
        ids = cells_of(self.cohort, [])[ID_COLUMN]
        added = self._added(ids)
        path = output.folder / COHORT_FILE
        write_moved_table(self.cohort, path, added)
        output.tables["cohort"] = output.files["cohort"] = path
        if added:
            rows = [{ID_COLUMN: case, **{name: v[k] for name, v in added.items()}} for k, case in enumerate(ids)]
            output.files["features"] = output.table(FEATURES_FILE, rows)
            output.notes.append(f"{len(added)} columns joined: {listed(added)}")
            seen = {name: seen_by_table(path, [SIGNATURE]) for name, path in self.features.items()}
            output.record |= seen_record({f"{FEATURES_FILE}.csv": _together(list(seen.values()))})
        if self.numbers:
            cells = cells_of(self.cohort, self.numbers)
            # A name of its own: the column itself stands in the cohort that the table is joined to again.
            columns = {f"number.{n}": v for column in self.numbers for n, v in _numbers(column, cells[column])}
            rows = [{ID_COLUMN: case, **{name: v[k] for name, v in columns.items()}} for k, case in enumerate(ids)]
            output.files["numbers"] = output.table(NUMBERS_FILE, rows)
        progress(1.0, f"{len(added)} columns joined")

    def _added(self, ids: list[str]) -> dict[str, list[Any]]:
        tables = {name: read_features(f"the table {name}", path) for name, path in self.features.items()}
        every = [column for table in tables.values() for column in table.columns]
        chosen = set(selected_columns(list(dict.fromkeys(every)), self.select)) if every else set()
        added: dict[str, list[Any]] = {}
        for name, table in tables.items():
            for column in (column for column in table.columns if column in chosen):
                values = dict(zip(table.index, table[column].tolist(), strict=True))
                called = f"{name}.{column}" if self.prefixed or every.count(column) > 1 else column
                added[called] = [None if _missing(values.get(case)) else values[case] for case in ids]
        return added


def _together(seen: list[SeenCases]) -> SeenCases:
    """Whom the networks behind several tables have learnt from."""
    unknown = "; ".join(dict.fromkeys(one.unknown for one in seen if one.unknown))
    cases = dict.fromkeys(case for one in seen for case in one.cases)
    return SeenCases(tuple(cases), tuple(dict.fromkeys(p for one in seen for p in one.patients)), unknown)


def _missing(value: Any) -> bool:
    return value is None or value != value


def _numbers(column: str, cells: list[str]) -> list[tuple[str, list[float]]]:
    """A column of the cohort as columns of numbers."""
    import numpy as np

    typed = typed_column(cells)
    if typed.dtype.kind in "biuf":
        values = typed.astype(float)
        middle = float(np.nanmedian(values))
        return [(column, np.where(np.isnan(values), middle, values).tolist())]
    known = [cell for cell in cells if cell]
    if not known:
        raise InputError(f"column {column!r} is empty")
    levels = sorted(set(known))
    common = max(levels, key=known.count)
    filled = [cell or common for cell in cells]
    if len(levels) < 2:
        raise InputError(f"column {column!r} holds {levels[0]!r} for everybody; leave it out")
    return [(f"{column}={level}", [float(cell == level) for cell in filled]) for level in levels[1:]]
