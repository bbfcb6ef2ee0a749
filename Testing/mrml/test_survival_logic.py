"""The Logic of SurvivalNomogram on Slicer's real scene, without a window."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import slicer

import SurvivalNomogram as module
from RadiomicsCoreLib.errors import InputError
from RadiomicsSlicerLib.tables import FEATURES, keep_record, put_table, table_columns
from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.bundles.patient_reading import read_patient
from SurvivalNomogramSlicerLib.logic.charts import part_words
from SurvivalNomogramSlicerLib.logic.cohort import CATEGORY, NUMBER, Cohort
from SurvivalNomogramSlicerLib.logic.fit import FitRequest
from SurvivalNomogramSlicerLib.logic.models import MODEL, models, stored_model, tables_of
from SurvivalNomogramSlicerLib.logic.pairs import pairs_of, texts_of

SAMPLE = Path(module.__file__).parent / "Resources" / "Sample"


@pytest.fixture
def logic(scene):
    return module.SurvivalNomogramLogic()


@pytest.fixture
def sample(logic):
    return logic.loadSample()


@pytest.fixture
def rows():
    with (SAMPLE / "sample_patients.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_patient_is_read_as_the_library_reads_the_bundle(logic, sample, rows):
    bundle = load_bundle(SAMPLE / "cox" / "model")
    for row in rows[::17]:
        assert logic.readPatient(sample[1], row).linear_predictor == read_patient(bundle, row).linear_predictor


def test_a_table_node_and_its_csv_are_the_same_cohort(logic, sample):
    ours, files = logic.cohort(sample[0]), logic.cohort(SAMPLE / "sample_patients.csv")
    assert list(ours.columns) == list(files.columns)
    for name, texts in files.columns.items():
        if files.kind(name) == NUMBER:
            assert [float(text) for text in ours.columns[name]] == [float(text) for text in texts]
        else:
            assert list(ours.columns[name]) == list(texts)


def test_a_cohort_says_what_its_columns_can_be():
    cohort = Cohort(
        "made up",
        {
            "case_id": ["a", "b", "c", "d", "e", "f"],
            "months": ["3", "4.5", "9", "2", "", "7"],
            "status": ["0", "1", "1", "2", "0", "1"],
            "grade": ["10", "9", "9", "10", "10", "9"],
            "sex": ["f", "m", "m", "", "f", "m"],
            "name": ["u", "v", "w", "x", "y", "z"],
            "always": ["1"] * 6,
            "death_months": ["3", "4", "9", "2", "", "7"],
        },
    )
    assert (cohort.time_guess(), cohort.event_guess()) == ("months", "status")
    assert cohort.values("grade") == ["9", "10"]
    assert (cohort.kind("grade"), cohort.kind("sex")) == (NUMBER, CATEGORY)
    assert cohort.candidates(["months", "status"]) == ["grade", "sex", "death_months"]
    assert cohort.usual(["months", "status"]) == ["grade", "sex"]
    with pytest.raises(InputError, match="no patient 'q'"):
        cohort.patient("q")


def test_values_of_the_scene_belong_to_region_feature_and_phase(logic, sample):
    name = "ct.ring_0_6mm.original_glcm_JointEntropy"
    assert logic.valuesInScene(sample[1]) == {}
    feature = name.split(".", 2)[2]
    wrong = put_table({"feature": [feature], "ring_0_3mm": [9.0]}, "another ring")
    mri = put_table({"feature": [feature], "ring_0_6mm": [8.0]}, "another phase")
    right = put_table({"feature": [feature, "x"], "intratumour": [7.0, 1.0], "ring_0_6mm": [5.25, 1.0]}, "the ring")
    for node, phase in ((wrong, ""), (mri, "t2"), (right, "ct")):
        node.SetAttribute(FEATURES, "1")
        keep_record(node, {"phase": phase}, {})
    assert logic.valuesInScene(sample[1]) == {name: (5.25, "the ring")}
    put_table({"feature": ["age", "stage"], "value": ["71", "II"]}, "typed")
    assert logic.valuesInScene(sample[1])["stage"] == ("II", "typed")


def test_the_reading_table_holds_the_prediction_and_what_must_be_known(logic, sample, rows):
    reading = logic.readPatient(sample[1], {**rows[0], "age": 120})
    columns = table_columns(logic.readingTable(reading))
    values = dict(zip(columns["what"], columns["value"], strict=True))
    assert float(values["linear predictor"]) == pytest.approx(reading.linear_predictor, abs=1e-4)
    assert values["risk group"] == reading.group
    assert "age lies outside" in values["note"]


def test_the_patients_chart_is_filled_anew_and_drops_its_old_series(logic, sample, rows):
    first = logic.patientChart(sample[1], rows[0])
    count = slicer.mrmlScene.GetNumberOfNodes()
    assert logic.patientChart(sample[1], rows[1]) is first
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    table = table_columns(first.GetNthPlotSeriesNode(0).GetTableNode())
    reading = logic.readPatient(sample[1], rows[1])
    horizon = reading.horizons[0]
    before = max(k for k, time in enumerate(table["x"]) if time <= horizon.time)
    assert table["y"][before] == pytest.approx(horizon.probability, abs=1e-12)


def test_curves_of_several_models_stand_in_one_chart(logic, sample, tmp_path):
    second = logic.loadModel(logic.saveModel(sample[1], tmp_path / "x"))
    assert second.GetAttribute(MODEL)
    chart = logic.compareModels([sample[1], second], "decision curves", "decision_curve_test_1095")
    names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == ["Sample model", "treat none"]  # a bundle alone has no curves
    with pytest.raises(InputError, match="none of the checked models"):
        logic.compareModels([second], "calibration", "calibration_test")


def test_a_saved_model_is_one_that_the_command_line_reads(logic, sample, tmp_path):
    path = logic.saveModel(sample[1], tmp_path / "bundle")
    assert path == tmp_path / "bundle" / "model.json"
    assert load_bundle(path).to_dict() == stored_model(sample[1]).bundle.to_dict()


def test_what_is_not_a_model_is_refused_in_one_line(logic, sample):
    with pytest.raises(InputError, match="is not chosen"):
        logic.readPatient(None, {})
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "letter")
    other.SetText("Dear colleague")
    with pytest.raises(InputError, match="'letter' holds no survival model"):
        logic.readPatient(other, {})


def test_a_request_leaves_to_the_job_what_the_user_left_open(tmp_path):
    request = FitRequest("days", "death", ("age", "sex"), references={"sex": "m", "other": "x"})
    job = request.job(tmp_path / "cohort.csv")
    assert "bootstrap" not in job and "columns" not in job and "horizons" not in job
    assert job["references"] == {"sex": "m"}
    assert FitRequest("days", "death", ("age",), horizons="365; 730").job(tmp_path)["horizons"] == [365.0, 730.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [({"time": ""}, "follow-up"), ({"covariates": ()}, "check at least one"), ({"stand_in_for": ("age",)}, "none")],
)
def test_what_is_missing_is_said_before_a_job_is_written(logic, sample, tmp_path, change, words):
    values = {"time": "follow_up_days", "event": "death", "covariates": ("age",), **change}
    with pytest.raises(InputError, match=words):
        logic.exportFit(tmp_path / "job", logic.cohort(sample[0]), FitRequest(**values))
    assert not (tmp_path / "job").exists()


def test_jobs_of_a_fit_are_written_in_their_order_and_the_scene_stays(logic, sample, tmp_path):
    before = slicer.mrmlScene.GetNumberOfNodes()
    request = FitRequest(
        "follow_up_days", "death", ("age", "stage", "ct.ring_0_6mm.original_glcm_JointEntropy"), stand_in_for=("stage",)
    )
    run = logic.exportFit(tmp_path / "job", logic.cohort(sample[0]), request)
    assert run.steps == ("cox", "validation", "stand_in_1")
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    components = FitRequest("follow_up_days", "death", request.covariates, selection="components")
    assert logic.exportFit(tmp_path / "pca", logic.cohort(sample[0]), components).steps[:2] == ("components", "cox")


def test_part_words_leave_out_what_the_kind_says():
    assert part_words("ROC at horizons", "roc_test") == "test"


def test_the_self_test_passes(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    module.SurvivalNomogramTest().runTest()


def test_the_scene_holds_models_and_tables_after_saving_and_loading(scene, logic, sample, tmp_path, rows):
    parameters = logic.getParameterNode()
    parameters.cohort, parameters.model, parameters.values = *sample, texts_of({"age": 61, "a=b": ">=5 cm"})
    parameters.patientTable = logic.readingTable(logic.readPatient(sample[1], rows[3]))
    parameters.patientChart = logic.patientChart(sample[1], rows[3])
    before = logic.readPatient(sample[1], rows[3]).linear_predictor
    figures, tables = dict(stored_model(sample[1]).figures), [node.GetName() for node in tables_of(sample[1])]
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    assert models() == []
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"), False)
    after = logic.getParameterNode()
    assert models() == [after.model] and pairs_of(after.values) == {"age": "61", "a=b": ">=5 cm"}
    assert logic.readPatient(after.model, rows[3]).linear_predictor == before
    assert dict(stored_model(after.model).figures) == figures
    assert [node.GetName() for node in tables_of(after.model)] == tables
    assert after.patientChart.GetNumberOfPlotSeriesNodes() == 3
    assert table_columns(after.cohort)["case_id"][3] == rows[3]["case_id"]
