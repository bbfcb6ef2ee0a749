"""Cumulative incidence with competing events (Aalen-Johansen), beside 1 - Kaplan-Meier.

Own code: lifelines' fitter shifts tied times at random. Estimates and variances equal R's ``cmprsk::cuminc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .kaplan_meier import SurvivalCurve, kaplan_meier
from .relative_hazard import relative_hazard

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CumulativeIncidence:
    """Probability of one kind of event over time, the other kinds competing.

    Attributes:
        cause: name of the event.
        times: (m,) distinct event times of any kind.
        incidence: (m,) probability up to and including each time.
        variance: (m,) of the estimate.
        last_time: longest follow-up.
    """

    cause: str
    times: np.ndarray
    incidence: np.ndarray
    variance: np.ndarray
    last_time: float

    def at(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Incidence at the given times.

        Raises:
            InputError: a time lies beyond the follow-up.
        """
        return self._step(self.incidence, times)

    def table_at(self, times: Sequence[float], *, confidence: float = 0.95) -> pd.DataFrame:
        """Incidence with its standard error and log-log interval at the given times."""
        import pandas as pd
        from scipy.stats import norm

        incidence, se = self.at(times), np.sqrt(self._step(self.variance, times))
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = norm.ppf(0.5 + confidence / 2) * se / (incidence * np.log(incidence))
            lower, upper = incidence ** relative_hazard(-spread), incidence ** relative_hazard(spread)
        return pd.DataFrame(
            {
                "cause": self.cause,
                "time": np.atleast_1d(np.asarray(times, float)),
                "incidence": incidence,
                "lower": np.where(incidence > 0, lower, 0.0),
                "upper": np.where(incidence > 0, upper, 0.0),
                "se": se,
            }
        )

    def _step(self, values: np.ndarray, times: Sequence[float] | np.ndarray) -> np.ndarray:
        times = np.atleast_1d(np.asarray(times, float))
        if times.max() > self.last_time:
            raise InputError(
                f"time {times.max():g} lies beyond the follow-up, which ends at {self.last_time:g}; "
                "ask for an earlier one"
            )
        return np.concatenate(([0.0], values))[np.searchsorted(self.times, times, side="right")]


@dataclass(frozen=True)
class CompetingRisks:
    """Cumulative incidence of every cause, and what Kaplan-Meier would say if the others were censored.

    Attributes:
        incidence: cause -> its cumulative incidence.
        naive: cause -> Kaplan-Meier curve with the other causes as censoring; 1 - survival overstates the risk.
        event_free: Kaplan-Meier curve of any event; 1 - it is the sum of the incidences.
    """

    incidence: dict[str, CumulativeIncidence]
    naive: dict[str, SurvivalCurve]
    event_free: SurvivalCurve


def cumulative_incidence(
    time: Sequence[float] | np.ndarray,
    state: Sequence[object] | np.ndarray,
    *,
    censored: object = 0,
    names: Mapping[Any, str] | None = None,
) -> CompetingRisks:
    """Cumulative incidence of every kind of event.

    Args:
        time: (n,) follow-up, positive.
        state: (n,) kind of the event that ended it, or ``censored``.
        censored: the value that stands for no event.
        names: names of the states for tables and figures; their values when None.

    Raises:
        InputError: a bad time, or no event at all.

    Reference:
        Aalen OO, Johansen S. Scand J Stat 1978;5:141; variance of Gray's cmprsk.
    """
    time = np.asarray(time, float)
    labels = np.asarray([str(value) for value in np.asarray(state, dtype=object)])
    if time.shape != labels.shape:
        raise InputError(f"time has {len(time)} rows and state {len(labels)}; they must be as many")
    causes = sorted(set(labels) - {str(censored)})
    if not causes:
        raise InputError(f"every patient's state is {str(censored)!r} (censored): there is no event")
    any_event = (labels != str(censored)).astype(int)
    event_free = kaplan_meier(time, any_event)
    known = {str(key): name for key, name in (names or {}).items()}
    incidence, naive = {}, {}
    for cause in causes:
        name = known.get(cause, cause)
        own = (labels == cause).astype(int)
        incidence[name] = incidence_of(time, own, any_event, name)
        naive[name] = kaplan_meier(time, own)
    return CompetingRisks(incidence, naive, event_free)


def incidence_of(time: np.ndarray, own: np.ndarray, any_event: np.ndarray, name: str = "event") -> CumulativeIncidence:
    """Cumulative incidence of one event, nothing else; the fast way for resampling.

    Args:
        time: (n,) follow-up, positive.
        own, any_event: (n,) 1 where the event, and where it or another one, ended the follow-up.
        name: of the event.
    """
    times = np.unique(time[any_event == 1])
    at = np.searchsorted(times, time[any_event == 1])
    own_events = np.bincount(at, weights=own[any_event == 1], minlength=len(times))
    events = np.bincount(at, minlength=len(times))
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    after = np.cumprod(1 - events / at_risk)
    before = np.concatenate(([1.0], after[:-1]))
    incidence = np.cumsum(before * own_events / at_risk)
    variance = _gray_variance(at_risk, own_events, events - own_events, before, after, incidence)
    return CumulativeIncidence(name, times, incidence, variance, float(time.max()))


def _gray_variance(
    at_risk: np.ndarray,
    own: np.ndarray,
    other: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    incidence: np.ndarray,
) -> np.ndarray:
    """Variance (m,) of the incidence by the delta method, with the finite correction for tied events."""
    inverse = np.divide(1.0, after, out=np.zeros(len(after)), where=after > 0)

    def spread(count: np.ndarray) -> np.ndarray:
        tie = 1 - np.divide(count - 1, at_risk - 1, out=np.zeros(len(count)), where=(count > 1) & (at_risk > 1))
        return before**2 * tie * count / at_risk**2

    from_own = spread(own)
    from_other = np.where(after > 0, spread(other), 0.0)
    ratio = incidence * inverse
    own_factor = 1 + ratio
    squares = np.cumsum(ratio**2 * from_other + own_factor**2 * from_own)
    crossed = np.cumsum(inverse * (ratio * from_other + own_factor * from_own))
    plain = np.cumsum(inverse**2 * (from_other + from_own))
    return squares + incidence**2 * plain - 2 * incidence * crossed
