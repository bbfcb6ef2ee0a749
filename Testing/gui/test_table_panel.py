"""The table of features in the panel: names that can be told apart, values in view."""

from __future__ import annotations

import pytest
import slicer
from PySide6 import QtCore, QtGui


@pytest.fixture
def view(panel, case, wait_until):
    """The panel's table after the features of three rings were extracted, 600 pixels wide."""
    panel.ui.createRingsButton.click()
    panel.ui.extractButton.click()
    wait_until(lambda: not panel.extraction.running)
    panel.parent.resize(600, 900)
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


def test_names_are_shortened_in_their_middle(view):
    assert view.textElideMode == QtCore.Qt.TextElideMode.ElideMiddle
    assert view.columnWidth(0) >= 150
