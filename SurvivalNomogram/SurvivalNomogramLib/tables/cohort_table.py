"""The table of a cohort: covariates, an event, perhaps a split; checked once and read without surprises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .covariates import Term, check_column, is_numeric, level_texts, terms_of
from .event_coding import EventStates
from .missing_values import OTHERS, MissingPolicy, MissingValues

if TYPE_CHECKING:
    import pandas as pd

TRAINING = "train"
"""Label of the training patients in a split column."""


@dataclass(frozen=True, kw_only=True)
class CohortTable:
    """Patients with covariates and an event; the base of the survival and the binary table.

    Args:
        frame: covariates (n rows); numbers as float, categories as text, nothing missing.
        event: (n,) 0 no event (or a competing one), 1 event.
        terms: what the covariates are; the levels are those of the training patients.
        ids: (n,) names of the patients.
        split: (n,) labels such as train, test, external; None when the table is one cohort.
        missing: how missing values were filled, to fill those of new patients the same way.
        report: what was read, dropped and filled, one line each.
        warnings: what the reader of the results should know, one line each.
    """

    frame: pd.DataFrame
    event: np.ndarray
    terms: tuple[Term, ...]
    ids: np.ndarray
    split: np.ndarray | None = None
    missing: MissingValues = field(default_factory=MissingValues)
    report: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.event)

    @property
    def events(self) -> int:
        return int(self.event.sum())

    def rows(self, chosen: np.ndarray) -> Self:
        """Return the table of the chosen rows: a mask (n,) or positions, which may repeat (bootstrap)."""
        chosen = np.asarray(chosen)
        at = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        arrays: dict[str, Any] = {
            name: value[at]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray) and len(value) == len(self)
        }
        return replace(self, frame=self.frame.iloc[at], **arrays)

    def part(self, label: str) -> Self:
        """Return the patients with this split label as a table of their own, without a split.

        Raises:
            InputError: there is no split column, or no such label.
        """
        if self.split is None:
            raise InputError(f"the table has no split column, so there is no part {label!r}")
        if label not in self.split:
            known = ", ".join(sorted(set(self.split)))
            raise InputError(f"no patient has the split label {label!r}; the labels are {known}")
        return replace(self.rows(self.split == label), split=None)

    @property
    def training(self) -> Self:
        """The training patients: the part "train", or all where there is no split."""
        return self if self.split is None else self.part(TRAINING)


@dataclass(frozen=True)
class CovariateRequest:
    """Which columns are covariates, and how they are to be read.

    Args:
        covariates: columns that may enter models; all that have no other role when None.
        categorical: numeric columns that hold codes of categories.
        references: reference level of categorical columns.
        missing: "drop", "median", "level", "error", or a mapping from column to one of these, "*" for all others.
    """

    covariates: Sequence[str] | None = None
    categorical: Sequence[str] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    missing: str | Mapping[str, str] = "drop"

    @property
    def is_strict(self) -> bool:
        """True where patients without an outcome are to be refused, not dropped."""
        policy = self.missing.get(OTHERS) if isinstance(self.missing, Mapping) else self.missing
        return policy == MissingPolicy.ERROR.value

    def names(self, frame: pd.DataFrame, special: Sequence[str]) -> list[str]:
        """Columns of the covariates; InputError for those that the frame lacks."""
        if self.covariates is None:
            return [name for name in frame.columns if name not in special]
        for name in self.covariates:
            check_column(frame, name)
        taken = [name for name in self.covariates if name in special]
        if taken:
            raise InputError(f"column {taken[0]!r} is outcome, split or id and cannot be a covariate as well")
        return list(self.covariates)


@dataclass(frozen=True)
class Covariates:
    """Covariates as read: the arguments of a table that do not depend on the kind of outcome.

    Args:
        kept: (n,) bool, the rows that were not dropped for missing covariates.
    """

    frame: pd.DataFrame
    kept: np.ndarray
    terms: tuple[Term, ...]
    missing: MissingValues
    report: tuple[str, ...]
    warnings: tuple[str, ...]


def read_covariates(
    frame: pd.DataFrame, names: Sequence[str], labels: np.ndarray | None, request: CovariateRequest
) -> Covariates:
    """Fill or drop missing values and find the terms, both as the training patients say.

    Raises:
        InputError: one line that names the column, the value and the remedy.
    """
    train = np.ones(len(frame), bool) if labels is None else labels == TRAINING
    for name in [*request.categorical, *request.references]:
        if name not in names:
            raise InputError(f"categorical column {name!r} is not among the covariates")
    if isinstance(request.missing, Mapping):
        for name in request.missing:
            if name not in (*names, OTHERS):
                raise InputError(f"missing values of column {name!r} are spoken of, but it is not among the covariates")
    codes = {*request.categorical, *request.references}
    # What is text in any patient is a category in all: the training patients alone may hide a bad cell.
    codes |= {name for name in names if name not in codes and not is_numeric(frame[name])}
    filler = MissingValues(request.missing).fit(frame.loc[train, list(names)], sorted(codes))
    report = filler.report(frame[list(names)])
    filled = filler.transform(frame[list(names)])
    kept = np.asarray(frame.index.isin(filled.index))
    if not (kept & train).any():
        raise InputError(
            'missing="drop" leaves no training patient: each misses a covariate; use fewer covariates or "median"'
        )
    terms, warnings = _terms(filled, train[kept], codes, request.references)
    return Covariates(_typed(filled, terms), kept, terms, filler, tuple(report), tuple(warnings))


def check_events(states: EventStates, name: str) -> list[str]:
    """Raise InputError if no patient has the event; return a warning if all have it."""
    if not (states.state == 1).any():
        raise InputError(
            f"event column {name!r} holds no event ({states.names[0]} in all {len(states.state)} patients): "
            "nothing can be modelled, check the column"
        )
    if (states.state == 1).all():
        return [f"all {len(states.state)} patients have the event: check that {name!r} says who was censored"]
    return []


def load_table(source: pd.DataFrame | str | Path) -> pd.DataFrame:
    """Return a frame, or read a CSV file whose separator is a comma, semicolon or tab."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        frame = source.copy()
    else:
        path = Path(source)
        if not path.is_file():
            raise InputError(f"there is no table {path}")
        try:
            with path.open(encoding="utf-8-sig") as file:
                header = file.readline()
            separator = max(",;\t", key=header.count)
            frame = pd.read_csv(path, sep=separator, encoding="utf-8-sig")
        except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise InputError(f"{path} is not a CSV table that can be read: {error}") from error
    if frame.empty:
        raise InputError("the table has no rows")
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise InputError(f"the table has two columns called {repeated[0]!r}: rename one")
    return frame


def ids_of(frame: pd.DataFrame, id_column: str | None) -> np.ndarray:
    """Return the patients' names (n,), each once; row numbers from 1 without an id column."""
    if id_column is None:
        return np.array([str(k + 1) for k in range(len(frame))], dtype=object)
    column = frame[id_column]
    if column.isna().any():
        raise InputError(f"id column {id_column!r} has no name in row {int(np.argmax(column.isna())) + 1}")
    texts = level_texts(column)
    if texts.duplicated().any():
        repeated = texts[texts.duplicated()].iloc[0]
        raise InputError(f"patient {repeated!r} stands twice in id column {id_column!r}: keep one row a patient")
    return texts.to_numpy(dtype=object)


def with_outcome(frame: pd.DataFrame, needed: list[str], strict: bool) -> tuple[pd.DataFrame, list[str]]:
    """Drop the patients whose outcome or split is not recorded."""
    report = []
    for column in needed:
        absent = frame[column].isna().to_numpy()
        if not absent.any():
            continue
        first = frame.index[absent][0]
        if strict:
            raise InputError(
                f"column {column!r} misses {absent.sum()} values (first: patient {first}): "
                'fill them or read the table with missing="drop"'
            )
        report.append(f"column {column!r}: {absent.sum()} patients without a value dropped (first: {first})")
        frame = frame[~absent]
    if frame.empty:
        raise InputError(f"no patient has a value in each of {', '.join(needed)}")
    return frame, report


def labels_of(frame: pd.DataFrame, split: str | None) -> np.ndarray | None:
    """Return the split labels (n,), among which "train" must be."""
    if split is None:
        return None
    labels = level_texts(frame[split]).to_numpy(dtype=object)
    if TRAINING not in labels:
        known = ", ".join(sorted(set(labels)))
        raise InputError(f"split column {split!r} has no patient labelled {TRAINING!r}; its labels are {known}")
    return labels


def _terms(
    frame: pd.DataFrame,
    train: np.ndarray,
    categorical: Iterable[str],
    references: Mapping[str, str],
) -> tuple[tuple[Term, ...], list[str]]:
    """Terms of all covariates that vary in training, and a warning for each that does not."""
    training = frame.loc[train]
    constant = _constant(training)
    terms = terms_of(
        training,
        [name for name in frame.columns if name not in constant],
        categorical=[name for name in categorical if name not in constant],
        references={k: v for k, v in references.items() if k not in constant},
    )
    warnings = [
        f"column {name!r} has the same value ({training[name].iloc[0]}) in all "
        f"{len(training)} training patients: it is left out"
        for name in frame.columns
        if name in constant
    ]
    return terms, warnings


def _constant(frame: pd.DataFrame) -> set[str]:
    """Columns with one value; numbers are compared all at once, since there may be thousands."""
    numbers = frame.select_dtypes("number")
    same = (numbers.max() == numbers.min()).to_numpy()
    others = [name for name in frame.columns.difference(numbers.columns) if frame[name].nunique() < 2]
    return {*numbers.columns[same], *others}


def _typed(frame: pd.DataFrame, terms: tuple[Term, ...]) -> pd.DataFrame:
    """Numbers as float64, categories as text."""
    import pandas as pd

    columns = {
        term.name: level_texts(frame[term.name]) if term.is_categorical else _floats(frame[term.name]) for term in terms
    }
    return pd.DataFrame(columns, index=frame.index)


def _floats(column: pd.Series) -> np.ndarray:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
