"""Brier scores against riskRegression's Score, against their definition, and on bad input."""

from __future__ import annotations

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.brier import brier_at, brier_table, integrated_brier


def test_brier_reference_integral_and_error_equal_score(r_values):
    for case in r_values["score"]:
        data = data_of(case["data"])
        risks = 1 - np.exp(-case["rate"] * np.outer(np.exp(data["lp"]), case["times"]))
        table = brier_table(data["time"], data["event"], risks, case["times"])
        np.testing.assert_allclose(table["brier"], case["brier"], atol=1e-10)
        np.testing.assert_allclose(table["reference"], case["null"], atol=1e-10)
        np.testing.assert_allclose(table["integrated"], case["ibs"], atol=1e-10)
        np.testing.assert_allclose(table["se"], case["brier_se"], atol=1e-4)


def test_without_censoring_the_score_is_the_mean_squared_error():
    rng = np.random.default_rng(0)
    time, risk = rng.exponential(5, 50), rng.uniform(size=50)
    own = brier_at(time, np.ones(50, int), risk, 3.0)
    assert own.score == pytest.approx(((risk - (time <= 3)) ** 2).mean(), abs=1e-14)
    assert own.se == pytest.approx(((risk - (time <= 3)) ** 2).std(ddof=1) / np.sqrt(50), abs=1e-14)


def test_perfect_predictions_score_zero_and_explain_everything():
    time = np.array([1.0, 2, 3, 4, 5, 6])
    own = brier_at(time, np.ones(6, int), (time <= 3).astype(float), 3)
    assert own.score == 0 and own.scaled == 1


def test_the_integral_weighs_each_score_by_the_time_to_the_next():
    assert integrated_brier([1, 3], [0.1, 0.2]) == pytest.approx((0 * 1 + 0.1 * 2) / 3)
    with pytest.raises(InputError, match="ascending"):
        integrated_brier([3, 1], [0.1, 0.2])


def test_risks_that_are_no_probabilities_or_do_not_fit_the_horizons_are_refused():
    with pytest.raises(InputError, match=r"predicted risk of patient 2 is 1.5; a probability"):
        brier_at([1, 2, 3], [1, 1, 0], [0.1, 1.5, 0.2], 2)
    with pytest.raises(InputError, match="one column for each of the 2 horizons"):
        brier_table([1, 2, 3], [1, 1, 0], np.zeros((3, 1)), [1, 2])
    with pytest.raises(InputError, match="last event, at 2"):
        brier_at([1, 2, 3], [1, 1, 0], [0.1, 0.5, 0.2], 3)
