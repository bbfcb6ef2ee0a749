"""One patient read from a bundle: points, survival with its interval, risk group. In numpy alone, within milliseconds.

A panel reads again while a slider moves, inside a program that need not have pandas. What is read equals what
``predict`` writes for the same values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..estimation.relative_hazard import relative_hazard
from ..models.competing_causes import incidence_of_risks
from ..models.cox import CoxModel
from ..models.logistic import LogisticModel
from ..nomogram.points import Nomogram
from ..tables.covariates import LARGEST_NUMBER, Term
from .bundle import ModelBundle

ON_THE_AXIS = 1e-9
"""How far beyond the end of its axis a value still counts as on it, points."""


@dataclass(frozen=True)
class Horizon:
    """What is predicted for one time.

    Attributes:
        time: in the model's unit.
        probability: of being free of the event; with competing events, of having had it.
        lower, upper: of its 95 % interval; NaN where the bundle does not tell.
    """

    time: float
    probability: float
    lower: float
    upper: float


@dataclass(frozen=True)
class PatientReading:
    """What a bundle says of one patient.

    Attributes:
        bundle: that was read: the one that was asked, or one that stands in for it.
        values: covariate to the value that was used.
        points: covariate to its points; empty without a nomogram.
        total_points, linear_predictor: NaN where there is no prediction.
        horizons: survival, or incidence with competing events, at the bundle's horizons; none for a logistic model.
        median: time at which survival falls to one half; infinite where it never does; NaN where there is none.
        probability: of a logistic model; NaN of others.
        group: name of the risk group; "" without a cut-off or a prediction.
        outside: covariates whose value lies outside the range of the training patients.
        missing: covariates without a value, of the bundle that was asked.
        notes: what was done about missing values, one line each.
    """

    bundle: ModelBundle
    values: Mapping[str, float | str]
    points: Mapping[str, float] = field(default_factory=dict)
    total_points: float = float("nan")
    linear_predictor: float = float("nan")
    horizons: tuple[Horizon, ...] = ()
    median: float = float("nan")
    probability: float = float("nan")
    group: str = ""
    outside: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_predicted(self) -> bool:
        """Whether there is a prediction."""
        return bool(np.isfinite(self.linear_predictor))

    @property
    def is_incidence(self) -> bool:
        """Whether the horizons hold the probability of the event, because other events compete with it."""
        return self.bundle.competing is not None


def read_patient(
    bundle: ModelBundle, values: Mapping[str, object], stand_ins: Sequence[ModelBundle] = ()
) -> PatientReading:
    """Read a patient from a bundle.

    A covariate without a value is not guessed while there is a model that does without it: the first of the
    stand-ins that needs nothing that is missing is read in the bundle's place, and a note says so. Otherwise it is
    filled as the bundle was told to in training, with a note; otherwise there is no prediction.

    Args:
        bundle: of a Cox or logistic model.
        values: covariate to number or level; None, "" and NaN are missing values; others than the model's are ignored.
        stand_ins: models that need fewer covariates, the best first.

    Raises:
        InputError: principal components; a value that is no number, or a level that training did not hold.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.models.cox import fit_cox
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70.0, 52, 66, 58, 61, 49]})
        >>> model = fit_cox(read_survival_table(frame, time="t", event="e"))
        >>> reading = read_patient(ModelBundle(model), {"age": 60})
        >>> bool(abs(reading.linear_predictor - model.linear_predictor(frame.assign(age=60.0))[0]) < 1e-12)
        True
        >>> read_patient(ModelBundle(model), {"age": None}).missing
        ('age',)
    """
    known = known_values(bundle, values)
    missing = tuple(term.name for term in covariates_of(bundle) if term.name not in known)
    if not missing:
        return _predicted(bundle, known)
    names = ", ".join(missing)
    for other in stand_ins:
        theirs = known_values(other, values)
        if all(term.name in theirs for term in covariates_of(other)):
            note = f"{names}: no value; read from the model without it ({', '.join(theirs)})"
            return replace(_predicted(other, theirs), missing=missing, notes=(note,))
    filled = {name: bundle.missing.fill_[name] for name in missing if name in bundle.missing.fill_}
    if len(filled) == len(missing):
        notes = tuple(
            f"{name}: no value; filled with {_shown(value)}, as in training" for name, value in filled.items()
        )
        return replace(_predicted(bundle, known | filled), missing=missing, notes=notes)
    unfilled = ", ".join(name for name in missing if name not in filled)
    return PatientReading(bundle, known, missing=missing, notes=(f"no prediction without a value of {unfilled}",))


def covariates_of(bundle: ModelBundle) -> tuple[Term, ...]:
    """Return the covariates that a bundle asks for. Raises InputError for principal components."""
    if not isinstance(bundle.model, CoxModel | LogisticModel):
        raise InputError("the bundle holds principal components, from which no patient's risk can be read")
    return bundle.model.terms


def known_values(bundle: ModelBundle, values: Mapping[str, object]) -> dict[str, float | str]:
    """Return the values of a bundle's covariates that are there, numbers as numbers and levels as their texts.

    Raises:
        InputError: a value that is no number, or a level that training did not hold.
    """
    found = {}
    for term in covariates_of(bundle):
        value = values.get(term.name)
        if value is None or value == "" or (isinstance(value, float) and np.isnan(value)):
            continue
        found[term.name] = _level(term, value) if term.is_categorical else _number(term, value)
    return found


def survival_curve(reading: PatientReading, times: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return times (k,) and the patient's survival, or incidence with competing events, from time 0 on.

    Args:
        reading: with a prediction of a Cox model.
        times: None: 0 and every event time of the training patients.

    Raises:
        InputError: no prediction, or a logistic model.
    """
    model = reading.bundle.model
    if not isinstance(model, CoxModel) or not reading.is_predicted:
        raise InputError("there is no survival curve without the prediction of a Cox model")
    chosen = np.concatenate(([0.0], model.baseline.times)) if times is None else np.asarray(times, float)
    if reading.is_incidence:
        return chosen, _incidence(reading.bundle, model, reading.values, chosen)
    return chosen, np.exp(-relative_hazard(reading.linear_predictor) * model.baseline.at(chosen))


def design_row(terms: Sequence[Term], values: Mapping[str, float | str]) -> np.ndarray:
    """Return one patient's design columns (p,), as ``DesignMatrix.transform`` makes them of a frame.

    Example:
        >>> design_row((Term("age"), Term("sex", ("female", "male"))), {"age": 61.0, "sex": "male"}).tolist()
        [61.0, 1.0]
    """
    columns: list[float] = []
    for term in terms:
        if term.is_categorical:
            columns += [float(values[term.name] == level) for level in term.levels[1:]]
        else:
            columns.append(float(values[term.name]))
    return np.array(columns)


def _predicted(bundle: ModelBundle, values: Mapping[str, float | str]) -> PatientReading:
    model = bundle.model
    assert isinstance(model, CoxModel | LogisticModel)
    x = design_row(model.terms, values)
    if isinstance(model, CoxModel):
        predictor = float((x - model.center) @ model.coefficients)
    else:
        predictor = model.intercept + float(x @ model.coefficients)
    reading = PatientReading(bundle, dict(values), linear_predictor=predictor)
    if bundle.nomogram is not None:
        reading = _with_points(reading, bundle.nomogram)
    if bundle.cutoff is not None:
        reading = replace(reading, group=str(bundle.cutoff.groups([predictor])[0]))
    if isinstance(model, LogisticModel):
        return replace(reading, probability=float(1 / (1 + relative_hazard(-predictor))))
    return replace(reading, horizons=_horizons(bundle, model, x, values), median=_median(bundle, model, predictor))


def _with_points(reading: PatientReading, nomogram: Nomogram) -> PatientReading:
    points = {}
    for axis in nomogram.axes:
        value = reading.values[axis.name]
        if axis.term.is_categorical:
            points[axis.name] = float(axis.points[axis.term.levels.index(str(value))])
        else:
            effect = float(value) * axis.coefficient
            points[axis.name] = (effect - float(axis.effects.min())) * nomogram.points_per_unit
    outside = tuple(
        axis.name
        for axis in nomogram.axes
        if not axis.points.min() - ON_THE_AXIS <= points[axis.name] <= axis.points.max() + ON_THE_AXIS
    )
    return replace(reading, points=points, total_points=sum(points.values()), outside=outside)


def _horizons(
    bundle: ModelBundle, model: CoxModel, x: np.ndarray, values: Mapping[str, float | str]
) -> tuple[Horizon, ...]:
    times = bundle.nomogram.horizons if bundle.nomogram is not None else ()
    nan = float("nan")
    if not times:
        return ()
    if bundle.competing is not None:
        found = _incidence(bundle, model, values, np.array(times))
        return tuple(Horizon(time, float(value), nan, nan) for time, value in zip(times, found, strict=True))
    if model.has_intervals and np.isfinite(model.covariance).all():
        interval = model.interval_at((x - model.center)[np.newaxis], list(times))
        rows = zip(times, interval.survival[0], interval.lower[0], interval.upper[0], strict=True)
        return tuple(Horizon(*map(float, row)) for row in rows)
    survival = np.exp(-relative_hazard((x - model.center) @ model.coefficients) * model.baseline.at(np.array(times)))
    return tuple(Horizon(time, float(value), nan, nan) for time, value in zip(times, survival, strict=True))


def _median(bundle: ModelBundle, model: CoxModel, predictor: float) -> float:
    if bundle.competing is not None:
        return float("nan")
    needed = np.log(2) / relative_hazard(predictor)
    at = np.searchsorted(model.baseline.cumulative_hazard, needed * (1 - 1e-12), side="left")
    return float(np.append(model.baseline.times, np.inf)[at])


def _incidence(
    bundle: ModelBundle, model: CoxModel, values: Mapping[str, float | str], times: np.ndarray
) -> np.ndarray:
    assert bundle.competing is not None
    models = [model, *bundle.competing.models.values()]
    predictors = [(design_row(each.terms, values) - each.center) @ each.coefficients for each in models]
    return incidence_of_risks(models, relative_hazard(np.array(predictors))[:, np.newaxis], times)[0, 0]


def _level(term: Term, value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if text not in term.levels:
        raise InputError(
            f"{term.name} is {text!r}, which the training data do not hold; known: {', '.join(term.levels)}"
        )
    return text


def _number(term: Term, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) <= LARGEST_NUMBER:
        raise InputError(f"{term.name} is {value!r}, which is no finite number up to {LARGEST_NUMBER:g}")
    return number


def _shown(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value
