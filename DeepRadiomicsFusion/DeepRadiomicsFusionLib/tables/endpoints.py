"""Binary endpoints of a cohort table: which cases have the outcome, which lack the label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.columns import ID_COLUMN
from RadiomicsCoreLib.cohort.joined import JoinedCohort, read_joined
from RadiomicsCoreLib.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Endpoint:
    """The cases whose label of one endpoint is known.

    Attributes:
        name: column of the table.
        case_ids: (n,) cases with a label, in the table's order.
        outcome: (n,) 0 and 1.
        unlabelled: cases without a label; they take no part.
    """

    name: str
    case_ids: tuple[str, ...]
    outcome: np.ndarray
    unlabelled: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line for notes."""
        ones = int(self.outcome.sum())
        line = f"{self.name}: {len(self.outcome)} cases, {ones} with the outcome"
        return line + (f", {len(self.unlabelled)} without a label left out" if self.unlabelled else "")


def read_endpoint(
    table: pd.DataFrame | JoinedCohort, column: str, *, positive: str | None = None, one_class: bool = False
) -> Endpoint:
    """Take one binary endpoint from a cohort table.

    Args:
        table: a cohort, or a data frame with ``case_id``, that has the column; empty cells are missing labels.
        column: holds 0 and 1, truths, or texts if ``positive`` is given.
        positive: text that means the outcome; the one other text means none.
        one_class: take an endpoint that lacks one class or any label, to evaluate as far as it goes.

    Raises:
        InputError: no such column, text or other values in it, a repeated case, or one class only.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"case_id": ["a", "b", "c"], "relapse": [1.0, None, 0.0]})
        >>> endpoint = read_endpoint(table, "relapse")
        >>> endpoint.case_ids, endpoint.outcome.tolist(), endpoint.unlabelled
        (('a', 'c'), [1, 0], ('b',))
    """
    joined = table if isinstance(table, JoinedCohort) else read_joined(table)
    frame = joined.frame
    for needed in (joined.columns.id or ID_COLUMN, column):
        if needed not in frame.columns:
            raise InputError(f"the table has no column {needed!r}; it has {_listed(frame.columns)}")
    ids = joined.ids
    values = frame[column].astype(object).where(frame[column].notna(), None).tolist()
    known = [(case, value) for case, value in zip(ids, values, strict=True) if value is not None]
    outcome = np.array(_coded(column, [value for _, value in known], positive, one_class), dtype=int)
    if len(set(outcome.tolist())) < 2 and not one_class:
        only = f"is {outcome[0]} for all {len(outcome)} labelled cases" if len(outcome) else "has no label at all"
        raise InputError(f"endpoint {column!r} {only}; both classes, 0 and 1, are needed")
    unlabelled = tuple(case for case, value in zip(ids, values, strict=True) if value is None)
    return Endpoint(column, tuple(case for case, _ in known), outcome, unlabelled)


def read_endpoints(table: pd.DataFrame, columns: Sequence[str]) -> tuple[Endpoint, ...]:
    """Take several endpoints, each with the cases that have its label (zhang2024)."""
    if not columns:
        raise InputError("no endpoint is named; name at least one column of 0 and 1")
    return tuple(read_endpoint(table, column) for column in columns)


def refuse_text(column: str, values: Iterable[tuple[str, object]]) -> None:
    """Refuse a column that holds text, and name the text: one of them makes texts of all numbers beside it.

    Args:
        column: its name.
        values: case and cell.

    Raises:
        InputError: with the first cell that is no number.

    Example:
        >>> refuse_text("relapse", [("a", "0"), ("b", "yes")])
        Traceback (most recent call last):
            ...
        RadiomicsCoreLib.errors.InputError: column 'relapse' holds text ('yes') for b; code it as numbers
    """
    texts = [(case, value) for case, value in values if isinstance(value, str)]
    if texts:
        case, value = next((item for item in texts if not _is_number(item[1])), texts[0])
        raise InputError(f"column {column!r} holds text ({value!r}) for {case}; code it as numbers")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _coded(column: str, values: list[object], positive: str | None, one_class: bool) -> list[int]:
    if positive is not None:
        texts = sorted({str(value) for value in values})
        if (positive not in texts and not (one_class and len(texts) < 2)) or len(texts) > 2:
            raise InputError(
                f"endpoint {column!r} holds {_listed(texts)}; with positive={positive!r} it must hold that text "
                "and one other"
            )
        return [int(str(value) == positive) for value in values]
    for value in values:
        if isinstance(value, str):
            texts = sorted({item for item in values if isinstance(item, str)})
            raise InputError(
                f"endpoint {column!r} holds text ({_listed(texts)}); code it as 0 and 1, or say which text means "
                "the outcome"
            )
        if value not in (0, 1):
            raise InputError(f"endpoint {column!r} holds {value!r}; code it as 0 and 1")
    return [int(value) for value in values]  # type: ignore[call-overload]


def _listed(names: Sequence[object] | pd.Index) -> str:
    shown = [repr(str(name)) for name in list(names)[:6]]
    return ", ".join(shown) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
