"""Calibration at a horizon: groups against Kaplan-Meier, a smooth curve, and the bootstrap's optimism.

The groups and their optimism follow ``rms::calibrate(cmethod = "KM")``. rms's smooth curve uses hare of R's
polspline, which has no Python port; ours is the spline Cox curve of Austin, Harrell and van Klaveren, which
that paper compares with hare.

Reference:
    Harrell FE. Regression Modeling Strategies, 2nd ed. (2015), 20.9; Austin PC, Harrell FE, van Klaveren D.
    Stat Med 2020;39:2714.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.kaplan_meier import kaplan_meier
from ..estimation.outcome_checks import check_horizon, check_outcome, check_probability
from ..estimation.partial_likelihood import hazard_increments, maximise
from ..estimation.risk_sets import risk_sets
from .bootstrap import DEFAULT_BOOTSTRAP, BootstrapSettings, Refit, optimism

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_GROUP = 2
EVENTS_FOR_GROUP_CURVE = 5
"""As in rms: with fewer events in a resample nothing is read from it."""
SPLINE_KNOTS = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class CalibrationGroups:
    """Predicted against observed survival in groups of patients, all arrays (g,).

    Attributes:
        n, events: patients and events of each group.
        predicted: mean predicted survival.
        observed, lower, upper: Kaplan-Meier at the horizon with its log-log interval; NaN in a group whose
            follow-up ends before the horizon.
    """

    n: np.ndarray
    events: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """Calibration of predicted survival at one horizon.

    Attributes:
        horizon: the time.
        groups: observed against predicted in groups.
        grid: (k,) predicted survival at which the smooth curve is given.
        curve: (k,) smooth observed survival there.
        ici, e50, e90: mean, median and 90th percentile of |observed - predicted| on the smooth curve.
        observed_to_expected: share of events (Kaplan-Meier) over mean predicted risk; 1 is perfect.
        slope: coefficient of log(-log(predicted survival)) in a Cox model; below 1: predictions too extreme.
        group_optimism, group_corrected: (g,) observed survival less its optimism; None without bootstrap.
        curve_optimism, curve_corrected: (k,) the same for the smooth curve.
        slope_corrected: the slope less its optimism.
        repeats: resamples drawn, 0 without bootstrap.
    """

    horizon: float
    groups: CalibrationGroups
    grid: np.ndarray
    curve: np.ndarray
    ici: float
    e50: float
    e90: float
    observed_to_expected: float
    slope: float
    group_optimism: np.ndarray | None = None
    group_corrected: np.ndarray | None = None
    curve_optimism: np.ndarray | None = None
    curve_corrected: np.ndarray | None = None
    slope_corrected: float | None = None
    repeats: int = 0

    def table(self) -> pd.DataFrame:
        """One row a group."""
        import pandas as pd

        groups = self.groups
        table = pd.DataFrame(
            {
                "horizon": self.horizon,
                "group": np.arange(1, len(groups.n) + 1),
                "n": groups.n,
                "events": groups.events,
                "predicted": groups.predicted,
                "observed": groups.observed,
                "lower": groups.lower,
                "upper": groups.upper,
            }
        )
        if self.group_corrected is not None:
            table["optimism"], table["observed_corrected"] = self.group_optimism, self.group_corrected
        return table

    def curve_table(self) -> pd.DataFrame:
        """One row a point of the smooth curve."""
        import pandas as pd

        table = pd.DataFrame({"horizon": self.horizon, "predicted": self.grid, "observed": self.curve})
        if self.curve_corrected is not None:
            table["optimism"], table["observed_corrected"] = self.curve_optimism, self.curve_corrected
        return table


def calibrate(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    predicted: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    groups: int = 5,
    confidence: float = 0.95,
) -> Calibration:
    """Calibration of fixed predictions: an external cohort, or the apparent one.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        predicted: (n,) predicted survival at the horizon, in [0, 1].
        horizon: the time.
        groups: number of groups, by quantiles of the predicted survival.
        confidence: level of the groups' intervals.

    Raises:
        InputError: horizon beyond the last event, predictions that are no probabilities, or so few patients
            that a group would hold fewer than two.

    Example:
        >>> found = calibrate(np.arange(1.0, 13), np.ones(12), np.linspace(0.1, 0.9, 12), 6.0, groups=3)
        >>> len(found.groups.predicted)
        3
    """
    time, event = check_outcome(time, event)
    horizon = check_horizon(horizon, time, event)
    predicted = check_probability(predicted, len(time), "predicted survival")
    cuts = group_cuts(predicted, groups)
    table = _groups(time, event, predicted, cuts, horizon, confidence)
    z = _log_minus_log(predicted)
    grid = _grid(predicted)
    smooth = smooth_observed(time, event, z, horizon, np.concatenate((_log_minus_log(grid), z)))
    error = np.abs(smooth[len(grid) :] - predicted)
    expected = 1 - predicted.mean()
    observed = 1 - kaplan_meier(time, event).at(horizon)[0]
    return Calibration(
        horizon,
        table,
        grid,
        smooth[: len(grid)],
        float(error.mean()),
        float(np.median(error)),
        float(np.quantile(error, 0.9)),
        float(observed / expected) if expected > 0 else float("nan"),
        _slope(time, event, z),
    )


def calibrate_with_optimism(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    refit: Refit,
    horizon: float,
    *,
    groups: int = 5,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    progress: Progress = no_progress,
) -> Calibration:
    """Calibration of a model on its own training patients, corrected for optimism by the bootstrap.

    Args:
        time, event, horizon, groups: as in :func:`calibrate`.
        refit: the whole modelling step; returns the predicted survival at the horizon for all patients,
            (n,) or (n, 1), e.g. :class:`SurvivalNomogramLib.validation.bootstrap.CoxRefit` with that horizon.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.
    """
    from dataclasses import replace

    time, event = check_outcome(time, event)
    everyone = np.asarray(refit(np.arange(len(time))), float).reshape(-1)
    apparent = calibrate(time, event, everyone, horizon, groups=groups)
    measure = _Measure(time, event, horizon, group_cuts(everyone, groups), apparent.grid)
    result = optimism(refit, measure, len(time), settings, progress)
    g = len(apparent.groups.n)
    group_optimism, curve_optimism = result.optimism[:g], result.optimism[g:-1]
    return replace(
        apparent,
        group_optimism=group_optimism,
        group_corrected=apparent.groups.observed - group_optimism,
        curve_optimism=curve_optimism,
        curve_corrected=apparent.curve - curve_optimism,
        slope_corrected=float(result.corrected[-1]),
        repeats=settings.repeats,
    )


@dataclass(frozen=True)
class _Measure:
    """Observed - predicted survival by group and along the smooth curve, and the calibration slope."""

    time: np.ndarray
    event: np.ndarray
    horizon: float
    cuts: np.ndarray
    grid: np.ndarray

    def __call__(self, rows: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        time, event = self.time[rows], self.event[rows]
        predicted = np.asarray(predicted, float).reshape(-1)
        if event.sum() < EVENTS_FOR_GROUP_CURVE:
            return np.full(len(self.cuts) - 1 + len(self.grid) + 1, np.nan)
        by_group = _group_errors(time, event, predicted, self.cuts, self.horizon)
        z = _log_minus_log(predicted)
        try:
            curve = smooth_observed(time, event, z, self.horizon, _log_minus_log(self.grid)) - self.grid
        except ModelError:  # the spline has no maximum on this resample; the groups still have their values
            curve = np.full(len(self.grid), np.nan)
        return np.concatenate((by_group, curve, [_slope(time, event, z)]))


def group_cuts(predicted: np.ndarray, groups: int) -> np.ndarray:
    """Limits (g + 1,) of groups by quantiles of the predicted survival, from 0 to 1 (as rms::calibrate)."""
    if groups < 1 or groups > len(predicted) // SMALLEST_GROUP:
        raise InputError(
            f"groups is {groups}; for {len(predicted)} patients it must be 1 to {len(predicted) // SMALLEST_GROUP}"
        )
    return np.unique(np.quantile(np.concatenate(([0.0, 1.0], predicted)), np.linspace(0, 1, groups + 1)))


def _group_of(predicted: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    return np.searchsorted(cuts[1:-1] - 1e-12, predicted, side="right")


def _groups(
    time: np.ndarray,
    event: np.ndarray,
    predicted: np.ndarray,
    cuts: np.ndarray,
    horizon: float,
    confidence: float,
) -> CalibrationGroups:
    group = _group_of(predicted, cuts)
    rows: list[tuple[float, ...]] = []
    for k in range(len(cuts) - 1):
        inside = group == k
        n = int(inside.sum())
        if n < SMALLEST_GROUP:
            rows.append((n, int(event[inside].sum()), np.nan, np.nan, np.nan, np.nan))
            continue
        curve = kaplan_meier(time[inside], event[inside], confidence=confidence)
        values: tuple[float, ...] = (np.nan, np.nan, np.nan)
        if horizon <= curve.last_time or curve.survival[-1] == 0:
            at = curve.table_at([horizon])
            values = tuple(float(at[name].iloc[0]) for name in ("survival", "lower", "upper"))
        rows.append((n, int(event[inside].sum()), float(predicted[inside].mean()), *values))
    columns = np.array(rows).T
    return CalibrationGroups(columns[0].astype(int), columns[1].astype(int), *columns[2:])


def _group_errors(
    time: np.ndarray, event: np.ndarray, predicted: np.ndarray, cuts: np.ndarray, horizon: float
) -> np.ndarray:
    from ..estimation.kaplan_meier import survival_at

    group = _group_of(predicted, cuts)
    errors = np.full(len(cuts) - 1, np.nan)
    for k in range(len(errors)):
        inside = group == k
        if inside.sum() < SMALLEST_GROUP:
            continue
        survival = survival_at(time[inside], event[inside], horizon)
        if time[inside].max() >= horizon or survival == 0:
            errors[k] = survival - predicted[inside].mean()
    return errors


def _grid(predicted: np.ndarray, points: int = 50) -> np.ndarray:
    # The outermost patients carry no curve: rms shows the 10th from each end as well.
    tail = min(10 / max(len(predicted), 200), 0.25)
    low, high = np.quantile(np.clip(predicted, 1e-6, 1 - 1e-6), [tail, 1 - tail])
    return np.linspace(low, high, points) if high > low else np.array([low])


def _log_minus_log(survival: np.ndarray) -> np.ndarray:
    return np.log(-np.log(np.clip(survival, 1e-12, 1 - 1e-12)))


def smooth_observed(time: np.ndarray, event: np.ndarray, z: np.ndarray, horizon: float, at: np.ndarray) -> np.ndarray:
    """Observed survival at ``horizon`` as a smooth function of z = log(-log(predicted survival)).

    A Cox model with a restricted cubic spline of z (3 knots) gives the survival at each ``at``; predictions
    that take too few values for knots get a straight line.

    Raises:
        ModelError: the partial likelihood has no maximum.
    """
    knots = np.quantile(z, SPLINE_KNOTS)
    if z.std() == 0:
        return np.full(len(at), kaplan_meier(time, event).at(horizon)[0])
    has_spline = bool((np.diff(knots) > 1e-9).all())

    def basis(values: np.ndarray) -> np.ndarray:
        if has_spline:
            return np.column_stack((values, restricted_cubic(values, knots)))
        return values[:, np.newaxis]

    x = basis(z)
    fit = maximise(x, time, event)
    if not np.isfinite(fit.coefficients).all():
        raise ModelError("the smooth calibration curve has no maximum")
    centre = x.mean(axis=0)
    sets = risk_sets(time, event)
    risk = np.exp((x - centre) @ fit.coefficients)[sets.order]
    steps = hazard_increments(sets, risk)
    cumulative = steps[: np.searchsorted(sets.times, horizon, side="right")].sum()
    return np.exp(-cumulative * np.exp((basis(at) - centre) @ fit.coefficients))


def restricted_cubic(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The non-linear column of a restricted cubic spline with three knots (Harrell's scaling), (n,)."""
    first, middle, last = knots

    def cubed(knot: float) -> np.ndarray:
        return np.maximum(values - knot, 0) ** 3

    below = cubed(middle) * (last - first) / (last - middle)
    above = cubed(last) * (middle - first) / (last - middle)
    return (cubed(first) - below + above) / (last - first) ** 2


def _slope(time: np.ndarray, event: np.ndarray, z: np.ndarray) -> float:
    if z.std() == 0:
        return float("nan")
    return float(maximise(z[:, np.newaxis], time, event).coefficients[0])
