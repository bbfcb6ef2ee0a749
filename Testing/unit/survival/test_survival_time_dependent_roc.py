"""Time-dependent ROC against riskRegression's Score, against counting, and on bad input."""

from __future__ import annotations

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.time_dependent_roc import auc_difference, auc_table, time_dependent_roc


def test_auc_and_its_error_equal_score_and_the_interval_is_its_logits(r_values):
    for case in r_values["score"]:
        data = data_of(case["data"])
        table = auc_table(data["time"], data["event"], data["lp"], case["times"])
        np.testing.assert_allclose(table["auc"], case["auc"], atol=1e-10)
        np.testing.assert_allclose(table["se"], case["auc_se"], atol=1e-4)
        # Score's own interval is normal on the AUC; ours, on the logit, has the same error and covers better.
        np.testing.assert_allclose(table["auc"] - 1.959964 * table["se"], case["auc_lower"], atol=1e-4)
        auc = np.array(case["auc"])
        logit, half = np.log(auc / (1 - auc)), 1.959964 * np.array(case["auc_se"]) / (auc * (1 - auc))
        np.testing.assert_allclose(table["lower"], 1 / (1 + np.exp(half - logit)), atol=1e-4)
        np.testing.assert_allclose(table["upper"], 1 / (1 + np.exp(-half - logit)), atol=1e-4)


def test_the_curve_equals_scores(r_values):
    for case in r_values["score"]:
        data = data_of(case["data"])
        roc = time_dependent_roc(data["time"], data["event"], data["lp"], case["times"][1])
        grid = np.linspace(0.001, 0.999, 50)
        own = np.interp(grid, roc.false_positive_rate, roc.true_positive_rate)
        truth = np.interp(grid, [0, *case["fpr"]], [0, *case["tpr"]])
        np.testing.assert_allclose(own, truth, atol=1e-9)


def test_without_censoring_the_auc_counts_pairs_of_cases_and_controls():
    rng = np.random.default_rng(0)
    time, risk = rng.exponential(5, 70), rng.integers(0, 6, 70).astype(float)
    roc = time_dependent_roc(time, np.ones(70, int), risk, 4.0)
    case, control = risk[time <= 4], risk[time > 4]
    wins = (case[:, None] > control).mean() + 0.5 * (case[:, None] == control).mean()
    assert roc.auc == pytest.approx(wins, abs=1e-12)


def test_the_analytic_error_agrees_with_the_bootstrap():
    data = data_of("gbsg2")
    time, event, risk = (data[c].to_numpy(float) for c in ("time", "event", "lp"))
    rng = np.random.default_rng(0)
    replicates = []
    for _ in range(200):
        rows = rng.integers(0, len(time), len(time))
        replicates.append(time_dependent_roc(time[rows], event[rows], risk[rows], 1000).auc)
    assert time_dependent_roc(time, event, risk, 1000).se == pytest.approx(np.std(replicates), rel=0.2)


def test_youdens_threshold_is_the_best_of_all_and_at_gives_its_sensitivity_and_specificity():
    data = data_of("veteran")
    roc = time_dependent_roc(data["time"], data["event"], data["lp"], 120)
    sensitivity, specificity = roc.at(roc.youden_threshold())
    assert sensitivity + specificity - 1 == pytest.approx(
        (roc.true_positive_rate - roc.false_positive_rate).max(), abs=1e-12
    )


def test_a_model_compared_with_itself_does_not_differ():
    data = data_of("lung")
    roc = time_dependent_roc(data["time"], data["event"], data["lp"], 365)
    other = time_dependent_roc(data["time"], data["event"], data["age"], 365)
    assert auc_difference(roc, roc).p_value == 1
    assert auc_difference(other, roc).difference == pytest.approx(roc.auc - other.auc)
    with pytest.raises(InputError, match="same horizon"):
        auc_difference(roc, time_dependent_roc(data["time"], data["event"], data["lp"], 180))


@pytest.mark.parametrize(
    ("horizon", "words"),
    [(99, "beyond the last event, at 7"), (0, "must be above 0"), (1, "nobody had an event by 1")],
)
def test_a_horizon_without_cases_or_controls_is_refused(horizon, words):
    with pytest.raises(InputError, match=words):
        time_dependent_roc([3, 5, 7, 9], [1, 0, 1, 0], [4, 3, 2, 1], horizon)


def test_a_horizon_that_nobody_outlives_is_refused():
    with pytest.raises(InputError, match="nobody was followed beyond 7"):
        time_dependent_roc([3, 5, 7], [1, 0, 1], [3, 2, 1], 7)


def test_the_interval_covers_the_true_auc_in_95_of_100_simulated_cohorts():
    # The true AUC comes from a cohort of 100,000 patients without censoring.
    rng = np.random.default_rng(5)

    def simulated(n):
        risk = rng.normal(size=n)
        return risk, rng.exponential(1 / np.exp(risk))

    risk, death = simulated(100_000)
    truth = time_dependent_roc(death, np.ones(len(risk), int), risk, 0.5).auc
    hits = 0
    for _ in range(500):
        risk, death = simulated(200)
        lost = rng.exponential(1.5, 200)
        roc = time_dependent_roc(np.minimum(death, lost), (death <= lost).astype(int), risk, 0.5)
        hits += roc.lower <= truth <= roc.upper
    assert 0.93 <= hits / 500 <= 0.97
