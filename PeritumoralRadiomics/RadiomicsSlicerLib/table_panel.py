"""A table of features in a panel: which node it shows, which rows a filter lets through, and room for the values."""

from __future__ import annotations

from typing import Any

from .tables import table_columns

_SHORTEST_NAME, _LONGEST_NAME = 160, 280
_SCROLL_BAR = 20
"""Widths of the column of names and of the vertical scroll bar, pixels."""


class TablePanel:
    """Shows a table node in a qMRMLTableView.

    Args:
        view: the qMRMLTableView.
        nameColumn: name of the column that :meth:`filter` looks into; the other columns hold values.
    """

    def __init__(self, view: Any, nameColumn: str) -> None:
        import qt

        self._view = view
        self._nameColumn = nameColumn
        self._shown: Any = None
        # The end of a feature's name tells it from the others, its beginning the filter.
        view.setTextElideMode(qt.Qt.ElideMiddle)
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
        self._shown = tableNode
        self._view.setMRMLTableNode(tableNode)
        names = list(self._contents())
        if self._nameColumn in names:
            self._view.sortFilterProxyModel().setFilterKeyColumn(names.index(self._nameColumn))
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

    def _makeRoom(self, *_: Any) -> None:
        """Give the names what the values leave; with many regions the table is scrolled, never the panel."""
        names = list(self._contents()) if self._shown is not None else []
        if self._nameColumn not in names:
            return
        place = names.index(self._nameColumn)
        values = sum(self._view.columnWidth(number) for number in range(len(names)) if number != place)
        room = self._view.maximumViewportSize().width() - _SCROLL_BAR - values
        self._view.setColumnWidth(place, max(_SHORTEST_NAME, min(room, _LONGEST_NAME)))

    def _contents(self) -> dict[str, list[Any]]:
        return table_columns(self._shown) if self._shown is not None else {}
