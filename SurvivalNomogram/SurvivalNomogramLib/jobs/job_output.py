"""What a job takes and leaves behind: columns in, tables, figures and notes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.style import save_figure
from RadiomicsCoreLib.files.provenance import hash_files, hash_settings
from RadiomicsCoreLib.files.tables import write_csv

from ..tables.binary_table import BinaryTable, read_binary_table
from ..tables.survival_table import SurvivalTable, read_survival_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class CovariateColumns:
    """What the columns of every table of patients say, beside the end point.

    Args:
        covariates: columns to choose from; None: all others.
        categorical: numeric columns that hold codes.
        references: reference levels.
        split: column with train, test, ...; None: one cohort.
        id_column: column of the patients' names.
        missing: drop, median, level or error, for all columns or each.
        event_values: what counts as the event, where the event column leaves it open.
    """

    covariates: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    id_column: str | None = None
    missing: str | Mapping[str, str] = "drop"
    event_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class SurvivalColumns(CovariateColumns):
    """Which columns of a table are what; the arguments of ``read_survival_table``.

    Args:
        time, event: follow-up and event.
        time_unit: days, weeks, months or years.
        censored_values: what the other values of the event column mean, where it is open.
    """

    time: str
    event: str
    time_unit: str = "days"
    censored_values: tuple[str, ...] | None = None

    def read(self, source: pd.DataFrame | Path | str) -> SurvivalTable:
        """Read the table; InputError with one line where it cannot be used."""
        return read_survival_table(source, **asdict(self))


@dataclass(frozen=True)
class BinaryColumns(CovariateColumns):
    """Which columns of a table are what; the arguments of ``read_binary_table``.

    Args:
        event: column that says whether the event occurred.
    """

    event: str

    def read(self, source: pd.DataFrame | Path | str) -> BinaryTable:
        """Read the table; InputError with one line where it cannot be used."""
        return read_binary_table(source, **asdict(self))


@dataclass(frozen=True)
class JobResult:
    """What a job left behind.

    Attributes:
        files: everything written.
        notes: what a reader should know: rows dropped, values filled, warnings.
        failures: what could not be done while the rest was.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class JobOutput:
    """Collects what a job writes into its folder."""

    def __init__(self, out: Path | str, formats: Sequence[str]) -> None:
        self.folder, self.formats = Path(out), tuple(formats)
        self.files: list[Path] = []
        self.notes: list[str] = []
        self.failures: list[str] = []
        try:
            (self.folder / "figures").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"output folder {str(out)!r} cannot be made: {error.strerror}") from None

    def table(self, name: str, frame: pd.DataFrame) -> None:
        path = self.folder / f"{name}.csv"
        write_csv(path, frame)
        self.files.append(path)

    def text(self, name: str, text: str) -> None:
        path = self.folder / f"{name}.txt"
        path.write_text(f"{text}\n", encoding="utf-8")
        self.files.append(path)

    def figure(self, name: str, figure: Figure) -> None:
        self.files += save_figure(figure, self.folder / "figures" / name, self.formats)

    def attempt(self, what: str, step: Callable[..., T], *arguments: Any) -> T | None:
        """Do one step; if the data do not allow it, note why, return None, and let the others go on."""
        try:
            return step(*arguments)
        except (InputError, ModelError) as error:
            self.failures.append(f"{what}: {error}")
            return None

    def finish(self) -> JobResult:
        path = self.folder / "notes.txt"
        lines = [*self.notes, *(f"NOT DONE {failure}" for failure in self.failures)]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        self.files.append(path)
        return JobResult(tuple(self.files), tuple(self.notes), tuple(self.failures))


def data_hash(source: pd.DataFrame | Path | str) -> str:
    """SHA-256 of a table file, or of a frame's values."""
    if isinstance(source, str | Path):
        return hash_files([Path(source)])
    return hash_settings(source.astype(object).where(source.notna(), None).to_dict("list"))


def file_name(label: str) -> str:
    """A cohort's label as part of a file name."""
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in label)
    return kept[:40] or "cohort"
