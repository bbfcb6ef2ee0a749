"""AUC and Brier score with competing events against riskRegression, leaving out each patient, and no censoring."""

from __future__ import annotations

import numpy as np
import pytest
from competing_references import competing_data, competing_values

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.competing.competing_scores import competing_auc, competing_brier, competing_table
from SurvivalNomogramLib.validation.brier import brier_at
from SurvivalNomogramLib.validation.time_dependent_roc import time_dependent_roc


def arrays(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    data, case = competing_data(name), competing_values()["competing"][name]
    return data["time"].to_numpy(), data["state"].to_numpy(), np.array(case["risk"]), case


def test_auc_brier_and_its_error_equal_score():
    for name in ("pbc", "mgus2"):
        time, state, risk, case = arrays(name)
        own = competing_table(time, state, risk, case["times"], cause=case["cause"])
        np.testing.assert_allclose(own["auc"], case["auc"], atol=1e-12)
        np.testing.assert_allclose(own["brier"], case["brier"], atol=1e-12)
        np.testing.assert_allclose(own["reference"], case["null_brier"], atol=1e-12)
        np.testing.assert_allclose(own["brier_se"], case["brier_se"], atol=2e-6)


def test_the_error_of_the_auc_equals_score():
    # Of mgus2 alone: for pbc riskRegression 2022.11.28 gives no error, and five times the jackknife's.
    time, state, risk, case = arrays("mgus2")
    own = competing_table(time, state, risk, case["times"], cause=case["cause"])
    np.testing.assert_allclose(own["auc_se"], case["auc_se"], atol=2e-5)


def test_the_error_of_the_auc_is_that_of_leaving_out_each_patient():
    time, state, risk, case = arrays("pbc")
    keep = np.arange(len(time))
    for k in (1, 2):
        horizon = case["times"][k]
        left_out = [
            competing_auc(time[keep != i], state[keep != i], risk[keep != i, k], horizon, cause=2).auc for i in keep
        ]
        jackknife = np.sqrt((len(time) - 1) * np.var(left_out))
        assert competing_auc(time, state, risk[:, k], horizon, cause=2).se == pytest.approx(jackknife, rel=0.03)


def test_without_censoring_they_are_plain_means():
    rng = np.random.default_rng(3)
    time, state, risk = rng.exponential(size=80), rng.choice([1, 2], 80), rng.random(80)
    case = (time <= 1) & (state == 1)
    won = [
        (risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j]) for i in np.flatnonzero(case) for j in np.flatnonzero(~case)
    ]
    assert competing_auc(time, state, risk, 1.0).auc == pytest.approx(np.mean(won), abs=1e-12)
    assert competing_brier(time, state, risk, 1.0).score == pytest.approx(np.mean((case - risk) ** 2), abs=1e-12)


def test_without_competing_events_they_are_those_of_survival():
    time, state, risk, case = arrays("pbc")
    event = (state == 2).astype(int)
    horizon, risk = case["times"][1], risk[:, 1]
    roc, own = time_dependent_roc(time, event, risk, horizon), competing_auc(time, event, risk, horizon)
    np.testing.assert_allclose(own.influence, roc.influence, atol=1e-10)
    assert (own.auc, own.se) == pytest.approx((roc.auc, roc.se), rel=1e-10)
    plain, brier = brier_at(time, event, risk, horizon), competing_brier(time, event, risk, horizon)
    assert (brier.score, brier.se, brier.reference) == pytest.approx(
        (plain.score, plain.se, plain.reference), rel=1e-10
    )


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(InputError, match="nobody had the event by 1"):
        competing_auc([1, 2, 3], [2, 1, 0], [0.1, 0.2, 0.3], 1.5)
    with pytest.raises(InputError, match="all patients had the event"):
        competing_auc([1, 2], [1, 1], [0.1, 0.2], 2)
    with pytest.raises(InputError, match="beyond the last event"):
        competing_brier([1, 2, 3], [2, 1, 0], [0.1, 0.2, 0.3], 2.5)
    with pytest.raises(InputError, match="state 1"):
        competing_brier([1, 2], [2, 0], [0.1, 0.2], 1)
