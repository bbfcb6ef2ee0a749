"""The life of a panel: nothing of it is left behind, whenever it goes."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
import slicer
import vtk
from PySide6 import QtCore

from RadiomicsSlicerLib.module_widget import FAILURE_LABEL


def observed(node):
    """Whether anybody follows the changes of a node."""
    return bool(node.HasObserver(vtk.vtkCommand.ModifiedEvent))


@pytest.fixture
def older_disconnect(panel, monkeypatch):
    """As in Slicer 5.8 and 5.10: disconnectGui lets go of the widgets and leaves its observation of the node."""

    def disconnectGui(self, tag):
        for connector in self._guis.pop(tag, {}).values():
            connector.onChanged(None)
        self._observers.pop(tag, None)

    monkeypatch.setattr(type(panel._parameterNode), "disconnectGui", disconnectGui)
    return panel


def test_closing_the_panel_leaves_no_observer_of_the_parameter_node(panel, window):
    node = panel._parameterNode.parameterNode
    assert observed(node)
    window.select("Data")
    assert not observed(node)


def test_nor_in_slicer_up_to_5_10(older_disconnect, window):
    node = older_disconnect._parameterNode.parameterNode
    for _ in range(3):
        window.select("PeritumoralRadiomics")
        window.select("Data")
    assert not observed(node)


def test_wrappers_of_the_parameter_node_do_not_pile_up(panel, window):
    wrappers = []
    for _ in range(3):
        wrappers.append(weakref.ref(panel._parameterNode))
        window.select("Data")
        window.select("PeritumoralRadiomics")
    gc.collect()
    assert [wrapper() for wrapper in wrappers] == [None, None, None]


def test_cleanup_before_setup_does_nothing(window):
    import pythonqt
    from PySide6 import QtWidgets

    import PeritumoralRadiomics

    parent = pythonqt.mannered(QtWidgets.QWidget)()
    QtWidgets.QVBoxLayout(parent)
    panel = PeritumoralRadiomics.PeritumoralRadiomicsWidget(parent)
    panel.cleanup()


@pytest.fixture
def half_made(window, monkeypatch):
    """A panel whose setup fails on the way, as Slicer leaves it: it goes on receiving events."""
    import pythonqt
    from PySide6 import QtWidgets

    import PeritumoralRadiomics
    from PeritumoralSlicerLib.panel import peritumoral_widget

    def refuse(*_):
        raise ValueError("Called fontMetrics() -> QFontMetrics, has no default constructor\nand more lines")

    monkeypatch.setattr(peritumoral_widget, "QualityView", refuse)
    parent = pythonqt.mannered(QtWidgets.QWidget)()
    QtWidgets.QVBoxLayout(parent)
    panel = PeritumoralRadiomics.PeritumoralRadiomicsWidget(parent)
    window.panels["PeritumoralRadiomics"] = panel
    with pytest.raises(ValueError, match="fontMetrics"):  # for the Python console, once
        panel.setup()
    return panel


def test_a_panel_that_could_not_be_built_says_so_once_and_answers_nothing_any_more(half_made, window, make_case):
    window.select("PeritumoralRadiomics")
    made = make_case()
    window.select("Data")
    window.select("PeritumoralRadiomics")
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    assert made.segmentation.GetScene() is None and half_made.Observations == []
    half_made.parent.show()
    slicer.app.processEvents()
    shown = [child for child in half_made.parent.children() if getattr(child, "visible", False)]
    assert [child.name for child in shown] == [FAILURE_LABEL]
    words = shown[0].text
    assert "Called fontMetrics() -> QFontMetrics, has no default constructor" in words and "\n" not in words
    assert "Update the extension and Slicer" in words
    assert window.shown == []


def test_the_panel_calls_no_method_whose_value_pythonqt_cannot_return(window, monkeypatch):
    import pythonqt
    from PySide6 import QtWidgets

    def refuse(self):
        raise ValueError(f"Called fontMetrics() const -> QFontMetrics on {type(self).__name__}")

    for kind in (QtWidgets.QTableWidget, QtWidgets.QLabel, QtWidgets.QTableView):
        monkeypatch.setattr(pythonqt.mannered(kind), "fontMetrics", refuse, raising=False)
    assert window.open_panel("PeritumoralRadiomics").isReady


def test_reloading_leaves_no_observer_no_timer_no_thread_and_no_model(panel, case, window, wait_until):
    panel.ui.mapsCollapsibleButton.collapsed = False
    wait_until(lambda: panel.preview.outlines and panel.maps.time.running)
    node, threads = panel._parameterNode.parameterNode, threading.active_count()
    panel.cleanup()
    wait_until(lambda: threading.active_count() < threads)
    assert panel.Observations == []
    assert not observed(node)
    assert not panel.maps.time.running and not panel.extraction.running
    assert not panel._previewSoon._timer.isActive() and not panel.maps._estimateSoon._timer.isActive()
    assert slicer.mrmlScene.GetFirstNodeByName("ring_0_3mm") is None
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")  # nobody answers any more
    panel.setup()


def test_reloading_takes_the_button_out_of_the_segment_editor(panel, case, window):
    panel.ui.drawButton.click()
    (button,) = [child for child in window.editor.panel.children() if getattr(child, "text", "").startswith("Done")]
    panel.cleanup()
    assert button.isHidden()


def test_a_closed_scene_leaves_no_segmentation_in_memory(panel, make_case):
    made = make_case()
    panel.enter()
    segmentation = weakref.ref(made.segmentation)
    del made
    slicer.mrmlScene.Clear(0)
    gc.collect()
    assert segmentation() is None


@pytest.mark.parametrize("state", ["waiting for outlines", "outlines shown", "estimating", "in another module"])
def test_the_scene_can_be_closed_in_any_state(panel, case, window, wait_until, state):
    panel.ui.mapsCollapsibleButton.collapsed = False
    if state == "outlines shown":
        wait_until(lambda: panel.preview.outlines)
    elif state == "estimating":
        wait_until(lambda: panel.maps.time.running)
    elif state == "in another module":
        window.select("Data")
    slicer.mrmlScene.Clear(0)
    end = QtCore.QDeadlineTimer(400)
    wait_until(end.hasExpired)
    assert window.shown == []
    assert panel.preview.outlines == [] and not panel.maps.time.running
    models = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLModelNode")]
    # Slicer's slice views, where another test has shown some, keep a model each over a closed scene.
    assert [name for name in models if not name.endswith("Volume Slice")] == []
    if state != "in another module":
        assert panel.ui.createRingsButton.toolTip == "Choose a volume first."


def test_a_panel_in_a_window_of_its_own_follows_the_scene(panel):
    del panel.parent.isEntered
    assert panel.isOpen
    slicer.mrmlScene.Clear(0)
    assert panel._parameterNode is not None
    panel.parent.isEntered = False
