"""Cumulative incidence of a patient from cause-specific models against R's survival and riskRegression."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from competing_references import competing_table, competing_values

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.estimation.competing_risks import cumulative_incidence
from SurvivalNomogramLib.models.competing_causes import CompetingCauses, combined_incidence, fit_competing_causes
from SurvivalNomogramLib.models.cox import fit_cox


def test_incidence_equals_survfit_of_a_multi_state_cox_model():
    for name, case in competing_values()["competing"].items():
        table = competing_table(name, ties=False)
        model = fit_cox(table)
        causes = fit_competing_causes(table, model)
        patients = table.frame.iloc[np.array(case["rows"]) - 1]
        incidence = causes.incidence_at(model, patients, case["times"])
        np.testing.assert_allclose(incidence.T, case["survival_incidence"], atol=1e-10, err_msg=name)


def test_incidence_and_coefficients_are_those_of_riskregression_but_for_the_step():
    for name, case in competing_values()["competing"].items():
        table = competing_table(name, ties=False)
        model = fit_cox(table)
        causes = fit_competing_causes(table, model)
        (other,) = causes.models.values()
        own_coef, other_coef = (
            case["csc_coef"][f"Cause {case['cause']}"],
            case["csc_coef"][f"Cause {3 - case['cause']}"],
        )
        np.testing.assert_allclose(model.coefficients, own_coef, atol=1e-6)
        np.testing.assert_allclose(other.coefficients, other_coef, atol=1e-6)
        rows = np.array(case["rows"]) - 1
        incidence = causes.incidence_at(model, table.frame.iloc[rows], case["times"])
        # A patient with a relative hazard of r meets steps of about r / n: there the product limit is coarser.
        allowed = 1.0 * np.exp(model.linear_predictor(table.frame.iloc[rows])) / len(table)
        difference = np.abs(incidence - np.array(case["csc_product"])).max(axis=1)
        assert (difference < np.maximum(allowed, 2e-3)).all(), (name, difference, allowed)


def test_incidences_and_event_free_survival_add_up_to_one():
    table = competing_table("pbc")
    model = fit_cox(table)
    causes = fit_competing_causes(table, model)
    models = [model, *causes.models.values()]
    times = [200.0, 1000.0, 4000.0]
    free = np.prod([m.survival_at(table.frame, times) for m in models], axis=0)
    np.testing.assert_allclose(combined_incidence(models, table.frame, times).sum(axis=0) + free, 1, atol=1e-12)


def test_a_single_cause_gives_one_minus_survival():
    table = replace(competing_table("pbc"), state=None)
    model = fit_cox(table)
    np.testing.assert_allclose(
        combined_incidence([model], table.frame, [900, 2500])[0],
        1 - model.survival_at(table.frame, [900, 2500]),
        atol=1e-12,
    )


def test_the_mean_risk_is_the_incidence_and_not_that_of_a_world_without_competitors():
    table = competing_table("mgus2")
    model = fit_cox(table)
    causes = fit_competing_causes(table, model)
    observed = cumulative_incidence(table.time, table.state).incidence["1"].at([180])[0]
    predicted = causes.incidence_at(model, table.frame, 180.0).mean()
    naive = 1 - model.survival_at(table.frame, 180.0).mean()
    assert predicted == pytest.approx(observed, abs=0.004)
    assert naive > 1.4 * observed  # what `validate` and `predict` said until the bundle knew the deaths


def test_a_competing_event_too_rare_for_the_covariates_keeps_its_hazard_and_is_told():
    table = competing_table("pbc")
    rare = np.flatnonzero(table.state == 2)[3:]
    state = table.state.copy()
    state[rare] = 0
    thinned = replace(table, state=state)
    model = fit_cox(thinned)
    causes = fit_competing_causes(thinned, model)
    (other,) = causes.models.values()
    assert other.columns == () and other.events == 3
    assert any("equally likely for all patients" in line for line in causes.warnings)
    observed = cumulative_incidence(thinned.time, thinned.state).incidence["2"].at([3000])[0]
    assert combined_incidence([model, other], table.frame, 3000.0)[1].mean() == pytest.approx(observed, abs=0.003)


def test_what_a_bundle_keeps_survives_json():
    table = competing_table("pbc")
    model = fit_cox(table)
    causes = fit_competing_causes(table, model)
    again = CompetingCauses.from_dict(json.loads(json.dumps(causes.to_dict())))
    np.testing.assert_array_equal(
        again.incidence_at(model, table.frame, [700]), causes.incidence_at(model, table.frame, [700])
    )
    assert again.event == causes.event == "2" and list(again.models) == ["1"]
    with pytest.raises(InputError, match="model of none"):
        CompetingCauses.from_dict(causes.to_dict() | {"models": {}})


def test_a_table_without_competing_events_has_none():
    table = replace(competing_table("pbc"), state=None)
    assert fit_competing_causes(table, fit_cox(table)) is None
