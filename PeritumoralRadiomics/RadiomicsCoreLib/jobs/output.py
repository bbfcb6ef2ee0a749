"""The one writer of a job's folder: tables, texts, figures, notes, ``study.json`` and ``job.yaml``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError, ModelError
from ..figures.style import save_figure
from ..files.private_paths import without_folders
from ..files.tables import write_csv
from .batch import CaseOutcome, make_output_folder
from .record import Recorded, write_job_file, write_record
from .result import JobResult, all_warnings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")


class JobOutput:
    """Collects what a job writes into its folder.

    Args:
        folder: made if it is not there.
        formats: of the figures; none: no figures.

    Raises:
        InputError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path | str, formats: Sequence[str] = ()) -> None:
        self._is_new = not Path(folder).exists()
        self.folder = make_output_folder(Path(folder))
        self.formats = tuple(formats)
        self.files: dict[str, Path] = {}
        self.tables: dict[str, Path] = {}
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.failures: list[str] = []
        self.cases: tuple[CaseOutcome, ...] = ()
        self.record: dict[str, Any] = {}
        """What ``study.json`` holds beside settings, inputs, versions and cases."""

    def table(self, name: str, rows: Any, columns: Sequence[str] | None = None) -> Path:
        """Write ``<name>.csv`` from a data frame or from dicts, a row each."""
        path = self.folder / f"{name}.csv"
        write_csv(path, rows, *([columns] if columns is not None else []))
        self.tables[name] = path
        return path

    def text(self, name: str, text: str) -> Path:
        """Write ``<name>.txt``."""
        path = self.folder / f"{name}.txt"
        path.write_text(text if text.endswith("\n") or not text else f"{text}\n", encoding="utf-8")
        self.files[name] = path
        return path

    def figure(self, name: str, figure: Figure | Callable[..., Figure], *arguments: object) -> None:
        """Write a figure, or draw and write it, in all formats; nothing is drawn where no format is wanted."""
        if not self.formats:
            return
        folder = self.folder / "figures"
        folder.mkdir(exist_ok=True)
        drawn = figure(*arguments) if callable(figure) else figure
        save_figure(drawn, folder / name, self.formats)
        self.files["figures"] = folder

    def attempt(self, what: str, step: Callable[..., T], *arguments: object) -> T | None:
        """Do one step; if the data do not allow it, note why, return None, and let the others go on."""
        try:
            return step(*arguments)
        except (InputError, ModelError) as error:
            self.failures.append(f"{what}: {error}")
            return None

    def leave_nothing_empty(self) -> None:
        """Take the folder away again if it was made for this job and nothing was written."""
        if self._is_new:
            with suppress(OSError):  # it holds something, which stays
                self.folder.rmdir()

    def finish(self, job: Recorded) -> JobResult:
        """Write notes, record and job file; return what was left behind."""
        roots = [self.folder, Path.cwd()]
        for kept in (self.notes, self.warnings, self.failures):
            kept[:] = [without_folders(line, roots) for line in kept]
        lines = [
            *self.notes,
            *(f"WARNING {line}" for line in self.warnings),
            *(f"NOT DONE {failure}" for failure in self.failures),
        ]
        self.text("notes", "".join(f"{line}\n" for line in lines))
        warnings = (*self.warnings, *all_warnings(self.cases))
        result = JobResult(
            self.folder,
            dict(self.files),
            dict(self.tables),
            tuple(self.notes),
            warnings,
            tuple(self.failures),
            self.cases,
        )
        result.files["record"] = write_record(job, result, self.record)
        result.files["job"] = write_job_file(job, self.folder)
        return result


def file_stem(name: str) -> str:
    """Return a name as part of a file's name."""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return kept[:60] or "part"
