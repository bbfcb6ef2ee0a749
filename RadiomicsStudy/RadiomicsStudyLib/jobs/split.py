"""``split``: the column that tells training from test patients, made once and never changed in silence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from RadiomicsCoreLib.cohort.columns import CENTRE_COLUMN, ID_COLUMN, PATIENT_COLUMN, SPLIT_COLUMN
from RadiomicsCoreLib.cohort.moved_table import cells_of, write_moved_table
from RadiomicsCoreLib.cohort.splits import part_order
from RadiomicsCoreLib.cohort.splitting import SplitSettings, split_patients
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_cells
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

COHORT_FILE = "cohort.csv"


@dataclass(frozen=True, kw_only=True)
class SplitJob(Job):
    """Deal the patients of a cohort to parts, and write the table with its new column.

    Writes ``cohort.csv``, whose files are named as seen from the output folder, and ``parts.csv`` with the number of
    cases, patients and levels of the strata in every part. A column that is there already, in the cohort or in a
    ``cohort.csv`` of the output folder, is refused unless it would stay as it is, or ``replace`` is given.

    Attributes:
        cohort: the cohort table.
        dealing: how.
        column: name of the new column.
        patient, centre: columns of patients (their cases stay together) and hospitals; None: those of the usual
            names, where there are any.
        replace: make another split than the one that is there.
    """

    verb = "split"

    cohort: Path = option("cohort table (CSV)", positional=True)
    dealing: SplitSettings = SplitSettings()
    column: str = option("name of the new column", SPLIT_COLUMN)
    patient: str | None = option("column of patients, where some have several cases (default: patient)", None)
    centre: str | None = option("column of hospitals (default: centre)", None)
    replace: bool = option("make another split than the one that is there", False)

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Deal and write."""
        header, _ = read_cells(self.cohort)
        patient = self.patient or (PATIENT_COLUMN if PATIENT_COLUMN in header else ID_COLUMN)
        centre = self.centre or (CENTRE_COLUMN if CENTRE_COLUMN in header else None)
        named = [*([self.dealing.date] if self.dealing.date else []), *self.dealing.stratify]
        cells = cells_of(self.cohort, list(dict.fromkeys([patient, *([centre] if centre else []), *named])))
        parts = split_patients(self.dealing, cells[patient], cells, cells[centre] if centre else None)
        path = output.folder / COHORT_FILE
        self._refuse_change(header, cells[ID_COLUMN], parts, path)
        write_moved_table(self.cohort, path, {self.column: parts})
        output.tables["cohort"] = output.files["cohort"] = path
        labels = part_order(parts)
        output.table("parts", [_row(label, parts, cells, patient, self.dealing.stratify) for label in labels])
        output.record["split"] = {**asdict(self.dealing), "by": self.dealing.by.value, "column": self.column}
        counts = ", ".join(f"{parts.count(label)} {label}" for label in labels)
        output.notes.append(f"split by {self.dealing.by.value}: {counts}")
        progress(1.0, counts)

    def _refuse_change(self, header: list[str], ids: list[str], parts: list[str], path: Path) -> None:
        if self.replace:
            return
        made = dict(zip(ids, parts, strict=True))
        if self.column in header:
            _refuse_other(self.cohort, self.column, made)
        if path.is_file():
            _refuse_other(path, self.column, made)


def _refuse_other(table: Path, column: str, made: dict[str, str]) -> None:
    found = cells_of(table, [column])
    there = dict(zip(found[ID_COLUMN], found[column], strict=True))
    other = [case for case, part in there.items() if part and made.get(case) != part]
    if other:
        raise InputError(
            f"{table.name} has a column {column!r} already, and {len(other)} of {len(there)} cases would change their "
            f"part (the first: {other[0]}); a split is made once. Name another column, or say replace (--replace)"
        )


def _row(label: str, parts: list[str], cells: dict[str, list[str]], patient: str, names: tuple[str, ...]) -> dict:
    own = [k for k, part in enumerate(parts) if part == label]
    row = {"part": label, "cases": len(own), "patients": len({cells[patient][k] for k in own})}
    for name in names:
        levels = sorted(set(cells[name]))
        if len(levels) <= 6:
            row |= {f"{name}={level or 'missing'}": sum(cells[name][k] == level for k in own) for level in levels}
    return row
