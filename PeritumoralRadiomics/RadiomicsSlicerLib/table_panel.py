"""A table of features in a panel: which node it shows, which rows a filter lets through, and room for the values."""

from __future__ import annotations

from typing import Any

from .tables import table_columns

_SHORTEST_NAME, _LONGEST_NAME = 160, 280
_LONG_HEAD = 8
_SCROLL_BAR = 20
"""Widths of the column of names and of the vertical scroll bar, pixels."""


def in_two_lines(name: str) -> str:
    """Return a long name broken at the underscore nearest to its middle.

    Example:
        >>> in_two_lines("ring_0_3mm"), in_two_lines("intra_ring_0_3mm"), in_two_lines("ring_r2")
        ('ring_\\n0_3mm', 'intra_\\nring_0_3mm', 'ring_r2')
    """
    places = [place + 1 for place, letter in enumerate(name) if letter == "_"]
    if len(name) < _LONG_HEAD or not places:
        return name
    middle = min(places, key=lambda place: abs(place - len(name) / 2))
    return f"{name[:middle]}\n{name[middle:]}"


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
        self._breakHeads(names)
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

    def _breakHeads(self, names: list[str]) -> None:
        """Break long heads in two, in this view only: a region's name takes more room than its values."""
        import qt

        for number, name in enumerate(names):
            if name != self._nameColumn:
                self._view.tableModel().setHeaderData(number, qt.Qt.Horizontal, in_two_lines(name))
        self._view.resizeColumnsToContents()

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
