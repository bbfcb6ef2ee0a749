"""The table of a study with a binary end point: covariates and whether the event occurred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .cohort_table import (
    CohortTable,
    CovariateRequest,
    check_events,
    ids_of,
    labels_of,
    load_table,
    read_covariates,
    with_outcome,
)
from .covariates import check_column
from .event_coding import read_events

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class BinaryTable(CohortTable):
    """Patients with a binary end point; see :class:`~SurvivalNomogramLib.tables.cohort_table.CohortTable`."""


def read_binary_table(
    source: pd.DataFrame | str | Path,
    *,
    event: str,
    covariates: Sequence[str] | None = None,
    categorical: Iterable[str] = (),
    references: Mapping[str, str] | None = None,
    split: str | None = None,
    id_column: str | None = None,
    missing: str | Mapping[str, str] = "drop",
    event_values: object | Sequence[object] | None = None,
) -> BinaryTable:
    """Read a table of patients with a binary end point.

    Args:
        source: CSV file or data frame; one row a patient.
        event: column that says whether the event occurred, with two values.
        covariates, categorical, references, split, id_column, missing, event_values: as in
            :func:`SurvivalNomogramLib.tables.survival_table.read_survival_table`.

    Raises:
        InputError: one line that names the column, the value and the remedy.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"response": ["yes", "no", "no"], "age": [61, 17, 70]})
        >>> read_binary_table(frame, event="response").event.tolist()
        [1, 0, 0]
    """
    request = CovariateRequest(covariates, tuple(categorical), dict(references or {}), missing)
    frame = load_table(source)
    special = [column for column in (event, split, id_column) if column is not None]
    for column in special:
        check_column(frame, column)
    names = request.names(frame, special)
    frame = frame.set_axis(ids_of(frame, id_column), axis=0)
    frame, dropped = with_outcome(frame, [c for c in (event, split) if c], request.is_strict)
    states = read_events(frame[event], event_values)
    if states.has_competing:
        raise InputError(
            f"end point {event!r} has {len(states.names)} values ({', '.join(states.names)}), a logistic model "
            "needs two: name all those that count as the event in event_values"
        )
    labels = labels_of(frame, split)
    read = read_covariates(frame, names, labels, request)
    return BinaryTable(
        frame=read.frame,
        event=(states.state[read.kept] == 1).astype(int),
        terms=read.terms,
        ids=np.asarray(read.frame.index, dtype=object),
        split=None if labels is None else labels[read.kept],
        missing=read.missing,
        report=(*dropped, states.report, *read.report),
        warnings=(*check_events(states, event), *read.warnings),
    )
