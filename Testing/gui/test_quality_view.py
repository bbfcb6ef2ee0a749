"""The table of the rings' quality in the panel: what is shown, where nothing is, and its warnings in words."""

from __future__ import annotations

import numpy as np
import pytest
import pythonqt
import slicer
import slicer.util
from PySide6 import QtGui, QtWidgets

from PeritumoralSlicerLib.panel.quality_view import QualityView


@pytest.fixture
def table(panel, case):
    """The panel's table after rings of 2 and 4 mm were made."""
    panel._parameterNode.distancesMm = "2, 4"
    panel.ui.createRingsButton.click()
    return panel.ui.qualityTable


def texts(table, row):
    return [table.item(row, column).text() for column in range(table.columnCount)]


def test_what_does_not_apply_to_the_tumour_is_blank(table, case):
    voxels = np.count_nonzero(case.ball)
    assert texts(table, 0) == ["intratumour", "", "", str(voxels), f"{voxels / 1000:.2f}", ""]


def test_a_ring_shows_its_limits_without_idle_decimals(table):
    assert texts(table, 2)[:3] == ["ring_0_4mm", "0", "4"]
    assert texts(table, 2)[5] == "100"


def test_heads_are_short_with_units_and_explained_by_tool_tips(table):
    heads = [table.horizontalHeaderItem(column) for column in range(table.columnCount)]
    assert [head.text() for head in heads] == ["Region", "From\nmm", "To\nmm", "Voxels", "Volume\nml", "Kept\n%"]
    assert all(len(head.toolTip()) > 20 for head in heads)


def test_without_a_warning_there_are_no_words_and_no_sign(panel, table):
    assert panel.ui.qualityNotesLabel.isHidden()
    assert all(table.item(row, 0).icon().isNull() for row in range(3))


def test_a_warning_is_a_sign_in_its_row_and_a_line_below(panel, case):
    panel._parameterNode.distancesMm = "2, 4"
    panel._parameterNode.minVoxels = 2000
    panel.ui.createRingsButton.click()
    table, label = panel.ui.qualityTable, panel.ui.qualityNotesLabel
    voxels = int(texts(table, 1)[3])
    assert voxels < 2000
    words = f"ring_0_2mm has {voxels} voxels, fewer than min_voxels 2000"
    assert not label.isHidden() and words in label.text and label.wordWrap
    assert not table.item(1, 0).icon().isNull()
    assert words in table.item(1, 3).toolTip()


def test_an_edited_ring_is_said_to_be_edited(panel, table, case):
    segment = "Tumour_ring_0_2mm"
    ring = slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, segment, case.volume)
    ring[:22] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(ring, case.segmentation, segment, case.volume)
    panel.ui.measureButton.click()
    assert "ring_0_2mm: edited after it was made" in panel.ui.qualityNotesLabel.text
    assert texts(table, 1)[3] == str(np.count_nonzero(ring))


def test_many_warnings_are_counted_and_not_stacked_up(panel, case):
    panel._parameterNode.distancesMm = "1, 1.5, 2, 2.5, 3, 3.5"
    panel._parameterNode.minVoxels = 100000
    panel.ui.createRingsButton.click()
    lines = panel.ui.qualityNotesLabel.text.splitlines()
    assert len(lines) == 5
    assert "2 more regions have warnings" in lines[-1]


def test_an_empty_ring_has_no_share_and_says_why(panel, case, draw_segment):
    draw_segment(case, "Rest", ~case.ball)
    panel._parameterNode.exclusionSegments = ["Rest"]
    panel._parameterNode.distancesMm = "3"
    panel.ui.createRingsButton.click()
    row = texts(panel.ui.qualityTable, 1)
    assert row[3] == "0" and row[4] == "0"
    assert "nan" not in row
    assert "ring_0_3mm" in panel.ui.qualityNotesLabel.text


@pytest.mark.parametrize("width", [400, 500, 600])
def test_the_table_needs_no_scrolling_whatever_the_numbers(panel, case, width):
    panel._parameterNode.distancesMm = "1.25, 12.75, 15"
    panel.ui.createRingsButton.click()
    panel.parent.resize(width, 900)
    panel.parent.show()
    slicer.app.processEvents()
    table = panel.ui.qualityTable
    assert panel.parent.width == width
    assert sum(table.columnWidth(column) for column in range(table.columnCount)) <= table.viewport().width
    metrics = QtGui.QFontMetrics(table.font)
    for row in range(table.rowCount):
        for column in range(table.columnCount):
            assert metrics.horizontalAdvance(table.item(row, column).text()) < table.columnWidth(column)
    assert table.viewport().height >= sum(table.rowHeight(row) for row in range(table.rowCount))


def test_all_rows_are_in_view_whatever_height_the_style_would_give_them(panel, case):
    """Slicer's style has wider margins in headers than the one of these tests, and rows as high as its headers."""
    panel.ui.createRingsButton.click()
    table = pythonqt.mannered(QtWidgets.QTableWidget)()
    style = QtWidgets.QStyleFactory.create("Windows")
    table.verticalHeader().setStyle(style)
    usual = table.verticalHeader().minimumSectionSize
    view = QualityView(table, pythonqt.mannered(QtWidgets.QLabel)())
    view.show(panel._parameterNode.qualityTable)
    table.resize(450, table.height)
    table.show()
    slicer.app.processEvents()
    heights = [table.rowHeight(row) for row in range(table.rowCount)]
    assert len(heights) == 4 and max(heights) < usual
    assert table.viewport().height >= sum(heights)
    table.close()


def test_a_closed_scene_leaves_no_table(panel, table):
    slicer.mrmlScene.Clear(0)
    assert table.rowCount == 0 and table.isHidden()
