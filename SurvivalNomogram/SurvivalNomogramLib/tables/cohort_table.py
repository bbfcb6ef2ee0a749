"""The table of a cohort: covariates, an event, perhaps a split; checked once and read without surprises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from RadiomicsCoreLib.cohort.columns import CohortColumns
from RadiomicsCoreLib.cohort.joined import JoinedCohort, is_feature, listed, read_joined
from RadiomicsCoreLib.cohort.missing import OTHERS, MissingPolicies, MissingPolicy
from RadiomicsCoreLib.cohort.splits import TRAINING, part_order
from RadiomicsCoreLib.errors import InputError

from .covariates import Term, check_column, check_magnitudes, is_numeric, level_texts, terms_of
from .event_coding import EventStates
from .missing_values import MissingValues, policies_of
from .other_outcomes import looks_like_an_outcome
from .uninformative import uninformative

if TYPE_CHECKING:
    import pandas as pd


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
        left_out: why patients are not in the table -> how many.
        gaps: (n rows) bool, the covariates that were missing and are to be imputed several times, where they were
            asked to be; the frame holds the median there. None without such.
    """

    frame: pd.DataFrame
    event: np.ndarray
    terms: tuple[Term, ...]
    ids: np.ndarray
    split: np.ndarray | None = None
    missing: MissingValues = field(default_factory=MissingValues)
    report: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    gaps: pd.DataFrame | None = None

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
        gaps = None if self.gaps is None else self.gaps.iloc[at]
        return replace(self, frame=self.frame.iloc[at], gaps=gaps, **arrays)

    def with_gaps(self, terms: Sequence[Term]) -> Self:
        """Return the table of these terms with its values to be imputed missing again."""
        frame = self.frame[[term.name for term in terms]]
        if self.gaps is not None:
            frame = frame.mask(self.gaps[list(frame.columns)])
        return replace(self, frame=frame, terms=tuple(terms), gaps=None)

    def has_gaps(self, terms: Sequence[Term]) -> bool:
        """Whether a value of these terms is to be imputed."""
        return self.gaps is not None and bool(self.gaps[[term.name for term in terms]].to_numpy().any())

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

    @property
    def parts(self) -> dict[str, Self]:
        """The cohorts by split label, "train" first; one of all patients where there is no split."""
        return (
            {TRAINING: self}
            if self.split is None
            else {name: self.part(name) for name in part_order(self.split.tolist())}
        )

    def who(self) -> dict[str, object]:
        """Return who is fitted and who is not, as plain values: n and events of every part, and who is left out."""
        return {"parts": {label: part.size() for label, part in self.parts.items()}, "left_out": dict(self.left_out)}

    def size(self) -> dict[str, int]:
        """Return the number of patients and of events."""
        return {"n": len(self), "events": self.events}

    def who_is_fitted(self) -> str:
        """Say in one line who is fitted, who is only predicted, and who is left out and why."""
        parts = {label: said_of(**part.size()) for label, part in self.parts.items()}
        fitted = f"fitted on {parts.pop(TRAINING)}" + ("" if self.split is None else " (train)")
        others = [f"{label}: {said}, only predicted" for label, said in parts.items()]
        return "; ".join([fitted, *others, said_of_others(self.left_out)])


def said_of(n: int, events: int | None = None) -> str:
    """Say how many patients there are, and how many events.

    Example:
        >>> said_of(76, 41)
        '76 patients with 41 events'
    """
    return f"{n} patients" + ("" if events is None else f" with {events} events")


def said_of_others(left_out: Mapping[str, int]) -> str:
    """Say who is left out and why.

    Example:
        >>> said_of_others({"without 'days'": 3})
        "left out: 3 without 'days'"
    """
    reasons = [f"{count} {why}" for why, count in left_out.items()]
    return f"left out: {', '.join(reasons)}" if reasons else "nobody is left out"


@dataclass(frozen=True)
class CovariateRequest:
    """Which columns are covariates, and how they are to be read.

    Args:
        covariates: columns that may enter models; None: the columns of the joined feature tables or, without any,
            all that have no other role and do not look like an outcome.
        categorical: numeric columns that hold codes of categories.
        references: reference level of categorical columns.
        missing: what is done with missing values.
    """

    covariates: Sequence[str] | None = None
    categorical: Sequence[str] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    missing: MissingPolicies | str | Mapping[str, str] = MissingPolicies()

    @property
    def policies(self) -> MissingPolicies:
        """What is done with missing values, column by column."""
        return policies_of(self.missing)

    @property
    def is_strict(self) -> bool:
        """True where patients without an outcome are to be refused, not dropped."""
        return self.policies.others is MissingPolicy.ERROR

    def offered(self, joined: JoinedCohort, event: str | None, time: str | None = None) -> Offered:
        """Return the columns that may enter models, and what has to be told of them.

        Raises:
            InputError: a column that the cohort lacks, or that has another role.
        """
        outcome = [name for name in (event, time) if name is not None]
        special = [*joined.columns.named.values(), *outcome]
        if self.covariates is not None:
            for name in self.covariates:
                check_column(joined.frame, name)
            taken = [name for name in self.covariates if name in special]
            if taken:
                raise InputError(f"column {taken[0]!r} is outcome, split or id and cannot be a covariate as well")
        offered = self.covariates
        if offered is None:
            free = {*joined.features, *(() if joined.tables else joined.clinical)} - set(special)
            offered = [name for name in joined.frame.columns if name in free]
        check_magnitudes(joined.frame, offered)
        suspects = {
            name: why
            for name in offered
            if not is_feature(name) and (why := looks_like_an_outcome(joined.frame, name, time, event))
        }
        if self.covariates is not None:
            told = [
                f"covariate {name!r} looks like another outcome ({why}); it is used because you name it, but if it is "
                "not known when the prediction is made, the model predicts the past"
                for name, why in suspects.items()
            ]
            return Offered(tuple(self.covariates), tuple(told))
        told = [
            f"column {name!r} looks like another outcome ({why}) and is no covariate; name it among the covariates if "
            "it is known when the prediction is made"
            for name, why in suspects.items()
        ]
        kept = tuple(name for name in offered if name not in suspects)
        if not kept:
            raise InputError("no column is left to be a covariate; name the covariates, or join feature tables")
        return Offered(kept, tuple(told))


@dataclass(frozen=True)
class Offered:
    """Columns that may enter models.

    Attributes:
        names: in the order of the table, or of the user.
        warnings: columns that look like another outcome, one line each.
    """

    names: tuple[str, ...]
    warnings: tuple[str, ...] = ()


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
    gaps: pd.DataFrame | None = None

    @property
    def left_out(self) -> dict[str, int]:
        """Why patients were dropped -> how many."""
        count = int((~self.kept).sum())
        return {"without a value of a covariate": count} if count else {}


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
    for name in request.policies.by_column:
        if name not in (*names, OTHERS):
            raise InputError(f"missing values of column {name!r} are spoken of, but it is not among the covariates")
    codes = {*request.categorical, *request.references}
    # What is text in any patient is a category in all: the training patients alone may hide a bad cell.
    codes |= {name for name in names if name not in codes and not is_numeric(frame[name])}
    filler = MissingValues(request.policies).fit(frame.loc[train, list(names)], sorted(codes))
    report = filler.report(frame[list(names)])
    filled = filler.transform(frame[list(names)])
    kept = np.asarray(frame.index.isin(filled.index))
    if not (kept & train).any():
        raise InputError(
            'missing="drop" leaves no training patient: each misses a covariate; use fewer covariates or "median"'
        )
    terms, told = _terms(filled, train[kept], codes, request)
    gaps = filler.gaps(frame.loc[kept, list(names)])
    return Covariates(_typed(filled, terms), kept, terms, filler, tuple(report), tuple(told), gaps)


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


def as_joined(
    source: JoinedCohort | pd.DataFrame | Path | str,
    *,
    split: str | None = None,
    id_column: str | None = None,
    patient: str | None = None,
) -> JoinedCohort:
    """Return a cohort as it is, or read it from a file or frame."""
    if isinstance(source, JoinedCohort):
        return source
    return read_joined(source, CohortColumns(id=id_column, split=split, patient=patient))


@dataclass(frozen=True)
class Recorded:
    """The patients whose outcome and part are recorded.

    Attributes:
        frame: their rows.
        labels: (n,) their split labels; None without a split.
        report: what was dropped, one line each.
        left_out: why -> how many.
    """

    frame: pd.DataFrame
    labels: np.ndarray | None
    report: tuple[str, ...]
    left_out: dict[str, int]


def with_outcome(joined: JoinedCohort, needed: Sequence[str], strict: bool) -> Recorded:
    """Drop the patients whose outcome or split is not recorded.

    Raises:
        InputError: nobody is left, nobody is labelled "train", or a value is absent and the policy is strict.
    """
    frame, labels = joined.frame, joined.split
    columns = [*needed, *([joined.columns.split] if joined.columns.split else [])]
    keep = np.ones(len(frame), bool)
    report, left_out = [], {}
    for column in columns:
        absent = keep & frame[column].isna().to_numpy()
        if not absent.any():
            continue
        first = frame.index[absent][0]
        if strict:
            raise InputError(
                f"column {column!r} misses {absent.sum()} values (first: patient {first}): "
                'fill them or read the table with missing="drop"'
            )
        report.append(f"column {column!r}: {absent.sum()} patients without a value dropped (first: {first})")
        left_out[f"without {column!r}"] = int(absent.sum())
        keep &= ~absent
    if not keep.any():
        raise InputError(f"no patient has a value in each of {', '.join(columns)}")
    if labels is None:
        return Recorded(frame[keep], None, tuple(report), left_out)
    labels = labels[keep]
    if TRAINING not in labels:
        known = ", ".join(part_order(labels.tolist()))
        raise InputError(
            f"split column {joined.columns.split!r} has no patient labelled {TRAINING!r}; its labels are {known}"
        )
    return Recorded(frame[keep], labels, tuple(report), left_out)


def check_patients(joined: JoinedCohort, kept: np.ndarray, labels: np.ndarray | None) -> list[str]:
    """Refuse a patient whose cases stand in two parts; return a warning where a part has several cases of one.

    Args:
        joined: the cohort.
        kept: (n,) ids of the cases that take part.
        labels: (n,) their parts; None: one part.
    """
    if joined.columns.patient is None:
        return []
    of = dict(zip(joined.ids, joined.patients, strict=True))
    patients = [of[str(case)] for case in kept]
    part_of: dict[str, str] = {}
    for patient, label in zip(patients, labels if labels is not None else [TRAINING] * len(patients), strict=True):
        if part_of.setdefault(patient, label) != label:
            raise InputError(
                f"patient {patient!r} has cases in the parts {part_of[patient]!r} and {label!r}: what is learnt from "
                "one is known of the other; give all cases of a patient one label"
            )
    several = len(patients) - len(part_of)
    if not several:
        return []
    return [
        f"{len(patients)} cases of {len(part_of)} patients: intervals and tests take cases as independent and are too "
        "narrow"
    ]


def _terms(
    frame: pd.DataFrame, train: np.ndarray, categorical: Iterable[str], request: CovariateRequest
) -> tuple[tuple[Term, ...], list[str]]:
    """Terms of all covariates that a model can use, and what is said of the others."""
    if not len(frame.columns):
        return (), []
    training = frame.loc[train]
    numbers = training[[name for name in frame.columns if name not in set(categorical)]]
    looked_at = training.assign(**{name: _floats(numbers[name]) for name in numbers.select_dtypes("object").columns})
    # A rare mutation that the user names may be meant; a feature that hardly varies is not.
    useless = uninformative(looked_at, [name for name in request.covariates or () if not is_feature(name)])
    gone = useless.names
    if len(gone) == len(frame.columns):
        raise InputError(
            f"none of the {len(gone)} covariates tells the {len(training)} training patients apart: {listed(gone)}"
        )
    terms = terms_of(
        training,
        [name for name in frame.columns if name not in gone],
        categorical=[name for name in categorical if name not in gone],
        references={k: v for k, v in request.references.items() if k not in gone},
    )
    return terms, useless.lines()


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
