"""Calibration of a predicted cumulative incidence: in groups, along a smooth curve, and in one ratio and slope.

Kaplan-Meier cannot judge an incidence: with the other events as censoring it shows a larger risk than happened. Here
the observed side is Aalen-Johansen's in every group, and the curve is Fine and Gray's model of the predictions.

Reference:
    Austin PC, Putter H, Giardiello D, van Klaveren D. Diagn Progn Res 2022;6:2; groups as riskRegression's
    ``plotCalibration(method = "quantile", cens.method = "local")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError

from ..estimation.competing_risks import incidence_of
from ..estimation.outcome_checks import check_horizon, check_probability, is_constant
from ..estimation.subdistribution import maximise_subdistribution
from ..validation.calibration import SPLINE_KNOTS, restricted_cubic
from .competing_scores import check_states

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_GROUP = 2
CURVE_POINTS = 50


@dataclass(frozen=True)
class IncidenceGroups:
    """Groups of patients by their prediction.

    Attributes:
        n, events, competing: (g,) patients of each group, and their events of both kinds up to the horizon.
        predicted, observed, lower, upper: (g,) mean prediction and Aalen-Johansen incidence with log-log interval;
            NaN where the group's follow-up ends before the horizon.
    """

    n: np.ndarray
    events: np.ndarray
    competing: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


@dataclass(frozen=True)
class CompetingCalibration:
    """Observed against predicted cumulative incidence at one horizon.

    Attributes:
        horizon: the time.
        groups: observed against predicted in groups.
        grid, curve: (k,) predicted incidence and the smooth observed one there.
        ici, e50, e90: mean, median and 90th percentile of |observed - predicted| on the smooth curve; NaN where the
            curve's likelihood has no maximum.
        observed_to_expected: incidence of all over the mean prediction; 1 is perfect.
        slope: coefficient of log(-log(1 - prediction)) in Fine and Gray's model; below 1: predictions too extreme.
        slope_se: its standard error.
    """

    horizon: float
    groups: IncidenceGroups
    grid: np.ndarray
    curve: np.ndarray
    ici: float
    e50: float
    e90: float
    observed_to_expected: float
    slope: float
    slope_se: float

    def table(self) -> pd.DataFrame:
        """One row a group."""
        import pandas as pd

        numbers = np.arange(1, len(self.groups.n) + 1)
        return pd.DataFrame({"horizon": self.horizon, "group": numbers, **vars(self.groups)})

    def curve_table(self) -> pd.DataFrame:
        """One row a point of the smooth curve."""
        import pandas as pd

        return pd.DataFrame({"horizon": self.horizon, "predicted": self.grid, "observed": self.curve})

    def summary(self) -> dict[str, float]:
        """One row: the figures of this horizon."""
        names = ("horizon", "observed_to_expected", "slope", "slope_se", "ici", "e50", "e90")
        return {name: float(getattr(self, name)) for name in names}


def calibrate_incidence(
    time: Sequence[float] | np.ndarray,
    state: Sequence[int] | np.ndarray,
    incidence: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    cause: int = 1,
    groups: int = 5,
    confidence: float = 0.95,
) -> CompetingCalibration:
    """Calibration of fixed predictions of the event of interest.

    Args:
        time: (n,) follow-up, positive.
        state: (n,) 0 censored, ``cause`` the event of interest, other numbers competing events.
        incidence: (n,) predicted probability of the event by the horizon, in [0, 1].
        horizon: the time.
        cause: state of the event of interest.
        groups: number of groups, by quantiles of the prediction.
        confidence: level of the groups' intervals.

    Raises:
        InputError: horizon beyond the last event, predictions that are no probabilities, or so few patients
            that a group would hold fewer than two.
    """
    time, state = check_states(np.asarray(time, float), np.asarray(state), cause)
    incidence = check_probability(incidence, len(time), "predicted incidence")
    horizon = check_horizon(horizon, time, (state != 0).astype(int))
    table = _groups(time, state, incidence, horizon, cause, groups, confidence)
    overall = float(incidence_of(time, state == cause, state != 0).at([horizon])[0])
    expected = float(incidence.mean())
    grid = _grid(incidence)
    z = _scale(incidence)
    try:
        smooth = smooth_incidence(time, state, z, horizon, np.concatenate((_scale(grid), z)), cause)
    except ModelError:  # the spline has no maximum; groups, ratio and slope still have their values
        smooth = np.full(len(grid) + len(z), np.nan)
    error = np.abs(smooth[len(grid) :] - incidence)
    return CompetingCalibration(
        horizon,
        table,
        grid,
        smooth[: len(grid)],
        float(error.mean()),
        float(np.median(error)),
        float(np.quantile(error, 0.9)),
        overall / expected if expected > 0 else float("nan"),
        *_slope(time, state, z, cause),
    )


def _groups(
    time: np.ndarray,
    state: np.ndarray,
    incidence: np.ndarray,
    horizon: float,
    cause: int,
    groups: int,
    confidence: float,
) -> IncidenceGroups:
    if groups < 1 or groups > len(time) // SMALLEST_GROUP:
        raise InputError(f"groups is {groups}; for {len(time)} patients it must be 1 to {len(time) // SMALLEST_GROUP}")
    cuts = np.unique(np.quantile(incidence, np.linspace(0, 1, groups + 1)))
    # A patient on a limit belongs to the group below it, as R's cut.
    group = np.searchsorted(cuts[1:-1], incidence, side="left")
    rows = []
    for k in range(max(len(cuts) - 1, 1)):
        inside = group == k
        t, s = time[inside], state[inside]
        by_now = t <= horizon
        own, other = int((by_now & (s == cause)).sum()), int((by_now & (s != cause) & (s != 0)).sum())
        observed = _observed(t, s, horizon, cause, confidence)
        rows.append((len(t), own, other, float(incidence[inside].mean()), *observed))
    columns = np.array(rows).T
    return IncidenceGroups(*columns[:3].astype(int), *columns[3:])


def _observed(
    time: np.ndarray, state: np.ndarray, horizon: float, cause: int, confidence: float
) -> tuple[float, float, float]:
    """Incidence of a group with its interval; NaN where its follow-up ends before the horizon."""
    still = time.max() >= horizon
    if not still and state[time == time.max()].min() == 0:
        return float("nan"), float("nan"), float("nan")
    if not (state == cause).any():
        return 0.0, 0.0, 0.0
    known = incidence_of(time, state == cause, state != 0)
    at = known.table_at([min(horizon, known.last_time)], confidence=confidence)
    incidence, lower, upper = (float(at[name].iloc[0]) for name in ("incidence", "lower", "upper"))
    return incidence, lower, upper


def _scale(incidence: np.ndarray) -> np.ndarray:
    """log(-log(1 - incidence)): the scale on which Fine and Gray's model is linear."""
    return np.log(-np.log1p(-np.clip(incidence, 1e-12, 1 - 1e-12)))


def _grid(incidence: np.ndarray) -> np.ndarray:
    # The outermost patients carry no curve: rms shows the 10th from each end as well.
    tail = min(10 / max(len(incidence), 200), 0.25)
    low, high = np.quantile(np.clip(incidence, 1e-6, 1 - 1e-6), [tail, 1 - tail])
    return np.linspace(low, high, CURVE_POINTS) if high > low else np.array([low])


def smooth_incidence(
    time: np.ndarray, state: np.ndarray, z: np.ndarray, horizon: float, at: np.ndarray, cause: int = 1
) -> np.ndarray:
    """Observed incidence at ``horizon`` as a smooth function of z = log(-log(1 - predicted incidence)).

    Fine and Gray's model with a restricted cubic spline of z (3 knots) gives the incidence at each ``at``;
    predictions that take too few values for knots get a straight line.

    Raises:
        ModelError: the likelihood has no maximum.
    """
    if is_constant(z):
        overall = incidence_of(time, state == cause, state != 0).at([horizon])[0]
        return np.full(len(at), overall)
    knots = np.quantile(z, SPLINE_KNOTS)
    has_spline = bool((np.diff(knots) > 1e-9).all())

    def basis(values: np.ndarray) -> np.ndarray:
        if has_spline:
            return np.column_stack((values, restricted_cubic(values, knots)))
        return values[:, np.newaxis]

    fit = maximise_subdistribution(basis(z), time, state, cause, with_variance=False)
    return fit.incidence(basis(at), horizon)


def _slope(time: np.ndarray, state: np.ndarray, z: np.ndarray, cause: int) -> tuple[float, float]:
    """Slope and standard error; NaN where all predictions are the same or one value separates the events."""
    if is_constant(z):
        return float("nan"), float("nan")
    try:
        fit = maximise_subdistribution(z[:, np.newaxis], time, state, cause)
    except ModelError:
        return float("nan"), float("nan")
    return float(fit.coefficients[0]), float(np.sqrt(fit.covariance[0, 0]))
