"""The table of a survival study: time, event and covariates, checked once and read without surprises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.covariates import Term, check_column, level_texts, terms_of
from SurvivalNomogramLib.event_coding import EventStates, read_events
from SurvivalNomogramLib.missing_values import MissingPolicy, MissingValues

if TYPE_CHECKING:
    import pandas as pd

DAYS_PER_UNIT: Mapping[str, float] = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
"""Length of the time units that a table may use."""

TRAINING = "train"
"""Label of the training patients in a split column."""


@dataclass(frozen=True)
class SurvivalTable:
    """Patients of a survival study.

    Args:
        frame: covariates (n rows); numbers as float, categories as text, nothing missing.
        time: (n,) follow-up in ``time_unit``, above zero.
        event: (n,) 0 censored (or a competing event), 1 event.
        terms: what the covariates are; the levels are those of the training patients.
        time_unit: days, weeks, months or years.
        ids: (n,) names of the patients.
        split: (n,) labels such as train, test, external; None when the table is one cohort.
        state: (n,) 0 censored, 1 event, 2, 3, ... competing events; None without competing events.
        state_names: values of the event column behind the states.
        missing: how missing values were filled, to fill those of new patients the same way.
        report: what was read, dropped and filled, one line each.
        warnings: what the reader of the results should know, one line each.
    """

    frame: pd.DataFrame
    time: np.ndarray
    event: np.ndarray
    terms: tuple[Term, ...]
    time_unit: str
    ids: np.ndarray
    split: np.ndarray | None = None
    state: np.ndarray | None = None
    state_names: tuple[str, ...] = ()
    missing: MissingValues = field(default_factory=MissingValues)
    report: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.time)

    @property
    def events(self) -> int:
        return int(self.event.sum())

    def rows(self, chosen: np.ndarray) -> SurvivalTable:
        """Return the table of the chosen rows (mask or positions, repeats allowed)."""
        return replace(
            self,
            frame=self.frame.iloc[np.flatnonzero(chosen) if chosen.dtype == bool else chosen],
            time=self.time[chosen],
            event=self.event[chosen],
            ids=self.ids[chosen],
            split=None if self.split is None else self.split[chosen],
            state=None if self.state is None else self.state[chosen],
        )

    def part(self, label: str) -> SurvivalTable:
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
    def training(self) -> SurvivalTable:
        """The training patients: the part "train", or all where there is no split."""
        return self if self.split is None else self.part(TRAINING)

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
    source: pd.DataFrame | str | Path,
    *,
    time: str,
    event: str,
    time_unit: str = "days",
    covariates: Sequence[str] | None = None,
    categorical: Iterable[str] = (),
    references: Mapping[str, str] | None = None,
    split: str | None = None,
    id_column: str | None = None,
    missing: str | Mapping[str, str] = "drop",
    event_values: object | Sequence[object] | None = None,
    censored_values: object | Sequence[object] | None = None,
) -> SurvivalTable:
    """Read a table of patients with survival times.

    Args:
        source: CSV file (comma, semicolon or tab) or data frame; one row a patient.
        time: column of follow-up times, numbers above zero.
        event: column that says whether the event was seen; see
            :func:`SurvivalNomogramLib.event_coding.read_events`.
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
    frame = _load(source)
    special = [column for column in (time, event, split, id_column) if column is not None]
    for column in special:
        check_column(frame, column)
    names = [c for c in frame.columns if c not in special] if covariates is None else list(covariates)
    for name in names:
        check_column(frame, name)
    ids = _ids(frame, id_column)
    frame = frame.set_axis(ids, axis=0)
    strict = MissingPolicy.ERROR in (missing if isinstance(missing, Mapping) else {"": missing}).values() or (
        missing == MissingPolicy.ERROR.value
    )
    frame, report = _with_outcome(frame, [c for c in (time, event, split) if c], strict)
    times = _times(frame[time])
    states = read_events(frame[event], event_values, censored_values)
    warnings = _check_events(states, event)
    labels = _labels(frame, split)
    train = np.ones(len(frame), bool) if labels is None else labels == TRAINING
    codes = {*categorical, *(references or {})}
    filler = MissingValues(missing).fit(frame.loc[train, names], sorted(codes))
    report += [states.report, *filler.report(frame[names])]
    filled = filler.transform(frame[names])
    kept = frame.index.isin(filled.index)
    if not kept.any():
        raise InputError('missing="drop" leaves no patient: each misses a covariate; use fewer covariates or "median"')
    terms, constant = _terms(filled, train[kept], categorical, references)
    return SurvivalTable(
        frame=_typed(filled, terms),
        time=times[kept],
        event=(states.state[kept] == 1).astype(int),
        terms=terms,
        time_unit=time_unit,
        ids=np.asarray(filled.index, dtype=object),
        split=None if labels is None else labels[kept],
        state=states.state[kept] if states.has_competing else None,
        state_names=states.names,
        missing=filler,
        report=tuple(report),
        warnings=tuple(warnings + constant),
    )


def _load(source: pd.DataFrame | str | Path) -> pd.DataFrame:
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


def _ids(frame: pd.DataFrame, id_column: str | None) -> np.ndarray:
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


def _with_outcome(frame: pd.DataFrame, needed: list[str], strict: bool) -> tuple[pd.DataFrame, list[str]]:
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


def _check_events(states: EventStates, name: str) -> list[str]:
    if not (states.state == 1).any():
        raise InputError(
            f"event column {name!r} holds no event ({states.names[0]} in all {len(states.state)} patients): "
            "nothing can be modelled, check the column"
        )
    if (states.state == 1).all():
        return [f"all {len(states.state)} patients have the event: check that {name!r} says who was censored"]
    return []


def _labels(frame: pd.DataFrame, split: str | None) -> np.ndarray | None:
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
    references: Mapping[str, str] | None,
) -> tuple[tuple[Term, ...], list[str]]:
    """Terms of all covariates that vary in training, and a warning for each that does not."""
    training = frame.loc[train]
    constant = [name for name in frame.columns if training[name].nunique() < 2]
    codes = [name for name in categorical if name in frame.columns]
    for name in categorical:
        if name not in frame.columns:
            raise InputError(f"categorical column {name!r} is not among the covariates")
    terms = terms_of(
        training,
        [name for name in frame.columns if name not in constant],
        categorical=[name for name in codes if name not in constant],
        references={k: v for k, v in (references or {}).items() if k not in constant},
    )
    warnings = [
        f"column {name!r} has the same value ({training[name].iloc[0]}) in all "
        f"{len(training)} training patients: it is left out"
        for name in constant
    ]
    return terms, warnings


def _typed(frame: pd.DataFrame, terms: tuple[Term, ...]) -> pd.DataFrame:
    """Numbers as float64, categories as text."""
    import pandas as pd

    columns = {
        term.name: level_texts(frame[term.name])
        if term.is_categorical
        else pd.to_numeric(frame[term.name], errors="coerce").astype(float)
        for term in terms
    }
    return pd.DataFrame(columns, index=frame.index)
