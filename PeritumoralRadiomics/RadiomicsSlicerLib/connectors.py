"""Bindings of parameters to widgets that Slicer's parameter node wrapper does not bring.

Imported when a panel is made, not before: Slicer without a main window has no use for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.parameterNodeWrapper import GuiConnector


class WidgetConnector(GuiConnector):
    """Base: one widget, and the signals that say that the user changed it."""

    signals: tuple[str, ...] = ()

    def __init__(self, widget: Any) -> None:
        super().__init__()
        self._widget = widget

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        """Say no: these are made by name, never found by type."""
        return False

    @staticmethod
    def create(widget: Any, datatype: Any) -> None:
        """Make nothing; see :meth:`canRepresent`."""

    def _connect(self) -> None:
        for signal in self.signals:
            self._sender().connect(signal, self._onSignal)

    def _disconnect(self) -> None:
        for signal in self.signals:
            self._sender().disconnect(signal, self._onSignal)

    def _sender(self) -> Any:
        return self._widget

    def _onSignal(self, *_: Any) -> None:
        self.changed()

    def widget(self) -> Any:
        """Return the widget."""
        return self._widget


class ItemConnector(WidgetConnector):
    """A text and the combo box item that holds it as its data; a text without an item shows the first one."""

    signals = ("currentIndexChanged(int)",)

    def read(self) -> str:
        """Return the data of the current item."""
        return self._widget.itemData(self._widget.currentIndex) or ""

    def write(self, value: str) -> None:
        """Show the item of this text."""
        self._widget.setCurrentIndex(max(0, self._widget.findData(value)))


class PathConnector(WidgetConnector):
    """A text and a ctkPathLineEdit.

    Its own ``currentPathChanged`` is silent while the text is no path that its filters let through: when the box is
    emptied, and when another kind of file is typed. What the box shows and what is used would be two things.
    """

    signals = ("editTextChanged(QString)",)

    def _sender(self) -> Any:
        return self._widget.comboBox()

    def read(self) -> str:
        """Return the path as typed."""
        return self._widget.currentPath

    def write(self, value: str) -> None:
        """Show this path."""
        if self._widget.currentPath != value:
            self._widget.currentPath = value


class CheckedItemsConnector(WidgetConnector):
    """A list of texts and the checked items of a ctkCheckableComboBox that hold them as their data."""

    signals = ("checkedIndexesChanged()",)

    def read(self) -> list[str]:
        """Return the data of the checked items."""
        return checked_items(self._widget)

    def write(self, value: Sequence[str]) -> None:
        """Check the items of these texts, and no others."""
        if self.read() != list(value):
            check_items(self._widget, value)


def fill_items(box: Any, items: Sequence[tuple[str, str]], current: str) -> None:
    """Replace the items of a combo box without telling anybody.

    Args:
        box: a QComboBox.
        items: text and data of each.
        current: data of the item to show; the first one if there is none such.
    """
    quietly(box, lambda: _fill(box, items, current))


def fill_checked_items(box: Any, items: Sequence[tuple[str, str]], checked: Sequence[str]) -> None:
    """Replace the items of a ctkCheckableComboBox without telling anybody; arguments as :func:`fill_items`."""
    # The items of an open list stay: it would close under the user's mouse.
    if [(box.itemText(row), box.itemData(row)) for row in range(box.count)] != list(items):
        quietly(box, lambda: _fill(box, items, ""))
    check_items(box, checked)


def checked_items(box: Any) -> list[str]:
    """Return the data of the checked items of a ctkCheckableComboBox."""
    import qt

    # One by one, as PythonQt does not promise to know the list that checkedIndexes returns.
    model = box.checkableModel()
    checked = (row for row in range(box.count) if box.checkState(model.index(row, 0)) == qt.Qt.Checked)
    return [box.itemData(row) for row in checked]


def check_items(box: Any, checked: Sequence[str]) -> None:
    """Check the items of a ctkCheckableComboBox that hold these data, without telling anybody."""
    import qt

    def check() -> None:
        for row in range(box.count):
            state = qt.Qt.Checked if box.itemData(row) in checked else qt.Qt.Unchecked
            box.setCheckState(box.checkableModel().index(row, 0), state)

    quietly(box, check)
    box.update()


def quietly(widget: Any, change: Callable[[], None]) -> None:
    """Change a widget while its signals are blocked."""
    blocked = widget.blockSignals(True)
    try:
        change()
    finally:
        widget.blockSignals(blocked)


def _fill(box: Any, items: Sequence[tuple[str, str]], current: str) -> None:
    box.clear()
    for text, data in items:
        box.addItem(text, data)
    box.setCurrentIndex(max(0, box.findData(current)))
