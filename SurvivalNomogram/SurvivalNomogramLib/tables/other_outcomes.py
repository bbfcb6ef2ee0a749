"""Columns that are no covariates but another outcome of the cohort: known only when the follow-up is over.

A model with such a column predicts the past: the days to the lung metastasis "predicted" death with C 0.93.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FEWEST_PATIENTS = 10
"""With fewer patients a column agrees with the outcome by chance."""
_SAME_TIME, _NEVER_LATER, _AGREES = 0.1, 0.95, 0.95
_EVENT_WORDS = frozenset(
    [
        "death",
        "dead",
        "died",
        "deceased",
        "event",
        "recurrence",
        "recurred",
        "relapse",
        "relapsed",
        "progression",
        "progressed",
        "metastasis",
        "metastases",
        "censored",
        "censoring",
        "censor",
    ]
)
_SURVIVAL_WORDS = frozenset(
    ["survival", "os", "pfs", "dfs", "rfs", "efs", "dss", "mfs", "dmfs", "lrfs", "ttp", "followup"]
)
_TIME_WORDS = frozenset(["day", "days", "week", "weeks", "month", "months", "year", "years", "time", "date"])


def looks_like_an_outcome(frame: pd.DataFrame, name: str, time: str | None, event: str | None) -> str:
    """Return why a column looks like another outcome of the cohort; empty if it does not.

    Its values decide where they can: a time that never exceeds the follow-up and equals it in many patients is the
    time of another event (the patients without it are censored at the same visit); its name decides where it speaks
    of an event together with a time, of a survival, or is the event that goes with such a time.

    Args:
        frame: the cohort.
        name: the column.
        time: follow-up; None for an end point without time.
        event: the end point.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"metastasis_days": [90, 501], "metastasis": [1, 0], "age_years": [61, 17]})
        >>> [bool(looks_like_an_outcome(frame, column, None, None)) for column in frame]
        [True, True, False]
    """
    return _by_values(frame, name, time, event) or sounds_like_an_outcome(name, [str(other) for other in frame.columns])


def _by_values(frame: pd.DataFrame, name: str, time: str | None, event: str | None) -> str:
    values = _numbers(frame[name])
    if values is None:
        return ""
    if time is not None and (follow_up := _numbers(frame[time])) is not None:
        both = np.isfinite(values) & np.isfinite(follow_up)
        x, t = values[both], follow_up[both]
        if len(x) >= FEWEST_PATIENTS and np.ptp(x) > 0 and np.ptp(t) > 0:
            same, later = int((x == t).sum()), float((x > t).mean())
            if same >= max(3, _SAME_TIME * len(x)) and later <= 1 - _NEVER_LATER:
                return f"it equals {time} in {same} of {len(x)} patients and hardly ever exceeds it"
            if np.corrcoef(x, t)[0, 1] > 0.9999:
                return f"it is {time} in another unit"
    if event is not None and (seen := _numbers(frame[event])) is not None:
        both = np.isfinite(values) & np.isfinite(seen)
        x, e = values[both], seen[both]
        if len(x) >= FEWEST_PATIENTS and len(np.unique(x)) == 2 and len(np.unique(e)) == 2:
            agreement = abs(float(np.corrcoef(x, e)[0, 1]))
            if agreement > _AGREES:
                return f"it says the same as {event} (correlation {agreement:.2f})"
    return ""


def sounds_like_an_outcome(name: str, columns: Sequence[str]) -> str:
    """Return why a column sounds like an outcome by its name alone; empty if it does not.

    Args:
        name: the column.
        columns: all of the table.

    Example:
        >>> columns = ["age", "death", "death_days"]
        >>> [bool(sounds_like_an_outcome(name, columns)) for name in columns]
        [False, True, True]
    """
    words = _words(name)
    if words & _SURVIVAL_WORDS or {"follow", "up"} <= words or words == {"time"}:
        return "its name speaks of survival or follow-up"
    if words & _EVENT_WORDS:
        if words & _TIME_WORDS:
            return "its name speaks of the time of an event"
        if words & {"death", "dead", "died", "deceased", "event", "censored", "censoring", "censor"}:
            return "its name speaks of an event of the follow-up"
        partner = next((other for other in columns if _is_time_of(words, _words(other))), None)
        if partner is not None:
            return f"the column {partner} is the time of it"
        if words & {"recurrence", "recurred", "relapse", "relapsed", "progression", "progressed"}:
            return "its name speaks of an event of the follow-up"
    if {"vital", "status"} <= words:
        return "its name speaks of an event of the follow-up"
    return ""


def _is_time_of(event: set[str], time: set[str]) -> bool:
    return event < time and bool((time - event) & _TIME_WORDS) and (time - event) <= _TIME_WORDS | {"to", "of"}


def _words(name: str) -> set[str]:
    """The words of a column's name: lungMetastasis_days -> lung, metastasis, days."""
    return {word.casefold() for word in re.findall(r"[A-Za-z][a-z]*|[A-Z]+(?![a-z])", name)}


def _numbers(column: pd.Series) -> np.ndarray | None:
    """The column as numbers, two texts as 0 and 1; None where it is neither."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    texts = column.astype(object)
    levels = sorted({str(value) for value in texts[texts.notna()]})
    if len(levels) != 2:
        numbers = pd.to_numeric(column, errors="coerce")
        return numbers.to_numpy(dtype=float) if numbers.notna().any() else None
    return np.array([np.nan if value is None or value != value else float(str(value) == levels[1]) for value in texts])
