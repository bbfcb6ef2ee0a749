"""``baseline``: the patients described by the groups of a column: cohort, hospital, or a binary end point."""

from __future__ import annotations

from dataclasses import dataclass

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..settings.inputs import Patients
from ..tables.baseline_table import baseline_table


@dataclass(frozen=True, kw_only=True)
class BaselineJob(Patients, Job):
    """Describe columns by the groups of another: means or medians, numbers and shares, and a test.

    Writes ``baseline.csv``. Patients whose group is missing are left out, with a note.

    Attributes:
        by: column of the groups, such as split or a binary end point.
        describe: columns; None: all clinical ones.
        categorical: columns of numbers that are codes.
    """

    verb = "baseline"

    by: str = option("column of the groups, such as split or a binary end point")
    describe: tuple[str, ...] | None = option("columns to describe (default: all clinical ones)", None)
    categorical: tuple[str, ...] = option("columns of numbers that are codes", ())

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Describe and write."""
        joined = self.joined()
        frame = joined.frame
        columns = list(joined.clinical if self.describe is None else self.describe)
        for name in (self.by, *columns):
            check_known("column", name, list(frame.columns))
        columns = [name for name in columns if name != self.by]
        known = frame[self.by].notna().to_numpy()
        if not known.any():
            raise InputError(f"column {self.by!r} is empty")
        if not known.all():
            output.notes.append(f"{int((~known).sum())} of {len(frame)} patients have no {self.by} and are left out")
        group = [_text(value) for value in frame.loc[known, self.by].tolist()]
        found = baseline_table(frame[known], group, columns, categorical=self.categorical)
        output.files["baseline"] = output.table("baseline", found)
        progress(1.0, f"{len(columns)} columns by {self.by}")


def _text(value: object) -> str:
    """1.0 of a column with gaps is 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
