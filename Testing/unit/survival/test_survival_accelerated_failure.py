"""What lifelines computes here against R: accelerated failure time models and Nelson-Aalen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job
from survival_references import data_of

from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.imputation.chained_equations import survival_outcome
from SurvivalNomogramLib.models.accelerated_failure import DISTRIBUTIONS, fit_accelerated_failure
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table

FOLDER = Path(__file__).parents[2] / "reference" / "survival_lifelines"
SETS = ("lung", "gbsg2", "veteran")


@pytest.fixture(scope="module")
def of_r() -> dict:
    """The values of ``make_reference.R``."""
    return json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))


def table_of(name: str, covariates: list[str]) -> SurvivalTable:
    data = data_of(name)
    return read_survival_table(data[["time", "event", *covariates]], time="time", event="event")


@pytest.mark.slow
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_models_equal_survreg(of_r, distribution):
    for name in SETS:
        case = of_r[name]
        truth = case["models"][distribution.replace("-", "")]
        own = fit_accelerated_failure(table_of(name, case["covariates"]), distribution)
        # lifelines stops its search a little earlier than survreg at 1e-12.
        assert own.log_likelihood == pytest.approx(truth["log_likelihood"], abs=2e-4)
        assert own.log_likelihood <= truth["log_likelihood"] + 1e-8
        assert own.aic == pytest.approx(truth["aic"], abs=4e-4)
        assert own.scale == pytest.approx(truth["scale"], rel=5e-3)
        spread = data_of(name)[case["covariates"]].std().to_numpy()
        np.testing.assert_allclose(own.coefficients * spread, np.array(truth["coefficients"][1:]) * spread, atol=3e-3)
        assert own.intercept == pytest.approx(truth["coefficients"][0], abs=2e-2)


def test_nelson_aalen_equals_r(of_r):
    for name in SETS:
        data = data_of(name)
        time, event = data["time"].to_numpy(float), data["event"].to_numpy()
        hazard = survival_outcome(time, event)[:, 1]
        at = np.searchsorted(of_r[name]["times"], time)
        np.testing.assert_allclose(hazard, np.array(of_r[name]["nelson_aalen"])[at], atol=1e-9)


def test_a_weibull_cohort_is_fitted_best_by_the_weibull_model_and_its_parameters_come_back():
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    frame = pd.DataFrame({"x": x, "t": np.exp(2 + 0.5 * x) * rng.weibull(4.0, 600), "e": 1})
    table = read_survival_table(frame, time="t", event="e")
    models = {name: fit_accelerated_failure(table, name) for name in DISTRIBUTIONS}
    best = min(models, key=lambda name: models[name].aic)
    assert best == "weibull"
    assert models[best].coefficients[0] == pytest.approx(0.5, abs=0.03)
    assert models[best].scale == pytest.approx(1 / 4, abs=0.02)
    assert np.argmin(models[best].risk(table.frame)) == np.argmax(x)


def test_a_table_without_events_has_no_model():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4], "t": [1.0, 2, 3, 4], "e": [0, 0, 0, 1]})
    table = read_survival_table(frame, time="t", event="e")
    with pytest.raises(ModelError, match="no training patient has the event"):
        fit_accelerated_failure(table.rows(np.arange(3)))


def test_the_cox_job_compares_them_on_training_and_held_out_patients(tmp_path):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=120), "split": ["train", "train", "test"] * 40})
    frame["days"], frame["dead"] = np.exp(6 - 0.7 * frame["x"]) * rng.weibull(1.5, 120) + 1, 1
    frame.loc[::4, "dead"] = 0
    frame.to_csv(tmp_path / "cohort.csv", index=False)
    asked = {"time": "days", "event": "dead", "covariates": ["x"], "compare_aft": True, "bootstrap": 2, "formats": []}
    result = run_job("cox", tmp_path / "out", cohort=tmp_path / "cohort.csv", **asked)
    table = read_csv(result.tables["aft"])
    models = table["model"].tolist()
    assert models == [name for name in [*DISTRIBUTIONS, "cox"] for _ in range(2)]
    fitted = np.array(table["patients"].tolist()) == "fitted on these patients"
    lower, aic = table["harrell_lower"].to_numpy(float), table["aic"].to_numpy(float)
    assert np.isnan(lower[fitted]).all() and np.isfinite(lower[~fitted]).all()
    assert np.isnan(aic[-2:]).all() and np.isfinite(aic[:-2]).all()
    # With one covariate all of them rank the patients alike.
    assert np.ptp(table["harrell"].to_numpy(float)[fitted]) < 1e-12
