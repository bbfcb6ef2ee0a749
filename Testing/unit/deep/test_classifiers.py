"""Seven classifiers, tuned inside the training part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from DeepRadiomicsFusionLib.models.classifiers import (
    CLASSIFIERS,
    BestOfClassifiers,
    TunedClassifier,
    platt_scaling,
    quick_auc,
    tuned_classifiers,
)
from DeepRadiomicsFusionLib.models.cross_validation import fit_once
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from DeepRadiomicsFusionLib.models.workspace import Workspace
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.roc import auc

PLAN = SelectionSettings(selector="mrmr", largest=3).plan()


def made(n, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, 10)) * 7 + 3
    table = pd.DataFrame(values, index=[f"s{seed}_{k}" for k in range(n)], columns=[f"ct.r.f{k}" for k in range(10)])
    strength = (values[:, 0] + values[:, 4] - 6) / 7
    return make_samples(table, (strength + 0.5 * rng.standard_normal(n) + shift > 0).astype(int))


@pytest.fixture(scope="module")
def training():
    return made(60)


@pytest.fixture(scope="module")
def new():
    return made(200, seed=1)


def test_the_seven_are_there():
    assert list(CLASSIFIERS) == ["lr", "svm", "knn", "rf", "nb", "lda", "mlp"]
    assert all(2 <= len(list(kind.points())) <= 6 for kind in CLASSIFIERS.values())


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_each_finds_a_planted_difference_in_new_cases(kind, training, new):
    model = fit_once(TunedClassifier(kind, PLAN, inner_folds=3), training)
    chance = model.predict(new.table)
    assert {"ct.r.f0", "ct.r.f4"} <= set(model.features)
    assert auc(new.outcome, chance).value > 0.8
    assert chance.min() >= 0
    assert chance.max() <= 1
    assert model.parameters in list(CLASSIFIERS[kind].points())


@pytest.mark.parametrize("kind", ["rf", "mlp", "svm"])
def test_the_same_seed_gives_the_same_model(kind, training, new):
    first, again = (fit_once(TunedClassifier(kind, PLAN, 3), training, seed=4).predict(new.table) for _ in range(2))
    assert np.array_equal(first, again)


def test_the_inner_auc_is_that_of_a_plain_nested_loop(training):
    from sklearn.naive_bayes import GaussianNB

    model = fit_once(TunedClassifier("nb", PLAN, 4), training, seed=3)
    aucs = []
    for rows, test in Workspace(3).inner_splits(training, 4):
        inner = training.rows(rows)
        selected = PLAN.fit(inner)
        names = list(selected.features)
        z = (training.table[names].to_numpy() - selected.centre) / selected.scale
        fitted = GaussianNB(**model.parameters).fit(z[rows], inner.outcome)
        aucs.append(auc(training.outcome[test], fitted.predict_proba(z[test])[:, 1]).value)
    assert model.inner_auc == pytest.approx(np.mean(aucs))


def test_the_best_of_several_is_the_one_with_the_best_inner_auc(training):
    choices = tuned_classifiers(PLAN, ("lr", "knn", "nb"), 3)
    workspace = Workspace(0)
    models = [workspace.fitted(choice, training) for choice in choices.values()]
    best = workspace.fitted(BestOfClassifiers(tuple(choices.values())), training)
    assert best is max(models, key=lambda model: model.inner_auc)


def test_seven_classifiers_select_once_for_each_inner_fold(training):
    fitted = []

    class Counting(type(PLAN)):
        def fit(self, samples):
            fitted.append(len(samples))
            return super().fit(samples)

    plan = Counting(PLAN.steps)
    workspace = Workspace(0)
    for learner in tuned_classifiers(plan, ("lr", "nb", "lda"), 3).values():
        workspace.fitted(learner, training)
    assert sorted(fitted) == [40, 40, 40, 60]


def test_probabilities_of_a_support_vector_machine_are_calibrated_on_the_average(training, new):
    chance = fit_once(TunedClassifier("svm", PLAN, 5), training).predict(new.table)
    assert chance.mean() == pytest.approx(new.outcome.mean(), abs=0.1)


def test_platt_scaling_equals_scikit_learns():
    from sklearn.calibration import _SigmoidCalibration

    rng = np.random.default_rng(0)
    scores = rng.standard_normal(80)
    outcome = (scores + rng.standard_normal(80) > 0).astype(int)
    slope, intercept = platt_scaling(scores, outcome)
    theirs = _SigmoidCalibration().fit(scores, outcome)
    assert 1 / (1 + np.exp(-(slope * scores + intercept))) == pytest.approx(theirs.predict(scores), abs=1e-3)


def test_the_quick_auc_is_mann_whitneys():
    rng = np.random.default_rng(1)
    outcome, score = np.arange(40) % 2, np.round(rng.standard_normal(40), 1)
    u = stats.mannwhitneyu(score[outcome == 1], score[outcome == 0]).statistic
    assert quick_auc(outcome, score) == pytest.approx(u / 400)


def test_an_unknown_classifier_or_too_few_inner_folds_are_refused():
    with pytest.raises(InputError, match="classifier 'xgboost' is unknown; choose from lr, svm"):
        TunedClassifier("xgboost", PLAN)
    with pytest.raises(InputError, match="inner_folds must be at least 2"):
        TunedClassifier("lr", PLAN, 1)


def test_too_few_cases_for_inner_folds_are_told(training):
    rows = np.r_[np.flatnonzero(training.outcome == 0), np.flatnonzero(training.outcome == 1)[:1]]
    with pytest.raises(InputError, match="2 folds need at least 2 cases of each class, and only 1 have outcome 1"):
        fit_once(TunedClassifier("lr", PLAN), training.rows(rows))
