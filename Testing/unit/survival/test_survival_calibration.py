"""Calibration against rms::calibrate and against planted truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit
from SurvivalNomogramLib.validation.calibration import (
    calibrate,
    calibrate_with_optimism,
    restricted_cubic,
    smooth_observed,
)

SIX = ["horTh", "age", "tsize", "tgrade", "pnodes", "progrec"]


@pytest.fixture(scope="module")
def patients():
    data = data_of("gbsg2")[:500]
    x = pd.get_dummies(data[SIX], drop_first=True).to_numpy(float)
    return x, data["time"].to_numpy(float), data["event"].to_numpy()


def test_groups_equal_rms(r_values, patients):
    _, time, event = patients
    case = r_values["calibration"]
    own = calibrate(time, event, r_values["flexible"]["predicted"], case["horizon"], groups=case["groups"])
    np.testing.assert_allclose(own.groups.predicted, case["predicted"], atol=1e-12)
    np.testing.assert_allclose(own.groups.observed, case["km"], atol=1e-12)


def test_the_smooth_curve_and_its_errors_equal_a_spline_cox_model_of_r(r_values, patients):
    _, time, event = patients
    case, horizon = r_values["flexible"], r_values["calibration"]["horizon"]
    predicted = np.array(case["predicted"])
    z, grid = np.log(-np.log(predicted)), np.log(-np.log(np.array(case["grid"])))
    np.testing.assert_allclose(smooth_observed(time, event, z, horizon, grid), case["observed"], atol=1e-8)
    own = calibrate(time, event, predicted, horizon)
    np.testing.assert_allclose([own.ici, own.e50, own.e90], [case["ici"], case["e50"], case["e90"]], atol=1e-8)


@pytest.mark.slow
def test_the_optimism_of_1000_resamples_agrees_with_rms_within_monte_carlo_error(r_values, patients):
    x, time, event = patients
    case = r_values["calibration"]
    refit = CoxRefit(x, time, event, (float(case["horizon"]),))
    own = calibrate_with_optimism(
        time, event, refit, case["horizon"], groups=case["groups"], settings=BootstrapSettings(1000, 7, 2)
    )
    # One resample's optimism in a group has a spread of about 0.04; two means of 1000 differ by 0.04 * sqrt(2/1000).
    np.testing.assert_allclose(own.group_optimism, case["optimism"], atol=3 * 0.04 * np.sqrt(2 / 1000))
    np.testing.assert_allclose(own.group_corrected, case["corrected"], atol=0.008)
    assert own.repeats == 1000


def test_predictions_that_are_true_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    n = 6000
    hazard = np.exp(rng.normal(size=n)) / 10
    death, lost = rng.exponential(1 / hazard), rng.exponential(30, n)
    time, event = np.minimum(death, lost), (death <= lost).astype(int)
    own = calibrate(time, event, np.exp(-hazard * 5), 5.0, groups=10)
    np.testing.assert_allclose(own.groups.observed, own.groups.predicted, atol=0.05)
    assert own.slope == pytest.approx(1, abs=0.06)
    assert own.observed_to_expected == pytest.approx(1, abs=0.05)
    assert own.ici < 0.02


def test_too_extreme_predictions_have_a_slope_below_one():
    rng = np.random.default_rng(1)
    lp = rng.normal(size=2000)
    time = rng.exponential(10 / np.exp(lp))
    own = calibrate(time, np.ones(2000, int), np.exp(-0.3 * np.exp(2 * lp)), 3.0)
    assert own.slope == pytest.approx(0.5, abs=0.06)
    assert own.ici > 0.05


def test_the_bootstrap_finds_the_optimism_of_a_model_with_too_many_covariates():
    rng = np.random.default_rng(2)
    n = 100
    x, time, event = rng.normal(size=(n, 10)), rng.exponential(5, n), rng.integers(0, 2, n)
    own = calibrate_with_optimism(
        time, event, CoxRefit(x, time, event, (4.0,)), 4.0, groups=2, settings=BootstrapSettings(80, 1)
    )
    assert own.slope == pytest.approx(1, abs=0.05)
    assert own.slope_corrected < 0.5
    assert own.table()["observed_corrected"].notna().all()
    assert len(own.curve_table()) == 50


def test_constant_predictions_have_no_slope_and_one_group():
    own = calibrate([1, 2, 3, 4], [1, 1, 1, 0], [0.6] * 4, 2, groups=1)
    assert np.isnan(own.slope)
    assert own.curve.tolist() == [pytest.approx(0.5)]


def test_the_spline_is_straight_outside_its_knots():
    knots = np.array([0.0, 1.0, 3.0])
    values = np.array([-2.0, -1.0, 4.0, 5.0, 6.0])
    column = restricted_cubic(values, knots)
    assert column[:2].tolist() == [0, 0]
    assert np.diff(column[2:], 2) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("predicted", "horizon", "groups", "words"),
    [
        ([0.1, 0.2, 0.3, 0.4], 9, 2, "beyond the last event, at 3"),
        ([0.1, 0.2, 0.3, 1.4], 2, 2, "predicted survival of patient 4 is 1.4"),
        ([0.1, 0.2, 0.3, 0.4], 2, 5, "groups is 5; for 4 patients it must be 1 to 2"),
    ],
)
def test_bad_input_is_refused(predicted, horizon, groups, words):
    with pytest.raises(InputError, match=words):
        calibrate([1, 2, 3, 4], [1, 1, 1, 0], predicted, horizon, groups=groups)
