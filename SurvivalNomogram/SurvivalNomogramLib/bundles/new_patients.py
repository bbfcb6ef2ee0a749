"""Reads a table of patients to whom a finished model is applied: nothing is learned from them.

Missing covariates are filled as the training patients said; a patient who cannot be predicted keeps a row with
the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.cohort.missing import MissingPolicy
from RadiomicsCoreLib.errors import InputError

from ..tables.cohort_table import as_joined
from ..tables.covariates import Term, check_column, level_texts
from .bundle import ModelBundle

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.cohort_table import CohortTable

TableT = TypeVar("TableT", bound="CohortTable")


@dataclass(frozen=True)
class NewPatients:
    """Patients of a table, as a bundle's model needs them.

    Attributes:
        frame: (n rows) covariates of the model, index the ids; rows with a problem hold what the table held.
        ids: (n,) names of the patients.
        problems: (n,) why a patient cannot be predicted; empty if nothing is wrong.
        report: what was filled, one line each.
        source: (n rows) the whole table as it was read, same index.
    """

    frame: pd.DataFrame
    ids: np.ndarray
    problems: np.ndarray
    report: tuple[str, ...]
    source: pd.DataFrame

    @property
    def usable(self) -> np.ndarray:
        """(n,) bool: patients who can be predicted."""
        return self.problems == ""


def read_new_patients(
    source: JoinedCohort | pd.DataFrame | str | Path, bundle: ModelBundle, *, id_column: str | None = None
) -> NewPatients:
    """Read the covariates that a bundle's model needs.

    Args:
        source: a cohort, a CSV file or a data frame, one row a patient.
        bundle: the model.
        id_column: column that names the patients, each once; None: ``case_id``, or row numbers.

    Raises:
        InputError: a column of the model is absent, or no patient can be predicted.
    """
    joined = as_joined(source, id_column=id_column)
    for term in bundle.model.terms:
        check_column(joined.frame, term.name)
    frame = joined.frame[[term.name for term in bundle.model.terms]].copy()
    report = _fill(frame, bundle)
    problems = row_problems(frame, bundle.model.terms)
    if (problems != "").all():
        raise InputError(f"none of the {len(frame)} patients can be predicted; the first: {problems[0]}")
    ids = np.array(joined.ids, dtype=object)
    return NewPatients(frame, ids, problems, (*joined.notes, *report), joined.frame)


def _fill(frame: pd.DataFrame, bundle: ModelBundle) -> list[str]:
    report = []
    for name in frame.columns:
        empty = frame[name].isna()
        if empty.any() and name in bundle.missing.fill_:
            value = bundle.missing.fill_[name]
            frame[name] = frame[name].astype(object).where(~empty, value)
            how = (
                "the middle of training: training itself was imputed by chained equations, which look at the outcome, "
                "so that a new patient cannot be"
                if bundle.missing.policy_.get(name) is MissingPolicy.MICE
                else "as in training"
            )
            report.append(f"column {name!r}: {int(empty.sum())} missing filled with {value!r}, {how}")
    return report


def row_problems(frame: pd.DataFrame, terms: Sequence[Term]) -> np.ndarray:
    """Why each patient cannot be predicted, (n,) of texts; empty where nothing is wrong."""
    import pandas as pd

    problems = np.full(len(frame), "", dtype=object)
    for term in terms:
        column = frame[term.name]
        texts = level_texts(column)
        empty = column.isna().to_numpy()
        if term.is_categorical:
            wrong = ~texts.isin(term.levels).to_numpy() & ~empty
            why = f"is a category that the training data do not hold; known are {', '.join(term.levels)}"
        else:
            wrong = ~np.isfinite(pd.to_numeric(column, errors="coerce").to_numpy(float)) & ~empty
            why = "is no finite number"
        for k in np.flatnonzero((empty | wrong) & (problems == "")):
            what = "has no value" if empty[k] else f"{texts.iloc[k]!r} {why}"
            problems[k] = f"column {term.name!r}: {what}"
    return problems


def without_unknown_levels(table: TableT, terms: Sequence[Term]) -> tuple[TableT, list[str]]:
    """Leave out the patients of other cohorts whose category the training data do not hold; say who they are.

    Args:
        table: all cohorts.
        terms: of the model that was fitted on the training patients.
    """
    problems = row_problems(table.frame, terms)
    known = problems == ""
    notes = [
        f"patient {name} left out: {problem}" for name, problem in zip(table.ids[~known], problems[~known], strict=True)
    ]
    return (table if known.all() else table.rows(known)), notes
