"""Logistic fusion of signatures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings, cross_validate, fit_once
from DeepRadiomicsFusionLib.models.fusion import FusionLearner, column_sources, fit_fusion
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.roc import auc


@pytest.fixture(scope="module")
def samples():
    """Two sources, each with one feature that carries half of the outcome."""
    rng = np.random.default_rng(0)
    columns = [f"ct.{region}.f{k}" for region in ("intratumour", "ring") for k in range(8)]
    table = pd.DataFrame(rng.standard_normal((120, 16)), index=[f"c{k}" for k in range(120)], columns=columns)
    strength = 1.5 * table["ct.intratumour.f0"] + 1.5 * table["ct.ring.f0"]
    return make_samples(table, (strength + rng.logistic(size=120) > 0).astype(int))


@pytest.fixture(scope="module")
def sources(samples):
    names = list(samples.table.columns)
    return column_sources(RadScoreLearner(), {"tumour": names[:8], "ring": names[8:]})


def test_the_fusion_is_a_logistic_regression_of_the_signatures():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    signatures = pd.DataFrame(rng.random((90, 2)), columns=["a", "b"])
    outcome = (signatures["a"] + 0.2 * signatures["b"] + 0.5 * rng.standard_normal(90) > 0.6).astype(int).to_numpy()
    fusion = fit_fusion(signatures, outcome)
    theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(signatures.to_numpy(), outcome)
    assert fusion.coefficients == pytest.approx(theirs.coef_[0], rel=1e-4)
    assert fusion.intercept == pytest.approx(theirs.intercept_[0], rel=1e-4)
    assert fusion.predict(signatures) == pytest.approx(theirs.predict_proba(signatures.to_numpy())[:, 1], abs=1e-5)
    assert not fusion.penalised


def test_two_sources_together_beat_each_alone(samples, sources):
    learners = {**sources, "fused": FusionLearner(sources, inner_folds=3)}
    found = cross_validate(learners, samples, CrossValidationSettings(4, 1)).learners
    fused = auc(samples.outcome, found["fused"].pooled).value
    assert fused > auc(samples.outcome, found["tumour"].pooled).value + 0.03
    assert fused > auc(samples.outcome, found["ring"].pooled).value + 0.03


def test_each_source_sees_its_own_features_only(samples, sources):
    model = fit_once(FusionLearner(sources, inner_folds=3), samples)
    assert all(name.startswith("ct.ring.") for name in model.signatures["ring"].features)
    table = model.signature_table(samples.table)
    assert list(table.columns) == ["tumour", "ring"]
    assert model.fusion.predict(table) == pytest.approx(model.predict(samples.table))
    assert set(model.features) == {name for part in model.signatures.values() for name in part.features}


def test_a_source_of_noise_gets_less_weight_when_it_is_judged_out_of_fold(samples):
    rng = np.random.default_rng(3)
    noise = pd.DataFrame(rng.standard_normal((120, 300)), index=samples.table.index).add_prefix("pt.noise.f")
    both = make_samples(pd.concat([samples.table, noise], axis=1), samples.outcome)
    sources = column_sources(
        RadScoreLearner(), {"good": list(samples.table.columns), "noise": [str(name) for name in noise.columns]}
    )
    honest = fit_once(FusionLearner(sources, "out-of-fold", 3), both)
    naive = fit_once(FusionLearner(sources, "training"), both)
    share = [abs(model.fusion.coefficients[1]) / np.abs(model.fusion.coefficients).sum() for model in (honest, naive)]
    assert share[0] < share[1]


def test_signatures_that_separate_the_classes_are_held_by_a_ridge():
    signatures = pd.DataFrame({"a": np.linspace(0, 1, 20)})
    fusion = fit_fusion(signatures, (np.arange(20) > 9).astype(int))
    assert fusion.penalised
    assert np.isfinite(fusion.coefficients).all()


def test_a_signature_that_is_the_same_for_all_is_refused():
    signatures = pd.DataFrame({"a": np.arange(10.0), "flat": np.ones(10)})
    with pytest.raises(ModelError, match="signature 'flat' is the same for all cases"):
        fit_fusion(signatures, np.arange(10) % 2)


def test_nothing_to_fuse_is_refused():
    with pytest.raises(InputError, match="no signature to fuse"):
        FusionLearner({})
    with pytest.raises(InputError, match="source 'ring' has no features"):
        column_sources(RadScoreLearner(), {"ring": []})
