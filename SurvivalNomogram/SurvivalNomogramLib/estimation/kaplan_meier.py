"""Kaplan-Meier curves with log-log intervals, numbers at risk, median and restricted mean; log-rank, hazard ratio.

Curves, their intervals and the log-rank test are lifelines' (equal to R's survfit and survdiff). Our own are
:func:`survival_at` and the censoring weights, which resampling calls thousands of times with bare arrays (lifelines
takes 15 ms a curve); the median, for which R takes the middle of a step that runs at one half; and the standard error
of the restricted mean, for which lifelines gives that of a survival time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .outcome_checks import check_outcome
from .partial_likelihood import maximise

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier curve; all arrays (m,) stand for the distinct times of the data.

    Attributes:
        times: distinct follow-up times, ascending, those with censoring alone included.
        at_risk, events: patients under observation just before, and events at, each time.
        survival, lower, upper: the estimate after each time and its log-log interval (NaN where it is undefined).
        greenwood: Greenwood's sum, the variance of log(survival).
        confidence: level of the interval.
    """

    times: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    survival: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    greenwood: np.ndarray
    confidence: float = 0.95

    @property
    def last_time(self) -> float:
        """The longest follow-up."""
        return float(self.times[-1])

    def at(self, times: float | Sequence[float] | np.ndarray) -> np.ndarray:
        """Survival at the given times; 1 before the first event.

        Raises:
            InputError: a time lies beyond the follow-up while patients are still alive.
        """
        times = np.atleast_1d(np.asarray(times, float))
        if times.max() > self.last_time and self.survival[-1] > 0:
            raise InputError(
                f"time {times.max():g} lies beyond the follow-up, which ends at {self.last_time:g}; "
                "ask for an earlier one"
            )
        return self._step(self.survival, times, 1.0)

    def table_at(self, times: float | Sequence[float] | np.ndarray) -> pd.DataFrame:
        """Survival, interval, standard error and numbers at risk at the given times."""
        import pandas as pd

        times = np.atleast_1d(np.asarray(times, float))
        survival = self.at(times)
        return pd.DataFrame(
            {
                "time": times,
                "at_risk": self.number_at_risk(times),
                "survival": survival,
                "lower": self._step(self.lower, times, 1.0),
                "upper": self._step(self.upper, times, 1.0),
                "se": _times_or_nan(survival, np.sqrt(self._step(self.greenwood, times, 0.0))),
            }
        )

    def number_at_risk(self, times: Sequence[float] | np.ndarray) -> np.ndarray:
        """Patients with a follow-up of at least each time."""
        at = np.searchsorted(self.times, np.asarray(times, float), side="left")
        return np.append(self.at_risk, 0)[at]

    def median(self) -> tuple[float, float, float]:
        """Median survival with its interval; NaN where a curve does not come down to one half.

        As R does, a curve that runs exactly at one half gives the middle of that step.
        """
        return tuple(_time_of_half(self.times, curve) for curve in (self.survival, self.lower, self.upper))  # type: ignore[return-value]

    def restricted_mean(self, horizon: float) -> tuple[float, float]:
        """Mean survival time up to ``horizon`` and its standard error (as R's ``print(survfit, rmean=)``).

        Raises:
            InputError: the horizon is not positive or lies beyond the follow-up with patients still alive.
        """
        if horizon <= 0:
            raise InputError(f"horizon {horizon:g} must be above 0")
        if horizon > self.last_time and self.survival[-1] > 0:
            raise InputError(
                f"horizon {horizon:g} lies beyond the follow-up, which ends at {self.last_time:g}; "
                "choose an earlier one"
            )
        is_in = self.times < horizon
        starts = np.concatenate(([0.0], self.times[is_in]))
        steps = np.diff(np.append(starts, horizon)) * np.concatenate(([1.0], self.survival[is_in]))
        area_after = np.cumsum(steps[::-1])[::-1][1:]
        at_risk, events = self.at_risk[is_in], self.events[is_in]
        left = at_risk - events
        variance = np.divide(events, at_risk * left, out=np.zeros(len(left)), where=left > 0)
        return float(steps.sum()), float(np.sqrt((area_after**2 * variance).sum()))

    def _step(self, values: np.ndarray, times: np.ndarray, before: float) -> np.ndarray:
        return np.concatenate(([before], values))[np.searchsorted(self.times, times, side="right")]


def kaplan_meier(time: np.ndarray, event: np.ndarray, *, confidence: float = 0.95) -> SurvivalCurve:
    """Estimate a survival curve.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 1 for an event, 0 for a censored patient; no event at all gives a flat curve.
        confidence: level of the interval, in (0, 1).

    Example:
        >>> kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0]).survival.round(12).tolist()
        [0.75, 0.75, 0.375, 0.375]

    Reference:
        Kaplan EL, Meier P. JASA 1958;53:457; Kalbfleisch JD, Prentice RL (1980) for the log-log interval.
    """
    from lifelines import KaplanMeierFitter

    time, event = check_outcome(time, event, need_events=False)
    times, at_risk, events = risk_table(time, event)
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(time, event)
    m = len(times)  # lifelines starts its curves at time 0
    survival = fitted.survival_function_.to_numpy(float)[-m:, 0]
    lower, upper = fitted.confidence_interval_.to_numpy(float)[-m:].T
    lower, upper = np.where(survival >= 1, 1.0, lower), np.where(survival >= 1, 1.0, upper)
    gone = survival <= 0  # there is no log-log interval of 0; lifelines gives 0 there, R nothing
    lower, upper = np.where(gone, np.nan, lower), np.where(gone, np.nan, upper)
    left = at_risk - events
    increments = np.divide(events, at_risk * left, out=np.full(len(left), np.inf), where=left > 0)
    greenwood = np.cumsum(np.where(events > 0, increments, 0.0))
    return SurvivalCurve(times, at_risk, events, survival, lower, upper, greenwood, confidence)


def risk_table(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times (m,) with the numbers at risk just before them and of events at them."""
    times, inverse, counts = np.unique(time, return_inverse=True, return_counts=True)
    events = np.bincount(inverse, weights=event, minlength=len(times))
    at_risk = len(time) - np.concatenate(([0], np.cumsum(counts)[:-1]))
    return times, at_risk, events


def survival_at(time: np.ndarray, event: np.ndarray, horizon: float) -> float:
    """Kaplan-Meier survival at one time, nothing else; the fast way for resampling."""
    inside = time[(event == 1) & (time <= horizon)]
    if not len(inside):
        return 1.0
    times, events = np.unique(inside, return_counts=True)
    at_risk = len(time) - np.searchsorted(np.sort(time), times, side="left")
    return float(np.prod(1 - events / at_risk))


def censoring_weights(time: np.ndarray, event: np.ndarray, horizon: float) -> tuple[np.ndarray, np.ndarray]:
    """Inverse probability of censoring weights at a horizon: cases (n,) and controls (n,), zero elsewhere.

    A case (event by the horizon) weighs 1 / G(T-), a control (follow-up beyond it) 1 / G(horizon), where G is
    the Kaplan-Meier estimate of being uncensored; events come before censorings at the same time.
    """
    times, at_risk, censored = censoring_table(time, event)
    survival = np.concatenate(([1.0], np.cumprod(1 - censored / at_risk)))
    before_own = survival[np.searchsorted(times, time, side="left")]
    at_horizon = survival[np.searchsorted(times, horizon, side="right")]
    case = (time <= horizon) & (event == 1)
    control = time > horizon
    cases = np.divide(1.0, before_own, out=np.zeros(len(time)), where=case)
    return cases, control / at_horizon if control.any() else np.zeros(len(time))


def censoring_table(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct times, patients at risk of being censored, and censorings; events leave first at a tie."""
    times, at_risk, events = risk_table(time, event)
    _, _, censored = risk_table(time, 1 - event)
    return times, np.maximum(at_risk - events, np.maximum(censored, 1)), censored


def _times_or_nan(survival: np.ndarray, sd_log: np.ndarray) -> np.ndarray:
    """The standard error of survival; NaN, as in R, where nobody is left and survival is zero."""
    return np.multiply(survival, sd_log, out=np.full(len(survival), np.nan), where=survival > 0)


def _time_of_half(times: np.ndarray, curve: np.ndarray) -> float:
    tolerance = 1e-9
    # An interval is undefined once the curve has reached zero: R carries no bound beyond that either.
    reached = np.flatnonzero(curve <= 0.5 + tolerance)
    if not len(reached):
        return float("nan")
    first = reached[0]
    if abs(curve[first] - 0.5) <= tolerance:
        lower = np.flatnonzero(curve < 0.5 - tolerance)
        if len(lower):
            return float((times[first] + times[lower[0]]) / 2)
    return float(times[first])


@dataclass(frozen=True)
class GroupComparison:
    """Survival curves of groups and what tells them apart.

    Attributes:
        curves: a curve a group, in the order of the levels.
        chi_square, degrees, p_value: log-rank test.
        hazard_ratios: level -> (hazard ratio, lower, upper) against the first level, Cox with Efron ties.
        reference: the first level.
    """

    curves: dict[str, SurvivalCurve]
    chi_square: float
    degrees: int
    p_value: float
    hazard_ratios: dict[str, tuple[float, float, float]]
    reference: str

    def table(self, rmst_horizon: float | None = None) -> pd.DataFrame:
        """One row a group: patients, events, median with interval, restricted mean, hazard ratio.

        Args:
            rmst_horizon: end of the restricted mean; the shortest of the groups' follow-ups when None.
        """
        import pandas as pd

        horizon = rmst_horizon or min(curve.last_time for curve in self.curves.values())
        rows = []
        for level, curve in self.curves.items():
            median, low, high = curve.median()
            mean, se = curve.restricted_mean(horizon)
            ratio, ratio_low, ratio_high = self.hazard_ratios.get(level, (1.0, np.nan, np.nan))
            rows.append(
                {
                    "group": level,
                    "n": int(curve.at_risk[0]),
                    "events": int(curve.events.sum()),
                    "median": median,
                    "median_lower": low,
                    "median_upper": high,
                    "restricted_mean": mean,
                    "restricted_mean_se": se,
                    "restricted_mean_horizon": horizon,
                    "hazard_ratio": ratio,
                    "hazard_ratio_lower": ratio_low,
                    "hazard_ratio_upper": ratio_high,
                    "log_rank_p": self.p_value,
                }
            )
        return pd.DataFrame(rows)


def compare_groups(
    time: np.ndarray,
    event: np.ndarray,
    group: Sequence[object] | np.ndarray,
    *,
    levels: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> GroupComparison:
    """Kaplan-Meier curves of groups, the log-rank test and hazard ratios against the first group.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        group: (n,) label of each patient's group.
        levels: order of the groups, the reference first; sorted when None.
        confidence: of the curves and hazard ratios.

    Raises:
        InputError: fewer than two groups with patients, or a label that is not among the levels.

    Example:
        >>> groups = compare_groups(np.arange(1.0, 9), np.ones(8), ["low"] * 4 + ["high"] * 4, levels=["low", "high"])
        >>> list(groups.curves)
        ['low', 'high']
    """
    time, event = check_outcome(time, event)
    labels = np.asarray([str(value) for value in group])
    order = [str(level) for level in levels] if levels is not None else sorted(set(labels))
    unknown = sorted(set(labels) - set(order))
    if unknown:
        raise InputError(f"group {str(unknown[0])!r} is not among the levels {', '.join(order)}")
    order = [level for level in order if (labels == level).any()]
    if len(order) < 2:
        raise InputError(f"all {len(labels)} patients are in group {str(order[0])!r}; two groups are needed")
    curves = {
        level: kaplan_meier(time[labels == level], event[labels == level], confidence=confidence) for level in order
    }
    chi_square, p_value = log_rank(time, event, labels)
    ratios = _hazard_ratios(time, event, labels, order, confidence)
    return GroupComparison(curves, chi_square, len(order) - 1, p_value, ratios, order[0])


def log_rank(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> tuple[float, float]:
    """Log-rank chi-square and p of two or more groups."""
    from lifelines.statistics import multivariate_logrank_test

    result = multivariate_logrank_test(time, group, event)
    return float(result.test_statistic), float(result.p_value)


def _hazard_ratios(
    time: np.ndarray, event: np.ndarray, labels: np.ndarray, order: Sequence[str], confidence: float
) -> dict[str, tuple[float, float, float]]:
    from scipy.stats import norm

    x = np.column_stack([labels == level for level in order[1:]]).astype(float)
    fit = maximise(x, time, event)
    if not fit.is_sound:  # a group without events: its ratio lies at zero or infinity
        return dict.fromkeys(order[1:], (np.nan, np.nan, np.nan))
    z = norm.ppf(0.5 + confidence / 2)
    se = np.sqrt(np.diag(fit.covariance))
    return {
        level: (float(np.exp(b)), float(np.exp(b - z * s)), float(np.exp(b + z * s)))
        for level, b, s in zip(order[1:], fit.coefficients, se, strict=True)
    }


def median_follow_up(time: np.ndarray, event: np.ndarray) -> float:
    """Median follow-up by the reverse Kaplan-Meier method; NaN if fewer than half are censored in time."""
    time, event = check_outcome(time, event, need_events=False)
    return kaplan_meier(time, 1 - event).median()[0]


def curves_table(curves: Mapping[str, SurvivalCurve]) -> pd.DataFrame:
    """All steps of the curves as one long table, for a CSV."""
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame(
                {
                    "group": name,
                    "time": c.times,
                    "at_risk": c.at_risk,
                    "events": c.events.astype(int),
                    "survival": c.survival,
                    "lower": c.lower,
                    "upper": c.upper,
                }
            )
            for name, c in curves.items()
        ],
        ignore_index=True,
    )
