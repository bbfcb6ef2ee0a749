"""The panel of PeritumoralRadiomics: its own .ui file and Widget, with buttons pressed."""

from __future__ import annotations

import itertools
import os
import sys
import time

import numpy as np
import pytest
import slicer
import slicer.util
from PySide6 import QtCore

from PeritumoralRadiomicsLib.settings.presets import preset_descriptions
from PeritumoralSlicerLib.logic import maps as maps_module
from PeritumoralSlicerLib.logic.jobs import FolderJob
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsSlicerLib.layouts import LAYOUT_ID


def press(button):
    """Press a button as a user can: only if it is enabled."""
    assert button.enabled, button.toolTip
    button.click()


def segment_names(case):
    segmentation = case.segmentation.GetSegmentation()
    return [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]


def choose_text(box, text):
    box.setCurrentIndex(box.findText(text))


def outline_reach(panel):
    """How far each outline reaches from the ball's centre along i, mm."""
    found = panel.preview.shown
    reaches = []
    for ring in found.rings:
        across = np.argwhere(ring.field > 0)[:, 2]
        # The zero lies between the last point inside and the next one.
        last = int(across.max())
        k, j = (int(n) for n in np.argwhere(ring.field[:, :, last] > 0)[0])
        here, there = ring.field[k, j, last : last + 2]
        reaches.append(float(last + here / (here - there)) * found.to_world[0, 0] + found.to_world[0, 3] - 22)
    return reaches


@pytest.fixture
def few_features(tmp_path):
    """A parameter file that is quick to compute."""
    path = tmp_path / "few.yaml"
    path.write_text("imageType:\n  Original: {}\nfeatureClass:\n  firstorder: [Mean, Entropy, Energy]\n")
    return path


@pytest.fixture
def rings(panel, case):
    """The small case with rings."""
    panel._parameterNode.distancesMm = "2, 4"
    press(panel.ui.createRingsButton)
    return case


# --- opening and choosing --------------------------------------------------------------------------------------


def test_an_empty_scene_enables_nothing_and_says_what_is_missing(panel):
    assert panel.ui.tumourSelector.currentText == "Choose the tumour"
    assert panel.ui.organSelector.currentText == "No organ: rings go anywhere"
    for button in (panel.ui.createRingsButton, panel.ui.extractButton, panel.ui.mapButton):
        assert not button.enabled
        assert button.toolTip == "Choose a volume first."
    assert not panel.ui.drawButton.enabled
    assert not panel.ui.chartButton.enabled


def test_without_a_segment_the_panel_asks_for_one(panel, case):
    case.segmentation.GetSegmentation().RemoveSegment("Tumour")
    assert not panel.ui.createRingsButton.enabled
    assert panel.ui.createRingsButton.toolTip == "Choose the tumour's segment first, or press Draw tumour."


def test_without_a_segmentation_the_panel_asks_for_one(panel, case):
    panel.ui.segmentationSelector.setCurrentNode(None)
    assert panel.ui.createRingsButton.toolTip == "Choose a segmentation first, or press Draw tumour."


def test_the_only_volume_segmentation_and_segment_are_chosen(panel, case):
    chosen = panel._parameterNode
    assert chosen.volume is case.volume
    assert chosen.segmentation is case.segmentation
    assert chosen.tumourSegment == "Tumour"
    assert panel.ui.tumourSelector.currentText == "Tumour"
    assert panel.ui.createRingsButton.enabled


def test_a_labelmap_or_a_map_of_ours_is_not_taken_for_the_scan(panel, make_case):
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    ours = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "map")
    ours.SetAttribute("PeritumoralRadiomics.Record", "{}")
    panel.enter()
    assert panel._parameterNode.volume is None
    made = make_case()
    panel.enter()
    assert panel._parameterNode.volume is made.volume


def test_what_is_loaded_while_the_panel_is_open_is_chosen_where_nothing_was(panel, make_case, wait_until):
    made = make_case()
    wait_until(lambda: panel._parameterNode.volume)
    chosen = panel._parameterNode
    assert (chosen.volume, chosen.segmentation, chosen.tumourSegment) == (made.volume, made.segmentation, "Tumour")
    assert panel.ui.volumeSelector.currentNode() is made.volume and panel.ui.createRingsButton.enabled
    make_case("Second")
    slicer.app.processEvents()
    assert (chosen.volume, chosen.segmentation) == (made.volume, made.segmentation)


def test_what_the_user_took_back_is_not_chosen_again_by_other_nodes(panel, case):
    slicer.app.processEvents()
    panel.ui.volumeSelector.setCurrentNode(None)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.app.processEvents()
    assert panel._parameterNode.volume is None


def test_nothing_is_chosen_while_another_module_is_open(panel, window, make_case):
    window.select("Data")
    make_case()
    slicer.app.processEvents()
    assert panel.logic.getParameterNode().volume is None
    window.select("PeritumoralRadiomics")
    assert panel._parameterNode.volume.GetName() == "CT"


def test_of_several_segments_none_is_guessed(panel, make_case, draw_segment):
    draw_segment(make_case(), "Liver", np.ones((44, 44, 44)))
    panel.enter()
    assert panel._parameterNode.tumourSegment == ""
    assert panel.ui.tumourSelector.currentText == "Choose the tumour"


BOUND = [
    ("distancesEdit", "text", "1, 2", "distancesMm", "1, 2"),
    ("fractionsEdit", "text", "1/6", "fractions", "1/6"),
    ("layoutSelector", "currentIndex", 1, "layout", "bands"),
    ("planeSelector", "currentIndex", 1, "plane", "largest_slice"),
    ("gapSpinBox", "value", 1.5, "gapMm", 1.5),
    ("rimSpinBox", "value", 2.0, "innerRimMm", 2.0),
    ("minVoxelsSpinBox", "value", 7, "minVoxels", 7),
    ("supersamplingCheckBox", "checked", True, "supersampling", True),
    ("windowCheckBox", "checked", True, "useWindow", True),
    ("windowLowSpinBox", "value", -50.0, "windowLow", -50.0),
    ("windowHighSpinBox", "value", 300.0, "windowHigh", 300.0),
    ("previewCheckBox", "checked", False, "livePreview", False),
    ("parameterFileEdit", "currentPath", "own.yaml", "parameterFile", "own.yaml"),
    ("phaseEdit", "text", "venous", "phase", "venous"),
    ("unionCheckBox", "checked", True, "union", True),
]


@pytest.mark.parametrize(("widget", "attribute", "value", "parameter", "kept"), BOUND, ids=[row[0] for row in BOUND])
def test_a_widget_and_its_parameter_follow_each_other(panel, case, widget, attribute, value, parameter, kept):
    found, chosen = getattr(panel.ui, widget), panel._parameterNode
    before, default = getattr(found, attribute), getattr(chosen, parameter)
    setattr(found, attribute, value)
    assert getattr(chosen, parameter) == kept
    setattr(chosen, parameter, default)
    assert getattr(found, attribute) == before


def test_an_emptied_file_box_goes_back_to_the_preset_and_a_file_of_another_kind_is_not_passed_over(panel, case):
    box = panel.ui.parameterFileEdit.comboBox()
    box.setEditText("own.yaml")
    assert panel._parameterNode.parameterFile == "own.yaml"
    box.setEditText("")
    assert panel._parameterNode.parameterFile == ""
    box.setEditText("notes.txt")
    press(panel.ui.extractButton)
    assert "notes.txt" in panel.ui.statusLabel.text and not panel.extraction.running


def test_choices_are_offered_in_words(panel):
    layouts = [panel.ui.layoutSelector.itemText(n) for n in range(panel.ui.layoutSelector.count)]
    planes = [panel.ui.planeSelector.itemText(n) for n in range(panel.ui.planeSelector.count)]
    assert layouts == ["begins at the tumour (cumulative)", "begins at the one before (bands)"]
    assert planes == ["all directions (3D)", "the largest slice", "the plane of every slice"]


def test_presets_and_engines_are_offered(panel):
    choose_text(panel.ui.presetSelector, panel.ui.presetSelector.itemText(2))
    assert panel._parameterNode.preset == panel.ui.presetSelector.itemData(2)
    assert panel.ui.presetLabel.text == preset_descriptions()[panel._parameterNode.preset]
    panel.ui.engineSelector.setCurrentIndex(1)
    assert panel._parameterNode.engine == panel.ui.engineSelector.currentText


def test_organ_and_exclusions_reach_the_parameters(panel, case, draw_segment):
    for name in ("Liver", "Vessel", "Bone"):
        draw_segment(case, name, np.ones((44, 44, 44)))
    choose_text(panel.ui.organSelector, "Liver")
    box = panel.ui.exclusionSelector
    for row in (box.findText("Vessel"), box.findText("Bone")):
        box.setCheckState(box.checkableModel().index(row, 0), QtCore.Qt.CheckState.Checked)
    assert panel._parameterNode.organSegment == "Liver"
    assert panel._parameterNode.exclusionSegments == ["Vessel", "Bone"]


def test_a_deleted_organ_is_none_and_never_another_segment(panel, case, draw_segment):
    draw_segment(case, "Liver", np.ones((44, 44, 44)))
    choose_text(panel.ui.organSelector, "Liver")
    panel._parameterNode.exclusionSegments = ["Liver"]
    case.segmentation.GetSegmentation().RemoveSegment("Liver")
    assert panel._parameterNode.organSegment == ""
    assert panel._parameterNode.exclusionSegments == []
    assert panel.ui.organSelector.currentText == "No organ: rings go anywhere"
    assert panel.ui.tumourSelector.currentText == "Tumour"


def test_another_segmentation_with_the_same_ids_is_asked_for_anew(panel, case, make_case, draw_segment):
    other = make_case("Other")  # its segments have the ids of those of the first one
    for made in (case, other):
        draw_segment(made, "Liver", np.ones_like(made.ball))
    chosen = panel._parameterNode
    chosen.organSegment, chosen.exclusionSegments, chosen.mapSegment = "Liver", ["Liver"], "Liver"
    assert chosen.tumourSegment == "Tumour"
    panel.ui.segmentationSelector.setCurrentNode(other.segmentation)
    assert (chosen.tumourSegment, chosen.organSegment, chosen.exclusionSegments, chosen.mapSegment) == ("", "", [], "")
    assert panel.ui.tumourSelector.currentText == "Choose the tumour"
    assert not panel.ui.createRingsButton.enabled


def test_a_renamed_segment_stays_chosen(panel, case):
    case.segmentation.GetSegmentation().GetSegment("Tumour").SetName("GTV")
    assert panel.ui.tumourSelector.currentText == "GTV"
    assert panel._parameterNode.tumourSegment == "Tumour"


def test_rings_are_not_offered_as_tumours(panel, rings):
    box = panel.ui.tumourSelector
    assert [box.itemText(n) for n in range(box.count)] == ["Choose the tumour", "Tumour"]


def test_settings_and_results_are_there_after_saving_and_loading(panel, window, rings, tmp_path):
    panel.ui.gapSpinBox.value = 0.5
    panel.ui.layoutSelector.setCurrentIndex(1)
    path = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(path))
    slicer.mrmlScene.Clear(0)
    assert panel.ui.distancesEdit.text == "3, 6, 9"
    assert slicer.mrmlScene.ReadFromMRB(str(path), False)
    chosen = panel._parameterNode
    assert (chosen.distancesMm, chosen.gapMm, chosen.layout) == ("2, 4", 0.5, "bands")
    assert panel.ui.tumourSelector.currentText == "Tumour"
    assert chosen.qualityTable.GetNumberOfRows() == 3
    assert panel.ui.qualityTable.rowCount == 3


def test_loading_a_scene_keeps_every_choice_whatever_the_boxes_choose_meanwhile(
    panel, window, make_case, draw_segment, tmp_path
):
    make_case("Other")
    made = make_case()
    for name in ("Liver", "Bone"):
        draw_segment(made, name, np.ones_like(made.ball))
    panel.enter()
    chosen = panel._parameterNode
    chosen.volume, chosen.segmentation, chosen.tumourSegment = made.volume, made.segmentation, "Tumour"
    chosen.organSegment, chosen.exclusionSegments, chosen.mapSegment = "Liver", ["Bone"], "Liver"
    path = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(path))
    slicer.mrmlScene.Clear(0)
    bound = []

    def fill_boxes(*_):  # Slicer's node boxes are filled when the import ends, before the panel hears of it
        bound.append(panel._parameterNode)
        panel.ui.volumeSelector.setCurrentNode(slicer.util.getNode("Other"))
        panel.ui.segmentationSelector.setCurrentNode(None)

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.EndImportEvent, fill_boxes, 10.0)
    try:
        assert slicer.mrmlScene.ReadFromMRB(str(path), False)
    finally:
        slicer.mrmlScene.RemoveObserver(tag)
    assert bound == [None]
    kept = panel._parameterNode
    assert (kept.volume.GetName(), kept.segmentation.GetName()) == ("CT", "CT segmentation")
    assert (kept.tumourSegment, kept.organSegment, kept.exclusionSegments) == ("Tumour", "Liver", ["Bone"])
    assert kept.mapSegment == "Liver"
    assert panel.ui.volumeSelector.currentNode() is kept.volume


# --- drawing ---------------------------------------------------------------------------------------------------


def test_draw_tumour_begins_with_nothing_but_a_volume_and_comes_back(panel, window, make_case):
    made = make_case()
    slicer.mrmlScene.RemoveNode(made.segmentation)
    panel.enter()
    press(panel.ui.drawButton)
    given = window.editor.given
    assert window.current == "SegmentEditor"
    assert given["volume"] is made.volume
    assert given["segmentation"].GetSegmentation().GetSegment(given["segment"]).GetName() == "Tumour"
    back = [button for button in window.editor.panel.children() if getattr(button, "text", "").startswith("Done")]
    press(back[0])
    assert window.current == "PeritumoralRadiomics"
    assert panel._parameterNode.tumourSegment == given["segment"]
    assert not back[0].visible


def overwrite_mode():
    node = slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
    return None if node is None else node.GetOverwriteMode()


def test_draw_tumour_lets_segments_overlap(panel, window, case):
    press(panel.ui.drawButton)
    assert overwrite_mode() == slicer.vtkMRMLSegmentEditorNode.OverwriteNone


def test_rings_may_be_edited_without_cutting_each_other_however_the_editor_is_opened(panel, case):
    editor = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")  # as Slicer's module makes it
    editor.UnRegister(None)
    editor.SetSingletonTag("SegmentEditor")
    slicer.mrmlScene.AddNode(editor)
    assert overwrite_mode() == slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments
    press(panel.ui.createRingsButton)
    assert overwrite_mode() == slicer.vtkMRMLSegmentEditorNode.OverwriteNone


def test_draw_tumour_opens_the_chosen_segment(panel, window, case):
    press(panel.ui.drawButton)
    assert window.editor.given == {"segmentation": case.segmentation, "volume": case.volume, "segment": "Tumour"}
    assert segment_names(case) == ["Tumour"]


# --- rings -----------------------------------------------------------------------------------------------------


def test_outlines_follow_the_numbers(panel, case, wait_until):
    panel.ui.distancesEdit.text = "3, 6"
    wait_until(lambda: len(panel.preview.outlines) == 2)
    assert outline_reach(panel) == pytest.approx([10, 13], abs=0.6)
    panel.ui.distancesEdit.text = "3, 9"
    wait_until(lambda: outline_reach(panel)[-1] > 14)
    assert outline_reach(panel) == pytest.approx([10, 16], abs=0.6)
    assert panel.ui.previewLabel.text.startswith("ring_0_3mm: ")
    assert segment_names(case) == ["Tumour"]


def test_outlines_are_no_nodes(panel, case, wait_until, scene_text):
    before, nodes = scene_text(), slicer.mrmlScene.GetNumberOfNodes()
    wait_until(lambda: panel.preview.outlines)
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes and scene_text() == before


def test_the_window_lives_between_the_steps_of_a_preview(panel, case, wait_until, monkeypatch):
    wait_until(lambda: panel.preview.outlines)
    moments = []
    plain = panel.logic.previewSteps

    def watched(*given):
        steps = plain(*given)
        while True:
            moments.append("step")
            try:
                next(steps)
            except StopIteration as done:
                return done.value
            yield

    monkeypatch.setattr(panel.logic, "previewSteps", watched)
    timer = QtCore.QTimer()
    timer.timeout.connect(lambda: moments.append("window"))
    timer.start(0)
    panel.ui.distancesEdit.text = "2, 4, 6, 8"
    wait_until(lambda: len(panel.preview.outlines) == 4)
    timer.stop()
    steps = [n for n, moment in enumerate(moments) if moment == "step"]
    assert len(steps) >= 6  # tumour, distance, four rings
    assert all("window" in moments[a:b] for a, b in itertools.pairwise(steps))


def test_the_newest_input_takes_the_place_of_a_preview_that_is_under_way(panel, case, wait_until, monkeypatch):
    wait_until(lambda: panel.preview.outlines)
    begun, ended = [], []
    plain = panel.logic.previewSteps

    def slow(*given):
        begun.append(given[3].outer_mm)
        for _ in range(30):
            yield
        preview = yield from plain(*given)
        ended.append(given[3].outer_mm)
        return preview

    monkeypatch.setattr(panel.logic, "previewSteps", slow)
    panel.ui.distancesEdit.text = "2"
    wait_until(lambda: begun)
    panel.ui.distancesEdit.text = "5"
    wait_until(lambda: panel.preview.outlines == ["ring_0_5mm"])
    assert (begun, ended) == ([(2.0,), (5.0,)], [(5.0,)])


def test_what_is_too_costly_is_said_below_the_numbers(panel, case, wait_until, window):
    wait_until(lambda: panel.preview.outlines)
    panel.ui.distancesEdit.text = ", ".join(str(n / 4) for n in range(1, 60))
    wait_until(lambda: panel.ui.previewLabel.text == "59 rings are too many for outlines; press Create rings")
    assert panel.preview.outlines == [] and window.shown == []


def test_one_change_after_the_other_is_computed_once(panel, case, wait_until, monkeypatch):
    wait_until(lambda: panel.preview.outlines)
    calls = []
    plain = panel.logic.previewSteps
    monkeypatch.setattr(panel.logic, "previewSteps", lambda *given: calls.append(given) or plain(*given))
    for text in ("2", "2, 4", "2, 4, 6", "2, 4, 6, 8"):
        panel.ui.distancesEdit.text = text
    panel.ui.phaseEdit.text = "has nothing to do with rings"
    wait_until(lambda: len(panel.preview.outlines) == 4)
    end = time.monotonic() + 0.5
    wait_until(lambda: time.monotonic() > end)
    assert len(calls) == 1


def test_outlines_follow_the_drawing_of_the_tumour(panel, case, wait_until):
    wait_until(lambda: panel.preview.outlines)
    before = outline_reach(panel)
    k, j, i = np.ogrid[:44, :44, :44]
    larger = ((k - 22) ** 2 + (j - 22) ** 2 + (i - 22) ** 2 <= 100).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(larger, case.segmentation, "Tumour", case.volume)
    wait_until(lambda: outline_reach(panel)[0] > before[0] + 2)


@pytest.mark.parametrize(
    ("widget", "text", "words"),
    [
        ("distancesEdit", "3, six", "'six' is none"),
        ("distancesEdit", "", "no ring is asked for; give distances in mm such as 3, 6, 9"),
        ("distancesEdit", "-3", "outer_mm must be a finite number > 0, got -3"),
        ("fractionsEdit", "1/0", "'1/0' is none"),
    ],
)
def test_nonsense_is_one_line_under_the_numbers(panel, case, wait_until, window, widget, text, words):
    wait_until(lambda: panel.preview.outlines)
    getattr(panel.ui, widget).text = text
    wait_until(lambda: not panel.preview.outlines)
    assert words in panel.ui.previewLabel.text
    assert len(panel.ui.previewLabel.text.splitlines()) == 1
    assert window.shown == []


def test_outlines_go_with_the_switch_with_another_module_and_with_the_scene(panel, case, window, wait_until):
    wait_until(lambda: panel.preview.outlines)
    panel.ui.previewCheckBox.checked = False
    assert panel.preview.outlines == []
    panel.ui.previewCheckBox.checked = True
    wait_until(lambda: panel.preview.outlines)
    window.select("Data")
    assert slicer.mrmlScene.GetFirstNodeByName("ring_0_3mm") is None
    window.select("PeritumoralRadiomics")
    wait_until(lambda: panel.preview.outlines)
    slicer.mrmlScene.Clear(0)
    assert panel.preview.outlines == []


def test_create_rings_adds_segments_and_the_quality_table(panel, case, wait_until):
    wait_until(lambda: panel.preview.outlines)
    panel.ui.distancesEdit.text = "2, 4"
    press(panel.ui.createRingsButton)
    assert segment_names(case) == ["Tumour", "ring_0_2mm", "ring_0_4mm"]
    assert panel.preview.outlines == []
    table = panel._parameterNode.qualityTable
    assert table.GetNumberOfRows() == 3
    shown = panel.ui.qualityTable
    ring = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, "Tumour_ring_0_2mm", case.volume)
    assert [shown.item(row, 0).text() for row in range(3)] == ["intratumour", "ring_0_2mm", "ring_0_4mm"]
    assert shown.item(1, 3).text() == str(np.count_nonzero(ring))
    assert panel.ui.previewLabel.isHidden()


def replace_labelmaps(case):
    """Do to the labelmaps what saving a scene does: other objects, another MTime, the same voxels."""
    segmentation = case.segmentation.GetSegmentation()
    copies = {}
    for number in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(number)
        labelmap = segment.GetRepresentation("Binary labelmap")
        if labelmap not in copies:
            copies[labelmap] = slicer.vtkOrientedImageData()
            copies[labelmap].DeepCopy(labelmap)
        segment.AddRepresentation("Binary labelmap", copies[labelmap])
    segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)


def let_it_settle(panel, wait_until):
    """Wait until the preview has nothing to do any more."""
    end = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > end)


def test_saving_brings_no_preview_back_over_finished_rings(panel, rings, wait_until, tmp_path):
    let_it_settle(panel, wait_until)
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    replace_labelmaps(rings)
    let_it_settle(panel, wait_until)
    assert panel.preview.outlines == [] and panel.ui.previewLabel.isHidden()
    panel.ui.distancesEdit.text = "2, 5"
    wait_until(lambda: panel.preview.outlines == ["ring_0_2mm", "ring_0_5mm"])
    panel.ui.distancesEdit.text = "2, 4"  # back to what is there
    wait_until(lambda: panel.preview.outlines == [])
    assert panel.ui.previewLabel.isHidden()


def test_loading_brings_no_preview_over_finished_rings_and_no_warning_twice(panel, case, wait_until, tmp_path):
    panel.ui.minVoxelsSpinBox.value = 100000  # each ring warns
    press(panel.ui.createRingsButton)
    path = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(path))
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(str(path), False)
    let_it_settle(panel, wait_until)
    assert panel.preview.outlines == [] and panel.ui.previewLabel.isHidden()
    assert "fewer than min_voxels 100000" in panel.ui.qualityNotesLabel.text


def test_the_module_opened_again_shows_no_preview_over_finished_rings(panel, rings, window, wait_until):
    window.select("Data")
    window.select("PeritumoralRadiomics")
    let_it_settle(panel, wait_until)
    assert panel.preview.outlines == []


# --- two tumours -----------------------------------------------------------------------------------------------


@pytest.fixture
def second(panel, case, draw_segment):
    """A second tumour, 5 mm beside the first one."""
    k, j, i = np.ogrid[:44, :44, :44]
    mask = (k - 22) ** 2 + (j - 22) ** 2 + (i - 38) ** 2 <= 16
    draw_segment(case, "Second", mask)
    return mask


def check(box, text, on=True):
    state = QtCore.Qt.CheckState.Checked if on else QtCore.Qt.CheckState.Unchecked
    box.setCheckState(box.checkableModel().index(box.findText(text), 0), state)


def checked(box):
    return [index.data() for index in box.checkedIndexes()]


def test_a_segment_checked_as_another_tumour_is_left_out_and_its_share_is_told(panel, case, second, wait_until):
    box = panel.ui.otherTumourSelector
    assert [box.itemText(n) for n in range(box.count)] == ["Second"] and checked(box) == []
    panel.ui.distancesEdit.text = "8"
    press(panel.ui.createRingsButton)
    ring = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, "Tumour_ring_0_8mm", case.volume)
    assert (ring.astype(bool) & second).any()
    check(box, "Second")
    wait_until(lambda: "lies inside other tumour 'Second' and is left out" in panel.ui.previewLabel.text)
    press(panel.ui.createRingsButton)
    ring = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, "Tumour_ring_0_8mm", case.volume)
    assert not (ring.astype(bool) & second).any()
    assert "lies inside other tumour 'Second' and is left out" in panel.ui.qualityNotesLabel.text
    assert float(panel.ui.qualityTable.item(1, 5).text()) < 100
    check(box, "Second", False)
    press(panel.ui.createRingsButton)
    again = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, "Tumour_ring_0_8mm", case.volume)
    assert (again.astype(bool) & second).any()


def test_a_segment_with_rings_is_checked_by_itself_when_another_tumour_is_chosen(panel, case, second, wait_until):
    panel.ui.distancesEdit.text = "8"
    press(panel.ui.createRingsButton)
    choose_text(panel.ui.tumourSelector, "Second")
    box = panel.ui.otherTumourSelector
    assert checked(box) == ["Tumour"]
    press(panel.ui.createRingsButton)
    ring = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, "Second_ring_0_8mm", case.volume)
    assert ring.any() and not (ring.astype(bool) & case.ball).any()
    choose_text(panel.ui.tumourSelector, "Tumour")
    assert checked(box) == ["Second"]


def test_ticking_a_tumour_leaves_the_open_list_as_it_is(panel, case, second, draw_segment, monkeypatch):
    draw_segment(case, "Third", np.roll(second, 9, axis=0))
    box = panel.ui.otherTumourSelector
    monkeypatch.setattr(type(box), "clear", lambda self: pytest.fail("the list closed under the mouse"))
    check(box, "Third")
    check(box, "Second")
    check(box, "Third", False)
    assert checked(box) == ["Second"]


def test_create_rings_again_replaces_rings_and_rows(panel, rings):
    table = panel._parameterNode.qualityTable
    panel.ui.distancesEdit.text = "5"
    press(panel.ui.createRingsButton)
    assert segment_names(rings) == ["Tumour", "ring_0_5mm"]
    assert panel._parameterNode.qualityTable is table
    assert panel.ui.qualityTable.rowCount == 2


def test_edited_rings_can_be_measured_again(panel, case):
    assert not panel.ui.measureButton.enabled
    panel.ui.distancesEdit.text = "2"
    press(panel.ui.createRingsButton)
    ring = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, "Tumour_ring_0_2mm", case.volume)
    ring[:22] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(ring, case.segmentation, "Tumour_ring_0_2mm", case.volume)
    press(panel.ui.measureButton)
    table = panel._parameterNode.qualityTable.GetTable()
    assert table.GetColumnByName("edited").GetValue(1) == "yes"
    assert table.GetColumnByName("voxels").GetValue(1) == np.count_nonzero(ring)


# --- features --------------------------------------------------------------------------------------------------


def test_extract_runs_in_the_background_and_gives_the_same_table_as_logic(
    panel, rings, few_features, wait_until, window, tmp_path
):
    panel.ui.parameterFileEdit.currentPath = str(few_features)
    ticks, seen = [], []
    timer = QtCore.QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(10)
    panel.ui.extractProgressBar.valueChanged.connect(seen.append)
    press(panel.ui.extractButton)
    assert panel.extraction.running and panel.extraction.pid != os.getpid()
    assert not panel.ui.extractButton.enabled and panel.ui.extractCancelButton.enabled
    wait_until(lambda: not panel.extraction.running)
    timer.stop()
    assert window.shown == []
    assert len(ticks) > 10, "the window stood still"
    assert len(set(seen)) > 2 and max(seen) == 100, "no progress was shown"
    table = panel._parameterNode.featureTable
    expected = panel.logic.extract(rings.segmentation, None, rings.volume, few_features)
    for column in range(expected.GetNumberOfColumns()):
        here, there = table.GetTable().GetColumn(column), expected.GetTable().GetColumn(column)
        assert here.GetName() == there.GetName()
        rows = range(there.GetNumberOfValues())
        assert [here.GetValue(row) for row in rows] == [there.GetValue(row) for row in rows]
    assert panel.ui.logEdit.plainText.strip()
    assert panel.ui.statusLabel.text == f"Features are in the table {table.GetName()}."
    assert [path.name for path in tmp_path.iterdir()] == ["few.yaml"]
    assert panel.ui.extractButton.enabled and not panel.ui.extractProgressBar.visible


def test_results_can_be_filtered_and_charted(panel, rings, few_features, wait_until, window):
    panel.ui.parameterFileEdit.currentPath = str(few_features)
    press(panel.ui.extractButton)
    wait_until(lambda: panel._parameterNode.featureTable)
    rows = panel.ui.featureTableView.model()
    assert rows.rowCount() == 3
    panel.ui.featureFilterEdit.text = "ENTR"
    assert [rows.index(n, 0).data() for n in range(rows.rowCount())] == ["original_firstorder_Entropy"]
    panel.ui.featureFilterEdit.text = ""
    assert rows.rowCount() == 3
    choose_text(panel.ui.chartFeatureSelector, "original_firstorder_Energy")
    press(panel.ui.chartButton)
    chart = panel._parameterNode.chart
    assert chart.GetTitle() == "original_firstorder_Energy"
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == chart.GetID()
    assert window.app.layoutManager().layout == LAYOUT_ID
    choose_text(panel.ui.chartFeatureSelector, "original_firstorder_Mean")
    press(panel.ui.chartButton)
    assert panel._parameterNode.chart is chart
    assert chart.GetTitle() == "original_firstorder_Mean"


def test_extract_again_fills_the_chosen_table_anew(panel, rings, few_features, wait_until):
    panel.ui.parameterFileEdit.currentPath = str(few_features)
    press(panel.ui.extractButton)
    wait_until(lambda: not panel.extraction.running)
    table = panel._parameterNode.featureTable
    panel.ui.unionCheckBox.checked = True
    press(panel.ui.extractButton)
    wait_until(lambda: not panel.extraction.running)
    assert panel._parameterNode.featureTable is table
    assert table.GetNumberOfColumns() == 1 + 3 + 2
    assert panel.ui.featureTableView.model().columnCount() == 6


def test_without_rings_the_tumour_alone_is_measured(panel, case, few_features, wait_until):
    panel.ui.parameterFileEdit.currentPath = str(few_features)
    press(panel.ui.extractButton)
    wait_until(lambda: not panel.extraction.running)
    table = panel._parameterNode.featureTable.GetTable()
    assert [table.GetColumn(n).GetName() for n in range(table.GetNumberOfColumns())] == ["feature", "Tumour"]


def test_features_arrive_while_another_module_is_open(panel, rings, few_features, wait_until, window):
    panel.ui.parameterFileEdit.currentPath = str(few_features)
    press(panel.ui.extractButton)
    window.select("Data")
    wait_until(lambda: not panel.extraction.running)
    window.select("PeritumoralRadiomics")
    assert panel.ui.featureTableView.model().rowCount() == 3


# --- maps ------------------------------------------------------------------------------------------------------


@pytest.fixture
def map_section(panel, rings):
    """The section for maps, open, with a quick map chosen."""
    panel.ui.mapsCollapsibleButton.collapsed = False
    choose_text(panel.ui.mapFeatureSelector, "firstorder_Range")
    choose_text(panel.ui.mapSegmentSelector, "ring_0_2mm")
    panel.ui.mapRadiusSpinBox.value = 1
    return panel


def test_a_map_states_its_time_before_it_starts(map_section, wait_until):
    wait_until(lambda: map_section.ui.mapTimeLabel.text.startswith("Estimating"))
    wait_until(lambda: map_section.ui.mapTimeLabel.text.startswith("Takes about "))
    assert map_section.ui.mapTimeLabel.text.endswith(" on this computer.")
    assert map_section._parameterNode.mapVolume is None


def test_the_time_is_found_out_in_another_process_and_its_folder_goes(map_section, wait_until, tmp_path, monkeypatch):
    monkeypatch.setattr(maps_module, "estimate_seconds", lambda *_, **__: pytest.fail("the window was held up"))
    wait_until(lambda: map_section.maps.time.running)
    assert len(list(tmp_path.iterdir())) == 1
    wait_until(lambda: not map_section.maps.time.running)
    assert list(tmp_path.iterdir()) == []


def test_of_several_changes_the_last_one_is_answered(map_section, wait_until):
    wait_until(lambda: map_section.maps.time.running)
    map_section.ui.mapRadiusSpinBox.value = 2
    wait_until(lambda: map_section.maps.time._next is not None)
    map_section.ui.mapRadiusSpinBox.value = 1
    answered = []
    plain = map_section.maps.time._onAnswer
    map_section.maps.time._onAnswer = lambda *given: answered.append(given) or plain(*given)
    wait_until(lambda: map_section.ui.mapTimeLabel.text.startswith("Takes about "))
    assert [occasion[3] for occasion, _ in answered] == [1]


def test_a_time_that_cannot_be_found_out_is_said_and_the_map_is_made(map_section, wait_until, monkeypatch):
    plain = FolderJob.command

    def without_time(job, python):
        asks = "estimate_only: true" in (job.folder / "job.yaml").read_text()
        return [python, "-c", "import sys; sys.exit(1)"] if asks else plain(job, python)

    monkeypatch.setattr(FolderJob, "command", without_time)
    press(map_section.ui.mapButton)
    wait_until(lambda: map_section.maps.job.running)
    assert map_section.ui.mapTimeLabel.text == "How long it takes is not known."
    wait_until(lambda: not map_section.maps.running)
    assert map_section._parameterNode.mapVolume is not None


def test_closing_the_scene_ends_the_question_of_the_time(map_section, wait_until, tmp_path):
    wait_until(lambda: map_section.maps.time.running)
    slicer.mrmlScene.Clear(0)
    assert not map_section.maps.time.running and not map_section.maps.running
    assert list(tmp_path.iterdir()) == []


def test_another_scenes_foreground_is_left_alone(map_section, make_case, wait_until):
    press(map_section.ui.mapButton)
    wait_until(lambda: map_section._parameterNode.mapVolume)
    slicer.mrmlScene.Clear(0)
    composite = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", "Red")
    made = make_case("PET")
    composite.SetForegroundVolumeID(made.volume.GetID())
    map_section.enter()
    assert composite.GetForegroundVolumeID() == made.volume.GetID()


def test_a_map_is_made_in_the_background_and_laid_over_the_scan(map_section, rings, wait_until, window):
    composite = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", "Red")
    press(map_section.ui.mapButton)
    assert map_section.maps.running and not map_section.ui.mapButton.enabled
    wait_until(lambda: map_section.maps.job.running)
    assert map_section.ui.mapTimeLabel.text.startswith("Takes about ")
    assert not map_section.ui.mapButton.enabled and map_section.ui.mapCancelButton.enabled
    wait_until(lambda: not map_section.maps.job.running)
    assert window.shown == []
    made = map_section._parameterNode.mapVolume
    assert composite.GetForegroundVolumeID() == made.GetID()
    assert composite.GetForegroundOpacity() == 0.5
    map_section.ui.mapOpacitySlider.value = 0.25
    assert composite.GetForegroundOpacity() == 0.25
    expected = map_section.logic.featureMap(
        rings.volume, rings.segmentation, "ring_0_2mm", "firstorder_Range", 1, "wu2021"
    )
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(made), slicer.util.arrayFromVolume(expected))
    map_section.ui.mapVolumeSelector.setCurrentNode(None)
    assert composite.GetForegroundVolumeID() is None


@pytest.fixture
def slow_map(map_section, scene_text, wait_until, monkeypatch):
    """A map that takes long, and the scene before it."""
    plain = FolderJob.command

    def slow(job, python):
        asks = "estimate_only: true" in (job.folder / "job.yaml").read_text()
        return plain(job, python) if asks else [python, "-c", "import time; time.sleep(50)"]

    monkeypatch.setattr(FolderJob, "command", slow)
    before = scene_text()
    press(map_section.ui.mapButton)
    wait_until(lambda: map_section.maps.job.running)
    return before


def test_closing_the_scene_ends_the_map(map_section, slow_map, tmp_path):
    pid = map_section.maps.job.pid
    slicer.mrmlScene.Clear(0)
    assert process_is_gone(pid)
    assert map_section.ui.mapProgressLabel.text == "Stopped: the scene was closed; nothing was kept."
    assert list(tmp_path.iterdir()) == []


def test_a_map_can_be_cancelled(map_section, slow_map, scene_text):
    before = slow_map
    pid = map_section.maps.job.pid
    press(map_section.ui.mapCancelButton)
    assert process_is_gone(pid)
    assert scene_text() == before
    assert map_section.ui.mapProgressLabel.text == "Cancelled; nothing was kept."


def test_a_map_after_a_preset_that_resamples_is_made_and_what_it_leaves_out_is_said_in_one_place(
    map_section, wait_until, window
):
    map_section.ui.presetSelector.setCurrentIndex(map_section.ui.presetSelector.findData("liu2025"))
    wait_until(lambda: map_section.ui.mapTimeLabel.text.startswith("Takes about "))
    assert map_section.ui.mapTimeLabel.text.endswith("without its resampling to 1 x 1 x 1 mm.")
    press(map_section.ui.mapButton)
    wait_until(lambda: map_section._parameterNode.mapVolume)
    assert map_section.ui.statusLabel.text == "" and window.shown == []


def test_a_map_after_a_preset_with_windows_goes_by_the_phase(map_section, wait_until, window):
    map_section.ui.presetSelector.setCurrentIndex(map_section.ui.presetSelector.findData("song2021"))
    wait_until(lambda: "phases arterial, venous" in map_section.ui.mapTimeLabel.text)
    map_section.ui.phaseEdit.text = "venous"
    wait_until(lambda: map_section.ui.mapTimeLabel.text.startswith("Takes about "))


def test_a_folded_section_computes_nothing(panel, rings, wait_until, monkeypatch):
    monkeypatch.setattr(panel.logic, "requestMap", lambda *_: pytest.fail("an estimate was made"))
    panel.ui.mapRadiusSpinBox.value = 3
    end = time.monotonic() + 0.4
    wait_until(lambda: time.monotonic() > end)
    assert panel.ui.mapTimeLabel.text == ""


# --- what goes wrong -------------------------------------------------------------------------------------------


def process_is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def slow_job(panel, rings, scene_text, monkeypatch):
    """An extraction that takes long, and the scene before it."""
    panel.ui.presetSelector.setCurrentIndex(panel.ui.presetSelector.findData("wu2021"))
    sleeps = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', 'import time; time.sleep(50)'])"
    monkeypatch.setattr(FolderJob, "command", lambda self, python: [python, "-c", sleeps])
    before = scene_text()
    press(panel.ui.extractButton)
    return before


def test_cancel_ends_the_job_and_leaves_the_scene(panel, slow_job, scene_text, tmp_path):
    pid = panel.extraction.pid
    press(panel.ui.extractCancelButton)
    assert process_is_gone(pid)
    assert panel.ui.extractProgressLabel.text == "Cancelled; nothing was kept."
    assert scene_text() == slow_job
    assert list(tmp_path.iterdir()) == []
    assert panel.ui.extractButton.enabled and not panel.ui.extractCancelButton.enabled


def test_closing_the_scene_ends_the_job(panel, slow_job, window, tmp_path):
    pid = panel.extraction.pid
    slicer.mrmlScene.Clear(0)
    assert process_is_gone(pid)
    assert panel.ui.extractProgressLabel.text == "Stopped: the scene was closed; nothing was kept."
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert list(tmp_path.iterdir()) == []
    assert window.shown == []


def test_closing_the_module_ends_the_job(panel, slow_job):
    pid = panel.extraction.pid
    panel.cleanup()
    assert process_is_gone(pid)
    panel.setup()


@pytest.mark.parametrize("role", ["volume", "segmentation"])
def test_a_node_deleted_meanwhile_is_one_line(panel, rings, few_features, wait_until, window, role):
    panel.ui.parameterFileEdit.currentPath = str(few_features)
    press(panel.ui.extractButton)
    node = getattr(rings, role)
    slicer.mrmlScene.RemoveNode(node)
    wait_until(lambda: not panel.extraction.running)
    words = f"the {role} {node.GetName()!r} is no longer in the scene; choose another"
    assert panel.ui.statusLabel.text == words
    assert window.shown == [f"The features could not be extracted.\n\n{words}"]
    assert panel._parameterNode.featureTable is None


def test_a_job_that_fails_shows_its_message(panel, case, wait_until, window, scene_text, monkeypatch):
    plain = panel.logic.exportJob

    def with_unknown_engine(*given, **named):
        job = plain(*given, **named)
        path = job.folder / "job.yaml"
        path.write_text(path.read_text().replace("engine: native", "engine: abacus"))
        return job

    monkeypatch.setattr(panel.logic, "exportJob", with_unknown_engine)
    before = scene_text()
    press(panel.ui.extractButton)
    wait_until(lambda: not panel.extraction.running)
    assert "abacus" in panel.ui.statusLabel.text
    assert len(panel.ui.statusLabel.text.splitlines()) == 1
    assert window.shown == [f"The features could not be extracted.\n\n{panel.ui.statusLabel.text}"]
    assert scene_text() == before


def test_a_job_that_is_killed_is_one_line(panel, slow_job, wait_until, window, scene_text):
    os.kill(panel.extraction.pid, 9)
    wait_until(lambda: not panel.extraction.running)
    assert "the job was stopped or ended by force; run it again" in panel.ui.statusLabel.text
    assert len(window.shown) == 1
    assert scene_text() == slow_job


@pytest.fixture
def no_wavelets(monkeypatch):
    """A Slicer without PyWavelets; nothing may be installed in a test."""
    from importlib import metadata

    plain = metadata.version

    def without_wavelets(name):
        if name == "PyWavelets":
            raise metadata.PackageNotFoundError(name)
        return plain(name)

    monkeypatch.setattr(metadata, "version", without_wavelets)
    monkeypatch.setitem(sys.modules, "pywt", None)
    monkeypatch.setattr(
        "RadiomicsSlicerLib.dependencies._run_pip", lambda *_: pytest.fail("was installed nevertheless")
    )


@pytest.mark.parametrize("as_file", [False, True], ids=["preset", "file that names its wavelet"])
def test_a_declined_installation_is_one_line_and_no_second_dialog(
    panel, case, window, scene_text, tmp_path, monkeypatch, no_wavelets, as_file
):
    cursors = []
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text, **_: cursors.append(window.app.cursors))
    if as_file:
        (tmp_path / "coif1.yaml").write_text("imageType:\n  Wavelet: {wavelet: coif1}\n")
        panel.ui.parameterFileEdit.currentPath = str(tmp_path / "coif1.yaml")
    else:
        panel.ui.presetSelector.setCurrentIndex(panel.ui.presetSelector.findData("zhang2024"))
    before = scene_text()
    press(panel.ui.extractButton)
    assert not panel.extraction.running
    assert panel.ui.statusLabel.text.startswith("PyWavelets>=1.5 is needed and was not installed; ")
    assert cursors == [0], "the question was asked under the wait cursor"
    assert window.shown == []
    assert scene_text() == before


def test_an_installation_that_failed_is_one_calm_message_with_pips_words_folded(
    panel, case, window, monkeypatch, no_wavelets
):
    said = (
        "The conflict is caused by:\n    pywavelets 2 depends on numpy>=3\n    The user requested (constraint) numpy==1"
    )
    monkeypatch.setattr("RadiomicsSlicerLib.dependencies._run_pip", lambda *_: (1, said))
    panel.ui.presetSelector.setCurrentIndex(panel.ui.presetSelector.findData("zhang2024"))
    press(panel.ui.extractButton)
    _question, message = window.shown
    assert "pywavelets 2 wants numpy>=3, and numpy" in panel.ui.statusLabel.text
    assert message == f"The extraction could not be started.\n\n{panel.ui.statusLabel.text}"
    assert window.details == [said]


def test_a_folder_that_cannot_be_written_is_one_line(panel, case, window, scene_text, tmp_path):
    blocked = tmp_path / "file instead of a folder"
    blocked.write_text("")
    window.app.temporaryPath = str(blocked)
    before = scene_text()
    press(panel.ui.extractButton)
    assert not panel.extraction.running
    assert "cannot be written" in panel.ui.statusLabel.text
    assert len(panel.ui.statusLabel.text.splitlines()) == 1
    assert scene_text() == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only for this user")
def test_a_read_only_folder_is_one_line(panel, case, window, tmp_path):
    tmp_path.chmod(0o500)
    try:
        press(panel.ui.extractButton)
        assert "cannot be written" in panel.ui.statusLabel.text
    finally:
        tmp_path.chmod(0o700)


def test_a_disk_that_is_full_leaves_no_folder(panel, case, monkeypatch, tmp_path):
    def fill_up(folder, *given, **named):
        folder.mkdir()
        (folder / "image.mha").write_text("half of it")
        raise InputError("image.mha cannot be written; check free space")

    monkeypatch.setattr(panel.logic, "exportJob", fill_up)
    press(panel.ui.extractButton)
    assert panel.ui.statusLabel.text == "image.mha cannot be written; check free space"
    assert list(tmp_path.iterdir()) == []
    assert not panel.extraction.running


def make_empty(case):
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        np.zeros((44, 44, 44), np.uint8), case.segmentation, "Tumour", case.volume
    )


def take_the_voxels(case):
    case.volume.SetAndObserveImageData(None)


def move_far_away(case):
    case.volume.SetOrigin(5000, 0, 0)


BAD_INPUTS = {
    "an empty segment": (make_empty, "segment 'Tumour' is empty; draw it, or choose another segment"),
    "a volume without scalars": (take_the_voxels, "volume 'CT' holds no voxels; load its image first"),
    "another patient's volume": (move_far_away, "does not overlap"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
@pytest.mark.parametrize("button", ["createRingsButton", "extractButton", "mapButton"])
def test_bad_input_is_one_line_and_leaves_the_scene(panel, case, window, scene_text, name, button):
    spoil, words = BAD_INPUTS[name]
    spoil(case)
    before = scene_text()
    press(getattr(panel.ui, button))
    assert words in panel.ui.statusLabel.text
    assert len(panel.ui.statusLabel.text.splitlines()) == 1
    assert len(window.shown) == 1
    assert scene_text() == before
    assert not panel.extraction.running and not panel.maps.running


def test_nothing_can_be_drawn_on_a_volume_without_scalars(panel, case, window, scene_text):
    take_the_voxels(case)
    before = scene_text()
    press(panel.ui.drawButton)
    assert panel.ui.statusLabel.text == "volume 'CT' holds no voxels; load its image first"
    assert window.current == "PeritumoralRadiomics"
    assert scene_text() == before


@pytest.mark.parametrize("role", ["volume", "segmentation"])
def test_a_node_deleted_while_a_map_is_made_is_one_line(map_section, rings, wait_until, window, role):
    press(map_section.ui.mapButton)
    wait_until(lambda: map_section.maps.job.running)
    node = getattr(rings, role)
    slicer.mrmlScene.RemoveNode(node)
    wait_until(lambda: not map_section.maps.running)
    words = f"the {role} {node.GetName()!r} is no longer in the scene; choose another"
    assert map_section.ui.statusLabel.text == words
    assert window.shown == [f"The map could not be made.\n\n{words}"]
    assert map_section._parameterNode.mapVolume is None


def test_a_node_deleted_while_the_time_is_found_out_starts_no_map(map_section, rings, wait_until, window):
    press(map_section.ui.mapButton)
    assert map_section.maps.time.running
    slicer.mrmlScene.RemoveNode(rings.segmentation)
    wait_until(lambda: not map_section.maps.time.running)
    assert not map_section.maps.running and window.shown == []
    assert not map_section.ui.mapButton.enabled
    assert map_section.ui.mapTimeLabel.text == "Choose a segmentation first, or press Draw tumour."


def test_a_map_whose_folder_cannot_be_written_is_one_line(map_section, window, scene_text, tmp_path):
    blocked = tmp_path / "file instead of a folder"
    blocked.write_text("")
    window.app.temporaryPath = str(blocked)
    before = scene_text()
    press(map_section.ui.mapButton)
    assert not map_section.maps.running and map_section.ui.mapButton.enabled
    assert "cannot be written" in map_section.ui.statusLabel.text + map_section.ui.mapTimeLabel.text
    assert scene_text() == before


def test_a_segmentation_of_surfaces_only_is_converted(panel, case):
    segmentation = case.segmentation.GetSegmentation()
    name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    case.segmentation.CreateClosedSurfaceRepresentation()
    case.segmentation.SetSourceRepresentationToClosedSurface()
    case.segmentation.RemoveBinaryLabelmapRepresentation()
    assert segmentation.GetSourceRepresentationName() == name
    press(panel.ui.createRingsButton)
    assert segment_names(case) == ["Tumour", "ring_0_3mm", "ring_0_6mm", "ring_0_9mm"]


def test_a_fault_of_the_program_is_shown_and_raised(panel, case, window):
    with pytest.raises(ZeroDivisionError), panel.reporting("It failed."):
        _ = 1 / 0
    assert window.shown == ["It failed.\n\ndivision by zero"]
    assert "Traceback" in window.details[0]  # folded


def test_an_error_of_ours_is_shown_once_and_not_raised(panel, window):
    with panel.reporting("It failed."):
        raise RadiomicsError("three is no colour; choose red")
    assert window.shown == ["It failed.\n\nthree is no colour; choose red"]
    assert window.details == [""]
    assert panel.ui.statusLabel.text == "three is no colour; choose red"


def test_reopening_and_closing_scenes_leaves_no_second_binding(panel, case, window, monkeypatch):
    for _ in range(3):
        window.select("Data")
        window.select("PeritumoralRadiomics")
    calls = []
    monkeypatch.setattr(panel, "onPreview", lambda: calls.append(1))
    panel.ui.gapSpinBox.value = 1.0
    assert panel._parameterNode.gapMm == 1.0
    before = panel._parameterNode
    window.select("Data")
    panel.ui.gapSpinBox.value = 2.0
    assert before.gapMm == 1.0
