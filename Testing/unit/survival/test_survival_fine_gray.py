"""Fine and Gray's model against R's cmprsk, the Cox model, and what must always hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from competing_references import competing_table, competing_values

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.estimation.subdistribution import maximise_subdistribution
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.fine_gray import FineGrayModel, fit_fine_gray


def test_coefficients_covariance_and_incidence_equal_crr():
    for name, case in competing_values()["competing"].items():
        table, crr = competing_table(name), case["crr"]
        model = fit_fine_gray(table)
        np.testing.assert_allclose(model.coefficients, crr["coef"], atol=1e-10, err_msg=name)
        np.testing.assert_allclose(model.covariance, crr["var"], rtol=1e-8, atol=1e-14, err_msg=name)
        assert model.log_likelihood == pytest.approx(crr["loglik"], abs=1e-8)
        assert model.null_log_likelihood == pytest.approx(crr["null"], abs=1e-8)
        patients = table.frame.iloc[np.array(case["rows"]) - 1]
        predicted = model.incidence_at(patients, case["times"])
        np.testing.assert_allclose(predicted.T, crr["incidence"], atol=1e-10, err_msg=name)


def test_without_competing_events_it_is_the_cox_model():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(150, 2))
    time = rng.exponential(np.exp(-x[:, 0]))
    event = (rng.random(150) < 0.7).astype(int)  # continuous times: Efron's and Breslow's ties are the same
    table = competing_table("pbc")
    cox = fit_cox(
        replace(
            table,
            frame=table.frame.iloc[:150].assign(age=x[:, 0], albumin=x[:, 1]),
            time=time,
            event=event,
            state=None,
            ids=table.ids[:150],
        ),
        ["age", "albumin"],
    )
    fine_gray = maximise_subdistribution(x, time, event, 1)
    np.testing.assert_allclose(fine_gray.coefficients, cox.coefficients, rtol=1e-8)
    assert fine_gray.log_likelihood == pytest.approx(cox.log_likelihood, rel=1e-10)


def test_a_planted_subdistribution_hazard_ratio_is_found():
    rng = np.random.default_rng(8)
    n, beta, p = 4000, 0.7, 0.4
    x = rng.normal(size=n)
    # Fine and Gray's own simulation: P(own event by t) = 1 - (1 - p (1 - exp(-t)))^exp(beta x).
    total = 1 - (1 - p) ** np.exp(beta * x)
    own = rng.random(n) < total
    u = rng.random(n) * total
    own_time = -np.log(1 - (1 - (1 - u) ** np.exp(-beta * x)) / p)
    time, state = np.where(own, own_time, rng.exponential(size=n)), np.where(own, 1, 2)
    leaving = rng.uniform(0.5, 6, n)
    state[leaving < time] = 0
    fit = maximise_subdistribution(x[:, np.newaxis], np.minimum(time, leaving), state, 1)
    assert abs(fit.coefficients[0] - beta) < 3 * np.sqrt(fit.covariance[0, 0])
    assert fit.incidence(np.zeros((1, 1)), 1.0)[0] == pytest.approx(p * (1 - np.exp(-1)), abs=0.02)


def test_row_order_and_the_columns_scale_do_not_matter():
    table = competing_table("mgus2")
    model = fit_fine_gray(table)
    shuffled = fit_fine_gray(table.rows(np.random.default_rng(0).permutation(len(table))))
    np.testing.assert_allclose(shuffled.coefficients, model.coefficients, rtol=1e-9)
    scaled = fit_fine_gray(replace(table, frame=table.frame.assign(age=table.frame.age * 365.25)))
    assert scaled.coefficients[0] * 365.25 == pytest.approx(model.coefficients[0], rel=1e-9)
    np.testing.assert_allclose(
        scaled.incidence_at(table.frame.assign(age=table.frame.age * 365.25).iloc[:3], [60]),
        model.incidence_at(table.frame.iloc[:3], [60]),
        rtol=1e-9,
    )


def test_the_model_survives_json():
    table = competing_table("pbc")
    model = fit_fine_gray(table)
    again = FineGrayModel.from_dict(json.loads(json.dumps(model.to_dict())))
    np.testing.assert_array_equal(
        again.incidence_at(table.frame, [500, 3000]), model.incidence_at(table.frame, [500, 3000])
    )
    assert again.summary() == model.summary()


def test_what_cannot_be_fitted_is_refused():
    table = competing_table("pbc")
    with pytest.raises(InputError, match="no competing event"):
        fit_fine_gray(replace(table, state=None))
    first_to_go = (table.state == 1) * 1.0
    with pytest.raises(ModelError, match="no maximum"):
        maximise_subdistribution(first_to_go[:, np.newaxis], table.time, table.state, 1)
    with pytest.raises(ModelError, match="no patient has the event"):
        maximise_subdistribution(table.time[:, np.newaxis], table.time, table.state, 7)
    with pytest.raises(InputError, match="kind 'cox'"):
        FineGrayModel.from_dict(fit_cox(table).to_dict())
