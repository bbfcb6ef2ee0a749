"""The table of a survival study: time, event and covariates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.cohort.missing import MissingPolicies
from RadiomicsCoreLib.errors import InputError

from .cohort_table import (
    CohortTable,
    CovariateRequest,
    as_joined,
    check_events,
    check_patients,
    read_covariates,
    with_outcome,
)
from .covariates import check_column
from .event_coding import read_events

if TYPE_CHECKING:
    import pandas as pd

DAYS_PER_UNIT: Mapping[str, float] = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
"""Length of the time units that a table may use."""


@dataclass(frozen=True, kw_only=True)
class SurvivalTable(CohortTable):
    """Patients of a survival study; see :class:`~SurvivalNomogramLib.tables.cohort_table.CohortTable`.

    Args:
        time: (n,) follow-up in ``time_unit``, above zero.
        time_unit: days, weeks, months or years.
        state: (n,) 0 censored, 1 event, 2, 3, ... competing events; None without competing events.
        state_names: values of the event column behind the states.
    """

    time: np.ndarray
    time_unit: str = "days"
    state: np.ndarray | None = None
    state_names: tuple[str, ...] = ()

    def in_unit(self, time_unit: str) -> SurvivalTable:
        """Return the table with times in another unit."""
        check_unit(time_unit)
        factor = DAYS_PER_UNIT[self.time_unit] / DAYS_PER_UNIT[time_unit]
        return replace(self, time=self.time * factor, time_unit=time_unit)


def check_unit(time_unit: str) -> None:
    """Raise InputError for an unknown time unit."""
    if time_unit not in DAYS_PER_UNIT:
        raise InputError(f"time unit {time_unit!r} is unknown; choose one of {', '.join(DAYS_PER_UNIT)}")


def read_survival_table(
    source: JoinedCohort | pd.DataFrame | str | Path,
    *,
    time: str,
    event: str,
    time_unit: str = "days",
    covariates: Sequence[str] | None = None,
    categorical: Iterable[str] = (),
    references: Mapping[str, str] | None = None,
    split: str | None = None,
    id_column: str | None = None,
    patient: str | None = None,
    missing: MissingPolicies | str | Mapping[str, str] = "drop",
    event_values: object | Sequence[object] | None = None,
    censored_values: object | Sequence[object] | None = None,
) -> SurvivalTable:
    """Read a table of patients with survival times.

    Args:
        source: CSV file (comma, semicolon or tab) or data frame; one row a patient.
        time: column of follow-up times, numbers above zero.
        event: column that says whether the event was seen; see
            :func:`SurvivalNomogramLib.tables.event_coding.read_events`.
        time_unit: days, weeks, months or years.
        covariates: columns that may enter models; all others than those named here when None.
        categorical: numeric columns that hold codes of categories.
        references: reference level of categorical columns.
        split: column with the labels train, test, external, ...; levels, medians and modes come from "train".
        id_column: column that names the patients, each once.
        missing: "drop", "median" (numbers; categories get the mode), "level" (categories), or "error";
            or a mapping from column to one of these. Patients without time, event or split are dropped
            under every policy but "error", and the report says so.
        event_values, censored_values: which values are events, and which are not, where the table leaves
            that open.

    Raises:
        InputError: one line that names the column, the value and the remedy.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"days": [501, 756, 90], "dead": [0, 0, 1], "age": [61, 17, 70]})
        >>> table = read_survival_table(frame, time="days", event="dead")
        >>> len(table), table.events, table.terms
        (3, 1, (Term(name='age', levels=()),))
    """
    check_unit(time_unit)
    request = CovariateRequest(covariates, tuple(categorical), dict(references or {}), missing)
    joined = as_joined(source, split=split, id_column=id_column, patient=patient)
    for column in (time, event):
        check_column(joined.frame, column)
    offered = request.offered(joined, event, time)
    recorded = with_outcome(joined, (time, event), request.is_strict)
    times = _times(recorded.frame[time])
    states = read_events(recorded.frame[event], event_values, censored_values)
    read = read_covariates(recorded.frame, offered.names, recorded.labels, request)
    ids = np.asarray(read.frame.index, dtype=object)
    labels = None if recorded.labels is None else recorded.labels[read.kept]
    return SurvivalTable(
        frame=read.frame,
        time=times[read.kept],
        event=(states.state[read.kept] == 1).astype(int),
        terms=read.terms,
        time_unit=time_unit,
        ids=ids,
        split=labels,
        state=states.state[read.kept] if states.has_competing else None,
        state_names=states.names,
        missing=read.missing,
        report=(*joined.notes, *recorded.report, states.report, *read.report),
        warnings=(
            *offered.warnings,
            *check_events(states, event),
            *read.warnings,
            *check_patients(joined, ids, labels),
        ),
        left_out=recorded.left_out | read.left_out,
        gaps=read.gaps,
    )


def _times(column: pd.Series) -> np.ndarray:
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values)))
        raise InputError(
            f"time column {column.name!r} holds {column.iloc[at]!r} (patient {column.index[at]}): "
            "times must be plain numbers, with the unit in time_unit"
        )
    if (values < 0).any():
        at = int(np.argmax(values < 0))
        raise InputError(
            f"time column {column.name!r} holds {values[at]:g} (patient {column.index[at]}): "
            "a follow-up cannot be negative, check the dates"
        )
    if (values == 0).any():
        at = int(np.argmax(values == 0))
        raise InputError(
            f"time column {column.name!r} is 0 in {int((values == 0).sum())} patients (first: "
            f"{column.index[at]}): remove them, or give a death on day 0 half a day"
        )
    return values
