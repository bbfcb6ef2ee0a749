"""Figures of a binary model against plain definitions, scikit-learn and exact permutation."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.evaluation.calibration import calibration
from DeepRadiomicsFusionLib.evaluation.metrics import (
    EvaluationSettings,
    delong_table,
    evaluate,
    f1_score,
    permutation_p,
    permutation_test,
    with_permuted_labels,
)
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings, corrected_mean
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.brier import brier_score
from RadiomicsCoreLib.statistics.logistic_fit import fit_logistic
from RadiomicsCoreLib.statistics.roc import auc, compare_aucs, error_rates


@pytest.fixture
def predicted():
    rng = np.random.default_rng(0)
    odds = rng.standard_normal(150) * 1.5 - 0.5
    chance = 1 / (1 + np.exp(-odds))
    return (rng.random(150) < chance).astype(int), chance


def test_the_figures_are_those_of_roc_and_of_scikit_learn(predicted):
    from sklearn import metrics

    outcome, chance = predicted
    found = evaluate(outcome, chance, 0.4)
    called = chance >= 0.4
    assert found.auc == auc(outcome, chance)
    assert found.rates == error_rates(outcome, chance, 0.4)
    assert found.f1.value == pytest.approx(metrics.f1_score(outcome, called))
    assert found.rates["ppv"].value == pytest.approx(metrics.precision_score(outcome, called))
    assert found.rates["sensitivity"].value == pytest.approx(metrics.recall_score(outcome, called))
    assert found.brier.value == pytest.approx(metrics.brier_score_loss(outcome, chance))
    assert found.f1.lower < found.f1.value < found.f1.upper
    assert found.brier.lower < found.brier.value < found.brier.upper
    assert found.chance_p == pytest.approx(1 / 2001)


def test_every_figure_has_its_interval_in_the_row(predicted):
    row = evaluate(*predicted, 0.4).row()
    figures = ("auc", "sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "brier", "calibration_slope")
    for name in figures:
        assert row[f"{name}_lower"] <= row[name] <= row[f"{name}_upper"]


def test_the_bootstrap_interval_has_the_width_of_theory():
    """The Brier score is a mean: its standard error within the classes is known."""
    rng = np.random.default_rng(1)
    outcome, chance = np.repeat([0, 1], 400), rng.random(800)
    found = evaluate(outcome, chance, 0.5).brier
    squares = (chance - outcome) ** 2
    error = np.sqrt(sum(squares[outcome == v].var() * 400 for v in (0, 1))) / 800
    assert (found.upper - found.lower) / (2 * 1.96) == pytest.approx(error, rel=0.1)


def test_true_probabilities_are_calibrated_and_too_extreme_ones_have_a_slope_below_1():
    rng = np.random.default_rng(2)
    odds = rng.standard_normal(20000)
    outcome = (rng.random(20000) < 1 / (1 + np.exp(-odds))).astype(int)
    right = calibration(outcome, 1 / (1 + np.exp(-odds)))
    assert right.slope.value == pytest.approx(1, abs=0.06)
    assert right.in_the_large.value == pytest.approx(0, abs=0.05)
    extreme = calibration(outcome, 1 / (1 + np.exp(-2 * odds)))
    assert extreme.slope.value == pytest.approx(0.5, abs=0.03)
    shifted = calibration(outcome, 1 / (1 + np.exp(-(odds - 1))))
    assert shifted.in_the_large.value == pytest.approx(1, abs=0.05)
    assert max(abs(group.predicted - group.observed.value) for group in right.curve) < 0.05


def test_slope_and_intercept_are_a_logistic_regression_on_the_log_odds(predicted):
    outcome, chance = predicted
    clipped = np.clip(chance, 1e-3, 1 - 1e-3)
    fit = fit_logistic(np.log(clipped / (1 - clipped))[:, np.newaxis], outcome)
    found = calibration(outcome, chance)
    assert found.slope.value == pytest.approx(fit.coefficients[0])
    assert found.slope.upper - found.slope.value == pytest.approx(1.96 * fit.standard_errors[1], rel=1e-4)
    assert sum(group.observed.total for group in found.curve) == 150


def test_a_slope_that_cannot_be_had_is_nan_with_a_reason():
    found = calibration(np.arange(20) // 10, np.linspace(0.01, 0.99, 20))
    assert np.isnan(found.slope.value)
    assert "separate" in found.reason


def test_f1_without_a_true_positive_is_0():
    assert f1_score(np.array([1, 0]), np.array([False, True])) == 0


def test_the_permutation_p_equals_that_of_all_permutations():
    rng = np.random.default_rng(3)
    outcome, score = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0]), rng.standard_normal(9) + np.array([1] * 4 + [0] * 5)
    observed = auc(outcome, score).value
    values = []
    for rows in itertools.combinations(range(9), 4):
        permuted = np.zeros(9, int)
        permuted[list(rows)] = 1
        values.append(auc(permuted, score).value)
    exact = np.mean(np.array(values) >= observed - 1e-12)
    assert permutation_p(outcome, score, 20000) == pytest.approx(exact, abs=0.01)


def test_the_whole_procedure_is_tested_against_chance():
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.standard_normal((40, 6)), columns=[f"f{k}" for k in range(6)])
    planted = make_samples(table, (table["f0"] + 0.3 * rng.standard_normal(40) > 0).astype(int))
    settings = CrossValidationSettings(4, 1)
    found = permutation_test(RadScoreLearner(), planted, settings, 19)
    assert found.p == 0.05
    assert found.observed > found.null.max()
    assert len(found.null) == 19
    with pytest.raises(InputError, match="permutations must be at least 19"):
        permutation_test(RadScoreLearner(), planted, settings, 5)


def test_labels_are_permuted_over_patients():
    table = pd.DataFrame(np.arange(12.0)[:, np.newaxis], columns=["f"])
    patients = [f"p{k // 2}" for k in range(12)]
    samples = make_samples(table, np.repeat([1, 0, 1, 0, 0, 0], 2), patients)
    shuffled = with_permuted_labels(samples, np.random.default_rng(1))
    assert (shuffled.outcome[::2] == shuffled.outcome[1::2]).all()
    assert shuffled.outcome.sum() == 4
    mixed = make_samples(table, np.arange(12) % 2, patients)
    with pytest.raises(InputError, match="patient 'p0' has cases of both classes"):
        with_permuted_labels(mixed, np.random.default_rng(1))


def test_models_are_compared_by_delong(predicted):
    outcome, chance = predicted
    worse = np.random.default_rng(5).permutation(chance)
    table = delong_table(outcome, {"good": chance, "bad": worse})
    assert table.loc["good", "bad"] == compare_aucs(outcome, chance, worse).p
    assert table.loc["good", "good"] == 1


@pytest.mark.parametrize(
    ("outcome", "chance", "line"),
    [
        ([1, 1, 1], [0.1, 0.2, 0.3], "is 1 for all 3 cases"),
        ([1, 0, 1], [0.1, 1.2, 0.3], "a probability is 1.2"),
        ([1, 0, 1], [0.1, np.nan, 0.3], "a probability is nan"),
        ([1, 0], [0.1, 0.2, 0.3], "outcome has shape"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(outcome, chance, line):
    with pytest.raises(InputError, match=line):
        brier_score(np.array(outcome), np.array(chance))


@pytest.mark.parametrize("wrong", [{"resamples": 10}, {"permutations": 10}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        EvaluationSettings(**wrong)


def test_out_of_fold_probabilities_have_the_folds_interval_and_not_delongs() -> None:
    rng = np.random.default_rng(0)
    outcome = np.repeat([0, 1], 30)
    chance = np.clip(0.4 + 0.2 * outcome + rng.normal(0, 0.2, 60), 0.01, 0.99)
    values = np.array([0.6, 0.7, 0.9, 0.8, 0.7])
    # Nadeau and Bengio by hand: five folds, a test case for four of training; t(0.975, 4) = 2.776445.
    half = 2.776445 * np.sqrt((1 / 5 + 1 / 4) * values.var(ddof=1))
    row = evaluate(outcome, chance, 0.5, EvaluationSettings(100, 99), folds=corrected_mean(values, 0.25)).row()
    assert row["auc"] == pytest.approx(0.74)
    assert row["auc_lower"] == pytest.approx(0.74 - half, abs=1e-5)
    assert row["auc_upper"] == pytest.approx(min(1.0, 0.74 + half), abs=1e-5)
    held_out = evaluate(outcome, chance, 0.5, EvaluationSettings(100, 99)).row()
    assert held_out["auc_upper"] - held_out["auc_lower"] < row["auc_upper"] - row["auc_lower"]
