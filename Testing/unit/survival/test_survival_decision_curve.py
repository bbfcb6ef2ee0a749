"""Decision curves against the dcurves package and by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from competing_references import FOLDER, competing_data
from survival_references import REFERENCE, data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit
from SurvivalNomogramLib.validation.decision_curve import (
    corrected_decision_curve,
    corrected_decision_curve_competing,
    decision_curve_binary,
    decision_curve_competing,
    decision_curve_survival,
)


@pytest.fixture(scope="module")
def dcurves_values():
    return json.loads((REFERENCE / "dcurves.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def competing_values_of_r():
    """What ``make_incidence_intervals.R`` wrote."""
    values = json.loads((FOLDER / "competing_risks" / "incidence_intervals.json").read_text(encoding="utf-8"))
    return {name: case for name, case in values.items() if name != "versions"}


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


def test_with_competing_events_the_share_of_events_is_that_of_r(competing_values_of_r):
    for name, case in competing_values_of_r.items():
        data = competing_data(name, ties=False)
        state = np.where(data["state"] == case["cause"], 1, np.where(data["state"] == 0, 0, 2))
        high = (data["age"] >= data["age"].median()).to_numpy(float) * 0.5
        for horizon, incidence in zip(case["times"], case["incidence_high"], strict=True):
            curve = decision_curve_competing(data["time"], state, {"old": high}, horizon, [0.1, 0.4, 0.6])
            share = case["share_high"]
            expected = [share * (incidence - w * (1 - incidence)) for w in (0.1 / 0.9, 0.4 / 0.6)]
            np.testing.assert_allclose(curve.net_benefit["old"], [*expected, 0.0], atol=1e-9)


def test_without_competing_events_the_curves_are_those_of_survival():
    data = data_of("lung")
    time, event = data["time"].to_numpy(float), data["event"].to_numpy()
    risk = {"model": 1 / (1 + np.exp(-data["lp"].to_numpy()))}
    own = decision_curve_competing(time, event, risk, 365)
    plain = decision_curve_survival(time, event, risk, 365)
    np.testing.assert_allclose(own.net_benefit["model"], plain.net_benefit["model"], atol=1e-12)
    assert own.prevalence == pytest.approx(plain.prevalence, abs=1e-12)


def test_patients_whom_another_event_took_are_false_positives():
    own = decision_curve_competing([1, 2, 3, 9], [2, 2, 1, 0], {"model": [0.9] * 4}, 3, [0.5])
    # One of four had the event; by Kaplan-Meier with the others censored it would be one of two.
    assert own.net_benefit["model"][0] == pytest.approx(0.25 - 0.75)


def test_the_corrected_curve_of_an_incidence_is_lower_than_the_apparent_one():
    rng = np.random.default_rng(3)
    n = 80
    time, state = rng.exponential(10, n), rng.integers(0, 3, n)
    x = rng.normal(size=(n, 8))
    refit = CoxRefit(x, time, (state == 1).astype(int), (8.0,))

    def risk(rows):
        return 1 - refit(rows)[:, 0]

    thresholds = [0.1, 0.2, 0.3, 0.4]
    found = corrected_decision_curve_competing(time, state, risk, 8.0, thresholds, BootstrapSettings(20, 1))
    assert (found.optimism > 0).all()
    np.testing.assert_allclose(found.corrected, found.curve.net_benefit["model"] - found.optimism)
