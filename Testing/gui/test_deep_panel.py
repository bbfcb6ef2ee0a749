"""The panel of DeepRadiomicsFusion: its own .ui file and Widget, buttons pressed, jobs in processes of their own."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import pythonqt
import slicer
import slicer.util
import vtk
from deep_bundles import ENDPOINTS, RING, fused_model, mask_model, network_model
from deep_results import write_results

from DeepFusionSlicerLib.logic import cohort_results
from DeepFusionSlicerLib.logic.answers import ANSWERS
from DeepFusionSlicerLib.logic.cohorts import DEEP, FUSION, RADIOMICS
from DeepRadiomicsFusionLib.networks import network_bundle
from RadiomicsCoreLib.files.tables import write_json
from RadiomicsCoreLib.jobs.registry import job_class
from RadiomicsSlicerLib.tables import keep_record, put_table, table_columns
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort

FILE = Path(__file__).resolve().parents[2] / "DeepRadiomicsFusion" / "Resources" / "UI" / "DeepRadiomicsFusion.ui"
ROOT = ElementTree.parse(FILE).getroot()
INPUTS = {"QComboBox", "QLineEdit", "QSpinBox", "QPushButton", "qMRMLNodeComboBox", "ctkCheckableComboBox"}
HAS_NETWORKS = all(
    importlib.util.find_spec(name) for name in ("torch", "monai", "safetensors", "efficientnet_lite_pytorch", "captum")
)
HAS_CLASSIFIERS = all(importlib.util.find_spec(name) for name in ("skops", "captum", "pywt"))
needs_classifiers = pytest.mark.skipif(not HAS_CLASSIFIERS, reason="needs the extra 'deep'; the panel would ask pip")
needs_networks = pytest.mark.skipif(not HAS_NETWORKS, reason="needs the extra 'deep'")
CARD = {
    "format": network_bundle.FORMAT,
    "version": network_bundle.VERSION,
    "architecture": {"network": "efficientnet_lite0", "out_features": 2},
    "task": "classification",
    "outputs": ["egfr", "alk"],
    "phases": ["arterial"],
    "regions": [RING],
    "input": {"kind": "resized_slice", "region": RING, "window_level": 50, "window_width": 400, "spacing_mm": 1.0},
    "rings": {"outer_mm": [3]},
    "score_names": [],
    "thresholds": {"egfr": 0.3},
    "provenance": {},
}


def press(button):
    """Press a button as a user can: only if it is enabled."""
    assert button.enabled, button.toolTip
    button.click()


@pytest.fixture
def panel(window):
    """The panel, open, on an empty scene."""
    made = window.open_panel("DeepRadiomicsFusion")
    assert window.faults.found == []
    return made


@pytest.fixture
def patient(panel, make_case):
    """The small case, chosen."""
    made = make_case()
    panel.enter()
    return made


@pytest.fixture
def card(tmp_path):
    """A bundle of a network without its weights: enough to be described."""
    (tmp_path / "net").mkdir()
    write_json(tmp_path / "net" / "model.json", CARD)
    return tmp_path / "net"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A cohort of three patients."""
    return make_sample_cohort(tmp_path_factory.mktemp("cohort"), patients=3)


def put_answer(panel, values=((0.7, 0.5, "yes", ""), (np.nan, np.nan, "", "no image"))):
    """Put an answer of two end points into the scene, and choose it."""
    numbers = [row[0] for row in values]
    nothing = [float("nan")] * len(values)
    columns = {
        "output": list(ENDPOINTS),
        "value": numbers,
        "lowest": nothing,
        "highest": nothing,
        "threshold": [row[1] for row in values],
        "says": [row[2] for row in values],
        "reason": [row[3] for row in values],
    }
    table = put_table(columns, "answer")
    contributions = [{"case_id": "p", "base": 0.4, "prediction": 0.7, "a": 0.5, "b": -0.2, "method": "exact"}]
    keep_record(table, {"kind": "answer", "contributions": contributions}, {})
    table.SetAttribute(ANSWERS, "1")
    panel._parameterNode.answer = table
    return table


# --- opening ---------------------------------------------------------------------------------------------------


def test_an_empty_scene_enables_nothing_and_says_what_is_missing(panel):
    ui = panel.ui
    for button in (ui.applyButton, ui.mapButton, ui.contributionsButton, ui.seenButton, ui.featuresButton):
        assert not button.enabled
    assert ui.applyButton.toolTip == "Choose a model first."
    assert ui.featuresButton.toolTip == "Choose a volume first."
    assert ui.runButton.toolTip == "Choose a cohort table first." == ui.checkButton.toolTip
    assert ui.sampleButton.enabled and ui.sampleCohortButton.enabled


def test_the_patient_is_chosen_by_itself(panel, patient):
    chosen = panel._parameterNode
    assert (chosen.volume, chosen.segmentation, chosen.tumourSegment) == (
        patient.volume,
        patient.segmentation,
        "Tumour",
    )
    assert panel.ui.featuresButton.enabled


def test_choices_and_tool_tips_come_from_the_jobs(panel):
    ui, train, fuse = panel.ui, job_class("train"), job_class("fuse")
    assert [ui.studySelector.itemData(row) for row in range(ui.studySelector.count)] == ["", *train.studies()]
    kinds = [ui.mapKindSelector.itemData(row) for row in range(ui.mapKindSelector.count)]
    assert kinds == ["grad_cam", "input_gradient"]
    assert ui.classifiersSelector.count == len(fuse.__dataclass_fields__["classifiers"].default)
    assert "column of patients" not in ui.endpointsSelector.toolTip and "0 and 1" in ui.endpointsSelector.toolTip


def test_every_input_has_a_tool_tip(panel):
    named = [(item.get("class"), item.get("name")) for item in ROOT.iter("widget")]
    assert [name for kind, name in named if kind in INPUTS and not getattr(panel.ui, name).toolTip] == []


def test_every_parameter_can_be_reached_from_the_panel(panel):
    def text_of(item, name):
        found = item.find(f"property[@name='{name}']/string")
        return "" if found is None else found.text

    bound = {text_of(item, "SlicerParameterName") for item in ROOT.iter("widget")} - {""}
    parameters = set(type(panel._parameterNode).allParameters)
    results = {"answer", "contributions", "seen", "endpoint", "models", "comparison"}
    assert bound <= parameters and parameters - bound - set(panel.connectors()) == results


def test_the_ui_file_holds_only_classes_that_slicer_has(window):
    import slicer_widgets

    ours = {item.__name__ for item in slicer_widgets.MRML_CLASSES + slicer_widgets.CTK_CLASSES}
    named = [(item.get("class"), item.get("name")) for item in ROOT.iter("widget")]
    assert {kind for kind, _ in named} <= ours | set(pythonqt.CLASSES)
    assert len({name for _, name in named}) == len(named)
    need = {name for kind, name in named if kind.startswith("qMRML") and kind != "qMRMLWidget"}
    assert {item.find("receiver").text for item in ROOT.iter("connection")} == need


@pytest.mark.parametrize("width", [400, 500])
def test_no_text_is_cut_off_and_the_panel_is_never_wider(panel, patient, card, width):
    ui = panel.ui
    panel._parameterNode.bundle = str(card)
    put_answer(panel)
    for section in (ui.featuresCollapsibleButton, ui.cohortCollapsibleButton, ui.moreGroupBox, ui.logGroupBox):
        section.collapsed = False
    panel.parent.resize(width, 100)
    panel.parent.show()
    for _ in range(3):
        slicer.app.processEvents()
        panel.parent.resize(width, panel.parent.layout().totalHeightForWidth(width))
    slicer.app.processEvents()
    assert panel.parent.width == width and panel.parent.minimumSizeHint().width() <= 400
    cut = []
    for name, widget in vars(ui).items():
        if type(widget).__name__ in ("QLabel", "QPushButton") and widget.visible and widget.text:
            wraps = getattr(widget, "wordWrap", False)
            fits = (
                widget.height >= widget.heightForWidth(widget.width)
                if wraps
                else widget.width >= widget.sizeHint().width()
            )
            cut += [] if fits else [(name, widget.text)]
    assert cut == []


# --- a model and its answer ------------------------------------------------------------------------------------


def test_a_model_says_what_it_is_and_what_of_the_scan_does_not_fit(panel, patient, card):
    panel._parameterNode.bundle = str(card)
    assert "egfr, alk" in panel.ui.cardLabel.text and RING in panel.ui.cardLabel.text
    words = panel.ui.fitLabel.text.splitlines()
    assert any("'arterial'" in line and "'ct'" in line for line in words)
    assert any("-150 to 250" in line for line in words)  # the case has no value below zero
    assert any("cubes of 1 mm" in line for line in words)
    panel._parameterNode.phase = "arterial"
    assert not any("'ct'" in line for line in panel.ui.fitLabel.text.splitlines())


def test_a_path_without_a_model_is_told_below_the_box(panel, patient, tmp_path):
    panel._parameterNode.bundle = str(tmp_path)
    assert "model.json" in panel.ui.cardLabel.text
    assert panel.ui.applyButton.toolTip == panel.ui.cardLabel.text
    panel._parameterNode.bundle = ""
    assert not panel.ui.cardLabel.visible


def test_a_model_of_another_phase_is_refused_before_anything_runs(panel, patient, card, window):
    panel._parameterNode.bundle = str(card)
    if not HAS_NETWORKS:
        pytest.skip("the packages are asked for first")
    press(panel.ui.applyButton)
    assert "was trained on phase 'arterial'" in window.shown[-1]
    assert not panel.applying.job.running
    assert panel.ui.applyProgressLabel.text == ""


def test_the_board_has_a_row_an_end_point_with_the_reason_where_there_is_no_value(panel, patient):
    put_answer(panel)
    board = panel.ui.boardTable
    texts = [[board.item(row, column).text() for column in range(4)] for row in range(board.rowCount)]
    assert texts == [["egfr", "0.7", "0.5", "yes"], ["alk", "not available", "", ""]]
    assert panel.ui.boardLabel.text == "alk: no image"
    board.selectRow(1)
    assert panel._parameterNode.endpoint == "alk"


def test_an_answer_of_another_model_or_scan_is_told_apart(panel, patient, card, make_case):
    table = put_answer(panel)
    keep_record(table, {"kind": "answer", "bundle": "elsewhere/model"}, {"volume": patient.volume})
    panel._parameterNode.bundle = str(card)
    assert panel.ui.boardLabel.text.splitlines()[0] == "This is the answer of another model: elsewhere/model."
    panel._parameterNode.volume = make_case("Other").volume
    assert "It is of the scan CT." in panel.ui.boardLabel.text


def test_contributions_become_a_waterfall_from_base_to_prediction(panel, patient):
    put_answer(panel)
    press(panel.ui.contributionsButton)
    chart = panel._parameterNode.contributions
    series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    ends = {one.GetName(): table_columns(one.GetTableNode())["x"] for one in series}
    assert [name.split(":")[0] for name in ends][:2] == ["a", "b"]
    assert ends["b: -0.200"] == pytest.approx([0.4, 0.2]) and ends["a: +0.500"] == pytest.approx([0.2, 0.7])
    press(panel.ui.contributionsButton)
    assert panel._parameterNode.contributions is chart
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") == len(series)


def test_everything_comes_back_with_the_scene(panel, patient, card, tmp_path):
    panel._parameterNode.bundle = str(card)
    put_answer(panel)
    panel._parameterNode.ringsMm = "3, 6"
    press(panel.ui.contributionsButton)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    assert panel.ui.boardTable.rowCount == 0
    assert slicer.util.loadScene(path)
    chosen = panel._parameterNode
    assert (chosen.bundle, chosen.ringsMm, chosen.tumourSegment) == (str(card), "3, 6", "Tumour")
    assert panel.ui.boardTable.item(0, 0).text() == "egfr"
    assert chosen.contributions.GetNumberOfPlotSeriesNodes() == 4
    press(panel.ui.contributionsButton)


@pytest.mark.slow
@needs_classifiers
def test_a_fusion_is_applied_with_its_features_and_its_ring_grown(panel, sample, tmp_path, wait_until, window):
    model = fused_model(tmp_path / "fusion" / "model", sample)
    panel._parameterNode.cohort = str(sample)
    panel.cohort.onLoadCase(1)
    chosen = panel._parameterNode
    assert chosen.tumourSegment and chosen.organSegment
    chosen.organSegment = ""  # the bundle was fitted on the organ of the table; here the case stands alone
    chosen.bundle = str(model)
    press(panel.ui.applyButton)
    assert panel.applying.job.running
    wait_until(lambda: not panel.applying.job.running, 120)
    assert window.shown == []
    found = table_columns(chosen.answer)
    assert found["output"] == ["recurrence"] and 0 < found["value"][0] < 1
    assert found["lowest"][0] <= found["value"][0] <= found["highest"][0] and found["threshold"] == [0.4]
    segmentation = chosen.segmentation.GetSegmentation()
    assert RING in [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    assert not panel.ui.seenButton.enabled and panel.ui.contributionsButton.enabled
    assert not panel.ui.mapButton.enabled


@pytest.mark.slow
@needs_networks
def test_a_network_is_applied_explained_and_seen(panel, patient, tmp_path, wait_until, window):
    chosen = panel._parameterNode
    chosen.bundle = str(network_model(tmp_path / "net" / "model"))
    press(panel.ui.applyButton)
    wait_until(lambda: not panel.applying.job.running, 240)
    assert window.shown == []
    assert table_columns(chosen.answer)["output"] == list(ENDPOINTS)
    assert slicer.util.arrayFromVolume(chosen.seen).shape == (1, 64, 64)
    panel.ui.boardTable.selectRow(1)
    chosen.mapKind = "input_gradient"  # Grad-CAM of random weights may be zero everywhere
    press(panel.ui.mapButton)
    wait_until(lambda: not panel.applying.mapping.running, 240)
    assert window.shown == []
    assert chosen.overlay.GetName() == "input gradient of alk"
    assert slicer.util.arrayFromVolume(chosen.overlay).shape == patient.ball.shape
    press(panel.ui.seenButton)


@pytest.mark.slow
@needs_networks
def test_a_network_that_draws_adds_its_mask_as_a_segment_and_needs_no_tumour(panel, patient, tmp_path, wait_until):
    patient.segmentation.GetSegmentation().RemoveSegment("Tumour")
    chosen = panel._parameterNode
    chosen.bundle = str(mask_model(tmp_path / "unet" / "model"))
    press(panel.ui.applyButton)
    wait_until(lambda: not panel.applying.job.running, 240)
    segmentation = patient.segmentation.GetSegmentation()
    (name,) = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    drawn = slicer.util.arrayFromSegmentBinaryLabelmap(patient.segmentation, name, patient.volume)
    assert drawn.all()
    assert table_columns(chosen.answer)["value"][0] == pytest.approx(drawn.size / 1000)
    assert not panel.ui.mapButton.enabled


# --- deep features ---------------------------------------------------------------------------------------------


def test_regions_follow_the_distances_and_what_was_unchecked_stays_so(panel, patient):
    chosen = panel._parameterNode
    assert list(chosen.regions) == ["intratumour", "ring_0_3mm", "intra_ring_0_3mm"]
    chosen.ringsMm = "3, 6"
    assert len(chosen.regions) == 5
    chosen.regions = ["ring_0_6mm"]
    chosen.ringsMm = "6"
    assert list(chosen.regions) == ["ring_0_6mm"]
    chosen.ringsMm = "six"
    assert "six" in panel.ui.featuresButton.toolTip
    chosen.ringsMm = "6"
    chosen.regions = []
    assert panel.ui.featuresButton.toolTip == "Check a region first."


def test_each_network_says_where_its_weights_are(panel):
    panel._parameterNode.network = "resnet50"
    assert "not here" in panel.ui.weightsLabel.text or "are here" in panel.ui.weightsLabel.text
    panel._parameterNode.network = "unet"
    assert "train" in panel.ui.weightsLabel.text


@pytest.mark.slow
@needs_networks
def test_deep_features_are_computed_and_joined_with_radiomic_ones(panel, patient, wait_until, window):
    radiomic = put_table({"feature": ["Mean"], "intratumour": [1.0], "ring_0_3mm": [2.0]}, "radiomics")
    keep_record(radiomic, {"kind": "features", "regions": {"intratumour": {"kind": "tumour"}}}, {})
    radiomic.SetAttribute("PeritumoralRadiomics.Features", "1")
    chosen = panel._parameterNode
    chosen.joinTable = radiomic
    chosen.regions = ["intratumour", "ring_0_3mm"]
    press(panel.ui.featuresButton)
    wait_until(lambda: not panel.features.job.running, 240)
    assert window.shown == []
    columns = table_columns(chosen.deepTable)
    assert list(columns) == ["feature", "intratumour", "ring_0_3mm"]
    assert columns["feature"][0] == "Mean" and columns["ring_0_3mm"][0] == 2.0
    assert len(columns["feature"]) == 1 + 1280 and np.isfinite(columns["ring_0_3mm"]).all()


# --- a cohort --------------------------------------------------------------------------------------------------


def test_a_cohort_offers_its_columns_and_cases(panel, sample):
    chosen, ui = panel._parameterNode, panel.ui
    chosen.cohort = str(sample)
    assert ui.casesTable.rowCount == 3 and list(chosen.phases) == ["ct"]
    offered = [ui.timeSelector.itemData(row) for row in range(ui.timeSelector.count)]
    assert offered[0] == "" and "follow_up_days" in offered
    assert ui.runButton.toolTip == "Choose a folder for the results first."


def test_a_table_that_cannot_be_read_is_told_below(panel, tmp_path):
    panel._parameterNode.cohort = str(tmp_path / "none.csv")
    assert "none.csv" in panel.ui.casesLabel.text and not panel.ui.runButton.enabled


def test_every_case_is_checked_in_the_background(panel, sample, tmp_path, wait_until):
    broken = tmp_path / "broken.csv"
    text = sample.read_text().replace("sample_0", str(sample.parent / "sample_0"))
    lines = [line.replace(str(sample.parent / "sample_0"), "sample_0", 1) for line in text.splitlines()]
    broken.write_text("\n".join(lines).replace("ct_tumour.nii.gz", "gone.nii.gz", 1) + "\n")
    panel._parameterNode.cohort = str(broken)
    press(panel.ui.checkButton)
    wait_until(lambda: not panel.cohort.check.running, 120)
    states = [panel.ui.casesTable.item(row, 2).text() for row in range(3)]
    assert states == ["see tip", "can be used", "can be used"]
    assert "gone.nii.gz" in panel.ui.casesLabel.text


def test_a_double_click_brings_a_case_with_its_masks_into_the_scene(panel, sample):
    panel._parameterNode.cohort = str(sample)
    panel.ui.casesTable.selectRow(2)
    panel.cohort.cases._activated()
    chosen = panel._parameterNode
    assert chosen.volume.GetName() == "sample_003 ct" and chosen.phase == "ct"
    assert chosen.tumourSegment == "Tumour" and chosen.organSegment == "Organ"


@pytest.fixture
def results(tmp_path):
    return write_results(tmp_path / "results")


def choose_result(panel, row):
    """Choose a result as the user does."""
    panel.ui.resultSelector.setCurrentIndex(row)
    panel.ui.resultSelector.activated.emit(row)


def test_results_become_a_table_of_models_charts_and_a_matrix(panel, results):
    chosen, ui = panel._parameterNode, panel.ui
    chosen.models = cohort_results.models_table(results)
    texts = [ui.modelsTable.item(0, column).text() for column in range(4)]
    assert texts == ["fusion", "0.80 (0.70 to 0.90)", "0.75", "0.60"]
    shown = {}
    for row in range(ui.resultSelector.count):
        choose_result(panel, row)
        assert not ui.resultLabel.visible, ui.resultLabel.text
        shown[ui.resultSelector.itemData(row)] = True
    charts = {node.GetName(): node for node in slicer.util.getNodesByClass("vtkMRMLPlotChartNode")}
    assert set(charts) == {"ROC curves", "Calibration", "Loss", "Ring sizes"}
    assert charts["ROC curves"].GetNumberOfPlotSeriesNodes() == 3
    assert table_columns(chosen.comparison)["lr"] == [0.03, 1.0]
    loss = charts["Loss"].GetNthPlotSeriesNode(0).GetTableNode()
    assert table_columns(loss) == {"x": [1.0, 2.0], "y": [0.7, 0.6]}


def test_a_ring_size_that_is_chosen_is_shown_on_the_slices(panel, patient, results):
    panel._parameterNode.models = cohort_results.models_table(results)
    panel.ui.sweepTable.selectRow(2)
    segmentation = patient.segmentation.GetSegmentation()
    names = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    assert names == ["Tumour", "ring_0_6mm"]
    panel.ui.sweepTable.selectRow(1)
    assert segmentation.GetNthSegment(1).GetName() == "ring_0_3mm" and segmentation.GetNumberOfSegments() == 2
    panel.ui.sweepTable.selectRow(0)
    assert panel.ui.resultLabel.text == "The tumour has no ring."


def test_a_click_on_a_point_of_the_chart_chooses_its_ring(panel, patient, results):
    panel._parameterNode.models = cohort_results.models_table(results)
    choose_result(panel, panel.ui.resultSelector.findData("sizes"))
    series = slicer.util.getNode("Ring sizes").GetNthPlotSeriesNode(0)
    ids, point, chosen = vtk.vtkStringArray(), vtk.vtkIdTypeArray(), vtk.vtkCollection()
    ids.InsertNextValue(series.GetID())
    point.InsertNextValue(1)
    chosen.AddItem(point)
    panel.cohort.clicks.onSelected(ids, chosen)  # as qMRMLPlotView tells it
    assert panel.cohort.sizes.row == 2
    assert patient.segmentation.GetSegmentation().GetNthSegment(1).GetName() == "ring_0_6mm"


def test_the_losses_of_a_running_training_are_drawn(panel, results):
    panel._parameterNode.outFolder = str(results)
    panel.cohort._followLosses()
    chart = slicer.util.getNode("Loss")
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    panel.cohort._followLosses()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1


def test_what_a_run_needs_is_said_step_by_step(panel, sample, tmp_path):
    chosen, button = panel._parameterNode, panel.ui.runButton
    chosen.cohort, chosen.outFolder = str(sample), str(tmp_path / "out")
    chosen.steps = []
    assert button.toolTip == "Check what is to be done first."
    chosen.steps = [RADIOMICS, DEEP, FUSION]
    assert button.toolTip == "Check an end point for the fusion."
    chosen.steps = [RADIOMICS]
    assert button.enabled


@pytest.mark.slow
@needs_classifiers
def test_a_run_is_stopped_keeps_what_is_finished_and_goes_on(panel, sample, tmp_path, wait_until, window):
    chosen = panel._parameterNode
    chosen.cohort, chosen.outFolder, chosen.steps = str(sample), str(tmp_path / "out"), [RADIOMICS]
    cases = tmp_path / "out" / RADIOMICS / "cases"
    press(panel.ui.runButton)
    wait_until(lambda: len(list(cases.glob("sample_*/features.json"))) >= 1, 240)
    panel.ui.runCancelButton.click()
    assert not panel.cohort.job.running and "Run goes on" in panel.ui.runProgressLabel.text
    first = min(cases.glob("sample_*/features.json"), key=lambda path: path.stat().st_mtime)
    when = first.stat().st_mtime_ns
    press(panel.ui.runButton)
    wait_until(lambda: not panel.cohort.job.running, 240)
    assert window.shown == []
    assert first.stat().st_mtime_ns == when and len(list(cases.glob("sample_*/features.json"))) == 3
    assert json.loads((tmp_path / "out" / RADIOMICS / "study.json").read_text())["status"] == "done"
