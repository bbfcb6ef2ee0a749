"""Nested cross-validation: what it computes, and that nothing leaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.evaluation.metrics import with_permuted_labels
from DeepRadiomicsFusionLib.models.classifiers import BestOfClassifiers, tuned_classifiers
from DeepRadiomicsFusionLib.models.cross_validation import (
    CrossValidationSettings,
    MeanOfModels,
    corrected_mean,
    cross_validate,
)
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError
from RadiomicsCoreLib.statistics.roc import auc, youden_threshold


def made(n=60, p=12, strength=1.0, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, p))
    outcome = (strength * values[:, 0] + rng.standard_normal(n) > 0).astype(int)
    table = pd.DataFrame(values, index=[f"c{k}" for k in range(n)], columns=[f"ct.r.f{k}" for k in range(p)])
    return make_samples(table, outcome)


def seven(plan_settings=None, kinds=("lr", "nb"), inner=3):
    plan = (plan_settings or SelectionSettings(selector="mrmr", largest=2)).plan()
    choices = tuned_classifiers(plan, kinds, inner)
    return {**choices, "best": BestOfClassifiers(tuple(choices.values()))}


@dataclass(frozen=True)
class Memory:
    """A model that knows the cases it was fitted on."""

    cases: frozenset[str]
    outcome: float

    features = ("ct.r.f0",)

    def predict(self, table):
        return np.where([case in self.cases for case in table.index], 1.0, self.outcome)


class Rememberer:
    """Learns by heart; its out-of-fold predictions would be 1 wherever a case had leaked."""

    def fit(self, samples, workspace):
        return Memory(frozenset(samples.table.index), 0.25)


@pytest.fixture(scope="module")
def result():
    return cross_validate(seven(), made(), CrossValidationSettings(4, 3, seed=5))


def test_no_model_is_asked_about_a_case_it_was_fitted_on():
    found = cross_validate({"memory": Rememberer()}, made(), CrossValidationSettings(5, 2)).learners["memory"]
    assert (found.probability == 0.25).all()
    sizes = {len(model.cases) for model in found.models}
    assert sizes == {48}


def test_every_case_is_predicted_once_a_repeat_in_stratified_folds(result):
    assert np.isfinite(result.learners["lr"].probability).all()
    assert result.fold_of.shape == (3, 60)
    for folds in result.fold_of:
        shares = [result.outcome[folds == k].sum() for k in range(4)]
        assert max(shares) - min(shares) <= 1
    assert not np.array_equal(result.fold_of[0], result.fold_of[1])


def test_predictions_are_pooled_as_the_mean_over_the_repeats(result):
    found = result.learners["nb"]
    assert found.pooled == pytest.approx(found.probability.mean(axis=0))
    first = auc(result.outcome[result.fold_of[1] == 2], found.probability[1][result.fold_of[1] == 2]).value
    assert found.fold_aucs[1, 2] == pytest.approx(first)
    assert found.mean_auc.value == pytest.approx(found.fold_aucs.mean())
    assert found.threshold == youden_threshold(result.outcome, found.pooled)


def test_the_corrected_interval_is_nadeau_and_bengios():
    values = np.array([0.62, 0.71, 0.80, 0.66, 0.75])
    found = corrected_mean(values, 0.25)
    error = np.sqrt((1 / 5 + 0.25) * np.var(values, ddof=1))
    assert found.standard_error == pytest.approx(error)
    assert found.lower == pytest.approx(values.mean() - 2.7764451 * error)
    assert np.isnan(corrected_mean(values[:1], 0.25).lower)


def test_the_best_is_the_one_with_the_highest_mean_auc(result):
    means = {name: found.mean_auc.value for name, found in result.learners.items()}
    assert means[result.best()] == max(means.values())
    assert result.best(["nb"]) == "nb"


def test_new_cases_get_the_mean_of_the_fold_models(result):
    new = made(seed=9).table
    ensemble = result.learners["lr"].ensemble
    assert isinstance(ensemble, MeanOfModels)
    assert len(ensemble.models) == 12
    assert ensemble.predict(new) == pytest.approx(np.mean([model.predict(new) for model in ensemble.models], axis=0))
    assert set(ensemble.features) >= set(ensemble.models[0].features)


def test_the_number_of_processes_does_not_change_the_result():
    samples, settings = made(40), CrossValidationSettings(3, 1, seed=2)
    learners = seven(kinds=("lr",))
    alone = cross_validate(learners, samples, settings)
    together = cross_validate(learners, samples, CrossValidationSettings(3, 1, seed=2), workers=2)
    assert np.array_equal(alone.learners["lr"].probability, together.learners["lr"].probability)


def test_cases_of_one_patient_stay_together():
    patients = [f"p{k // 3}" for k in range(60)]
    grouped = make_samples(made(60).table, np.arange(60) // 3 % 2, patients)
    found = cross_validate({"memory": Rememberer()}, grouped, CrossValidationSettings(4, 2))
    for folds in found.fold_of:
        for first in range(0, 60, 3):
            assert len(set(folds[first : first + 3].tolist())) == 1


def test_cancelling_stops_between_folds():
    def cancel(fraction, message):
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        cross_validate(seven(kinds=("lr",)), made(40), CrossValidationSettings(3, 1), progress=cancel)


def test_too_few_cases_for_the_folds_are_told_in_one_line():
    samples = made(60)
    few = samples.rows(np.r_[np.flatnonzero(samples.outcome == 0), np.flatnonzero(samples.outcome == 1)[:4]])
    with pytest.raises(InputError, match="5 folds need at least 5 cases of each class, and only 4 have outcome 1"):
        cross_validate(seven(), few, CrossValidationSettings(5, 1))


def test_no_learner_is_refused():
    with pytest.raises(InputError, match="no model to cross-validate"):
        cross_validate({}, made())


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"repeats": 0}, {"seed": -1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        CrossValidationSettings(**wrong)


def test_selecting_outside_the_folds_would_have_found_something_in_noise():
    """The bias that nesting removes: fifteen features, selected on all cases or inside the folds."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.standard_normal((60, 500)), columns=[f"f{k}" for k in range(500)])
    samples = make_samples(table, rng.permutation(np.arange(60) % 2))
    settings = CrossValidationSettings(5, 1)
    learner = {"nb": tuned_classifiers(SelectionSettings(selector="mrmr", largest=15).plan(), ("nb",), 3)["nb"]}
    inside = cross_validate(learner, samples, settings).learners["nb"].mean_auc.value
    chosen = SelectionSettings(selector="mrmr", largest=15).plan().fit(samples).features
    outside = cross_validate(learner, samples.columns(chosen), settings).learners["nb"].mean_auc.value
    assert outside > 0.75
    assert inside < 0.65


@pytest.mark.slow
def test_permuted_labels_on_a_thousand_noise_features_give_chance():
    """Filters, mRMR, tuning and choice of two classifiers, and a LASSO RadScore: all inside the folds."""
    rng = np.random.default_rng(2026)
    table = pd.DataFrame(rng.standard_normal((80, 1000)), columns=[f"ct.r.f{k}" for k in range(1000)])
    samples = make_samples(table, np.arange(80) % 2)
    plan = SelectionSettings(difference_p_below=0.05, selector="mrmr", largest=10)
    learners = {**seven(plan, ("lr", "nb"), 3), "rad": RadScoreLearner()}
    values = {name: [] for name in learners}
    for repeat in range(30):
        shuffled = with_permuted_labels(samples, rng)
        found = cross_validate(learners, shuffled, CrossValidationSettings(5, 1, seed=repeat))
        for name, learner in found.learners.items():
            values[name].append((learner.mean_auc.value, auc(shuffled.outcome, learner.pooled).value))
    for name, pairs in values.items():
        by_fold, pooled = np.mean(pairs, axis=0)
        assert by_fold == pytest.approx(0.5, abs=0.03), name
        assert pooled == pytest.approx(0.5, abs=0.03), name


class FailsWithout:
    """Cannot be fitted where a certain case is left out."""

    def __init__(self, case):
        self.case = case

    def fit(self, samples, workspace):
        if self.case not in samples.table.index:
            raise ModelError(f"nothing works without {self.case}")
        return Rememberer().fit(samples, workspace)


def test_a_model_that_cannot_be_fitted_in_a_fold_is_left_out_and_costs_the_others_nothing():
    samples = made()
    case = samples.table.index[7]
    settings = CrossValidationSettings(4, 2)
    alone = cross_validate(seven(kinds=("lr",)), samples, settings)
    found = cross_validate({"broken": FailsWithout(case), **seven(kinds=("lr",))}, samples, settings)
    assert list(found.learners) == ["lr", "best"]
    assert np.array_equal(found.learners["lr"].probability, alone.learners["lr"].probability)
    fold = int(found.fold_of[0, 7]) + 1
    assert found.failed == {"broken": f"nothing works without {case} (repeat 1, fold {fold})"}
    assert found.best() in ("lr", "best")


def test_only_where_no_model_can_be_fitted_the_run_fails():
    samples = made()
    learners = {"a": FailsWithout(samples.table.index[0]), "b": FailsWithout(samples.table.index[1])}
    with pytest.raises(ModelError, match=r"no model can be fitted; [ab]: nothing works without"):
        cross_validate(learners, samples, CrossValidationSettings(4, 1))
