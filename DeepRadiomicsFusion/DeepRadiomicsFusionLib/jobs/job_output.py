"""What the jobs of fusion write into their folder: tables, texts, figures, notes and the study's record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import save_figure
from RadiomicsCoreLib.files.tables import write_csv, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class JobResult:
    """What a job left behind.

    Attributes:
        files: everything written.
        notes: what a reader should know.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


class JobOutput:
    """Collects what a job writes into its folder."""

    def __init__(self, out: Path | str, formats: Sequence[str]) -> None:
        self.folder, self.formats = Path(out), tuple(formats)
        self.files: list[Path] = []
        self.notes: list[str] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"output folder {str(out)!r} cannot be made: {error.strerror}") from None

    def rows(self, name: str, rows: Any) -> None:
        """Write a table of dicts or a data frame as ``<name>.csv``."""
        self.files.append(self.folder / f"{name}.csv")
        write_csv(self.files[-1], rows)

    def text(self, name: str, text: str) -> None:
        """Write ``<name>.txt``."""
        self.files.append(self.folder / f"{name}.txt")
        self.files[-1].write_text(text, encoding="utf-8")

    def figure(self, name: str, draw: Callable[..., Figure], *arguments: Any) -> None:
        """Draw and write a figure in all formats; none without a format."""
        if self.formats:
            (self.folder / "figures").mkdir(exist_ok=True)
            self.files += save_figure(draw(*arguments), self.folder / "figures" / name, self.formats)

    def finish(self, job: str, record: Mapping[str, Any]) -> JobResult:
        """Write the notes and ``study.json`` with what the record says of the job."""
        self.text("notes", "".join(f"{note}\n" for note in self.notes))
        self.files.append(self.folder / "study.json")
        write_json(self.files[-1], {"job": job, **record, "notes": list(self.notes)})
        return JobResult(tuple(self.files), tuple(self.notes))


def file_stem(name: str) -> str:
    """Return a name as part of a file's name."""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return kept[:60] or "part"
