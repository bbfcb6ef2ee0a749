"""``collect``: the same table of many runs as one, such as ten end points or twelve ring sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from RadiomicsCoreLib.cohort.columns import named_table
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..side_by_side.figures import distribution_figure

if TYPE_CHECKING:
    import pandas as pd

GROUP = "group"


@dataclass(frozen=True, kw_only=True)
class CollectJob(Job):
    """Stack tables of several output folders, each row with the name of its run.

    Writes ``<table>.csv`` for every table, and with ``value`` a figure of its distribution by group (zhang2024's
    Fig. 3b-d) and ``summary.csv`` (median, least, most, mean and standard deviation by group and model). A run that
    lacks a table is told.

    Attributes:
        runs: name to output folder.
        table: names of the tables without .csv, such as that of ``models_other_parts.csv`` of ``fuse``.
        key: name of the column that holds the run's name.
        groups: run to the group that it belongs to.
        value: column of the first table that the figure shows.
        by: column of the models.
        only: column to the value that rows of the figure have, such as part=test.
        formats: of the figure.
    """

    verb = "collect"

    runs: Mapping[str, Path] = option(
        "output folder of a job (repeatable)",
        factory=dict,
        word="--folder",
        read=named_table,
        metavar="NAME=FOLDER",
        repeated=True,
    )
    table: tuple[str, ...] = option("tables to stack, without .csv: models,models_other_parts", ())
    key: str = option("name of the column of the runs", "run")
    groups: Mapping[str, str] = option(
        "group of a run (repeatable)", factory=dict, word="--group", metavar="NAME=GROUP", repeated=True
    )
    value: str | None = option("column of the first table that the figure shows, such as auc", None)
    by: str = option("column of the models", "model")
    only: Mapping[str, str] = option(
        "rows of the figure (repeatable): part=test", factory=dict, metavar="COLUMN=VALUE", repeated=True
    )
    formats: tuple[str, ...] = option("of the figure", FORMATS, choices=FORMATS)

    def __post_init__(self) -> None:
        if not self.runs or not self.table:
            raise InputError("name the folders (--folder NAME=FOLDER) and the tables (--table models)")
        for name in self.groups:
            check_known("run", name, self.runs)

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Stack and write."""
        for number, name in enumerate(self.table):
            frame = self._stacked(name, output)
            if frame is None:
                output.failures.append(f"no run has the table {name}.csv")
                continue
            output.files[name] = output.table(name, frame)
            if number == 0 and self.value is not None:
                output.attempt("figure", self._draw, output, frame)
        if not output.tables:
            raise InputError("; ".join(output.failures))
        progress(1.0, f"{len(output.tables)} tables of {len(self.runs)} runs")

    def _stacked(self, name: str, output: JobOutput) -> pd.DataFrame | None:
        import pandas as pd

        frames = []
        for run, folder in self.runs.items():
            path = folder / f"{name}.csv"
            if not path.is_file():
                output.notes.append(f"{run} has no table {name}.csv")
                continue
            frame = read_csv(path)
            frame.insert(0, self.key, run)
            if self.groups:
                frame.insert(1, GROUP, self.groups.get(run, ""))
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else None

    def _draw(self, output: JobOutput, frame: pd.DataFrame) -> None:
        assert self.value is not None
        for column in (self.value, self.by, *self.only):
            check_known("column", column, list(frame.columns))
        for column, wanted in self.only.items():
            frame = frame[frame[column].astype(str) == wanted]
        frame = frame.dropna(subset=[self.value])
        if not len(frame):
            raise InputError(f"no row has {self.value} where {dict(self.only)}")
        group = GROUP if self.groups else self.key
        stated = frame.groupby([group, self.by])[self.value].agg(["count", "median", "min", "max", "mean", "std"])
        output.table("summary", stated.reset_index())
        rows = frame[[group, self.by, self.value]].to_dict("records")
        output.figure(f"{self.value}_by_{group}", distribution_figure, rows, self.value, self.by, group)
