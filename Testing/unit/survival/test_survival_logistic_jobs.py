"""The logistic job: from a table to odds ratios, nomogram, AUC, decision curves and a bundle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job
from survival_references import REFERENCE

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import load_bundle

COLUMNS = {"event": "dead_in_a_year", "covariates": ["age", "sex", "ecog"]}
PNG = {"formats": ["png"]}


@pytest.fixture(scope="module")
def patients():
    frame = pd.read_csv(REFERENCE / "data" / "lung.csv")
    frame["dead_in_a_year"] = np.where((frame["time"] <= 365) & (frame["event"] == 1), "yes", "no")
    frame["split"] = np.where(np.arange(len(frame)) % 3 == 0, "test", "train")
    return frame


@pytest.fixture(scope="module")
def fitted(patients, tmp_path_factory):
    out = tmp_path_factory.mktemp("logistic")
    return out, run_job("logistic", out, cohort=patients, bootstrap=30, seed=1, **COLUMNS, **PNG)


def test_the_job_writes_odds_ratios_nomogram_auc_and_decision_curves(fitted):
    out, result = fitted
    assert not result.failures and all(path.exists() for path in [*result.files.values(), *result.tables.values()])
    assert "odds_ratio" in read_csv(out / "coefficients.csv").columns
    assert {"nomogram", "roc", "decision_curve_train", "decision_curve_test"} <= {
        path.stem for path in (out / "figures").iterdir()
    }


def test_the_auc_counts_pairs_and_that_of_training_is_corrected(fitted, patients):
    table = read_csv(fitted[0] / "auc.csv").set_index("cohort")
    model = load_bundle(fitted[0] / "model").model
    test = patients[patients["split"] == "test"]
    risk, sick = model.linear_predictor(test), (test["dead_in_a_year"] == "yes").to_numpy()
    difference = risk[sick][:, None] - risk[~sick]
    assert table.loc["test", "auc"] == pytest.approx((difference > 0).mean() + 0.5 * (difference == 0).mean())
    assert table.loc["train", "auc_corrected"] < table.loc["train", "auc"]
    assert np.isnan(table.loc["test", "auc_corrected"])


def test_nomogram_and_predict_jobs_read_its_bundle(fitted, patients, tmp_path):
    patient = {name: patients[name].iloc[0].item() for name in COLUMNS["covariates"] if name != "sex"}
    patient["sex"] = patients["sex"].iloc[0]
    run_job("nomogram", tmp_path / "n", bundle=fitted[0] / "model", patient=patient, **PNG)
    run_job("predict", tmp_path / "p", bundle=fitted[0] / "model", cohort=patients)
    table = read_csv(tmp_path / "p" / "predictions.csv")
    model = load_bundle(fitted[0] / "model").model
    np.testing.assert_allclose(table["probability"], model.predict_probability(patients), atol=1e-10)
    assert set(table["risk_group"]) == {"low risk", "high risk"}


def test_validation_over_time_refuses_a_logistic_bundle(fitted, patients, tmp_path):
    with pytest.raises(InputError, match="validation over time needs a Cox model"):
        run_job("validate", tmp_path / "v", bundle=fitted[0] / "model", cohort=patients)


def test_separation_and_one_outcome_are_one_line(patients, tmp_path):
    separated = patients.assign(marker=(patients["dead_in_a_year"] == "yes").astype(int))
    with pytest.raises(ModelError, match="'marker' separates the outcomes"):
        run_job("logistic", tmp_path / "a", cohort=separated, event="dead_in_a_year", covariates=["age", "marker"])
    with pytest.raises(InputError, match="no event"):
        run_job("logistic", tmp_path / "b", cohort=patients.assign(dead_in_a_year="no"), **COLUMNS)
