"""Keeps the features that a second reader, or perturbed masks, agree on, before any model is fitted.

yang2023: ICC above 0.8 on 30 patients segmented twice, then LASSO-Cox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.selection.readings import Readings, Reliability
from RadiomicsCoreLib.statistics.icc import IccModel

from ..tables.cohort_table import TRAINING, CovariateRequest, ids_of, labels_of, load_table
from ..tables.covariates import check_column, is_numeric
from ..validation.cox_modelling import CoxModelling
from .job_output import BinaryColumns, JobOutput, SurvivalColumns

if TYPE_CHECKING:
    import pandas as pd

CASE_ID = "case_id"
Columns = TypeVar("Columns", SurvivalColumns, BinaryColumns)


@dataclass(frozen=True)
class ReadingFilter:
    """Which features may enter a model: those whose intraclass correlation exceeds a threshold.

    The filter looks at no outcome, and only at the training patients that were read more than once; they may be a
    part of the training patients. Columns that the readings do not hold (age, stage) stay.

    Args:
        readings: the repeated feature tables (CSV or data frame); the table of the study is the first reading.
        icc_above: ICC to exceed, from 0 to below 1.
        model: ICC(2,1) or ICC(3,1).

    Raises:
        InputError: no reading, or a threshold out of bounds.
    """

    readings: tuple[pd.DataFrame | Path | str, ...]
    icc_above: float = 0.8
    model: IccModel = IccModel.AGREEMENT

    def __post_init__(self) -> None:
        object.__setattr__(self, "readings", tuple(self.readings))
        if not self.readings:
            raise InputError("no reading is given; name the feature tables of the second masks")
        if not 0 <= self.icc_above < 1:
            raise InputError(f"the ICC threshold must lie from 0 to below 1, not {self.icc_above:g}")

    def apply(
        self, source: pd.DataFrame | Path | str, columns: Columns, keep: Sequence[str] = ()
    ) -> FilteredColumns[Columns]:
        """Return the columns without the features that the readings do not agree on.

        Args:
            source: the table of the study.
            columns: which columns are what. Without ``id_column`` the patients are matched by ``case_id``.
            keep: covariates that stay whatever their ICC.

        Raises:
            InputError: patients cannot be matched, fewer than 5 training patients were read twice, or nothing is
                left.
        """
        frame = load_table(source)
        columns = replace(columns, id_column=_id_column(frame, columns.id_column))
        given = (columns.event, columns.split, columns.id_column, getattr(columns, "time", None))
        special = [name for name in given if name is not None]
        for name in special:
            check_column(frame, name)
        offered = CovariateRequest(columns.covariates).names(frame, special)
        codes = {*columns.categorical, *columns.references, *keep}
        numbers = [name for name in offered if name not in codes and is_numeric(frame[name])]
        readings = self._read(frame, str(columns.id_column), numbers)
        labels = labels_of(frame[frame[columns.split].notna()], columns.split) if columns.split else None
        patients = ids_of(frame, columns.id_column)
        if labels is not None:
            patients = patients[frame[columns.split].notna().to_numpy()][labels == TRAINING]
        found = readings.reliability(patients.tolist(), readings.features, self.model)
        return self._filtered(
            columns, offered, Reliability(tuple(readings.features), found, self.icc_above, self.model)
        )

    def _read(self, frame: pd.DataFrame, id_column: str, numbers: Sequence[str]) -> Readings:
        tables = [frame.set_axis(ids_of(frame, id_column), axis=0)[list(numbers)]]
        for number, source in enumerate(self.readings, start=2):
            table = load_table(source)
            own = id_column if id_column in table.columns else CASE_ID
            if own not in table.columns:
                raise InputError(f"reading {number} has no column {id_column!r} or {CASE_ID!r} to match patients by")
            table = table.set_axis(ids_of(table, own), axis=0)
            texts = [name for name in numbers if name in table.columns and not is_numeric(table[name])]
            if texts:
                raise InputError(f"reading {number}: column {texts[0]!r} holds text; a feature is a number")
            tables.append(table)
        return Readings(tables)

    def _filtered(self, columns: Columns, offered: Sequence[str], reliability: Reliability) -> FilteredColumns[Columns]:
        above, iccs = reliability.above, reliability.icc.value
        dropped = {name for name, good in zip(reliability.features, above, strict=True) if not good}
        kept = tuple(name for name in offered if name not in dropped)
        if not kept:
            best = f"{np.nanmax(iccs):.3g}" if np.isfinite(iccs).any() else "not defined"
            raise InputError(
                f"none of {len(dropped)} features has an ICC above {self.icc_above:g} (the highest is {best}); "
                "lower the threshold or look at the second masks"
            )
        missing = columns.missing
        if isinstance(missing, Mapping):
            missing = {name: policy for name, policy in missing.items() if name not in dropped}
        unread = len(kept) - int(above.sum())
        note = reliability.note() + (f"; {unread} columns were not read again and stay" if unread else "")
        return FilteredColumns(
            replace(columns, covariates=kept, missing=missing), frozenset(dropped), reliability, note
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the bundle: no path, no table."""
        return {"readings": len(self.readings) + 1, "icc_above": self.icc_above, "icc_model": self.model.value}


@dataclass(frozen=True)
class FilteredColumns(Generic[Columns]):
    """What the filter leaves.

    Attributes:
        columns: with the covariates that are left.
        dropped: features that the readings do not agree on.
        reliability: ICC of the features that were read.
        note: one line for the reader.
    """

    columns: Columns
    dropped: frozenset[str]
    reliability: Reliability
    note: str

    def offered_to(self, modelling: CoxModelling) -> CoxModelling:
        """The modelling step without the dropped features among those that it names."""
        if modelling.covariates is None:
            return modelling
        return replace(modelling, covariates=tuple(n for n in modelling.covariates if n not in self.dropped))

    def write(self, output: JobOutput) -> None:
        """Write ``icc.csv``, the worst first, and the note."""
        import pandas as pd

        output.table("icc", pd.DataFrame(self.reliability.rows()))
        output.notes.append(self.note)


def _id_column(frame: pd.DataFrame, id_column: str | None) -> str:
    if id_column is not None:
        return id_column
    if CASE_ID in frame.columns:
        return CASE_ID
    raise InputError("readings are matched by patient: name the column of the patients' names (--id)")
