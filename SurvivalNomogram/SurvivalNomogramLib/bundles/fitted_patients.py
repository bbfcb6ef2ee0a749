"""Tells the patients that a model was fitted on from new ones, in whatever table they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.cohort.known_patients import KnownPatients, known_patients

from ..tables.covariates import Term, level_texts

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.cohort_table import CohortTable


def fitted_patients(training: CohortTable, terms: Sequence[Term], salt: str, *, has_ids: bool) -> KnownPatients:
    """Return the hashes of the patients that a model was fitted on.

    Args:
        training: they alone.
        terms: of the model.
        salt: of the hashes, such as the hash of the training data.
        has_ids: whether their names are names, not numbers of rows.
    """
    outcomes = [list(values) for values in zip(*outcome_values(training), strict=True)]
    ids = [str(name) for name in training.ids] if has_ids else None
    return known_patients(salt, ids, input_values(training.frame, terms), outcomes)


def outcome_values(table: Any) -> list[list[float]]:
    """Return the outcome of a table, column by column: follow-up, where there is one, and event."""
    columns = [table.time, table.event] if hasattr(table, "time") else [table.event]
    return [np.asarray(column, float).tolist() for column in columns]


def input_values(frame: pd.DataFrame, terms: Sequence[Term]) -> list[list[object]]:
    """Return the values (n) of a model's covariates, numbers as numbers and categories as the texts of their levels."""
    import pandas as pd

    columns: list[list[object]] = []
    for term in terms:
        column = frame[term.name]
        if term.is_categorical:
            columns.append(level_texts(column).tolist())
        else:
            columns.append(pd.to_numeric(column, errors="coerce").to_numpy(float).tolist())
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(len(frame))]


BY_CHANCE = 0.2
"""Share of a table's rows that may equal fitted ones by chance, where rows do not tell patients apart."""


@dataclass(frozen=True)
class Recognised:
    """Who of a table was fitted.

    Attributes:
        fitted: (n,) bool, patients with the values of a fitted one.
        namesakes: (n,) bool, patients with the id of a fitted one and other values.
        is_known: whether the bundle says who was fitted.
    """

    fitted: np.ndarray
    namesakes: np.ndarray
    is_known: bool

    def warnings(self) -> list[str]:
        """Say what the reader of a prediction or validation should know of it."""
        if not self.is_known:
            return ["the bundle does not say whom its model was fitted on: it could not be checked who is new to it"]
        told = []
        if self.fitted.any():
            told.append(
                f"{int(self.fitted.sum())} of {len(self.fitted)} patients are those that the model was fitted on, by "
                "their values: what it says of them is too good"
            )
        if self.namesakes.any():
            told.append(
                f"{int(self.namesakes.sum())} of {len(self.fitted)} patients bear the ids of fitted patients but have "
                "other values, and are taken for others; if they are the same patients measured again, the model is "
                "not new to them"
            )
        return told


def recognise(
    known: KnownPatients,
    ids: Sequence[str],
    frame: pd.DataFrame,
    terms: Sequence[Term],
    outcome: Sequence[Sequence[float]] | None,
    *,
    has_ids: bool,
) -> Recognised:
    """Find the fitted patients among others.

    Args:
        known: of the bundle.
        ids: (n) names.
        frame: (n rows) the model's covariates, filled as in training.
        terms: of the model.
        outcome: follow-up (in the model's unit) and event, column by column; None where it is not known.
        has_ids: whether the names are names, not numbers of rows.
    """
    inputs = input_values(frame, terms)
    same_name = known.by_id(ids) if has_ids else np.zeros(len(ids), bool)
    measured = known.by_values(inputs, with_outcome=False)
    fitted = measured
    if outcome is not None:
        rows = [[*values, *end] for values, end in zip(inputs, zip(*outcome, strict=True), strict=True)]
        fitted = measured | _by_rows(known, known.by_values(rows, with_outcome=True), same_name)
    return Recognised(fitted, same_name & ~fitted, known.patients > 0)


def _by_rows(known: KnownPatients, same_row: np.ndarray, same_name: np.ndarray) -> np.ndarray:
    """Who has the covariates and the outcome of a fitted patient, and not by chance.

    Two patients of one age and stage may die on the same day. Where the ids are those of the training, they decide;
    where they are not, and values do not tell the fitted patients apart, a few equal rows are chance.
    """
    sure = same_row & same_name
    if sure.any():
        return sure
    if not known.are_told_apart and same_row.mean() < BY_CHANCE:
        return np.zeros(len(same_row), bool)
    return same_row
