"""The table of features in the panel: names that can be told apart, values in view."""

from __future__ import annotations

import pytest
import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from RadiomicsSlicerLib.table_panel import telling_endings
from RadiomicsSlicerLib.tables import table_columns


@pytest.fixture
def view(panel, case, wait_until):
    """The panel's table after the features of three rings were extracted, 700 pixels wide."""
    panel.ui.createRingsButton.click()
    panel.ui.extractButton.click()
    wait_until(lambda: not panel.extraction.running)
    panel.parent.resize(700, 900)
    panel.parent.show()
    slicer.app.processEvents()
    return panel.ui.featureTableView


def test_tumour_and_three_rings_are_in_view_and_no_number_is_shortened(view):
    model = view.model()
    widths = [view.columnWidth(column) for column in range(model.columnCount())]
    assert len(widths) == 5
    assert sum(widths) <= view.viewport().width
    metrics = QtGui.QFontMetrics(view.font)
    for column in range(1, 5):
        texts = [model.index(row, column).data() for row in range(model.rowCount())]
        assert max(metrics.horizontalAdvance(text) for text in texts) < widths[column]


def test_in_a_narrow_panel_the_table_is_scrolled_and_no_number_is_shortened(view, panel):
    panel.parent.resize(400, 900)
    slicer.app.processEvents()
    assert panel.parent.width == 400
    assert view.horizontalScrollBar().maximum > 0
    metrics = QtGui.QFontMetrics(view.font)
    model = view.model()
    for column in range(1, 5):
        texts = [model.index(row, column).data() for row in range(model.rowCount())]
        assert max(metrics.horizontalAdvance(text) for text in texts) < view.columnWidth(column)


def elided(view, row):
    """Return the name of a row as the view shows it."""
    index = view.model().index(row, 0)
    options = QtWidgets.QStyleOptionViewItem()
    options.initFrom(view)
    margin = view.style().pixelMetric(QtWidgets.QStyle.PixelMetric.PM_FocusFrameHMargin, options, view) + 1
    room = view.columnWidth(0) - 2 * margin - 1
    return QtGui.QFontMetrics(view.font).elidedText(index.data(), view.textElideMode, room)


@pytest.mark.parametrize("width", [600, 700])
def test_all_names_can_be_told_apart(view, panel, width):
    panel.parent.resize(width, 900)
    slicer.app.processEvents()
    shown = [elided(view, row) for row in range(view.model().rowCount())]
    assert len(shown) == 107
    assert sorted({name for name in shown if shown.count(name) > 1}) == []


def test_in_a_narrow_panel_the_telling_end_of_a_name_is_kept(view, panel):
    panel.parent.resize(400, 900)
    slicer.app.processEvents()
    names = [view.model().index(row, 0).data() for row in range(107)]
    shown = [elided(view, names.index(f"original_shape_{which}AxisLength")) for which in ("Least", "Major", "Minor")]
    assert [name[-15:] for name in shown] == ["LeastAxisLength", "MajorAxisLength", "MinorAxisLength"]


def tool_tips(view):
    return [view.model().index(row, 0).data(QtCore.Qt.ItemDataRole.ToolTipRole) for row in range(107)]


def test_the_tool_tip_is_the_full_name_even_after_the_node_was_changed(view, panel):
    names = [view.model().index(row, 0).data() for row in range(107)]
    assert tool_tips(view) == names
    panel._parameterNode.featureTable.SetName("renamed")
    assert tool_tips(view) == names


def test_tool_tips_leave_the_numbers_in_the_node_as_they_are(view, panel):
    node = panel._parameterNode.featureTable
    before = table_columns(node)
    panel.featurePanel.show(node, again=True)
    array = node.GetTable().GetColumn(1)
    assert [array.GetValue(row) for row in range(107)] == before["intratumour"]
    assert any(value != float(f"{value:.6g}") for value in before["intratumour"])


@pytest.mark.parametrize(
    ("names", "endings"),
    [
        (["original_a_Mean", "original_b_Mean"], ["a_Mean", "b_Mean"]),
        (["x_Mean", "Mean"], ["Mean", "_Mean"]),
        (["one"], ["e"]),
        ([], []),
    ],
)
def test_an_ending_is_as_long_as_it_takes(names, endings):
    assert sorted(telling_endings(names)) == sorted(endings)
