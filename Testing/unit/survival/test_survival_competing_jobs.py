"""A cohort with competing events through cox, predict, nomogram and validate; intervals of a survival in predict."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from competing_references import competing_data
from job_runs import run_job
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import bundle_from_dict, load_bundle
from SurvivalNomogramLib.competing.competing_scores import competing_auc
from SurvivalNomogramLib.estimation.competing_risks import cumulative_incidence
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.fine_gray import fit_fine_gray
from SurvivalNomogramLib.tables.survival_table import read_survival_table

FEW, NONE, PNG = {"bootstrap": 5, "seed": 1}, {"formats": []}, {"formats": ["png"]}
STATES = {"time": "time", "event": "state", "event_values": ["1"], "censored_values": ["0"], "time_unit": "months"}
WAYS = ("cause_specific", "fine_gray")


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    frame = competing_data("mgus2")[["time", "state", "age", "sex", "mspike"]]
    frame.insert(0, "case_id", [f"P{k:03d}" for k in range(len(frame))])
    return frame.assign(split=np.where(np.arange(len(frame)) % 3 == 0, "test", "train"))


@pytest.fixture(scope="module")
def fitted(patients, tmp_path_factory):
    out = tmp_path_factory.mktemp("cox")
    result = run_job("cox", out, cohort=patients, **STATES, horizons=[60, 180], **FEW, **NONE)
    assert not result.failures
    return out


def test_the_bundle_carries_the_competing_event(fitted, patients):
    bundle = load_bundle(fitted / "model")
    training = patients[patients["split"] == "train"]
    table = read_survival_table(
        training.drop(columns=["case_id", "split"]), time="time", event="state", event_values=["1"],
        censored_values=["0"],
    )  # fmt: skip
    np.testing.assert_allclose(bundle.competing.fine_gray.coefficients, fit_fine_gray(table).coefficients, rtol=1e-9)
    assert list(bundle.competing.models) == ["2"]
    assert bundle.competing.models["2"].events == int((training["state"] == 2).sum())
    rows = read_csv(fitted / "fine_gray.csv")
    np.testing.assert_allclose(rows["coefficient"], bundle.competing.fine_gray.coefficients, rtol=1e-6)
    damaged = json.loads(json.dumps(bundle.to_dict()))
    damaged["competing"]["models"]["2"]["baseline"]["times"][0] = -1.0
    with pytest.raises(InputError, match="does not fall over rising times"):
        bundle_from_dict(damaged)


def test_predict_gives_the_incidence_and_no_survival(fitted, patients, tmp_path):
    test = patients[patients["split"] == "test"]
    result = run_job("predict", tmp_path, bundle=fitted / "model", cohort=test)
    assert not result.failures
    rows = read_csv(tmp_path / "predictions.csv")
    assert not [name for name in rows.columns if "survival" in name]
    observed = cumulative_incidence(test["time"], test["state"]).incidence["1"].at([180])[0]
    bundle = load_bundle(fitted / "model")
    naive = 1 - bundle.model.survival_at(test, 180).mean()
    for column in ("incidence_180", "incidence_180_fine_gray"):
        assert abs(rows[column].mean() - observed) < 0.03, column
    assert naive > rows["incidence_180"].mean() * 1.4


def test_the_nomogram_is_read_with_the_incidence(fitted, tmp_path):
    patient = {"age": "70", "sex": "M", "mspike": "1.5"}
    run_job("nomogram", tmp_path, bundle=fitted / "model", patient=patient, **NONE)
    read = read_csv(tmp_path / "patient.csv").set_index("what")["value"]
    bundle = load_bundle(fitted / "model")
    frame = pd.DataFrame([{"age": 70.0, "sex": "M", "mspike": 1.5}])
    assert read["incidence_60"] == pytest.approx(bundle.competing.incidence_at(bundle.model, frame, 60)[0, 0])
    assert not [name for name in read.index if "survival" in name]


def test_validate_judges_the_incidence(fitted, patients, tmp_path):
    result = run_job("validate", tmp_path, bundle=fitted / "model", cohort=patients, **FEW, **PNG)
    assert not result.failures
    assert not list(tmp_path.glob("brier_*.csv"))
    curve = read_csv(tmp_path / "decision_curve_test_180.csv").set_index("model")
    observed = cumulative_incidence(*patients.loc[patients["split"] == "test", ["time", "state"]].to_numpy().T)
    assert curve.loc["all", "true_positive_rate"].iloc[0] == pytest.approx(observed.incidence["1"].at([180])[0])
    corrected = read_csv(tmp_path / "competing_corrected_train.csv")
    assert set(corrected["model"]) == set(WAYS) and (corrected["resamples_used"] > 0).all()
    assert "net_benefit_corrected" in read_csv(tmp_path / "decision_curve_train_180.csv").columns
    scores, summary = read_csv(tmp_path / "competing_test.csv"), read_csv(tmp_path / "competing_summary_test.csv")
    assert set(scores["model"]) == set(WAYS) and {"auc_lower", "brier_lower"} <= set(scores.columns)
    late = summary[summary["horizon"] == 180].set_index("model")["observed_to_expected"]
    assert (abs(late - 1) < 0.45).all()
    assert (read_csv(tmp_path / "competing_calibration_test.csv")["competing"] > 0).any()
    training = read_csv(tmp_path / "competing_train.csv")
    assert "auc_lower" not in training.columns
    assert training["patients"].str.startswith("fitted on these patients").all()
    assert (tmp_path / "figures" / "competing_calibration_test.png").exists()


def test_two_models_are_compared_by_their_incidences_and_it_is_said_what_c_censors(fitted, patients, tmp_path):
    small = {"covariates": ["age"], "horizons": [60, 180]}
    run_job("cox", tmp_path / "small", cohort=patients, **STATES, **small, **FEW, **NONE)
    test = patients[patients["split"] == "test"].drop(columns="split")
    asked = {"against": tmp_path / "small" / "model", "bootstrap": 5, "seed": 1}
    result = run_job("validate", tmp_path / "v", bundle=fitted / "model", cohort=test, **asked, **NONE)
    assert not result.failures
    assert any("for which they are censored" in note for note in result.notes)
    table = read_csv(tmp_path / "v" / "comparison.csv").set_index("measure")
    assert not {"nri", "idi", "C difference"} & set(table.index)
    areas = []
    for folder in (tmp_path / "small", fitted):
        bundle = load_bundle(folder / "model")
        risk = bundle.competing.incidence_at(bundle.model, test, 180)[:, 0]
        areas.append(competing_auc(test["time"], test["state"], risk, 180).auc)
    own = table.loc["AUC difference, competing events"].set_index("horizon").loc[180, "estimate"]
    assert own == pytest.approx(areas[1] - areas[0], abs=1e-9)


def test_a_cohort_in_which_nobody_had_the_competing_event_is_judged_too(fitted, patients, tmp_path):
    alone = patients[(patients["split"] == "test") & (patients["state"] != 2)].drop(columns="split")
    result = run_job("validate", tmp_path, bundle=fitted / "model", cohort=alone, **FEW, **NONE)
    assert (read_csv(tmp_path / "competing_all.csv")["competing"] == 0).all(), result.failures


def test_predicted_survival_has_its_interval(tmp_path):
    frame = data_of("veteran")[["time", "event", "karno", "celltype", "age"]]
    run_job("cox", tmp_path / "c", cohort=frame, time="time", event="event", horizons=[90, 180], **FEW, **NONE)
    run_job("predict", tmp_path / "p", bundle=tmp_path / "c" / "model", cohort=frame)
    rows = read_csv(tmp_path / "p" / "predictions.csv")
    model = fit_cox(read_survival_table(frame, time="time", event="event"))
    own = model.survival_interval(frame, [90, 180])
    for k, horizon in enumerate((90, 180)):
        np.testing.assert_allclose(rows[f"survival_{horizon}"], own.survival[:, k], rtol=1e-6)
        np.testing.assert_allclose(rows[f"survival_{horizon}_lower"], own.lower[:, k], rtol=1e-6)
        np.testing.assert_allclose(rows[f"survival_{horizon}_upper"], own.upper[:, k], rtol=1e-6)
    patient = {"karno": "60", "celltype": "squamous", "age": "65"}
    run_job("nomogram", tmp_path / "n", bundle=tmp_path / "c" / "model", patient=patient, **NONE)
    read = read_csv(tmp_path / "n" / "patient.csv").set_index("what")["value"]
    assert read["survival_90_lower"] < read["survival_90"] < read["survival_90_upper"]
