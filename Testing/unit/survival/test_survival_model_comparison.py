"""Comparison of models against R's anova, concordance and Hmisc::improveProb."""

from __future__ import annotations

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings
from SurvivalNomogramLib.validation.model_comparison import c_difference, likelihood_ratio, reclassification


def lung_model(covariates):
    return fit_cox(read_survival_table(data_of("lung"), time="time", event="event", covariates=covariates))


def test_the_likelihood_ratio_equals_rs_anova(r_values):
    own = likelihood_ratio(lung_model(["age", "sex"]), lung_model(["age", "sex", "ecog", "wt_loss"]))
    case = r_values["comparison"]
    assert own.chi_square == pytest.approx(case["chisq"], abs=1e-6)
    assert (own.degrees, own.p_value) == (case["df"], pytest.approx(case["p"], abs=1e-8))
    assert own.aic_difference < 0


def test_models_that_are_not_nested_or_of_other_patients_are_refused():
    with pytest.raises(ModelError, match="'ecog' is not in the larger one"):
        likelihood_ratio(lung_model(["ecog"]), lung_model(["age", "sex"]))
    data = data_of("lung")[:150]
    fewer = fit_cox(read_survival_table(data, time="time", event="event", covariates=["age"]))
    with pytest.raises(ModelError, match="150 and 213 patients"):
        likelihood_ratio(fewer, lung_model(["age", "sex"]))
    with pytest.raises(ModelError, match="nothing to test"):
        likelihood_ratio(lung_model(["age"]), lung_model(["age"]))


def test_the_paired_bootstrap_of_c_agrees_with_rs_analytic_error(r_values):
    data, case = data_of("lung"), r_values["comparison"]
    own = c_difference(data["time"], data["event"], case["lp_small"], case["lp_big"], BootstrapSettings(400, 1))
    assert own.estimate == pytest.approx(case["delta"], abs=1e-10)
    assert own.se == pytest.approx(case["delta_se"], rel=0.15)
    assert own.lower < own.estimate < own.upper


def test_without_censoring_nri_and_idi_equal_hmisc(r_values):
    data, case = data_of("veteran"), r_values["improvement"]
    data = data[data["event"] == 1]
    own = reclassification(
        data["time"], data["event"], case["p1"], case["p2"], case["horizon"], settings=BootstrapSettings(300, 1)
    )
    for name, truth in (("nri", "nri"), ("nri_events", "nri_event"), ("nri_nonevents", "nri_nonevent"), ("idi", "idi")):
        assert getattr(own, name).estimate == pytest.approx(case[truth], abs=1e-8)
    assert own.nri.se == pytest.approx(case["nri_se"], rel=0.15)
    assert own.idi.se == pytest.approx(case["idi_se"], rel=0.15)
    assert own.table()["measure"].tolist() == ["nri", "nri_events", "nri_nonevents", "idi"]


def test_censoring_at_random_does_not_move_nri_and_idi():
    rng = np.random.default_rng(0)
    n = 20000
    x, z = rng.normal(size=n), rng.normal(size=n)
    death, lost = rng.exponential(5 / np.exp(x + z)), rng.exponential(8, n)
    old, new = 1 - np.exp(-np.exp(x) * 0.4), 1 - np.exp(-np.exp(x + z) * 0.4)
    settings = BootstrapSettings(2, 0)
    full = reclassification(death, np.ones(n, int), old, new, 2.0, settings=settings)
    seen = reclassification(np.minimum(death, lost), (death <= lost).astype(int), old, new, 2.0, settings=settings)
    assert seen.nri.estimate == pytest.approx(full.nri.estimate, abs=0.03)
    assert seen.idi.estimate == pytest.approx(full.idi.estimate, abs=0.01)


def test_with_categories_only_a_change_of_category_counts():
    time, event = np.array([1.0, 1, 9, 9]), np.array([1, 1, 1, 1])
    old, new = np.array([0.1, 0.3, 0.3, 0.1]), np.array([0.15, 0.6, 0.1, 0.12])
    own = reclassification(time, event, old, new, 5, categories=[0.2, 0.5], settings=BootstrapSettings(40, 1))
    assert own.nri_events.estimate == pytest.approx(0.5)
    assert own.nri_nonevents.estimate == pytest.approx(0.5)
    with pytest.raises(InputError, match="ascending limits between 0 and 1"):
        reclassification(time, event, old, new, 5, categories=[0.5, 0.2])
