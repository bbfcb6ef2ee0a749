"""Predictions far outside the training's range are 0 or 1, never a warning and never nan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from SurvivalNomogramLib.estimation.relative_hazard import relative_hazard
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.nomogram.points import make_nomogram
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.calibration import calibrate, smooth_observed


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"marker": rng.normal(size=80)})
    frame["days"] = rng.exponential(900 * np.exp(-frame["marker"])) + 1
    frame["death"] = (rng.uniform(size=80) < 0.7).astype(int)
    return read_survival_table(frame, time="days", event="death")


def test_within_bounds_it_is_the_exponential():
    values = np.linspace(-250, 250, 11)
    np.testing.assert_array_equal(relative_hazard(values), np.exp(values))


def test_a_covariate_in_the_wrong_unit_predicts_certain_death_or_life_and_one_before_the_first_event(table):
    model = fit_cox(table)
    patients = pd.DataFrame({"marker": [1e9, -1e9]})
    first = float(table.time[table.event == 1].min())
    survival = model.survival_at(patients, [first / 2, 400.0])
    np.testing.assert_array_equal(survival, [[1, 0], [1, 1]])
    assert model.median_survival(patients).tolist() == [first, np.inf]
    read = make_nomogram(model, table.frame, (400.0,)).predict_table(patients)
    np.testing.assert_array_equal(read["survival_400"], [0, 1])
    interval = model.survival_interval(patients, [400.0])
    assert np.isnan(interval.lower[0, 0])  # as R: there is no log-log interval of 0


def test_equal_predictions_are_a_constant_whatever_their_mean_rounds_to(table):
    same = np.full(len(table), 0.6031)
    z = np.log(-np.log(same))
    assert z.std() > 0  # what the calibration once took for a spread
    curve = smooth_observed(table.time, table.event, z, 400.0, np.array([-1.0, 0.0, 1.0]))
    assert np.ptp(curve) == 0
    assert np.isnan(calibrate(table.time, table.event, same, 400.0, groups=1).slope)


def test_a_smooth_curve_is_read_far_beyond_the_predictions_it_was_made_of(table):
    z = np.linspace(-1e-3, 1e-3, len(table))
    curve = smooth_observed(table.time, table.event, z, 400.0, np.array([-1e4, 1e4]))
    assert set(curve.tolist()) <= {0.0, 1.0}
