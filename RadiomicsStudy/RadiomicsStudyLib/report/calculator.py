"""What the live nomogram needs of each bundle: the numbers of ``model.json``, read and checked as ``predict`` does.

The page's script (``page/calculator.js``) computes with them; the tests hold its results against ``predict``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import RadiomicsError
from SurvivalNomogramLib.bundles.bundle import ModelBundle, bundle_from_dict
from SurvivalNomogramLib.models.competing_causes import CompetingCauses
from SurvivalNomogramLib.models.cox import CoxModel
from SurvivalNomogramLib.models.logistic import LogisticModel
from SurvivalNomogramLib.nomogram.points import Nomogram

from .folder import Stage, Study

MOST_COVARIATES = 40
"""A model of more has no calculator: nobody fills it by hand."""


@dataclass(frozen=True)
class Calculator:
    """One model that can be asked on the page.

    Attributes:
        stage: whose bundle it is.
        title: for people.
        model: the numbers, as JSON holds them.
    """

    stage: str
    title: str
    model: Mapping[str, Any]


def calculators(study: Study) -> list[Calculator]:
    """Return the calculators of a study, one for each bundle with covariates that a reader can enter."""
    found = [_calculator(stage) for stage in study.stages if stage.bundle]
    return [calculator for calculator in found if calculator]


def _calculator(stage: Stage) -> Calculator | None:
    try:
        bundle = bundle_from_dict(stage.bundle)
    except RadiomicsError:
        return None  # a network's or a classifier's bundle, which no formula stands for
    model = bundle.model
    if not isinstance(model, CoxModel | LogisticModel) or not 0 < len(model.terms) <= MOST_COVARIATES:
        return None
    return Calculator(stage.name, stage.title, calculator_model(bundle))


def calculator_model(bundle: ModelBundle) -> dict[str, Any]:
    """Return what the script needs of a Cox or logistic bundle.

    Args:
        bundle: not one of principal components.
    """
    model = bundle.model
    assert isinstance(model, CoxModel | LogisticModel)
    values: dict[str, Any] = {
        "kind": "cox" if isinstance(model, CoxModel) else "logistic",
        "inputs": [_input(bundle, k) for k in range(len(model.terms))],
        "coefficients": model.coefficients.tolist(),
        "nomogram": _points(bundle.nomogram),
        "cutoff": None if bundle.cutoff is None else bundle.cutoff.value,
        "patients": model.n,
        "events": model.events,
    }
    if isinstance(model, LogisticModel):
        return {**values, "intercept": model.intercept}
    horizons = bundle.nomogram.horizons if bundle.nomogram else ()
    values |= {"horizons": list(horizons), "time_unit": model.time_unit, **_hazard(model)}
    if bundle.competing is not None:
        values["competing"] = _competing(bundle.competing, model)
    return values


def _input(bundle: ModelBundle, k: int) -> dict[str, Any]:
    """A covariate's name, its levels or the range of its axis, and where the form begins."""
    model = bundle.model
    assert isinstance(model, CoxModel | LogisticModel)
    term = model.terms[k]
    if term.is_categorical:
        return {"name": term.name, "levels": list(term.levels), "start": term.levels[0]}
    ticks = bundle.nomogram.ticks[term.name] if bundle.nomogram else ()
    place = model.design.slices()[term.name].start
    if isinstance(model, CoxModel):
        start = float(model.center[place])
    else:
        start = (min(ticks) + max(ticks)) / 2 if ticks else 0.0
    limits = {"low": min(ticks), "high": max(ticks)} if ticks else {}
    return {"name": term.name, "start": float(f"{start:.4g}"), **limits}


def _points(nomogram: Nomogram | None) -> dict[str, Any] | None:
    if nomogram is None:
        return None
    return {
        "per_unit": nomogram.points_per_unit,
        "at_zero": nomogram.predictor_at_zero,
        "lowest": [float(axis.effects.min()) for axis in nomogram.axes],
        "highest": [float(axis.effects.max()) for axis in nomogram.axes],
        "predictor_range": list(nomogram.predictor_range),
    }


def _hazard(model: CoxModel) -> dict[str, Any]:
    """Centre and baseline of a Cox model, and what the interval of its survival needs where the bundle has it."""
    baseline = model.baseline
    values: dict[str, Any] = {
        "center": model.center.tolist(),
        "times": baseline.times.tolist(),
        "hazard": baseline.cumulative_hazard.tolist(),
        "last_time": baseline.last_time,
    }
    if baseline.variance is not None and baseline.drift is not None and np.isfinite(model.covariance).all():
        values |= {
            "variance": baseline.variance.tolist(),
            "drift": baseline.drift.tolist(),
            "covariance": model.covariance.tolist(),
        }
    return values


def _competing(competing: CompetingCauses, model: CoxModel) -> list[dict[str, Any]] | None:
    """The other causes' models; None where they have other covariates, which the form does not ask for."""
    others = list(competing.models.values())
    if any(other.terms != model.terms for other in others):
        return None
    return [{"coefficients": other.coefficients.tolist(), **_hazard(other)} for other in others]
