"""A small table of texts in a panel: as tall as its rows, with tool tips and marks, and rows that can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

_RIGHT_AND_MIDDLE = 0x0002 | 0x0080  # Qt::AlignRight | Qt::AlignVCenter


@dataclass(frozen=True)
class Head:
    """A column: its head, at most two short lines, and what it means; texts stand left, numbers right."""

    text: str
    tip: str
    is_number: bool = False


@dataclass(frozen=True)
class Row:
    """A row: a text a column, what the tool tips say, and whether the first cell gets a mark of warning."""

    texts: Sequence[str]
    tip: str = ""
    warns: bool = False


class TextTable:
    """Shows rows in a QTableWidget; the first column takes the room that the others leave.

    Args:
        table: the QTableWidget.
        heads: its columns.
        most: rows that are shown without scrolling.
        onChosen: called with the number of the row that the user has chosen.
        onActivated: called with the number of the row that is double clicked, or on which Return is pressed.
    """

    def __init__(
        self,
        table: Any,
        heads: Sequence[Head],
        *,
        most: int = 8,
        onChosen: Callable[[int], None] | None = None,
        onActivated: Callable[[int], None] | None = None,
    ) -> None:
        import qt

        self._table, self._heads, self._most = table, heads, most
        self._onChosen, self._onActivated = onChosen, onActivated
        self._filling = False
        table.setColumnCount(len(heads))
        for number, head in enumerate(heads):
            item = qt.QTableWidgetItem(head.text)
            item.setToolTip(head.tip)
            table.setHorizontalHeaderItem(number, item)
            mode = qt.QHeaderView.ResizeToContents if number else qt.QHeaderView.Stretch
            table.horizontalHeader().setSectionResizeMode(number, mode)
        line = qt.QFontMetrics(table.font).height()
        lines = max(head.text.count("\n") + 1 for head in heads)
        self._headHeight, self._rowHeight = lines * line + 8, line + 6
        table.horizontalHeader().setMinimumSectionSize(30)
        table.horizontalHeader().setFixedHeight(self._headHeight)
        table.verticalHeader().setMinimumSectionSize(self._rowHeight)
        table.verticalHeader().setDefaultSectionSize(self._rowHeight)
        if onChosen is not None:
            table.connect("itemSelectionChanged()", self._chosen)
        if onActivated is not None:
            table.connect("activated(QModelIndex)", self._activated)
        self.fill([])

    @property
    def row(self) -> int:
        """Number of the row that is chosen; -1 where there is none."""
        chosen = self._table.selectedItems()
        return chosen[0].row() if len(chosen) else -1

    def choose(self, number: int) -> None:
        """Choose a row, as the user does."""
        self._table.selectRow(number)

    def fill(self, rows: Sequence[Row]) -> None:
        """Show these rows in place of those before; without any, the table is hidden."""
        self._filling = True
        try:
            self._table.setRowCount(len(rows))
            for number, row in enumerate(rows):
                for place, text in enumerate(row.texts):
                    self._table.setItem(number, place, self._cell(text, row, place))
        finally:
            self._filling = False
        self._table.visible = bool(rows)
        body = min(max(len(rows), 1), self._most) * self._rowHeight
        self._table.setFixedHeight(self._headHeight + body + 2 * self._table.frameWidth)

    def _cell(self, text: str, row: Row, place: int) -> Any:
        import qt

        cell = qt.QTableWidgetItem(text)
        cell.setToolTip(row.tip or text)
        if place == 0 and row.warns:
            cell.setIcon(self._table.style().standardIcon(qt.QStyle.SP_MessageBoxWarning))
        if self._heads[place].is_number:
            cell.setData(qt.Qt.TextAlignmentRole, _RIGHT_AND_MIDDLE)
        return cell

    def _chosen(self) -> None:
        if not self._filling and self._onChosen is not None and self.row >= 0:
            self._onChosen(self.row)

    def _activated(self, *_: Any) -> None:
        if self._onActivated is not None and self.row >= 0:
            self._onActivated(self.row)
