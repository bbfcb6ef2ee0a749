"""The table of a study with a binary end point: covariates and whether the event occurred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class BinaryTable(CohortTable):
    """Patients with a binary end point; see :class:`~SurvivalNomogramLib.tables.cohort_table.CohortTable`."""


def read_binary_table(
    source: JoinedCohort | pd.DataFrame | str | Path,
    *,
    event: str,
    covariates: Sequence[str] | None = None,
    categorical: Iterable[str] = (),
    references: Mapping[str, str] | None = None,
    split: str | None = None,
    id_column: str | None = None,
    patient: str | None = None,
    missing: MissingPolicies | str | Mapping[str, str] = "drop",
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
    joined = as_joined(source, split=split, id_column=id_column, patient=patient)
    check_column(joined.frame, event)
    offered = request.offered(joined, event)
    recorded = with_outcome(joined, (event,), request.is_strict)
    states = read_events(recorded.frame[event], event_values)
    if states.has_competing:
        raise InputError(
            f"end point {event!r} has {len(states.names)} values ({', '.join(states.names)}), a logistic model "
            "needs two: name all those that count as the event in event_values"
        )
    read = read_covariates(recorded.frame, offered.names, recorded.labels, request)
    ids = np.asarray(read.frame.index, dtype=object)
    labels = None if recorded.labels is None else recorded.labels[read.kept]
    return BinaryTable(
        frame=read.frame,
        event=(states.state[read.kept] == 1).astype(int),
        terms=read.terms,
        ids=ids,
        split=labels,
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
