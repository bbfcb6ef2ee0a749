"""A table in a panel: which node it shows, which columns, and which rows a filter lets through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .tables import table_columns

_NAME_WIDTH = 210


class TablePanel:
    """Shows a table node in a qMRMLTableView.

    Args:
        view: the qMRMLTableView.
        columns: names of the columns to show; empty: all.
        filterColumn: name of the column that :meth:`filter` looks into.
    """

    def __init__(self, view: Any, columns: Sequence[str] = (), filterColumn: str = "") -> None:
        self._view = view
        self._columns = columns
        self._filterColumn = filterColumn
        self._shown: Any = None

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
        for number, name in enumerate(names):
            self._view.setColumnHidden(number, bool(self._columns) and name not in self._columns)
        if self._filterColumn in names:
            # Long names would leave no room for the values.
            self._view.setColumnWidth(names.index(self._filterColumn), _NAME_WIDTH)
            self._view.sortFilterProxyModel().setFilterKeyColumn(names.index(self._filterColumn))
        return True

    def filter(self, text: str) -> None:
        """Show only rows whose text in the filter column contains this one, in upper or lower case."""
        import qt

        proxy = self._view.sortFilterProxyModel()
        proxy.setFilterCaseSensitivity(qt.Qt.CaseInsensitive)
        proxy.setFilterFixedString(text)

    def column(self, name: str) -> list[Any]:
        """Return the values of a column of the table that is shown; empty without it."""
        return self._contents().get(name, [])

    def _contents(self) -> dict[str, list[Any]]:
        return table_columns(self._shown) if self._shown is not None else {}
