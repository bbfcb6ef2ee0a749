"""The layout with slices, 3D, chart and table; and that nothing happens without a window."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import render_layout
import slicer
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
            view = QtWidgets.QWidget()
            view.setObjectName(item.find("view").get("singletontag"))
            splitter.addWidget(view)
    sizes = [int(item.get("splitSize", 0)) for item in layout.findall("item")]
    splitter.setSizes(sizes if any(sizes) else [1000] * len(sizes))
    return splitter


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


def test_the_views_are_described_as_slicers_own_layouts_are():
    """Only what vtkMRMLLayoutLogic and qMRMLLayoutManager of Slicer 5.8 read."""
    root = ElementTree.fromstring(layout_description())
    assert {element.tag for element in root.iter()} == {"layout", "item", "view", "property"}
    assert {element.get("type") for element in root.iter("layout")} <= {"horizontal", "vertical", "grid", "tab"}
    known = {"orientation", "viewlabel", "viewcolor", "viewgroup"}
    assert {element.get("name") for element in root.iter("property")} <= known
    assert all(element.get("action") == "default" for element in root.iter("property"))
    assert all(len(item) == 1 for item in root.iter("item"))
