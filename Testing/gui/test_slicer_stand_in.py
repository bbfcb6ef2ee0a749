"""The stand-in is as strict as the application: one test for each thing that was seen to differ there.

The rules are those seen in Slicer 5.8.1; what a widget of CTK does was read in CTK's sources.
"""

from __future__ import annotations

import doctest
import io
import sys
import types

import faults
import layout_manager
import numpy as np
import pytest
import pythonqt
import slicer
import slicer.util
import slicer_console
import slicer_window
import vtk
from layout_manager import levels_without_sizes
from PySide6 import QtCore, QtWidgets
from slicer_console import SlicerConsole, garbled
from slicer_walk import pixels
from slicer_walk.pixels import count_changed, count_colour, pixels_of

LABELMAP = "Binary labelmap"


@pytest.fixture
def qt(window):
    """What ``import qt`` gives."""
    return sys.modules["qt"]


@pytest.fixture
def scan(window, make_case):
    """A small case that nothing is done with."""
    return make_case()


# --- 1. what PythonQt cannot return; properties ------------------------------------------------------------------


def test_a_method_that_returns_a_class_without_default_constructor_is_refused_by_every_widget(qt):
    for base in pythonqt.CLASSES.values():
        if not issubclass(base, QtWidgets.QWidget):
            continue
        widget = pythonqt.mannered(base)()
        # What PythonQt's own wrappers of QWidget (generated for Qt 5.11) return by value and cannot make.
        assert set(pythonqt.refused(base)) == {"fontMetrics", "fontInfo"}, base
        for name in ("fontMetrics", "fontInfo"):
            with pytest.raises(ValueError, match=rf"Called {name}\(\)"):
                getattr(widget, name)()
        assert qt.QFontMetrics(widget.font).height() > 0


def test_a_property_is_an_attribute_and_cannot_be_called(qt):
    label = qt.QLabel()
    label.text = "ring"
    assert label.text == "ring"
    for call in (lambda: label.text(), lambda: label.font(), lambda: label.width()):
        with pytest.raises(TypeError, match="not callable"):
            call()


def test_what_qt_made_itself_has_the_same_manners(qt):
    table = qt.QTableWidget()
    header = table.horizontalHeader()
    header.stretchLastSection = True
    assert header.stretchLastSection is True and table.horizontalHeader() == header
    assert table.viewport().width == QtWidgets.QWidget.width(table.viewport().found)
    with pytest.raises(ValueError, match="QFontMetrics"):
        header.fontMetrics()


def test_a_signal_exists_with_just_its_arguments(qt):
    box = qt.QComboBox()
    for signature in ("currentIndexChanged(int)", "currentIndexChanged( int )", "editTextChanged(const QString&)"):
        box.connect(signature, print)
    for signature in ("currentIndexChanged(bool)", "clicked()", "currentIndexChanged"):
        with pytest.raises(ValueError, match="has no signal"):
            box.connect(signature, print)


# --- 2. signals come when the real widget's do --------------------------------------------------------------------


def listened(widget, *signals):
    """Return a list that grows with the signals of a widget."""
    heard = []
    for signal in signals:
        getattr(widget, signal).connect(lambda *given, signal=signal: heard.append((signal, *given)))
    return heard


def test_an_emptied_path_is_told_by_valid_input_changed_alone(window):
    edit = slicer.ctkPathLineEdit()
    edit.nameFilters = ["parameters (*.yaml *.yml)"]
    heard = listened(edit, "currentPathChanged", "validInputChanged")
    edit.currentPath = "a.yaml"
    edit.currentPath = "b.yml"
    edit.currentPath = ""
    edit.currentPath = "notes.txt"
    assert heard == [
        ("currentPathChanged", "a.yaml"),
        ("validInputChanged", True),
        ("currentPathChanged", "b.yml"),
        ("validInputChanged", False),
    ]
    assert edit.currentPath == "notes.txt"


def test_without_filters_any_path_but_an_empty_one_is_told(window):
    edit = slicer.ctkPathLineEdit()
    heard = listened(edit, "currentPathChanged")
    edit.currentPath = "anything"
    edit.currentPath = ""
    assert heard == [("currentPathChanged", "anything")]


def test_a_section_that_code_folds_tells_it_once(window):
    section = slicer.ctkCollapsibleButton()
    heard = listened(section, "contentsCollapsed")
    section.collapsed = True
    section.collapsed = True
    section.collapsed = False
    assert heard == [("contentsCollapsed", True), ("contentsCollapsed", False)]


def test_checking_what_is_checked_tells_nothing(window):
    box = slicer.ctkCheckableComboBox()
    box.addItems(["Vessel", "Bone"])
    heard = listened(box, "checkedIndexesChanged")
    index = box.checkableModel().index(0, 0)
    for state in (QtCore.Qt.CheckState.Checked, QtCore.Qt.CheckState.Checked, QtCore.Qt.CheckState.Unchecked):
        box.setCheckState(index, state)
    box.setItemText(1, "Bones")
    assert heard == [("checkedIndexesChanged",)] * 2


# --- 3. exceptions are printed, swallowed and noted ---------------------------------------------------------------


def test_an_exception_in_a_slot_goes_no_further_and_is_a_fault(window, qt, capfd):
    button = qt.QPushButton("Press")
    after = []
    button.connect("clicked()", lambda: 1 / 0)
    button.connect("clicked(bool)", lambda on: after.append(on))
    with window.faults.expected("ZeroDivisionError"):
        button.click()
    assert after == [False]
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_an_exception_in_an_observer_or_a_timer_is_a_fault_too(window, qt, wait_until):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: {}["missing"])
    with window.faults.expected("KeyError: 'missing'"):
        node.Modified()
    with window.faults.expected("ZeroDivisionError"):
        qt.QTimer.singleShot(1, lambda: 1 / 0)
        wait_until(lambda: window.faults.found)


def test_a_panel_whose_setup_failed_goes_on_receiving_events(window, monkeypatch):
    called = []

    class BrokenWidget:
        def __init__(self, parent):
            self.parent = parent

        def setup(self):
            raise ValueError("cannot be made")

        def enter(self):
            called.append("enter")

        def exit(self):
            raise RuntimeError("nor left")

        def cleanup(self):
            called.append("cleanup")

    monkeypatch.setattr(slicer_window, "MODULES", ("Broken",))
    monkeypatch.setitem(sys.modules, "Broken", types.SimpleNamespace(BrokenWidget=BrokenWidget))
    with window.faults.expected("cannot be made"):
        window.open_panel("Broken")
    with window.faults.expected("nor left"):
        window.select("Data")
    window.close()
    assert called == ["enter", "cleanup"]


def test_a_test_that_expects_a_fault_fails_without_it(window):
    with pytest.raises(AssertionError, match="no fault says 'sparks'"), window.faults.expected("sparks"):
        pass


def test_critical_messages_of_qt_and_errors_of_vtk_are_faults(window):
    with window.faults.expected("wires crossed"):
        QtCore.qCritical("wires crossed")
    QtCore.qDebug("a remark is none")
    app = sys.modules["slicer_core_app"].bring_up()
    vtk.vtkXMLPolyDataReader().Update()  # without a file
    assert app.errors()
    app.clear()


# --- 4. and 7. the scene ------------------------------------------------------------------------------------------


def shown_model():
    """A model node and its display node."""
    display = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelDisplayNode")
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Outline")
    model.SetAndObserveDisplayNodeID(display.GetID())
    return model, display


def test_a_model_takes_its_display_nodes_along(window):
    model, display = shown_model()
    slicer.mrmlScene.RemoveNode(model)
    assert display.GetScene() is None


def test_removing_a_node_that_has_no_scene_is_a_fault(window):
    model, display = shown_model()
    slicer.mrmlScene.RemoveNode(model)
    for node in (model, display):
        with window.faults.expected(f"{node.GetClassName()} {node.GetName()!r} has no scene"):
            slicer.mrmlScene.RemoveNode(node)


def labelmaps(case):
    segmentation = case.segmentation.GetSegmentation()
    return [
        segmentation.GetNthSegment(n).GetRepresentation(LABELMAP) for n in range(segmentation.GetNumberOfSegments())
    ]


def test_saving_replaces_labelmaps_and_keeps_their_voxels(scan, draw_segment, tmp_path):
    far = np.roll(scan.ball, 15, axis=0) & ~scan.ball
    draw_segment(scan, "Far", far)
    told = []
    scan.segmentation.AddObserver(slicer.vtkSegmentation.SourceRepresentationModified, lambda *_: told.append(1))
    before = labelmaps(scan)
    times = [labelmap.GetMTime() for labelmap in before]
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    after = labelmaps(scan)
    assert not set(before) & set(after) and told
    assert min(labelmap.GetMTime() for labelmap in after) > max(times)
    for segment, drawn in (("Tumour", scan.ball), ("Far", far)):
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(scan.segmentation, segment, scan.volume)
        np.testing.assert_array_equal(voxels, drawn)


# --- 5. and 11. views ---------------------------------------------------------------------------------------------


def shown_in(slice_views, name="Red"):
    widget = slice_views.sliceWidget(name)
    widget.sliceView().forceRender()
    return pixels_of(widget.sliceView().renderWindow())


def test_a_legend_stays_silent_when_code_sets_the_layers(slice_views, scan):
    from RadiomicsCoreLib.images.geometry import IndexBox
    from RadiomicsSlicerLib.volumes.overlays import put_map

    values = np.where(scan.ball, np.arange(scan.ball.size).reshape(scan.ball.shape), np.nan)
    overlay = put_map(
        values, IndexBox((0, 0, 0), (44, 44, 44)), scan.volume, name="map", record={"feature": "map"}, sources={}
    )
    slicer.util.setSliceViewerLayers(background=scan.volume, foreground=overlay, foregroundOpacity=0.5, fit=True)
    silent = shown_in(slice_views)
    slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLColorLegendDisplayNode").Modified()
    assert count_changed(silent, shown_in(slice_views)) > 200


def test_shown_is_a_matter_of_pixels(slice_views, scan):
    slicer.util.setSliceViewerLayers(background=scan.volume, fit=True)
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, 22, 22, 22)
    scan.segmentation.GetSegmentation().GetSegment("Tumour").SetColor(1, 0, 0)
    for name in ("Red", "Yellow", "Green"):
        assert count_colour(shown_in(slice_views, name), (1, 0, 0)) > 20, name
    scan.segmentation.GetDisplayNode().SetVisibility(False)
    assert scan.segmentation.GetSegmentation().GetSegment("Tumour") is not None
    assert count_colour(shown_in(slice_views), (1, 0, 0)) == 0


def test_views_leave_nothing_in_the_scene(window, slice_views, scan):
    window.app.layout_manager.close_views()
    for kind in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
        assert slicer.mrmlScene.GetFirstNodeByClass(kind) is None


# --- 6. layouts ---------------------------------------------------------------------------------------------------


def test_a_splitter_level_without_sizes_is_a_fault(window):
    view = '<view class="vtkMRMLSliceNode" singletontag="Red"/>'
    loose = f'<layout type="vertical" split="true"><item>{view}</item><item>{view}</item></layout>'
    sized = loose.replace("<item>", '<item splitSize="500">')
    assert (levels_without_sizes(loose), levels_without_sizes(sized)) == (1, 0)
    manager = window.app.layoutManager()
    for number, description in ((601, sized), (602, loose)):
        manager.node.AddLayoutDescription(number, description)
    manager.setLayout(601)
    with window.faults.expected("no splitSize"):
        manager.setLayout(602)


# --- 8. dialogs ---------------------------------------------------------------------------------------------------


def clicked(qt, *dialogs):
    button = qt.QPushButton("Extract")
    for dialog in dialogs:
        button.connect("clicked()", dialog)
    button.click()


def error():
    slicer.util.errorDisplay("it failed")


def question():
    slicer.util.confirmOkCancelDisplay("install?")


def test_one_message_a_click_is_no_fault(window, qt):
    clicked(qt, error)
    clicked(qt, question, error)
    assert window.shown == ["it failed", "install?", "it failed"]


def test_a_second_message_of_a_click_is_a_fault(window, qt):
    with window.faults.expected("one click opens 2 messages"):
        clicked(qt, error, error)


@pytest.mark.parametrize("more", [error, question])
def test_any_dialog_after_a_no_is_a_fault(window, qt, more):
    window.answer = False
    with window.faults.expected("after the user has said no"):
        clicked(qt, question, more)


# --- 9. the console -----------------------------------------------------------------------------------------------


def test_the_console_writes_as_many_bytes_as_a_text_has_characters():
    assert garbled("Größe…") == "Größ"
    assert garbled("plain") == "plain"
    shown = io.StringIO()
    console = SlicerConsole(shown)
    print("3 rings of Größe", file=console)
    print("3 rings", file=console)
    assert console.spoilt == ["3 rings of Größe"]
    assert shown.getvalue() == "3 rings of Grö\N{REPLACEMENT CHARACTER}\n3 rings\n"


# --- 10. the Segment Editor ---------------------------------------------------------------------------------------


def test_painting_cuts_the_other_segments_unless_overlap_is_allowed(window, scan, draw_segment):
    draw_segment(scan, "Ring", np.roll(scan.ball, 20, axis=0))
    window.select("SegmentEditor")
    editor = window.editor
    editor.setSegmentationNode(scan.segmentation)
    editor.setSourceVolumeNode(scan.volume)
    editor.setCurrentSegmentID("Ring")
    node = editor.mrmlSegmentEditorNode()
    assert node.GetOverwriteMode() == node.OverwriteAllSegments
    half = scan.ball.copy()
    half[:22] = False

    def tumour():
        return slicer.util.arrayFromSegmentBinaryLabelmap(scan.segmentation, "Tumour", scan.volume) != 0

    node.SetOverwriteMode(node.OverwriteNone)
    editor.paint(half)
    np.testing.assert_array_equal(tumour(), scan.ball)
    node.SetOverwriteMode(node.OverwriteVisibleSegments)
    scan.segmentation.GetDisplayNode().SetSegmentVisibility("Tumour", False)
    editor.paint(half)
    np.testing.assert_array_equal(tumour(), scan.ball)
    node.SetOverwriteMode(node.OverwriteAllSegments)
    editor.paint(half)
    np.testing.assert_array_equal(tumour(), scan.ball & ~half)


def test_the_examples_of_the_stand_in_hold(window):
    for module in (faults, layout_manager, pixels, pythonqt, slicer_console):
        result = doctest.testmod(module)
        assert result.failed == 0, module.__name__
