"""Decision curves against the dcurves package and by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from survival_references import REFERENCE, data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit
from SurvivalNomogramLib.validation.decision_curve import (
    corrected_decision_curve,
    decision_curve_binary,
    decision_curve_survival,
)


@pytest.fixture(scope="module")
def dcurves_values():
    return json.loads((REFERENCE / "dcurves.json").read_text(encoding="utf-8"))


def own_curve(case, thresholds):
    data = data_of(case["data"])
    horizon = case["horizon"]
    rate = math.log(2) / data["time"].median()
    if horizon is not None:
        risk = 1 - np.exp(-rate * horizon * np.exp(data["lp"]))
        return decision_curve_survival(data["time"], data["event"], {"model": risk}, horizon, thresholds)
    first = {"gbsg2": 1000, "lung": 365, "colon": 1500, "veteran": 120}[case["data"]]
    outcome = ((data["time"] <= first) & (data["event"] == 1)).astype(int)
    return decision_curve_binary(outcome, {"model": 1 - np.exp(-rate * first * np.exp(data["lp"]))}, thresholds)


def test_net_benefit_equals_the_dcurves_package_with_and_without_censoring(dcurves_values):
    compared = 0
    for case in dcurves_values["cases"]:
        curve = own_curve(case, dcurves_values["thresholds"])
        for model, truth in case["curves"].items():
            for own, theirs in (
                (curve.net_benefit[model], truth["net_benefit"]),
                (curve.interventions_avoided(model), truth["avoided"]),
            ):
                known = np.array([value is not None for value in theirs])
                np.testing.assert_allclose(own[known], np.array(theirs, float)[known], atol=1e-12)
                compared += known.sum()
    assert compared > 3000


def test_where_all_positives_had_their_event_early_their_risk_is_one_and_not_missing():
    time, event = [1, 2, 9, 10], [1, 1, 1, 0]
    curve = decision_curve_survival(time, event, {"model": [0.9, 0.9, 0.1, 0.1]}, 8, [0.5])
    assert curve.net_benefit["model"][0] == pytest.approx(0.5)


def test_where_the_positives_curve_ends_by_censoring_the_benefit_is_unknown():
    time, event = [1, 2, 9, 10], [1, 0, 1, 0]
    curve = decision_curve_survival(time, event, {"model": [0.9, 0.9, 0.1, 0.1]}, 8, [0.5])
    assert np.isnan(curve.net_benefit["model"][0])


def test_the_bootstrap_lowers_the_benefit_of_a_model_made_of_noise():
    rng = np.random.default_rng(0)
    n = 120
    x, time, event = rng.normal(size=(n, 12)), rng.exponential(5, n), rng.integers(0, 2, n)
    survival = CoxRefit(x, time, event, (4.0,))
    thresholds = [0.2, 0.3, 0.4]
    corrected = corrected_decision_curve(
        time, event, lambda rows: 1 - survival(rows)[:, 0], 4.0, thresholds, BootstrapSettings(60, 1)
    )
    assert (corrected.optimism > 0).all()
    assert (corrected.corrected < corrected.curve.net_benefit["model"]).all()
    # What is left does not beat treating all or nobody by more than chance.
    best = np.maximum(corrected.curve.net_benefit["all"], 0)
    assert (corrected.corrected < best + 0.03).all()
    assert corrected.table().columns[0] == "threshold"


@pytest.mark.parametrize(
    ("risk", "thresholds", "words"),
    [([0.1, 0.2, 1.2], [0.5], "patient 3 is 1.2"), ([0.1, 0.2, 0.3], [0.0], "above 0 and below 1")],
)
def test_bad_risks_and_thresholds_are_refused(risk, thresholds, words):
    with pytest.raises(InputError, match=words):
        decision_curve_survival([1, 2, 3], [1, 1, 0], {"model": risk}, 2, thresholds)


def test_a_model_may_not_take_the_name_of_a_reference_strategy():
    with pytest.raises(InputError, match="cannot be called 'all'"):
        decision_curve_binary([0, 1], {"all": [0.1, 0.2]})
