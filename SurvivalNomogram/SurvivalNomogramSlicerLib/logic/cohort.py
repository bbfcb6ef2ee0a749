"""A cohort in the window: a table node or a CSV, its columns as texts, what they can be, and a CSV for a job."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.cohort.columns import USUAL_COLUMNS
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_cells, unguard_text, write_csv
from RadiomicsSlicerLib.nodes import required
from RadiomicsSlicerLib.tables import table_columns
from SurvivalNomogramLib.tables.other_outcomes import sounds_like_an_outcome

MOST_LEVELS = 20
"""A column of more different texts names patients or files."""
NUMBER, CATEGORY = "number", "category"
_TIME_NAMES = ("time", "days", "months", "follow", "survival")
_EVENT_NAMES = ("event", "death", "dead", "status", "recurrence", "relapse", "progression")


@dataclass(frozen=True, eq=False)
class Cohort:
    """A table with a row a patient.

    Attributes:
        name: of the node or the file.
        columns: name to the cells' texts; an empty text is a missing value.
    """

    name: str
    columns: Mapping[str, Sequence[str]]

    @property
    def patients(self) -> list[str]:
        """Name of each patient: of the id column, or the row's number."""
        ids = self.columns.get(USUAL_COLUMNS["id"])
        return list(ids) if ids is not None else [str(number + 1) for number in range(self.rows)]

    @property
    def rows(self) -> int:
        """Number of patients."""
        return len(next(iter(self.columns.values()), ()))

    def values(self, column: str) -> list[str]:
        """Return the different values of a column, numbers in their order; none of a column that is not there."""
        found = {text for text in self.columns.get(column, ()) if text}
        return sorted(found, key=lambda text: (0, float(text), text) if is_number(text) else (1, 0.0, text))

    def kind(self, column: str) -> str:
        """Return whether a column holds numbers or texts."""
        return self._kinds[column]

    @cached_property
    def _kinds(self) -> dict[str, str]:
        numbers = {name: all(is_number(text) for text in texts if text) for name, texts in self.columns.items()}
        return {name: NUMBER if is_all else CATEGORY for name, is_all in numbers.items()}

    def numeric(self) -> list[str]:
        """Return the columns that can be a time."""
        return [name for name in self.columns if self.kind(name) == NUMBER]

    def candidates(self, taken: Sequence[str]) -> list[str]:
        """Return the columns that can be covariates.

        Args:
            taken: columns that are something else.
        """
        roles = {*taken, *USUAL_COLUMNS.values()}
        return [name for name in self.columns if name not in roles and self._may_be_covariate(name)]

    def usual(self, taken: Sequence[str]) -> list[str]:
        """Return the candidates that no name speaks against: another outcome predicts nothing."""
        return [name for name in self.candidates(taken) if not sounds_like_an_outcome(name, list(self.columns))]

    def parts(self, split: str) -> dict[str, int]:
        """Return how many patients each part of a split has, training first; nothing without such a column."""
        counts = Counter(text for text in self.columns.get(split, ()) if text)
        return dict(sorted(counts.items(), key=lambda item: (item[0] != "train", item[0])))

    def time_guess(self) -> str:
        """Return the column that is most likely the follow-up; empty if none is."""
        return _first_with(self.numeric(), _TIME_NAMES)

    def event_guess(self) -> str:
        """Return the column that is most likely the event; empty if none is."""
        few = [name for name in self.columns if 1 < len(self.values(name)) <= 4]
        return _first_with(few, _EVENT_NAMES)

    def patient(self, name: str) -> dict[str, str]:
        """Return the values of a patient, column to text. Raises InputError if there is none of that name."""
        if name not in self.patients:
            raise InputError(f"table {self.name!r} has no patient {name!r}")
        row = self.patients.index(name)
        return {column: texts[row] for column, texts in self.columns.items()}

    def write(self, path: Path) -> Path:
        """Write the table as a CSV that every job reads."""
        names = list(self.columns)
        write_csv(path, [dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)], names)
        return path

    def _may_be_covariate(self, name: str) -> bool:
        texts = self.values(name)
        if len(texts) < 2:
            return False
        return self.kind(name) == NUMBER or len(texts) <= min(MOST_LEVELS, max(2, self.rows / 3))


def cohort_of_node(tableNode: Any) -> Cohort:
    """Return the cohort that a table node holds.

    Raises:
        InputError: no node, or a table without rows.
    """
    required(tableNode, "the table of patients")
    columns = {name: [_text(value) for value in values] for name, values in table_columns(tableNode).items()}
    return _checked(Cohort(tableNode.GetName(), columns))


def cohort_of_file(path: Path | str) -> Cohort:
    """Return the cohort that a CSV holds. Raises InputError, also for a table without rows."""
    header, cells = read_cells(path)
    columns = {name: [unguard_text(row[place]).strip() for row in cells] for place, name in enumerate(header)}
    return _checked(Cohort(Path(path).name, columns))


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _checked(cohort: Cohort) -> Cohort:
    if not cohort.rows:
        raise InputError(f"table {cohort.name!r} has no rows; a row a patient is needed")
    return cohort


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value).strip()


def _first_with(names: Sequence[str], words: Sequence[str]) -> str:
    return next((name for word in words for name in names if word in name.casefold()), "")
