"""A table of features in a panel: which node it shows, which rows a filter lets through, and room for the values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import vtk

from .tables import table_columns

_SHORTEST_NAME = 60
_SCROLL_BAR = 20
_PADDING = 12
"""Widths of the column of names, of the vertical scroll bar and of a cell's margins, pixels."""
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_AFTER_THE_VIEW = -1.0
"""Priority of an observer that is called after the view's own."""


class TablePanel:
    """Shows a table node in a qMRMLTableView.

    Names that are too long lose their beginning, which most of them share (``original_glszm_``); the column is wide
    enough to tell all of them apart, where that leaves half of the table to the values. The tool tip of each cell
    holds the full name.

    Args:
        view: the qMRMLTableView.
        nameColumn: name of the column that :meth:`filter` looks into; the other columns hold values.
    """

    def __init__(self, view: Any, nameColumn: str) -> None:
        import qt

        self._view = view
        self._nameColumn = nameColumn
        self._shown: Any = None
        self._tag = 0
        self._toldApart, self._longest = 0, 0
        view.setTextElideMode(qt.Qt.ElideLeft)
        view.horizontalScrollBar().rangeChanged.connect(self._makeRoom)

    def show(self, tableNode: Any, *, again: bool = False) -> bool:
        """Show a table node, or nothing.

        Args:
            tableNode: or None.
            again: even if it is shown already: its contents are new.

        Returns:
            Whether anything was done.
        """
        if tableNode is self._shown and not again:
            return False
        self._observe(tableNode)
        self._view.setMRMLTableNode(tableNode)
        names = list(self._contents())
        if self._nameColumn in names:
            self._view.sortFilterProxyModel().setFilterKeyColumn(names.index(self._nameColumn))
        self._measure()
        self._tellNames()
        self._makeRoom()
        return True

    def filter(self, text: str) -> None:
        """Show only rows whose name contains this text, in upper or lower case."""
        import qt

        proxy = self._view.sortFilterProxyModel()
        proxy.setFilterCaseSensitivity(qt.Qt.CaseInsensitive)
        proxy.setFilterFixedString(text)

    def column(self, name: str) -> list[Any]:
        """Return the values of a column of the table that is shown; empty without it."""
        return self._contents().get(name, [])

    def _observe(self, tableNode: Any) -> None:
        if self._shown is not None:
            self._shown.RemoveObserver(self._tag)
        self._shown = tableNode
        if tableNode is not None:
            # The view fills its cells, tool tips too, anew with every change of the node.
            self._tag = tableNode.AddObserver(vtk.vtkCommand.ModifiedEvent, self._tellNames, _AFTER_THE_VIEW)

    def _measure(self) -> None:
        import qt

        metrics = qt.QFontMetrics(self._view.font)
        names = self.column(self._nameColumn)
        endings = [_ELLIPSIS + ending for ending in telling_endings(names)]
        widths = [[metrics.horizontalAdvance(text) + _PADDING for text in texts] for texts in (endings, names)]
        self._toldApart, self._longest = (max(found, default=0) for found in widths)

    def _tellNames(self, *_: Any) -> None:
        """Give each cell of the names' column the whole name as its tool tip."""
        contents = self._contents()
        if self._nameColumn not in contents:
            return
        place, model = list(contents).index(self._nameColumn), self._view.tableModel()
        # In silence: the model takes any change of a cell for an edit and writes the number, as shown, into the node.
        blocked = model.blockSignals(True)
        try:
            for row, name in enumerate(contents[self._nameColumn]):
                model.item(row, place).setToolTip(name)
        finally:
            model.blockSignals(blocked)

    def _makeRoom(self, *_: Any) -> None:
        """Give the names what the values leave; with many regions the table is scrolled, never the panel."""
        names = list(self._contents()) if self._shown is not None else []
        if self._nameColumn not in names:
            return
        place = names.index(self._nameColumn)
        values = sum(self._view.columnWidth(number) for number in range(len(names)) if number != place)
        width = self._view.maximumViewportSize().width() - _SCROLL_BAR
        wanted = max(width - values, min(self._toldApart, width // 2))
        self._view.setColumnWidth(place, max(_SHORTEST_NAME, min(wanted, self._longest)))

    def _contents(self) -> dict[str, list[Any]]:
        return table_columns(self._shown) if self._shown is not None else {}


def telling_endings(names: Sequence[str]) -> list[str]:
    """Return the shortest ending of each name that no other name has, in the order of the alphabet from behind.

    Example:
        >>> telling_endings(["original_shape_LeastAxisLength", "original_shape_MinorAxisLength", "a_Mean"])
        ['tAxisLength', 'rAxisLength', 'n']
    """
    backwards = sorted(name[::-1] for name in set(names))
    found = []
    for number, name in enumerate(backwards):
        neighbours = backwards[max(0, number - 1) : number] + backwards[number + 1 : number + 2]
        shared = max((_shared(name, other) for other in neighbours), default=0)
        found.append(name[: shared + 1][::-1])
    return found


def _shared(one: str, other: str) -> int:
    """Return how many letters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
