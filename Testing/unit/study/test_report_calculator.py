"""The page's calculator equals ``predict`` to 1e-9: in Node, for every kind of model that it knows."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from job_runs import run_job
from report_study import HOSTILE_COLUMN, QUICK, patients

from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsStudyLib.report import calculator
from RadiomicsStudyLib.report.calculator import calculator_model, calculators
from RadiomicsStudyLib.report.folder import read_study
from SurvivalNomogramLib.bundles.bundle import load_bundle

SCRIPT = Path(calculator.__file__).parent / "page" / "calculator.js"
COVARIATES = ["age", "stage", "signature", HOSTILE_COLUMN]
HORIZONS = [60.0, 365.0, 700.0]
CALL = """
const nomogram = require(process.argv[1]);
const {model, patients, horizons} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const told = patients.map((values) => nomogram.predict(model, values, horizons));
console.log(JSON.stringify(told, (key, value) => (value === Infinity ? "inf" : value)));
"""


def asked(model: dict, rows: list[dict], horizons: list[float]) -> list[dict]:
    """What the page's script says of patients."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    text = json.dumps({"model": model, "patients": rows, "horizons": horizons})
    run = subprocess.run([node, "-e", CALL, str(SCRIPT)], input=text, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def table():
    return patients(90)


def told_and_predicted(verb: str, folder: Path, table, at, **settings):
    """Fit, predict every patient with the job and with the script."""
    run_job(verb, folder / "fit", cohort=table, **settings, **QUICK)
    times = {"horizons": at} if at else {}
    run_job("predict", folder / "predict", bundle=folder / "fit" / "model", cohort=table, **times)
    bundle = load_bundle(folder / "fit" / "model")
    rows = json.loads(table[[term.name for term in bundle.model.terms]].astype(str).to_json(orient="records"))
    return asked(calculator_model(bundle), rows, at), read_csv(folder / "predict" / "predictions.csv")


def assert_same(told: list[dict], rows, column: str, of) -> None:
    numbers = [of(one) for one in told]
    known = np.array([np.nan if value is None else math.inf if value == "inf" else value for value in numbers], float)
    np.testing.assert_allclose(known, rows[column].to_numpy(float), rtol=1e-9, atol=1e-9, err_msg=column)


def test_a_cox_nomogram_is_the_same_in_the_page(table, tmp_path):
    settings = {"time": "days", "event": "death", "covariates": COVARIATES, "horizons": HORIZONS}
    told, rows = told_and_predicted("cox", tmp_path, table, HORIZONS, **settings)
    for column in ("total_points", "linear_predictor", "median_survival"):
        assert_same(told, rows, column, lambda one, column=column: one[column])
    for k, horizon in enumerate(HORIZONS):
        for ending, name in (("", "value"), ("_lower", "lower"), ("_upper", "upper")):
            assert_same(told, rows, f"survival_{horizon:g}{ending}", lambda one, k=k, n=name: one["survival"][k][n])
    assert [one["risk_group"] for one in told] == rows["risk_group"].tolist()


def test_a_logistic_nomogram_is_the_same_in_the_page(table, tmp_path):
    settings = {"event": "relapse", "covariates": COVARIATES}
    told, rows = told_and_predicted("logistic", tmp_path, table, [], **settings)
    for column in ("total_points", "linear_predictor", "probability"):
        assert_same(told, rows, column, lambda one, column=column: one[column])


def test_incidences_of_competing_events_are_the_same_in_the_page(table, tmp_path):
    states = {"time": "days", "event": "state", "event_values": ["1"], "censored_values": ["0"]}
    told, rows = told_and_predicted("cox", tmp_path, table, HORIZONS, **states, covariates=COVARIATES)
    for k, horizon in enumerate(HORIZONS):
        assert_same(told, rows, f"incidence_{horizon:g}", lambda one, k=k: one["incidence"][k]["value"])
    assert not any("survival" in one for one in told)


def test_a_penalised_model_has_no_interval_and_a_value_beyond_the_axis_is_told(table, tmp_path):
    settings = {
        "time": "days",
        "event": "death",
        "covariates": ["age", "signature"],
        "modelling": {"selection": "lasso"},
    }
    told, rows = told_and_predicted("cox", tmp_path, table, HORIZONS, **settings)
    assert_same(told, rows, "survival_365", lambda one: one["survival"][1]["value"])
    assert "lower" not in told[0]["survival"][0]
    bundle = load_bundle(tmp_path / "fit" / "model")
    (beyond,) = asked(calculator_model(bundle), [{"age": 60, "signature": 50}], HORIZONS)
    assert beyond["outside"] == ["signature"]


def test_a_bundle_that_is_no_formula_has_no_calculator(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "job.yaml").write_text("verb: fuse\n", encoding="utf-8")
    (tmp_path / "model" / "model.json").write_text('{"format": "peritumoral classifier"}', encoding="utf-8")
    assert calculators(read_study(tmp_path)) == []
