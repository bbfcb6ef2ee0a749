"""Which columns of a table are what, as one value that a bundle keeps and a table is read by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from RadiomicsCoreLib.cohort.columns import CohortColumns
from RadiomicsCoreLib.cohort.joined import JoinedCohort

from .binary_table import BinaryTable, read_binary_table
from .survival_table import SurvivalTable, read_survival_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class CovariateColumns:
    """What the columns of every table of patients say, beside the end point.

    Args:
        covariates: columns to choose from; None: see
            :class:`~SurvivalNomogramLib.tables.cohort_table.CovariateRequest`.
        categorical: numeric columns that hold codes.
        references: reference levels.
        split: column with train, test, ...; None: the column ``split``, or one cohort.
        id_column: column of the patients' names; None: ``case_id``, or row numbers.
        patient: column of patients, where some have several cases.
        missing: drop, median, level or error, for all columns or each.
        event_values: what counts as the event, where the event column leaves it open.
    """

    covariates: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    id_column: str | None = None
    patient: str | None = None
    missing: str | Mapping[str, str] = "drop"
    event_values: tuple[str, ...] | None = None

    @property
    def cohort(self) -> CohortColumns:
        """The columns that every table has, whatever its end point."""
        return CohortColumns(id=self.id_column, split=self.split, patient=self.patient)

    def found_in(self, joined: JoinedCohort) -> Self:
        """Return the same with the columns that a cohort has, by their names."""
        found = joined.columns
        return replace(self, split=found.split, id_column=found.id, patient=found.patient)

    def to_dict(self) -> dict[str, object]:
        """Plain values for the bundle."""
        return asdict(self)


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

    def read(self, source: JoinedCohort | pd.DataFrame | Path | str) -> SurvivalTable:
        """Read the table; InputError with one line where it cannot be used."""
        return read_survival_table(source, **asdict(self))


@dataclass(frozen=True)
class BinaryColumns(CovariateColumns):
    """Which columns of a table are what; the arguments of ``read_binary_table``.

    Args:
        event: column that says whether the event occurred.
    """

    event: str

    def read(self, source: JoinedCohort | pd.DataFrame | Path | str) -> BinaryTable:
        """Read the table; InputError with one line where it cannot be used."""
        return read_binary_table(source, **asdict(self))
