"""Calibration at a horizon: groups against Kaplan-Meier, a smooth curve, and the bootstrap's optimism.

The groups and their optimism follow ``rms::calibrate(cmethod = "KM")``. rms's smooth curve uses hare of R's
polspline, which has no Python port; ours is the spline Cox curve of Austin, Harrell and van Klaveren, which
that paper compares with hare.

Reference:
    Harrell FE. Regression Modeling Strategies, 2nd ed. (2015), 20.9; Austin PC, Harrell FE, van Klaveren D.
    Stat Med 2020;39:2714.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.kaplan_meier import kaplan_meier, survival_at
from ..estimation.outcome_checks import check_horizon, check_outcome, check_probability, is_constant
from ..estimation.partial_likelihood import hazard_increments, maximise
from ..estimation.relative_hazard import relative_hazard
from ..estimation.risk_sets import risk_sets
from .bootstrap import (
    DEFAULT_BOOTSTRAP,
    BootstrapSettings,
    Refit,
    bootstrap_interval,
    optimism,
    too_few_for_interval,
)
from .intervals import log_interval, z_value

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_GROUP = 2
EVENTS_FOR_GROUP_CURVE = 5
"""As in rms: with fewer events in a resample nothing is read from it."""
SPLINE_KNOTS = (0.1, 0.5, 0.9)
FIGURES = ("slope", "observed_to_expected", "ici", "e50", "e90")
NO_INTERVAL = (float("nan"), float("nan"))


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
        intervals: 95 % interval by name (slope, observed_to_expected, ici, e50, e90): of ``corrected`` where the
            patients are those of the fit, else of the figures themselves; NaN ends where there is none.
        corrected: the figures of that name corrected for optimism; empty without refits.
        group_optimism, group_corrected: (g,) observed survival less its optimism; None without bootstrap.
        curve_optimism, curve_corrected: (k,) the same for the smooth curve.
        repeats: resamples drawn, 0 without bootstrap.
        used: resamples in which a model was fitted, at least, over the figures.
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
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    corrected: Mapping[str, float] = field(default_factory=dict)
    group_optimism: np.ndarray | None = None
    group_corrected: np.ndarray | None = None
    curve_optimism: np.ndarray | None = None
    curve_corrected: np.ndarray | None = None
    repeats: int = 0
    used: int = 0

    @property
    def slope_corrected(self) -> float | None:
        """The slope less its optimism; None without refits."""
        return self.corrected.get("slope")

    def summary(self) -> dict[str, float]:
        """One row: every figure, where it is that of the fitted patients its corrected value, and the interval."""
        row: dict[str, float] = {"horizon": self.horizon}
        for name in FIGURES:
            low, high = self.intervals.get(name, NO_INTERVAL)
            row[name] = getattr(self, name)
            if self.corrected:
                row |= {f"{name}_corrected": self.corrected[name]}
            end = f"{name}_corrected" if self.corrected else name
            row |= {f"{end}_lower": low, f"{end}_upper": high}
        return row | {"resamples": self.repeats, "resamples_used": self.used}

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
    settings: BootstrapSettings | None = None,
) -> Calibration:
    """Calibration of fixed predictions: an external cohort, or the apparent one.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        predicted: (n,) predicted survival at the horizon, in [0, 1].
        horizon: the time.
        groups: number of groups, by quantiles of the predicted survival.
        confidence: level of the intervals.
        settings: resamples for the intervals of ICI, E50 and E90, at least 200; None: those have none. The slope has
            Wald's, observed over expected that of Kaplan-Meier on the logarithm.

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
    figures = _error_figures(error)
    ratio = _observed_to_expected(time, event, predicted, horizon)
    intervals = {
        "slope": _slope_interval(time, event, z, confidence),
        "observed_to_expected": _ratio_interval(time, event, ratio, horizon, confidence),
        **_error_intervals(time, event, predicted, horizon, settings, confidence),
    }
    return Calibration(
        horizon, table, grid, smooth[: len(grid)], *figures, ratio, _slope(time, event, z), intervals=intervals
    )


def _error_figures(error: np.ndarray) -> tuple[float, float, float]:
    """ICI, E50 and E90 of the distances between the smooth curve and the predictions."""
    return float(error.mean()), float(np.median(error)), float(np.quantile(error, 0.9))


def _observed_to_expected(time: np.ndarray, event: np.ndarray, predicted: np.ndarray, horizon: float) -> float:
    expected = 1 - predicted.mean()
    return float((1 - survival_at(time, event, horizon)) / expected) if expected > 0 else float("nan")


def _ratio_interval(
    time: np.ndarray, event: np.ndarray, ratio: float, horizon: float, confidence: float
) -> tuple[float, float]:
    """Of observed over expected: the expected risk is given, so only Kaplan-Meier's error counts."""
    at = kaplan_meier(time, event).table_at([horizon])
    survival, se = float(at["survival"].iloc[0]), float(at["se"].iloc[0])
    return log_interval(ratio, se / (1 - survival) if survival < 1 else float("nan"), confidence)


def _slope_interval(time: np.ndarray, event: np.ndarray, z: np.ndarray, confidence: float) -> tuple[float, float]:
    if is_constant(z):
        return NO_INTERVAL
    fit = maximise(z[:, np.newaxis], time, event)
    if not fit.is_sound:
        return NO_INTERVAL
    half = z_value(confidence) * float(np.sqrt(fit.covariance[0, 0]))
    return float(fit.coefficients[0] - half), float(fit.coefficients[0] + half)


def _error_intervals(
    time: np.ndarray,
    event: np.ndarray,
    predicted: np.ndarray,
    horizon: float,
    settings: BootstrapSettings | None,
    confidence: float,
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of ICI, E50 and E90: no formula gives the error of a smooth curve's distance."""
    names = FIGURES[2:]
    if settings is None or too_few_for_interval(settings.repeats):
        return dict.fromkeys(names, NO_INTERVAL)

    def errors(rows: np.ndarray) -> np.ndarray:
        t, e, p = time[rows], event[rows], predicted[rows]
        z = _log_minus_log(p)
        return np.array(_error_figures(np.abs(smooth_observed(t, e, z, check_horizon(horizon, t, e), z) - p)))

    found = bootstrap_interval(errors, len(time), settings, confidence=confidence)
    return {name: (float(found.lower[k]), float(found.upper[k])) for k, name in enumerate(names)}


def calibrate_with_optimism(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    refit: Refit,
    horizon: float,
    *,
    groups: int = 5,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    partitions: Sequence[np.ndarray] = (),
    progress: Progress = no_progress,
) -> Calibration:
    """Calibration of a model on its own training patients, corrected for optimism by the bootstrap.

    Args:
        time, event, horizon, groups: as in :func:`calibrate`.
        refit: the whole modelling step; returns the predicted survival at the horizon for all patients,
            (n,) or (n, 1), e.g. :class:`SurvivalNomogramLib.validation.bootstrap.CoxRefit` with that horizon.
        settings: resamples, seed, processes.
        partitions: folds, where the modelling step chooses covariates by the outcome; see
            :func:`SurvivalNomogramLib.validation.bootstrap.optimism`.
        progress: told after every batch of resamples.
    """

    time, event = check_outcome(time, event)
    everyone = np.asarray(refit(np.arange(len(time))), float).reshape(-1)
    apparent = calibrate(time, event, everyone, horizon, groups=groups)
    measure = _Measure(time, event, horizon, group_cuts(everyone, groups), apparent.grid)
    size = len(measure.cuts) - 1 + len(measure.grid)
    result = optimism(refit, measure, len(time), settings, progress, partitions=partitions)
    g = len(apparent.groups.n)
    group_optimism, curve_optimism = result.optimism[:g], result.optimism[g:size]
    lower, upper = result.lower[size:], result.upper[size:]
    lower[1:] = np.maximum(lower[1:], 0.0)  # a ratio or a distance is never below 0
    return replace(
        apparent,
        intervals={name: (float(lower[k]), float(upper[k])) for k, name in enumerate(FIGURES)},
        corrected={
            name: max(float(result.corrected[size + k]), 0.0 if k else -np.inf) for k, name in enumerate(FIGURES)
        },
        used=int(result.used[size]),
        group_optimism=group_optimism,
        group_corrected=apparent.groups.observed - group_optimism,
        curve_optimism=curve_optimism,
        curve_corrected=apparent.curve - curve_optimism,
        repeats=settings.repeats,
    )


@dataclass(frozen=True)
class _Measure:
    """Observed - predicted survival by group and along the smooth curve, then the figures of ``FIGURES``."""

    time: np.ndarray
    event: np.ndarray
    horizon: float
    cuts: np.ndarray
    grid: np.ndarray

    def __call__(self, rows: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        time, event = self.time[rows], self.event[rows]
        predicted = np.asarray(predicted, float).reshape(-1)
        if event.sum() < EVENTS_FOR_GROUP_CURVE:
            return np.full(len(self.cuts) - 1 + len(self.grid) + len(FIGURES), np.nan)
        by_group = _group_errors(time, event, predicted, self.cuts, self.horizon)
        z = _log_minus_log(predicted)
        try:
            smooth = smooth_observed(time, event, z, self.horizon, np.concatenate((_log_minus_log(self.grid), z)))
            curve = smooth[: len(self.grid)] - self.grid
            errors = _error_figures(np.abs(smooth[len(self.grid) :] - predicted))
        except ModelError:  # the spline has no maximum on this resample; the groups still have their values
            curve, errors = np.full(len(self.grid), np.nan), (np.nan,) * 3
        slope = _slope(time, event, z) if not is_constant(z) else 0.0  # of a model that chose nothing
        ratio = _observed_to_expected(time, event, predicted, self.horizon)
        return np.concatenate((by_group, curve, [slope, ratio, *errors]))


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
    if is_constant(z):
        return np.full(len(at), survival_at(time, event, horizon))
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
    risk = relative_hazard((x - centre) @ fit.coefficients)[sets.order]
    steps = hazard_increments(sets, risk)
    cumulative = steps[: np.searchsorted(sets.times, horizon, side="right")].sum()
    return np.exp(-cumulative * relative_hazard((basis(at) - centre) @ fit.coefficients))


def restricted_cubic(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The non-linear column of a restricted cubic spline with three knots (Harrell's scaling), (n,)."""
    first, middle, last = knots

    def cubed(knot: float) -> np.ndarray:
        return np.maximum(values - knot, 0) ** 3

    below = cubed(middle) * (last - first) / (last - middle)
    above = cubed(last) * (middle - first) / (last - middle)
    return (cubed(first) - below + above) / (last - first) ** 2


def _slope(time: np.ndarray, event: np.ndarray, z: np.ndarray) -> float:
    if is_constant(z):
        return float("nan")
    return float(maximise(z[:, np.newaxis], time, event).coefficients[0])
