"""Jobs that a panel runs one after the other in a process of their own: written to a folder, their results found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.tables import read_cells, typed_column
from RadiomicsCoreLib.jobs.process import job_command, program_command
from RadiomicsCoreLib.jobs.record import JOB_FILE, write_job_file
from RadiomicsCoreLib.jobs.registry import job_from

from ..nodes import required

_JOBS = "jobs"


@dataclass(frozen=True, eq=False)
class JobRun:
    """Jobs on their way. It holds the nodes themselves: a new scene may give their ids to others.

    Attributes:
        folder: where they are; each job has a folder of its name in it.
        steps: the jobs' names, in order.
        nodes: what they were made from, by what it is ("the volume").
        notes: whatever the result needs to know.
        failure: why the process failed, from its last line; "": it did not, or has not ended.
    """

    folder: Path
    steps: tuple[str, ...]
    nodes: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""

    def out(self, step: str) -> Path:
        """Return the output folder of a job."""
        return self.folder / step

    def job_file(self, step: str) -> Path:
        """Return the file of a job."""
        return self.folder / _JOBS / step / JOB_FILE

    def command(self, python: str) -> list[str]:
        """Return the words that run the jobs with an interpreter, for example Slicer's ``PythonSlicer``."""
        pairs = [path for step in self.steps for path in (self.job_file(step), self.out(step))]
        return job_command(python, pairs[0], pairs[1], *pairs[2:])

    def check(self) -> None:
        """Raise if there is no result to read.

        Raises:
            RadiomicsError: the process failed; with its message.
            InputError: it was ended by force, or a node that it was made from is gone.
        """
        for what, node in self.nodes.items():
            required(node, what)
        if self.failure:
            raise RadiomicsError(self.failure)
        # The record is the last thing that a job writes.
        if not (self.out(self.steps[-1]) / JOB_FILE).is_file():
            raise InputError(f"{self.folder} has no result: the job was stopped or ended by force; run it again")

    def rows(self, step: str, table: str) -> list[dict[str, Any]]:
        """Return a table that a job wrote, a dict a row; empty if it wrote none of that name."""
        return read_rows(self.out(step) / f"{table}.csv")


@dataclass(frozen=True)
class ProgramRun:
    """A program of ours that is no job: it tells its steps as one, and leaves files in a folder.

    Attributes:
        folder: for its files.
        module: whose ``main`` is run.
        words: that it is given.
        failure: as of :class:`JobRun`.
    """

    folder: Path
    module: str
    words: tuple[str, ...]
    failure: str = ""

    def command(self, python: str) -> list[str]:
        """Return the words that run it."""
        return program_command(python, self.module, *self.words)

    def check(self) -> None:
        """Raise RadiomicsError if it failed."""
        if self.failure:
            raise RadiomicsError(self.failure)


def write_run(
    folder: Path | str,
    steps: Mapping[str, Mapping[str, Any]],
    nodes: Mapping[str, Any] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> JobRun:
    """Build jobs from plain values and write them to a folder; the scene is not changed.

    Args:
        folder: made if it is not there.
        steps: name of each job's folder to its values, the verb among them, in order.
        nodes, notes: kept with the run.

    Raises:
        InputError: values that a job refuses, or a folder that cannot be written.
    """
    folder = Path(folder)
    jobs = {name: job_from(values) for name, values in steps.items()}
    try:
        for name, job in jobs.items():
            place = folder / _JOBS / name
            place.mkdir(parents=True, exist_ok=True)
            write_job_file(job, place)
    except OSError:
        raise InputError(f"{folder} cannot be written; check free space and permissions of {folder.parent}") from None
    return JobRun(folder, tuple(steps), dict(nodes or {}), dict(notes or {}))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return a table that a job wrote: numbers as numbers, an empty cell as None; empty if the file is not there."""
    if not path.is_file():
        return []
    header, cells = read_cells(path)
    columns = [_typed([row[place] for row in cells]) for place in range(len(header))]
    return [dict(zip(header, row, strict=True)) for row in zip(*columns, strict=True)]


def _typed(cells: list[str]) -> list[Any]:
    return [value if cell else None for cell, value in zip(cells, typed_column(cells).tolist(), strict=True)]
