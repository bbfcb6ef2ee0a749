"""The logistic job: from a table to odds ratios, nomogram, AUC, decision curves and a bundle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from survival_references import REFERENCE

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.jobs.logistic_jobs import BinaryColumns, logistic_job
from SurvivalNomogramLib.jobs.survival_jobs import nomogram_job, predict_job, validate_job
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings

COLUMNS = BinaryColumns("dead_in_a_year", covariates=("age", "sex", "ecog"), split="split")


@pytest.fixture(scope="module")
def patients():
    frame = pd.read_csv(REFERENCE / "data" / "lung.csv")
    frame["dead_in_a_year"] = np.where((frame["time"] <= 365) & (frame["event"] == 1), "yes", "no")
    frame["split"] = np.where(np.arange(len(frame)) % 3 == 0, "test", "train")
    return frame


@pytest.fixture(scope="module")
def fitted(patients, tmp_path_factory):
    out = tmp_path_factory.mktemp("logistic")
    return out, logistic_job(patients, out, COLUMNS, bootstrap=BootstrapSettings(30, 1), formats=("png",))


def test_the_job_writes_odds_ratios_nomogram_auc_and_decision_curves(fitted):
    out, result = fitted
    assert not result.failures and all(path.is_file() for path in result.files)
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
    nomogram_job(fitted[0] / "model", tmp_path, patient=patients.iloc[0].to_dict(), formats=("png",))
    predict_job(fitted[0] / "model", patients, tmp_path)
    table = read_csv(tmp_path / "predictions.csv")
    model = load_bundle(fitted[0] / "model").model
    np.testing.assert_allclose(table["probability"], model.predict_probability(patients), atol=1e-10)
    assert set(table["risk_group"]) == {"low risk", "high risk"}


def test_validation_over_time_refuses_a_logistic_bundle(fitted, patients, tmp_path):
    with pytest.raises(InputError, match="validation over time needs a Cox model"):
        validate_job(fitted[0] / "model", patients, tmp_path)


def test_separation_and_one_outcome_are_one_line(patients, tmp_path):
    separated = patients.assign(marker=(patients["dead_in_a_year"] == "yes").astype(int))
    with pytest.raises(ModelError, match="'marker' separates the outcomes"):
        logistic_job(separated, tmp_path, BinaryColumns("dead_in_a_year", covariates=("age", "marker")))
    with pytest.raises(InputError, match="no event"):
        logistic_job(patients.assign(dead_in_a_year="no"), tmp_path, COLUMNS)
