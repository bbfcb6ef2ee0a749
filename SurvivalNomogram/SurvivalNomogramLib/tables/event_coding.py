"""What the values of an event column mean: understood where there is one reading, asked for where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .covariates import level_texts

if TYPE_CHECKING:
    import pandas as pd

EVENT_WORDS = frozenset(
    ["1", "true", "yes", "t", "y", "dead", "death", "died", "deceased", "event", "relapse", "recurrence"]
).union(["relapsed", "recurred", "progression", "progressed", "failure", "failed", "metastasis"])
CENSORED_WORDS = frozenset(
    ["0", "false", "no", "f", "n", "alive", "living", "censored", "censor", "none", "no event", "event-free"]
)


@dataclass(frozen=True)
class EventStates:
    """The states that an event column was read as.

    Args:
        state: (n,) int; 0 censored, 1 the event of interest, 2, 3, ... competing events; -1 not recorded.
        names: the values of the column behind each state, in that order.
        report: how the values were read.
    """

    state: np.ndarray
    names: tuple[str, ...]
    report: str

    @property
    def has_competing(self) -> bool:
        return len(self.names) > 2


def read_events(
    column: pd.Series,
    event_values: object | Sequence[object] | None = None,
    censored_values: object | Sequence[object] | None = None,
) -> EventStates:
    """Read an event column.

    0/1, TRUE/FALSE, yes/no and words such as dead/alive are understood. 1/2 and other codes have two readings,
    and the caller is asked for ``event_values``. Whole numbers 0, 1, 2, ... are competing events.

    Args:
        column: (n,) the values as they stand in the table.
        event_values: the value or values that are the event of interest.
        censored_values: the value or values that mean "no event seen"; needed beside ``event_values`` only
            when three or more values stand in the column and none of them says so itself.

    Raises:
        InputError: it is not clear which value is the event, or a named value is not in the column.

    Example:
        >>> import pandas as pd
        >>> read_events(pd.Series(["dead", "alive", "dead"])).state.tolist()
        [1, 0, 1]
    """
    texts = level_texts(column)
    present = sorted(texts.dropna().unique())
    if not present:
        raise InputError(f"event column {column.name!r} is empty")
    censored, event, competing = _roles(str(column.name), present, event_values, censored_values)
    names = ("|".join(censored), "|".join(event), *competing)
    numbers = dict.fromkeys(censored, 0) | dict.fromkeys(event, 1)
    numbers |= {value: k + 2 for k, value in enumerate(competing)}
    state = texts.map(numbers, na_action="ignore").fillna(-1).to_numpy(dtype=int)
    return EventStates(state, names, _reading(str(column.name), names))


def _reading(name: str, names: tuple[str, ...]) -> str:
    line = f"event column {name!r}: {names[1] or 'no value'} is the event, {names[0] or 'no value'} is censored"
    return line + (f", competing events {', '.join(names[2:])}" if len(names) > 2 else "")


def _roles(
    name: str, present: list[str], event_values: object, censored_values: object
) -> tuple[list[str], list[str], list[str]]:
    """Split the values that occur into censored, event, and competing ones."""
    event = _named(name, present, event_values, "event_values")
    censored = _named(name, present, censored_values, "censored_values")
    rest = [value for value in present if value not in event and value not in censored]
    if not censored:
        censored = rest if event and len(rest) == 1 else [v for v in rest if _word(v) in CENSORED_WORDS]
        rest = [value for value in rest if value not in censored]
    if not event:
        event = _likely_event(rest, asked=censored_values is not None)
        rest = [value for value in rest if value not in event]
    if rest and not (event and censored):
        raise InputError(
            f"event column {name!r} holds {', '.join(present)}: say which value is the event "
            "(event_values=..., --event-values) and, with more than two values, which means no event "
            "(censored_values=..., --censored-values)"
        )
    return censored, event, rest


def _likely_event(rest: list[str], asked: bool) -> list[str]:
    """The one value that can be the event: a lone event word, 1 among whole numbers, the only one left."""
    if "1" in rest and all(value.isdigit() for value in rest) and (len(rest) == 1 or "2" in rest):
        return ["1"]
    if len(rest) == 1 and (asked or _word(rest[0]) in EVENT_WORDS):
        return rest
    return []


def _word(value: str) -> str:
    """The word that decides; cBioPortal writes "1:DECEASED"."""
    word = value.casefold().strip()
    number, colon, text = word.partition(":")
    return text.strip() if colon and number.isdigit() else word


def _named(name: str, present: list[str], values: object, argument: str) -> list[str]:
    import pandas as pd

    if values is None:
        return []
    several = list(values) if isinstance(values, list | tuple | set | frozenset) else [values]
    texts = list(level_texts(pd.Series(several, dtype=object)))
    absent = [text for text in texts if text not in present]
    if absent:
        raise InputError(
            f"{argument} names {absent[0]!r}, which event column {name!r} does not hold; it holds {', '.join(present)}"
        )
    return texts
