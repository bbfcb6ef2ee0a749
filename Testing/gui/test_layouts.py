"""The layout with slices, 3D, chart and table; and that nothing happens without a window."""

from __future__ import annotations

from xml.etree import ElementTree

import slicer

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
