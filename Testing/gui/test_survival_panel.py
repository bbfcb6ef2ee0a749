"""The panel of SurvivalNomogram: its own .ui file and Widget, with buttons pressed and sliders moved."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path

import pytest
import slicer
import slicer.util
from PySide6 import QtCore

from RadiomicsCoreLib.errors import InputError
from RadiomicsSlicerLib.layouts import LAYOUT_ID
from RadiomicsSlicerLib.tables import FEATURES, keep_record, put_table, table_columns
from SurvivalNomogramSlicerLib.logic.models import models, stored_model, tables_of
from SurvivalNomogramSlicerLib.logic.pairs import pairs_of, texts_of

SAMPLE = Path(__file__).resolve().parents[2] / "SurvivalNomogram" / "Resources" / "Sample"
PATIENCE_S = 900
"""For a job of the sample on a busy machine."""
ROWS = len((SAMPLE / "sample_patients.csv").read_text(encoding="utf-8").splitlines()) - 1


def press(button):
    """Press a button as a user can: only if it is enabled."""
    assert button.enabled, button.toolTip
    button.click()


def choose(box, data):
    assert box.findData(data) >= 0, (data, [box.itemData(row) for row in range(box.count)])
    box.setCurrentIndex(box.findData(data))


def items(box):
    return [box.itemText(row) for row in range(box.count)]


def row_of(panel, name):
    table = panel.ui.covariateTable
    return next(row for row in range(table.rowCount) if table.item(row, 0).text() == name)


@pytest.fixture
def panel(window):
    """The panel, open, on an empty scene."""
    made = window.open_panel("SurvivalNomogram")
    assert window.faults.found == []
    return made


@pytest.fixture
def sample(panel):
    """The panel with the sample in it."""
    press(panel.ui.sampleButton)
    return panel


@pytest.fixture
def reading(sample):
    """Gives what the panel says of the patient now."""
    return lambda: sample.patient.reading


# --- opening and choosing --------------------------------------------------------------------------------------


def test_an_empty_scene_enables_nothing_and_says_what_is_missing(panel):
    ui = panel.ui
    assert not ui.fitButton.enabled and ui.fitButton.toolTip == "Choose a table of patients first."
    for button in (ui.saveButton, ui.fillButton, ui.predictButton, ui.patientTableButton, ui.pageButton):
        assert not button.enabled and "Choose a model first." in button.toolTip
    assert not ui.compareButton.enabled and not ui.openPicturesButton.enabled
    assert "Choose a model" in ui.readingLabel.text


def test_the_sample_is_there_at_one_click_and_again_at_the_next(sample, reading):
    assert reading().is_predicted
    assert sample.cohort.rows == ROWS
    press(sample.ui.sampleButton)
    assert len(models()) == 1
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1 + len(tables_of(models()[0]))


def test_follow_up_event_and_covariates_are_guessed_and_other_outcomes_are_not_checked(sample):
    chosen = sample._parameterNode
    assert (chosen.timeColumn, chosen.eventColumn) == ("follow_up_days", "death")
    assert "recurrence" not in chosen.covariates and {"age", "sex", "stage"} <= set(chosen.covariates)
    listed = [sample.ui.covariateTable.item(row, 0).text() for row in range(sample.ui.covariateTable.rowCount)]
    assert "recurrence" in listed and "case_id" not in listed and "split" not in listed
    assert f"{ROWS} patients (train" in sample.ui.cohortLabel.text and "death 0:" in sample.ui.cohortLabel.text


def test_choices_and_tool_tips_come_from_the_job(panel):
    from SurvivalNomogramLib.jobs.cox import CoxJob
    from SurvivalNomogramLib.validation.cox_modelling import Selection

    data = [panel.ui.selectionSelector.itemData(row) for row in range(panel.ui.selectionSelector.count)]
    assert data[:-1] == [choice.value for choice in Selection]
    assert panel.ui.resamplesSpinBox.value == CoxJob.__dataclass_fields__["bootstrap"].default
    assert "event" in panel.ui.eventSelector.toolTip


def test_a_csv_is_a_cohort_too_and_a_wrong_one_is_one_line(panel, tmp_path):
    box = panel.ui.cohortFileEdit.comboBox()
    box.setEditText(str(SAMPLE / "sample_patients.csv"))
    assert panel.cohort.rows == ROWS and panel.ui.fitButton.enabled
    broken = tmp_path / "broken.csv"
    broken.write_text("a,b\n1\n")
    box.setEditText(str(broken))
    assert panel.cohort is None and not panel.ui.fitButton.enabled
    assert "broken.csv" in panel.ui.cohortLabel.text


def test_a_covariate_is_unchecked_by_hand(sample):
    import qt

    sample.ui.covariateTable.item(row_of(sample, "sex"), 0).setCheckState(qt.Qt.Unchecked)
    assert "sex" not in sample._parameterNode.covariates
    assert "sex" not in sample.fitRequest().covariates


def test_a_number_can_be_read_as_codes_with_a_reference_level(sample):
    table = sample.ui.covariateTable
    table.selectRow(row_of(sample, "recurrence"))
    choose(sample.ui.typeSelector, "category")
    assert sample.fitRequest().categorical == ("recurrence",)
    choose(sample.ui.referenceSelector, "1")
    assert sample.fitRequest().references == {"recurrence": "1"}
    assert table.item(row_of(sample, "recurrence"), 2).text() == "1"
    choose(sample.ui.typeSelector, "number")
    assert sample.fitRequest().categorical == ()


def test_the_reference_of_a_text_is_its_first_level_until_another_is_chosen(sample):
    sample.ui.covariateTable.selectRow(row_of(sample, "stage"))
    assert items(sample.ui.referenceSelector) == ["against I", "against II", "against III"]
    assert not sample.ui.typeSelector.enabled
    choose(sample.ui.referenceSelector, "II")
    assert pairs_of(sample._parameterNode.references) == {"stage": "II"}


def test_events_with_three_values_say_which_compete(panel):
    put = {
        "days": [float(n + 5) for n in range(30)],
        "status": [n % 3 for n in range(30)],
        "age": [50.0 + n for n in range(30)],
    }
    panel._parameterNode.cohort = put_table(put, "cohort")
    choose(panel.ui.eventSelector, "status")
    choose(panel.ui.eventValueSelector, "1")
    choose(panel.ui.censoredValueSelector, "0")
    assert "competing: 2" in panel.ui.cohortLabel.text


# --- this patient ----------------------------------------------------------------------------------------------


def test_each_covariate_has_a_control_and_moving_it_moves_points_survival_and_curve(sample, reading):
    before = reading()
    pictures = [sample.ui.nomogramLabel.pixmap.cacheKey(), sample.ui.curveLabel.pixmap.cacheKey()]
    sample.patient.controls.control("age").value = 80
    after = reading()
    assert after.points["age"] > before.points["age"]
    assert after.horizons[0].probability < before.horizons[0].probability
    assert f"{after.horizons[0].probability:.0%}" in sample.ui.readingLabel.text
    assert pictures != [sample.ui.nomogramLabel.pixmap.cacheKey(), sample.ui.curveLabel.pixmap.cacheKey()]
    control = sample.patient.controls.control("stage")
    choose(control, "III")
    assert reading().values["stage"] == "III"


def test_a_dragged_slider_is_answered_within_50_ms(sample):
    slider = sample.patient.controls.control("age")
    slider.value = 41  # what is done once: fonts, imports
    times = []
    for age in range(45, 75):
        started = time.thread_time()
        slider.value = age
        times.append(time.thread_time() - started)
    # The processor's time: another program may take it away in between.
    assert sorted(times)[len(times) // 2] < 0.05


def test_a_value_that_is_not_known_is_filled_or_named(sample, reading):
    sample.patient.controls.check("age").click()
    assert reading().missing == ("age",) and not sample.patient.controls.control("age").enabled
    assert "age" in sample.ui.patientNotesLabel.text
    sample.patient.controls.check("age").click()
    assert reading().missing == () and sample.ui.patientNotesLabel.isHidden()


def test_a_model_with_other_covariates_begins_with_the_patients_values_and_what_is_unknown_stays_so(
    sample, reading, tmp_path
):
    """A second model asks for a covariate that the first one has not."""
    from SurvivalNomogramLib.bundles.bundle import ModelBundle, save_bundle
    from SurvivalNomogramLib.models.cox import fit_cox
    from SurvivalNomogramLib.nomogram.points import make_nomogram
    from SurvivalNomogramLib.tables.survival_table import read_survival_table

    new = "ct.ring_0_3mm.original_glcm_JointEntropy"
    path = SAMPLE / "sample_patients.csv"
    table = read_survival_table(path, time="follow_up_days", event="death", covariates=["age", "stage", new])
    model = fit_cox(table)
    save_bundle(ModelBundle(model, make_nomogram(model, table.training.frame, [365])), tmp_path / "other")
    choose(sample.ui.patientSelector, sample.cohort.patients[6])
    sample.patient.controls.check("stage").click()
    sample.ui.bundleFileEdit.currentPath = str(tmp_path / "other" / "model.json")
    press(sample.ui.loadButton)
    row = sample.cohort.patient(sample.cohort.patients[6])
    assert reading().missing == ("stage",) and reading().values[new] == float(row[new])
    assert not sample.patient.controls.check("stage").checked


def test_a_value_outside_the_training_range_is_marked(sample, reading):
    sample.patient.controls.control("age").value = 95
    assert reading().outside == ("age",)
    assert "age lies outside the range" in sample.ui.patientNotesLabel.text


def test_a_patient_of_the_table_fills_the_controls_exactly(sample, reading):
    with (SAMPLE / "sample_patients.csv").open(newline="") as stream:
        row = list(csv.DictReader(stream))[7]
    choose(sample.ui.patientSelector, row["case_id"])
    for name, value in reading().values.items():
        assert str(value) == row[name] or float(value) == float(row[name])
    # A value of another covariate that is moved afterwards does not round this one.
    exact = dict(reading().values)
    sample.patient.controls.control("age").value = 50
    assert {**reading().values, "age": exact["age"]} == exact


def test_features_are_taken_from_the_tables_of_the_scene(sample, reading):
    names = [term.name for term in stored_model(sample._parameterNode.model).bundle.model.terms]
    name = next(name for name in names if "ring_0_6mm" in name)
    feature = name.split("ring_0_6mm.")[1]
    node = put_table({"feature": [feature], "intratumour": [1.0], "ring_0_6mm": [0.123456789]}, "Rings features")
    node.SetAttribute(FEATURES, "1")
    keep_record(node, {"kind": "features"}, {})
    press(sample.ui.fillButton)
    assert reading().values[name] == 0.123456789
    assert "Rings features" in sample.ui.statusLabel.text


def test_without_such_a_table_the_button_says_what_to_do(sample, window):
    press(sample.ui.fillButton)
    assert "extract the features" in window.shown[-1] and len(window.shown) == 1


def test_table_and_chart_of_the_patient_are_nodes_of_the_scene(sample, window, reading):
    press(sample.ui.patientTableButton)
    table = table_columns(sample._parameterNode.patientTable)
    at = [f"survival at {one.time:g} days" for one in reading().horizons]
    found = dict(zip(table["what"], table["value"], strict=True))
    assert [float(found[name]) for name in at] == pytest.approx(
        [one.probability for one in reading().horizons], abs=1e-4
    )
    assert window.app.layout_manager.layout == LAYOUT_ID
    press(sample.ui.patientChartButton)
    chart = sample._parameterNode.patientChart
    assert chart.GetNumberOfPlotSeriesNodes() == 3
    press(sample.ui.patientChartButton)
    assert sample._parameterNode.patientChart is chart


@pytest.fixture
def opened(monkeypatch):
    """The files that were to be opened."""
    from RadiomicsSlicerLib.pictures import opening

    found: list[Path] = []
    monkeypatch.setattr(opening, "open_file", found.append)
    return found


def test_the_page_holds_prediction_nomogram_settings_and_limits_in_one_file(sample, opened, tmp_path, reading):
    sample.ui.pageEdit.currentPath = str(tmp_path / "page.html")
    choose(sample.ui.patientSelector, sample.cohort.patients[4])
    press(sample.ui.pageButton)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{reading().horizons[0].probability:.0%}" in page and sample.cohort.patients[4] in page
    assert page.count("<svg") == 2 and "For research use only" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert opened == [tmp_path / "page.html"]


def test_the_page_shows_the_slices_as_they_are_seen(sample, opened, tmp_path, slice_views, make_case):
    made = make_case()
    slicer.util.setSliceViewerLayers(background=made.volume, fit=True)
    sample.ui.pageEdit.currentPath = str(tmp_path / "page.html")
    press(sample.ui.pageButton)
    assert (tmp_path / "page.html").read_text(encoding="utf-8").count("data:image/png;base64,") == 3


# --- bundles ---------------------------------------------------------------------------------------------------


def test_a_saved_bundle_is_loaded_with_the_same_prediction(sample, tmp_path, reading):
    sample.ui.bundleFileEdit.currentPath = str(tmp_path / "mine" / "model.json")
    press(sample.ui.saveButton)
    assert json.loads((tmp_path / "mine" / "model.json").read_text())["format"] == "peritumoral survival model"
    before = reading().linear_predictor
    press(sample.ui.loadButton)
    assert sample._parameterNode.model.GetName() == "mine" and len(models()) == 2
    assert reading().linear_predictor == pytest.approx(before, abs=1e-12)


def test_what_is_no_bundle_is_one_line(sample, window, tmp_path):
    path = tmp_path / "other.json"
    path.write_text("{}")
    sample.ui.bundleFileEdit.currentPath = str(path)
    press(sample.ui.loadButton)
    assert len(window.shown) == 1 and "other.json" in window.shown[0]
    assert len(models()) == 1


def test_a_model_that_is_deleted_leaves_the_panel_usable(sample, wait_until):
    slicer.mrmlScene.RemoveNode(sample._parameterNode.model)
    wait_until(lambda: "Choose a model" in sample.ui.readingLabel.text)
    assert not sample.ui.saveButton.enabled and items(sample.ui.modelsSelector) == []


# --- charts ----------------------------------------------------------------------------------------------------


def test_the_switch_offers_the_charts_that_the_models_have(sample):
    kinds = items(sample.ui.kindSelector)
    assert kinds[0] == "nomogram" and {"Kaplan-Meier", "calibration", "decision curves", "box plots"} <= set(kinds)
    choose(sample.ui.kindSelector, "Kaplan-Meier")
    assert items(sample.ui.partSelector)[0] == "test"
    assert not sample.ui.pictureLabel1.isHidden() and sample.ui.pictureLabel2.isHidden()


def test_checked_models_stand_side_by_side(sample, tmp_path):
    from SurvivalNomogramSlicerLib.logic.models import put_model

    put_model("Second", [SAMPLE / "cox", SAMPLE / "validation"])
    sample._onModified()
    choose(sample.ui.kindSelector, "Kaplan-Meier")
    assert not sample.ui.pictureLabel2.isHidden()
    assert (sample.ui.captionLabel1.text, sample.ui.captionLabel2.text) == ("Sample model", "Second")
    press(sample.ui.compareButton)
    chart = sample._parameterNode.chart
    names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == [f"{model}: {group}" for model in ("Sample model", "Second") for group in ("low risk", "high risk")]
    from RadiomicsSlicerLib.connectors import check_items

    check_items(sample.ui.modelsSelector, [models()[1].GetID()])
    sample.charts._onChecked()
    assert sample.ui.pictureLabel2.isHidden()


def test_a_table_of_the_model_is_shown_in_the_view(sample, window):
    texts = items(sample.ui.resultTableSelector)
    assert any("hazard ratios" in text for text in texts) and any("C per part" in text for text in texts)
    press(sample.ui.showTableButton)
    selection = slicer.app.applicationLogic().GetSelectionNode()
    assert selection.GetActiveTableID() == sample.ui.resultTableSelector.itemData(0)


# --- jobs ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fit_becomes_a_model_with_figures_tables_and_a_stand_in(sample, window, wait_until, reading):
    chosen = sample._parameterNode
    chosen.modelName, chosen.resamples, chosen.horizons = "Mine", 10, "365, 1095"
    chosen.covariates, chosen.standIns = ["age", "sex", "stage"], ["stage"]
    press(sample.ui.fitButton)
    assert sample.job.running and not sample.ui.fitButton.enabled and sample.ui.cancelButton.enabled
    wait_until(lambda: not sample.job.running, PATIENCE_S)
    assert window.shown == []
    node = chosen.model
    assert node.GetName() == "Mine" and len(models()) == 2
    stored = stored_model(node)
    assert [term.name for term in stored.bundle.model.terms] == ["age", "sex", "stage"]
    assert stored.bundle.nomogram.horizons == (365.0, 1095.0)
    assert {"nomogram", "kaplan_meier_test", "calibration_test", "roc_test", "forest_test"} <= set(stored.figures)
    assert any("Schoenfeld" in table.GetName() for table in tables_of(node))
    sample.patient.controls.check("stage").click()
    assert [term.name for term in reading().bundle.model.terms] == ["age", "sex"] and reading().is_predicted
    assert "without it" in sample.ui.patientNotesLabel.text


@pytest.mark.slow
def test_a_fit_that_fails_is_one_calm_message(sample, window, wait_until):
    sample._parameterNode.horizons = "99999"
    sample._parameterNode.resamples = 10
    press(sample.ui.fitButton)
    wait_until(lambda: not sample.job.running, PATIENCE_S)
    assert len(window.shown) == 1 and "99999" in window.shown[0]
    assert len(models()) == 1 and sample.ui.fitButton.enabled


def test_a_fit_without_covariates_is_refused_before_it_starts(sample, window):
    sample._parameterNode.covariates = []
    press(sample.ui.fitButton)
    assert "check at least one" in window.shown[0] and not sample.job.running


@pytest.mark.slow
def test_cancel_ends_the_fit_and_leaves_nothing(sample, window, wait_until):
    press(sample.ui.fitButton)
    wait_until(lambda: sample.ui.progressBar.value > 0 or not sample.job.running, 120)
    press(sample.ui.cancelButton)
    assert not sample.job.running and len(models()) == 1 and "Cancelled" in sample.ui.progressLabel.text
    assert not list(Path(slicer.app.temporaryPath).glob("SurvivalNomogram-????????*/cox"))
    assert window.shown == []


@pytest.mark.slow
def test_components_take_the_place_of_the_features_and_their_loadings_are_a_chart(sample, window, wait_until, reading):
    chosen = sample._parameterNode
    chosen.modelName, chosen.resamples, chosen.selection = "Components", 10, "components"
    chosen.covariates = [name for name in sample.candidates(chosen) if "ring" in name]
    press(sample.ui.fitButton)
    wait_until(lambda: not sample.job.running, PATIENCE_S)
    assert window.shown == []
    stored = stored_model(chosen.model)
    assert all(term.name.startswith("PC") or "pc" in term.name.lower() for term in stored.bundle.model.terms)
    assert "loadings" in stored.figures and any("loadings" in table.GetName() for table in tables_of(chosen.model))
    assert reading().is_predicted


@pytest.mark.slow
def test_models_are_compared_on_the_patients_with_figures_of_their_own(sample, window, wait_until):
    from SurvivalNomogramSlicerLib.logic.models import put_model, shown_models

    assert not sample.ui.compareOnTableButton.enabled
    put_model("Second", [SAMPLE / "cox", SAMPLE / "validation"])
    sample._onModified()
    press(sample.ui.compareOnTableButton)
    wait_until(lambda: not sample.job.running, PATIENCE_S)
    assert window.shown == []
    (shown,) = shown_models()
    assert shown.GetName() == "Sample model, Second on SurvivalSample" and shown not in models()
    assert "C of models" in items(sample.ui.kindSelector)
    choose(sample.ui.kindSelector, "decision curves")
    assert not sample.ui.pictureLabel1.isHidden()
    assert any("pairs of models" in table.GetName() for table in tables_of(shown))
    with pytest.raises(InputError, match="is a comparison"):
        sample.logic.readPatient(shown, {})


@pytest.mark.slow
def test_a_model_is_validated_on_the_table_as_a_model_of_its_own(sample, window, wait_until):
    press(sample.ui.validateButton)
    wait_until(lambda: not sample.job.running, PATIENCE_S)
    assert window.shown == [] and len(models()) == 2
    stored = stored_model(models()[1])
    assert {"roc_test", "calibration_test"} <= set(stored.figures)
    assert stored.bundle.to_dict() == stored_model(models()[0]).bundle.to_dict()


@pytest.mark.slow
def test_every_patient_of_the_table_is_predicted(sample, wait_until, reading):
    press(sample.ui.predictButton)
    wait_until(lambda: not sample.job.running, PATIENCE_S)
    table = table_columns(sample._parameterNode.predictions)
    assert len(table["case_id"]) == ROWS
    choose(sample.ui.patientSelector, table["case_id"][11])
    assert table["linear_predictor"][11] == pytest.approx(reading().linear_predictor, abs=1e-9)


# --- the scene -------------------------------------------------------------------------------------------------


def test_everything_is_back_after_saving_and_loading(sample, window, tmp_path, reading):
    chosen = sample._parameterNode
    choose(sample.ui.patientSelector, sample.cohort.patients[9])
    chosen.modelName, chosen.horizons, chosen.references = "Kept", "100, 200", texts_of({"stage": "II"})
    choose(sample.ui.kindSelector, "decision curves")
    before, part = reading().linear_predictor, chosen.chartPart
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    assert sample.patient.reading is None
    assert slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    chosen = sample._parameterNode
    assert (chosen.modelName, chosen.horizons, chosen.references) == ("Kept", "100, 200", texts_of({"stage": "II"}))
    assert reading().linear_predictor == before
    assert chosen.cohort.GetName() == "SurvivalSample" and sample.cohort.rows == ROWS
    assert (chosen.chartKind, chosen.chartPart) == ("decision curves", part) and not sample.ui.pictureLabel1.isHidden()
    assert len(tables_of(chosen.model)) > 5


def test_the_scene_can_be_closed_and_the_module_left(sample, window):
    window.select("Data")
    slicer.mrmlScene.Clear(0)
    window.select("SurvivalNomogram")
    end = QtCore.QDeadlineTimer(600)
    while not end.hasExpired():
        slicer.app.processEvents()
    assert "Choose a model" in sample.ui.readingLabel.text
    sample.cleanup()
    assert not sample._watch.isActive()
