"""The layout with slices, 3D, chart and table; and that nothing happens without a window."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
import render_layout
import slicer
import slicer.util
from PySide6 import QtCore, QtWidgets

from RadiomicsSlicerLib.layouts import (
    LAYOUT_ID,
    layout_description,
    register_layout,
    show_chart,
    show_layout,
    show_table,
)


def test_the_layout_has_three_slices_3d_a_chart_and_a_table():
    views = [
        (view.get("class"), view.get("singletontag"))
        for view in ElementTree.fromstring(layout_description()).iter("view")
    ]
    assert sorted(views) == [
        ("vtkMRMLPlotViewNode", "PlotView1"),
        ("vtkMRMLSliceNode", "Green"),
        ("vtkMRMLSliceNode", "Red"),
        ("vtkMRMLSliceNode", "Yellow"),
        ("vtkMRMLTableViewNode", "TableView1"),
        ("vtkMRMLViewNode", "1"),
    ]


def test_slicer_reads_the_layout_and_it_is_registered_once(window):
    manager = window.app.layoutManager()
    assert show_layout() and show_layout()
    assert manager.layout == LAYOUT_ID
    assert manager.node.IsLayoutDescription(LAYOUT_ID)
    assert manager.node.GetLayoutDescription(LAYOUT_ID) == layout_description()


def test_slicer_knows_the_layout_before_any_button_is_pressed(window):
    assert register_layout()
    assert window.app.layoutManager().node.IsLayoutDescription(LAYOUT_ID)


def test_a_scene_that_was_loaded_before_in_this_layout_is_shown_in_it(window):
    node = slicer.app.layoutManager().node
    node.GlobalWarningDisplayOff()  # "Can't find layout" is what such a scene begins with
    node.SetViewArrangement(LAYOUT_ID)
    node.GlobalWarningDisplayOn()
    assert node.GetCurrentLayoutDescription() != layout_description()
    assert register_layout()
    assert node.GetCurrentLayoutDescription() == layout_description()


def test_without_a_window_nothing_happens(window):
    window.app.layout_manager = None
    assert not show_layout()
    assert not register_layout()


def test_table_and_chart_become_the_active_ones(window):
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    show_table(table)
    show_chart(chart)
    selection = slicer.app.applicationLogic().GetSelectionNode()
    assert selection.GetActiveTableID() == table.GetID()
    assert selection.GetActivePlotChartID() == chart.GetID()


def test_the_button_arranges_views_and_shows_what_is_there(panel, case, window):
    panel.ui.createRingsButton.click()
    panel.ui.layoutButton.click()
    assert window.app.layoutManager().layout == LAYOUT_ID
    selection = slicer.app.applicationLogic().GetSelectionNode()
    assert selection.GetActiveTableID() == panel._parameterNode.qualityTable.GetID()


def test_the_button_fills_the_3d_view_too(panel, case, window):
    panel.ui.createRingsButton.click()
    panel.ui.layoutButton.click()
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    for segment in ("Tumour", "Tumour_ring_0_3mm"):
        assert case.segmentation.GetSegmentation().GetSegment(segment).GetRepresentation(surface).GetNumberOfPoints()
    assert case.segmentation.GetDisplayNode().GetVisibility3D()
    assert window.app.layoutManager().looked == 1


def test_tumour_and_rings_are_seen_through_the_organ(panel, case, draw_segment):
    for name in ("Liver", "Bone", "Own"):
        draw_segment(case, name, np.ones_like(case.ball))
    display = case.segmentation.GetDisplayNode()
    display.SetSegmentOpacity3D("Own", 0.6)  # by the user
    panel._parameterNode.organSegment = "Liver"
    panel.ui.createRingsButton.click()
    panel.ui.layoutButton.click()
    opacity = {name: display.GetSegmentOpacity3D(name) for name in ("Tumour", "Liver", "Bone", "Own")}
    assert opacity == {"Tumour": 1.0, "Liver": 0.15, "Bone": 0.15, "Own": 0.6}
    assert display.GetSegmentOpacity3D("Tumour_ring_0_3mm") > 0.15
    panel._parameterNode.organSegment = ""
    panel._parameterNode.tumourSegment = "Bone"
    panel.ui.layoutButton.click()
    assert display.GetSegmentOpacity3D("Bone") == 1.0


@pytest.mark.parametrize(
    ("lowest", "automatic", "wanted"),
    [(-1000, True, (400, 40)), (0, True, None), (-1000, False, (77, 5))],
    ids=["CT", "MR", "CT with the user's window"],
)
def test_a_ct_is_shown_in_the_window_of_soft_tissue_unless_the_user_has_his_own(
    panel, make_case, lowest, automatic, wanted
):
    made = make_case()
    values = slicer.util.arrayFromVolume(made.volume)
    values[0, 0, 0] = lowest
    slicer.util.arrayFromVolumeModified(made.volume)
    panel.enter()
    made.volume.CreateDefaultDisplayNodes()
    display = made.volume.GetDisplayNode()
    if not automatic:
        display.AutoWindowLevelOff()
        display.SetWindowLevel(77, 5)
    before = (display.GetWindow(), display.GetLevel())
    panel.ui.layoutButton.click()
    assert (display.GetWindow(), display.GetLevel()) == (wanted or before)


def test_the_slices_go_to_the_tumour(panel, case):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    panel.ui.layoutButton.click()
    assert node.GetSliceToRAS().GetElement(2, 3) == pytest.approx(22, abs=0.6)


def test_an_empty_tumour_moves_no_slice(panel, case):
    case.segmentation.GetSegmentation().AddEmptySegment("Empty", "Empty")
    panel._parameterNode.tumourSegment = "Empty"
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", "Red")
    panel.ui.layoutButton.click()
    assert node.GetSliceToRAS().GetElement(2, 3) == 0


def test_the_button_needs_no_segmentation(panel, window):
    panel.ui.layoutButton.click()
    assert window.app.layoutManager().layout == LAYOUT_ID
    assert window.shown == []


def splitters(layout, parent=None):
    """Make the layout of Qt's splitters, as CTK does; each view is a plain widget named after its tag."""
    sideways = layout.get("type") == "horizontal"
    splitter = QtWidgets.QSplitter(QtCore.Qt.Orientation.Horizontal if sideways else QtCore.Qt.Orientation.Vertical)
    splitter.setHandleWidth(render_layout.GAP)
    for item in layout.findall("item"):
        if item.find("layout") is not None:
            splitter.addWidget(splitters(item.find("layout")))
        else:
            view = View(item.find("view").get("class"))
            view.setObjectName(item.find("view").get("singletontag"))
            splitter.addWidget(view)
    sizes = [int(item.get("splitSize", 0)) for item in layout.findall("item")]
    if any(sizes):  # else Qt goes by the size hints
        splitter.setSizes(sizes)
    return splitter


class View(QtWidgets.QWidget):
    """A view with the size hint that Slicer's has: a table's is Qt's own, a chart says none."""

    def __init__(self, kind):
        super().__init__()
        self._hint = QtCore.QSize(256, 192) if kind == "vtkMRMLTableViewNode" else QtCore.QSize()

    def sizeHint(self):
        return self._hint


def test_the_picture_of_the_layout_has_its_views_where_qts_splitters_put_them(window):
    layout = ElementTree.fromstring(layout_description())
    top = splitters(layout)
    top.resize(1400, 900)
    top.show()
    window.app.processEvents()
    for place in render_layout.places(layout, (0, 0, 1400, 900)):
        view = top.findChild(QtWidgets.QWidget, place.name)
        corner = view.mapTo(top, QtCore.QPoint(0, 0))
        assert place.box == pytest.approx((corner.x(), corner.y(), view.width(), view.height()), abs=4)


def test_chart_and_table_are_equally_high_whatever_their_size_hints(window):
    top = splitters(ElementTree.fromstring(layout_description()))
    top.resize(1047, 570)
    top.show()
    window.app.processEvents()
    heights = [top.findChild(QtWidgets.QWidget, name).height() for name in ("PlotView1", "TableView1", "Red", "1")]
    assert min(heights) > 250


def test_the_views_are_described_as_slicers_own_layouts_are():
    """Only what vtkMRMLLayoutLogic and qMRMLLayoutManager of Slicer 5.8 read."""
    root = ElementTree.fromstring(layout_description())
    assert {element.tag for element in root.iter()} == {"layout", "item", "view", "property"}
    assert {element.get("type") for element in root.iter("layout")} <= {"horizontal", "vertical", "grid", "tab"}
    known = {"orientation", "viewlabel", "viewcolor", "viewgroup"}
    assert {element.get("name") for element in root.iter("property")} <= known
    assert all(element.get("action") == "default" for element in root.iter("property"))
    assert all(len(item) == 1 for item in root.iter("item"))
