"""RadScore: the printed formula is the model."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner, rad_score_from_dict, rad_score_to_dict
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.lasso_logistic import LassoSettings, fit_lasso_logistic


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((80, 15)) * 10.0 ** rng.integers(-3, 5, 15) + 50
    names = [f"ct.ring_0_3mm.original_glcm_F{k}" for k in range(15)]
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    outcome = (z[:, 1] - z[:, 6] + rng.standard_normal(80) > 0).astype(int)
    return make_samples(pd.DataFrame(values, index=[f"c{k}" for k in range(80)], columns=names), outcome)


@pytest.fixture(scope="module")
def score(samples):
    return RadScoreLearner().fit(samples)


def test_it_takes_up_the_features_that_carry_the_outcome(score):
    assert {"ct.ring_0_3mm.original_glcm_F1", "ct.ring_0_3mm.original_glcm_F6"} <= set(score.features)
    by_name = dict(zip(score.features, score.standardised, strict=True))
    assert by_name["ct.ring_0_3mm.original_glcm_F1"] > 0 > by_name["ct.ring_0_3mm.original_glcm_F6"]


def test_the_printed_formula_computed_by_hand_is_the_score(samples, score):
    text = score.formula("RadScore", digits=12)
    total = np.full(len(samples), float(re.match(r"RadScore = (\S+)", text).group(1)))
    for sign, value, name in re.findall(r"([+-]) (\S+) × (\S+)", text):
        total += (1 if sign == "+" else -1) * float(value) * samples.table[name].to_numpy()
    assert total == pytest.approx(score.score(samples.table), abs=1e-6)


def test_the_strongest_feature_stands_first(score):
    first = score.formula().splitlines()[1].split("× ")[1]
    assert first == score.features[int(np.abs(score.standardised).argmax())]


def test_it_is_the_lasso_on_scaled_features(samples):
    values = samples.table.to_numpy()
    z = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    fit = fit_lasso_logistic(z, samples.outcome, LassoSettings(choice="1se"))
    score = RadScoreLearner(lasso=LassoSettings(choice="1se")).fit(samples)
    assert score.score(samples.table) == pytest.approx(z @ fit.coefficients + fit.intercept, abs=1e-8)
    assert score.penalty == fit.penalty


def test_contributions_add_up_to_the_score_less_that_of_the_mean_case(samples, score):
    parts = score.contributions(samples.table)
    mean_case = pd.DataFrame([score.mean], columns=list(score.features))
    assert parts.sum(axis=1).to_numpy() == pytest.approx(score.score(samples.table) - score.score(mean_case)[0])


def test_the_coefficient_table_holds_both_scales(score):
    table = score.coefficient_table()
    assert table["feature"].iloc[0] == "(intercept)"
    assert table["coefficient"].iloc[1:].to_numpy() * score.scale == pytest.approx(table["standardised"].iloc[1:])


def test_a_changed_unit_of_a_feature_changes_no_prediction(samples, score):
    factor = 1000.0
    scaled = make_samples(samples.table * factor, samples.outcome)
    again = RadScoreLearner().fit(scaled)
    assert again.predict(scaled.table) == pytest.approx(score.predict(samples.table), abs=1e-6)


def test_it_comes_back_from_plain_values(samples, score):
    again = rad_score_from_dict(rad_score_to_dict(score))
    assert np.array_equal(again.predict(samples.table), score.predict(samples.table))
    broken = rad_score_to_dict(score) | {"scale": [1.0]}
    with pytest.raises(InputError, match="as many finite coefficients"):
        rad_score_from_dict(broken)
    with pytest.raises(InputError, match="this is not a RadScore: 'penalty'"):
        rad_score_from_dict({k: v for k, v in rad_score_to_dict(score).items() if k != "penalty"})


def test_a_missing_feature_is_told_by_name(samples, score):
    with pytest.raises(ModelError, match="features are missing, the first is"):
        score.predict(samples.table.drop(columns=score.features[0]))


def twins(seed=0, people=30):
    """Patients with three nearly equal cases each, and features that know nothing of the outcome."""
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.standard_normal((people, 12)), 3, axis=0) + 0.01 * rng.standard_normal((3 * people, 12))
    names = [f"ct.ring_0_3mm.original_glcm_F{k}" for k in range(12)]
    table = pd.DataFrame(values, index=[f"c{k}" for k in range(3 * people)], columns=names)
    owners = [f"p{k // 3}" for k in range(3 * people)]
    return make_samples(table, np.repeat(rng.permutation(np.arange(people) % 2), 3), owners)


def test_the_penalty_is_judged_by_other_patients_than_it_was_fitted_on():
    """Folds of cases know a third of each patient, and take noise for signal: their penalty is far too small."""
    samples = twins()
    alone = make_samples(samples.table, samples.outcome)
    together, apart = (RadScoreLearner().fit(part) for part in (samples, alone))
    assert together.penalty > 3 * apart.penalty
    assert len(together.features) < len(apart.features)
    selected, torn = (SelectionSettings().plan().fit(part) for part in (samples, alone))
    assert len(selected.features) < len(torn.features)
