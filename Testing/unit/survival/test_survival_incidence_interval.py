"""Intervals of a predicted cumulative incidence against riskRegression, the single cause, and repeated cohorts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from competing_references import FOLDER, competing_data

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.models.competing_causes import combined_incidence, fit_competing_causes
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.incidence_interval import _incidence_and_slopes, incidence_interval
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


def table_of(data: pd.DataFrame, covariates: list[str], cause: int) -> SurvivalTable:
    known = data[["time", "state", *covariates]]
    return read_survival_table(known, time="time", event="state", event_values=[cause], censored_values=[0])


@pytest.mark.parametrize("name", ["pbc", "mgus2"])
def test_errors_and_intervals_are_those_of_risk_regression(name):
    """Its variance is the robust one and its incidence the product limit: close where the model holds."""
    case = json.loads((FOLDER / "competing_risks" / "incidence_intervals.json").read_text(encoding="utf-8"))[name]
    table = table_of(competing_data(name, ties=False), case["covariates"], case["cause"])
    model = fit_cox(table)
    competing = fit_competing_causes(table, model)
    own = competing.incidence_interval(model, table.frame.iloc[case["rows"]], case["times"])
    inside = own.incidence < 0.6
    assert inside.sum() >= 11
    np.testing.assert_allclose(own.incidence[inside], np.array(case["incidence"])[inside], rtol=5e-3)
    ratio = own.standard_error[inside] / np.array(case["se"])[inside]
    assert (abs(ratio - 1) < 0.17).all() and abs(np.exp(np.log(ratio).mean()) - 1) < 0.04
    np.testing.assert_allclose(own.lower[inside], np.array(case["lower"])[inside], atol=0.016)
    np.testing.assert_allclose(own.upper[inside], np.array(case["upper"])[inside], atol=0.016)


def test_a_single_cause_has_the_interval_of_its_survival():
    data = competing_data("pbc")
    table = read_survival_table(
        data[["time", "age", "albumin"]].assign(event=(data["state"] > 0).astype(int)), time="time", event="event"
    )
    model, times = fit_cox(table), [500.0, 3000.0]
    own, of_survival = incidence_interval([model], table.frame, times), model.survival_interval(table.frame, times)
    np.testing.assert_allclose(own.incidence, 1 - of_survival.survival, atol=1e-12)
    np.testing.assert_allclose(own.standard_error, of_survival.standard_error, rtol=1e-9)


def test_the_slopes_are_those_that_a_moved_step_shows():
    rng = np.random.default_rng(7)
    steps = rng.exponential(0.1, (3, 9)) * (rng.random((3, 9)) < 0.8)
    total, slopes = _incidence_and_slopes(steps)
    moved = 1e-7
    for cause in range(3):
        for k in np.flatnonzero(steps.sum(axis=0) > 0):
            other = steps.copy()
            other[cause, k] += moved
            assert (_incidence_and_slopes(other)[0] - total) / moved == pytest.approx(slopes[cause, k], abs=1e-6)


def test_the_incidence_is_that_of_the_combined_models():
    table = table_of(competing_data("pbc"), ["age"], 2)
    model = fit_cox(table)
    models = [model, *fit_competing_causes(table, model).models.values()]
    frame, times = table.frame.iloc[:3], [1500.0]
    own = incidence_interval(models, frame, times)
    np.testing.assert_allclose(own.incidence, combined_incidence(models, frame, times)[0], atol=1e-12)


def test_the_interval_covers_the_true_incidence_in_95_of_100_simulated_cohorts():
    rng = np.random.default_rng(4)
    patient, horizon, hits, runs = pd.DataFrame({"x": [0.8]}), 1.0, 0, 200
    own, other = 0.6 * np.exp(0.5 * 0.8), 0.5 * np.exp(-0.4 * 0.8)
    truth = own / (own + other) * (1 - np.exp(-(own + other) * horizon))
    for _ in range(runs):
        x = rng.normal(size=120)
        times = rng.exponential(1 / np.stack((0.6 * np.exp(0.5 * x), 0.5 * np.exp(-0.4 * x), np.full(120, 0.3))))
        state = np.array([1, 2, 0])[times.argmin(axis=0)]
        table = table_of(pd.DataFrame({"time": times.min(axis=0), "state": state, "x": x}), ["x"], 1)
        model = fit_cox(table)
        causes = [model, *fit_competing_causes(table, model).models.values()]
        found = incidence_interval(causes, patient, [horizon])
        hits += bool(found.lower[0, 0] <= truth <= found.upper[0, 0])
    assert 0.92 <= hits / runs <= 0.98


def test_before_the_first_event_there_is_no_interval_and_beyond_the_follow_up_no_incidence():
    table = table_of(competing_data("pbc"), ["age"], 2)
    model = fit_cox(table)
    competing = fit_competing_causes(table, model)
    assert np.isnan(competing.incidence_interval(model, table.frame.iloc[:1], [1e-3]).lower).all()
    with pytest.raises(InputError, match="outside the follow-up"):
        competing.incidence_interval(model, table.frame.iloc[:1], [1e9])
