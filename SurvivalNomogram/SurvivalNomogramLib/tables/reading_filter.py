"""Keeps the features that a second reader, or perturbed masks, agree on, before any model is fitted.

yang2023: ICC above 0.8 on 30 patients segmented twice, then LASSO-Cox.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort, read_features
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.selection.icc_filter import ICC_ABOVE
from RadiomicsCoreLib.selection.readings import Readings, Reliability
from RadiomicsCoreLib.statistics.icc import IccModel

from .cohort_table import CovariateRequest, as_joined
from .covariates import is_numeric
from .missing_values import policies_of
from .table_columns import BinaryColumns, SurvivalColumns

if TYPE_CHECKING:
    import pandas as pd

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
    icc_above: float = ICC_ABOVE
    model: IccModel = IccModel.AGREEMENT

    def __post_init__(self) -> None:
        object.__setattr__(self, "readings", tuple(self.readings))
        if not self.readings:
            raise InputError("no reading is given; name the feature tables of the second masks")
        if not 0 <= self.icc_above < 1:
            raise InputError(f"the ICC threshold must lie from 0 to below 1, not {self.icc_above:g}")

    def apply(
        self, source: JoinedCohort | pd.DataFrame | Path | str, columns: Columns, keep: Sequence[str] = ()
    ) -> FilteredColumns[Columns]:
        """Return the columns without the features that the readings do not agree on.

        Args:
            source: the table of the study.
            columns: which columns are what.
            keep: covariates that stay whatever their ICC.

        Raises:
            InputError: patients cannot be matched, fewer than 5 training patients were read twice, or nothing is
                left.
        """
        joined = as_joined(source, split=columns.split, id_column=columns.id_column, patient=columns.patient)
        columns = columns.found_in(joined)
        if columns.id_column is None:
            raise InputError("readings are matched by patient: name the column of the patients' names (--id)")
        offered = CovariateRequest(columns.covariates).offered(joined, columns.event, getattr(columns, "time", None))
        codes = {*columns.categorical, *columns.references, *keep}
        numbers = [name for name in offered.names if name not in codes and is_numeric(joined.frame[name])]
        readings = self._read(joined, columns.id_column, numbers)
        patients = [name for name, is_training in zip(joined.ids, joined.training, strict=True) if is_training]
        found = readings.reliability(patients, readings.features, self.model)
        return self._filtered(
            columns, offered.names, Reliability(tuple(readings.features), found, self.icc_above, self.model)
        )

    def _read(self, joined: JoinedCohort, id_column: str, numbers: Sequence[str]) -> Readings:
        tables = [joined.frame[list(numbers)]]
        for number, source in enumerate(self.readings, start=2):
            own = read_features(f"reading {number}", source, id_column)
            texts = [name for name in numbers if name in own.columns and not is_numeric(own[name])]
            if texts:
                raise InputError(f"reading {number}: column {texts[0]!r} holds text; a feature is a number")
            tables.append(own)
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
        missing = policies_of(columns.missing).without(dropped).to_plain()
        unread = len(kept) - int(above.sum())
        note = reliability.note() + (f"; {unread} columns were not read again and stay" if unread else "")
        return FilteredColumns(
            replace(columns, covariates=kept, missing=missing), frozenset(dropped), reliability, note
        )

    def to_dict(self) -> dict[str, object]:
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

    def write(self, output: JobOutput) -> None:
        """Write ``icc.csv``, the worst first, and the note."""
        output.table("icc", self.reliability.rows())
        output.notes.append(self.note)
