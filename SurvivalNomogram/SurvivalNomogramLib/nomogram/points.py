"""The nomogram as numbers: points for every value, and the model's own prediction for their total.

A nomogram is the model's linear predictor on another scale: the covariate with the widest effect spans 0 to
100 points, and every total stands for one linear predictor. So a prediction read from it equals the model's.

Ranges follow ``rms::nomogram`` with ``datadist``: a numeric covariate with up to ten different values in the
training patients has its values as ticks, any other spans R's ``pretty`` numbers around its full range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.pretty_numbers import pretty

from ..estimation.relative_hazard import relative_hazard
from ..models.cox import CoxModel
from ..models.logistic import LogisticModel
from ..tables.covariates import Term

if TYPE_CHECKING:
    import pandas as pd

FULL_SCALE = 100.0
INTERVALS = 10
MOST_DISCRETE_VALUES = 10
LARGEST_MEDIAN_GAP = 0.01
PROBABILITIES = (0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.01)


@dataclass(frozen=True)
class VariableAxis:
    """The axis of one covariate.

    Attributes:
        term: the covariate.
        values: ticks, numbers or names of levels.
        points: points (k,) of the ticks.
        effects: contributions (k,) of the ticks to the linear predictor.
        coefficient: of a numeric covariate; NaN for a categorical one.
    """

    term: Term
    values: tuple[float, ...] | tuple[str, ...]
    points: np.ndarray
    effects: np.ndarray
    coefficient: float

    @property
    def name(self) -> str:
        return self.term.name


@dataclass(frozen=True)
class OutcomeAxis:
    """An axis below the total points: ticks with the total points at which they stand."""

    label: str
    values: np.ndarray
    total_points: np.ndarray


@dataclass(frozen=True)
class NomogramPrediction:
    """What the nomogram says of one patient.

    Attributes:
        points: covariate -> points.
        total_points: their sum.
        linear_predictor: of the model.
        survival: horizon -> probability of being free of the event; empty for a logistic model.
        median_survival: infinite where survival never falls to one half in the follow-up; NaN for logistic.
        probability: of the event, for a logistic model; NaN otherwise.
        outside: covariates whose value lies outside the axis: the model is extrapolated.
    """

    points: dict[str, float]
    total_points: float
    linear_predictor: float
    survival: dict[float, float]
    median_survival: float
    probability: float
    outside: tuple[str, ...]


@dataclass(frozen=True)
class Nomogram:
    """Points for the values of every covariate, and what a total means. Made by :func:`make_nomogram`.

    Args:
        model: Cox or logistic model.
        ticks: covariate -> ticks of its axis, for the numeric ones; levels come from the model.
        predictor_range: lowest and highest linear predictor of the training patients.
        horizons: times at which survival is shown; none for a logistic model.
    """

    model: CoxModel | LogisticModel
    ticks: Mapping[str, tuple[float, ...]]
    predictor_range: tuple[float, float]
    horizons: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.model.terms:
            raise ModelError("the model has no covariates, so there is nothing to draw a nomogram of")
        _refuse_interactions(self.model.terms)
        for term in self.model.terms:
            if not term.is_categorical:
                _check_ticks(term.name, self.ticks.get(term.name, ()))
        if isinstance(self.model, CoxModel):
            check_horizons(self.model, self.horizons)
        elif self.horizons:
            raise InputError("a logistic model has no time, so it takes no horizons")

    @cached_property
    def axes(self) -> tuple[VariableAxis, ...]:
        """One axis a covariate, in the order of the model."""
        places = self.model.design.slices()
        effects = [self._effects(term, self.model.coefficients[places[term.name]]) for term in self.model.terms]
        axes = []
        for term, (values, effect) in zip(self.model.terms, effects, strict=True):
            slope = float("nan") if term.is_categorical else float(self.model.coefficients[places[term.name]][0])
            points = (effect - effect.min()) * self.points_per_unit
            axes.append(VariableAxis(term, values, points, effect, slope))
        return tuple(axes)

    def _effects(self, term: Term, coefficients: np.ndarray) -> tuple[tuple[str, ...] | tuple[float, ...], np.ndarray]:
        if term.is_categorical:
            return term.levels, np.concatenate(([0.0], coefficients))
        values = tuple(float(value) for value in self.ticks[term.name])
        return values, np.array(values) * coefficients[0]

    @cached_property
    def points_per_unit(self) -> float:
        """Points for one unit of the linear predictor."""
        places = self.model.design.slices()
        spans = [
            np.ptp(self._effects(term, self.model.coefficients[places[term.name]])[1]) for term in self.model.terms
        ]
        if max(spans) <= 0:
            raise ModelError("every coefficient of the model is zero, so no value has any points")
        return FULL_SCALE / float(max(spans))

    @cached_property
    def predictor_at_zero(self) -> float:
        """Linear predictor of a patient with zero points in total."""
        lowest = sum(float(axis.effects.min()) for axis in self.axes)
        if isinstance(self.model, LogisticModel):
            return self.model.intercept + lowest
        return float(lowest - self.model.center @ self.model.coefficients)

    def points_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of every covariate (n rows); values outside an axis get points below 0 or above its end.

        Raises:
            InputError: a column or value is missing, or a category was not seen in training.
        """
        import pandas as pd

        design = self.model.design.transform(frame) * self.model.coefficients
        places = self.model.design.slices()
        columns = {
            axis.name: (design[:, places[axis.name]].sum(axis=1) - axis.effects.min()) * self.points_per_unit
            for axis in self.axes
        }
        return pd.DataFrame(columns, index=frame.index)

    def linear_predictor_of(self, total_points: np.ndarray | float) -> np.ndarray:
        """Linear predictor that totals stand for."""
        return self.predictor_at_zero + np.asarray(total_points, float) / self.points_per_unit

    def total_points_of(self, linear_predictor: np.ndarray | float) -> np.ndarray:
        """Totals that linear predictors stand at."""
        return (np.asarray(linear_predictor, float) - self.predictor_at_zero) * self.points_per_unit

    def survival_of(self, total_points: np.ndarray | float, horizons: Sequence[float]) -> np.ndarray:
        """Survival probabilities (n, k) for totals (n,) at horizons (k,)."""
        model = self._cox("survival")
        check_horizons(model, horizons)
        hazard = model.baseline.at(np.asarray(list(horizons), float))
        predictor = np.atleast_1d(self.linear_predictor_of(total_points))
        return np.exp(-relative_hazard(predictor)[:, np.newaxis] * hazard)

    def median_of(self, total_points: np.ndarray | float) -> np.ndarray:
        """Median survival (n,) for totals; infinite where survival never falls to one half."""
        baseline = self._cox("median survival").baseline
        needed = np.log(2) / relative_hazard(np.atleast_1d(self.linear_predictor_of(total_points)))
        at = np.searchsorted(baseline.cumulative_hazard, needed * (1 - 1e-12), side="left")
        return np.append(baseline.times, np.inf)[at]

    def probability_of(self, total_points: np.ndarray | float) -> np.ndarray:
        """Probability of the event for totals, logistic model."""
        from scipy.special import expit

        if isinstance(self.model, CoxModel):
            raise InputError("a Cox model predicts survival at a horizon; ask for survival_of")
        return expit(self.linear_predictor_of(total_points))

    def _cox(self, what: str) -> CoxModel:
        if not isinstance(self.model, CoxModel):
            raise InputError(f"a logistic model has no {what}; ask for probability_of")
        return self.model

    def predict(self, patient: Mapping[str, object]) -> NomogramPrediction:
        """Read one patient's prediction from the nomogram; equals the model's own.

        Args:
            patient: covariate -> value.

        Raises:
            InputError: a covariate or value is missing, or a category was not seen in training.
        """
        import pandas as pd

        frame = pd.DataFrame([dict(patient)])
        points = {name: float(value) for name, value in self.points_of(frame).iloc[0].items()}
        total = sum(points.values())
        survival, median, probability = {}, float("nan"), float("nan")
        if isinstance(self.model, CoxModel):
            values = self.survival_of(total, self.horizons)[0] if self.horizons else []
            survival = dict(zip(self.horizons, map(float, values), strict=True))
            median = float(self.median_of(total)[0])
        else:
            probability = float(self.probability_of(total))
        outside = tuple(
            axis.name
            for axis in self.axes
            if not axis.points.min() - 1e-9 <= points[axis.name] <= axis.points.max() + 1e-9
        )
        predictor = float(self.linear_predictor_of(total))
        return NomogramPrediction(points, total, predictor, survival, median, probability, outside)

    def predict_table(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predictions of many patients: total points, linear predictor, survival or probability, by row."""
        import pandas as pd

        total = self.points_of(frame).sum(axis=1).to_numpy()
        columns: dict[str, np.ndarray] = {
            "total_points": total,
            "linear_predictor": self.linear_predictor_of(total),
        }
        if isinstance(self.model, CoxModel):
            survival = self.survival_of(total, self.horizons) if self.horizons else np.empty((len(total), 0))
            columns |= {f"survival_{h:g}": survival[:, k] for k, h in enumerate(self.horizons)}
            columns["median_survival"] = self.median_of(total)
        else:
            columns["probability"] = self.probability_of(total)
        return pd.DataFrame(columns, index=frame.index)

    def points_table(self) -> pd.DataFrame:
        """Points of every tick: what a reader copies from the figure."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"variable": axis.name, "value": value, "points": float(points)}
                for axis in self.axes
                for value, points in zip(axis.values, axis.points, strict=True)
            ]
        )

    @cached_property
    def predictor_ticks(self) -> np.ndarray:
        """Ticks of the linear predictor that cover the training patients."""
        return pretty(*self.predictor_range, INTERVALS)

    @cached_property
    def total_ticks(self) -> np.ndarray:
        """Ticks of the total points, from 0 to what the training patients reach."""
        if len(self.axes) == 1:
            return pretty(0, FULL_SCALE, INTERVALS)
        return pretty(0, max(FULL_SCALE, float(self.total_points_of(self.predictor_ticks[-1]))), INTERVALS)

    def outcome_axes(self) -> tuple[OutcomeAxis, ...]:
        """Linear predictor, survival at each horizon with median survival, or probability.

        Ticks stand where the total lies within its axis.
        """
        axes = [OutcomeAxis("Linear predictor", self.predictor_ticks, self.total_points_of(self.predictor_ticks))]
        if isinstance(self.model, CoxModel):
            axes += [self._survival_axis(self.model, horizon) for horizon in self.horizons]
            axes.append(self._median_axis(self.model))
        else:
            ticks = np.array(PROBABILITIES[::-1])
            axes.append(OutcomeAxis("Probability", ticks, self.total_points_of(np.log(ticks / (1 - ticks)))))
        inside = [self._within(axis) for axis in axes]
        return tuple(axis for axis in inside if len(axis.values))

    def _survival_axis(self, model: CoxModel, horizon: float) -> OutcomeAxis:
        ticks = np.array(PROBABILITIES)
        predictor = np.log(-np.log(ticks) / model.baseline.at(np.array([horizon]))[0])
        label = f"{horizon:g}-{model.time_unit.removesuffix('s')} survival"
        return OutcomeAxis(label, ticks, self.total_points_of(predictor))

    def _median_axis(self, model: CoxModel) -> OutcomeAxis:
        events = model.baseline.times
        times = pretty(0, float(events[-1]), INTERVALS)
        times = times[(times >= events[0]) & (times <= events[-1])]
        # Median survival is an event time: where the next one before a round number is far, it is the tick.
        reached = events[np.searchsorted(events, times, side="right") - 1]
        times = np.unique(np.where(times - reached > LARGEST_MEDIAN_GAP * events[-1], reached, times))
        step = float(events[-1]) / INTERVALS
        if times.size == 0 or events[-1] - times[-1] > step / 2:
            times = np.append(times, events[-1])  # the longest median that a patient can have lies on the axis
        predictor = np.log(np.log(2) / model.baseline.at(times))
        return OutcomeAxis(f"Median survival ({model.time_unit})", times, self.total_points_of(predictor))

    def _within(self, axis: OutcomeAxis) -> OutcomeAxis:
        low, high = self.total_ticks[0], self.total_ticks[-1]
        keep = (axis.total_points >= low - 1e-9) & (axis.total_points <= high + 1e-9)
        return OutcomeAxis(axis.label, axis.values[keep], axis.total_points[keep])

    def to_dict(self) -> dict[str, object]:
        """Ticks, range and horizons; the model travels beside it."""
        return {
            "ticks": {name: list(values) for name, values in self.ticks.items()},
            "predictor_range": list(self.predictor_range),
            "horizons": list(self.horizons),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], model: CoxModel | LogisticModel) -> Nomogram:
        """Rebuild a nomogram from :meth:`to_dict` and its model.

        Raises:
            InputError: a part is missing or no number.
        """
        try:
            low, high = (float(value) for value in data["predictor_range"])
            ticks = {str(name): tuple(float(v) for v in values) for name, values in data["ticks"].items()}
            horizons = tuple(float(value) for value in data["horizons"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the nomogram in the bundle cannot be read: {error}") from None
        return cls(model, ticks, (low, high), horizons)


def make_nomogram(
    model: CoxModel | LogisticModel,
    training: pd.DataFrame,
    horizons: Sequence[float] = (),
    *,
    ticks: Mapping[str, Sequence[float]] | None = None,
) -> Nomogram:
    """Make the nomogram of a fitted model.

    Args:
        model: Cox or logistic model.
        training: the patients that the model was fitted on (their ranges become those of the axes).
        horizons: times at which survival is shown, up to the last event; Cox models only.
        ticks: covariate -> ticks of its axis, two or more; the outermost bound the axis (as in rms).

    Raises:
        InputError: horizon beyond the last event, ticks of an unknown or categorical covariate.
        ModelError: a model without covariates, or with an interaction.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> from SurvivalNomogramLib.models.cox import fit_cox
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70, 60, 50, 64, 45, 52]})
        >>> table = read_survival_table(frame, time="t", event="e")
        >>> nomogram = make_nomogram(fit_cox(table), table.frame, [10])
        >>> nomogram.points_table()["points"].max().item()
        100.0

    Reference:
        Harrell FE, rms::nomogram.
    """
    numeric = {term.name for term in model.terms if not term.is_categorical}
    for name in ticks or {}:
        if name not in numeric:
            raise InputError(f"ticks are given for {name!r}, which is not a numeric covariate of the model")
    chosen = {
        name: tuple(float(v) for v in ticks[name])
        if ticks and name in ticks
        else numeric_ticks(training[name].to_numpy(float))
        for name in (term.name for term in model.terms if not term.is_categorical)
    }
    predictor = model.linear_predictor(training)
    span = (float(predictor.min()), float(predictor.max()))
    return Nomogram(model, chosen, span, tuple(float(horizon) for horizon in horizons))


def numeric_ticks(values: np.ndarray) -> tuple[float, ...]:
    """Ticks for a numeric covariate as ``rms::nomogram`` with ``datadist`` chooses them."""
    present = np.unique(values[np.isfinite(values)])
    if len(present) <= MOST_DISCRETE_VALUES:
        return tuple(present.tolist())
    return tuple(pretty(float(present[0]), float(present[-1]), INTERVALS).tolist())


def check_horizons(model: CoxModel, horizons: Sequence[float]) -> None:
    """Raise InputError if a horizon is not positive or lies beyond the last event of the training patients."""
    last = float(model.baseline.times[-1])
    for horizon in horizons:
        if not np.isfinite(horizon) or horizon <= 0:
            raise InputError(f"horizon {horizon:g} must be above 0")
        if horizon > last:
            raise InputError(
                f"horizon {horizon:g} {model.time_unit} lies beyond the last event, at {last:g} "
                f"{model.time_unit}; choose a horizon up to {last:g}"
            )
        if model.baseline.at(np.array([horizon]))[0] <= 0:
            first = float(model.baseline.times[0])
            raise InputError(f"horizon {horizon:g} comes before the first event, at {first:g}; choose a later one")


def _refuse_interactions(terms: Sequence[Term]) -> None:
    names = {term.name for term in terms}
    for term in terms:
        for sign in (":", "*"):
            parts = [part.strip() for part in term.name.split(sign)]
            if len(parts) > 1 and any(part in names for part in parts):
                raise ModelError(
                    f"{term.name!r} is an interaction, and a nomogram has one axis for each variable alone; "
                    "fit the model without it, or one model for each level"
                )


def _check_ticks(name: str, ticks: Sequence[float]) -> None:
    if len(ticks) < 2 or not np.isfinite(ticks).all() or np.ptp(ticks) == 0:
        raise InputError(f"the axis of {name!r} needs two or more different finite values as ticks, got {list(ticks)}")
