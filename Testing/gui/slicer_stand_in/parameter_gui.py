"""Binding of a parameter node to widgets, on top of the wrapper of ``Testing/tools/slicer_core_app``.

As in Slicer: a widget is found by its dynamic property ``SlicerParameterName``; a change of a widget goes into the
parameter node at once, and every change of the parameter node is written to all widgets. A widget's class must be
one that Slicer (5.8) can bind to the parameter's type, or connecting fails. Where it differs from Slicer:

- Only the pairs of widget class and type in ``_CONNECTORS`` are known, without SingleStep and Decimals.
- Parameters are not cached: each read asks the node.
- Unbinding ends the observation of the node, too; Slicer leaves it there without effect.
"""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable
from typing import Any

import qt
import slicer
import slicer_core_app
import vtk


class GuiConnector:
    """Base of a binding."""

    def __init__(self) -> None:
        self._callback: Callable[[], None] | None = None

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback
        if callback is None:
            self._disconnect()
        else:
            self._connect()

    def changed(self, *_: Any) -> None:
        if self._callback:
            self._callback()


class _AttributeConnector(GuiConnector):
    """A value that a widget has as an attribute."""

    def __init__(self, widget: Any, attribute: str, signal: str, checks: tuple[Any, ...]) -> None:
        super().__init__()
        self._widget, self._attribute, self._signal = widget, attribute, getattr(widget, signal)
        bounds = next((check for check in checks if isinstance(check, slicer_core_app.WithinRange)), None)
        if bounds is not None:
            widget.minimum, widget.maximum = bounds.minimum, bounds.maximum

    def _connect(self) -> None:
        self._signal.connect(self.changed)

    def _disconnect(self) -> None:
        self._signal.disconnect(self.changed)

    def read(self) -> Any:
        return getattr(self._widget, self._attribute)

    def write(self, value: Any) -> None:
        if self.read() != value:
            setattr(self._widget, self._attribute, value)


class _ChoiceConnector(_AttributeConnector):
    """One of some values, by the place of its item."""

    def __init__(self, widget: Any, checks: tuple[Any, ...]) -> None:
        super().__init__(widget, "currentIndex", "currentIndexChanged", ())
        choice = next((check for check in checks if isinstance(check, slicer_core_app.Choice)), None)
        if choice is None:
            raise RuntimeError("a combo box needs the Choice annotation")
        self._choices = choice.choices
        widget.clear()
        for value in self._choices:
            widget.addItem(str(value))

    def read(self) -> Any:
        return self._choices[self._widget.currentIndex]

    def write(self, value: Any) -> None:
        self._widget.currentIndex = self._choices.index(value)


class _NodeConnector(GuiConnector):
    """A node."""

    def __init__(self, widget: Any, kind: type) -> None:
        super().__init__()
        self._widget = widget
        widget.nodeTypes = [kind.__name__]

    def _connect(self) -> None:
        self._widget.currentNodeChanged.connect(self.changed)

    def _disconnect(self) -> None:
        self._widget.currentNodeChanged.disconnect(self.changed)

    def read(self) -> Any:
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)


def _connector(widget: Any, hint: Any) -> Any:
    kind, checks = slicer_core_app._split(hint)
    known: dict[tuple[type, type], tuple[str, str]] = {
        (qt.QCheckBox, bool): ("checked", "toggled"),
        (qt.QLineEdit, str): ("text", "textChanged"),
        (qt.QSpinBox, int): ("value", "valueChanged"),
        (qt.QDoubleSpinBox, float): ("value", "valueChanged"),
        (slicer.ctkSliderWidget, float): ("value", "valueChanged"),
    }
    if (type(widget), kind) in known:
        return _AttributeConnector(widget, *known[type(widget), kind], checks)
    if type(widget) is qt.QComboBox and kind in (int, float, str, bool):
        return _ChoiceConnector(widget, checks)
    if type(widget) is slicer.qMRMLNodeComboBox and slicer_core_app._is_node(kind):
        return _NodeConnector(widget, kind)
    raise RuntimeError(f"Slicer cannot bind a {type(widget).__name__} to {hint}")


@contextlib.contextmanager
def _modifying(parameters: Any) -> Any:
    state = parameters.StartModify()
    try:
        yield
    finally:
        parameters.EndModify(state)


def parameterNodeWrapper(wrapped: type) -> type:
    """Wrap a class as ``slicer_core_app`` does, with binding to widgets."""
    hints = typing.get_type_hints(wrapped, include_extras=True)
    made: Any = slicer_core_app.parameterNodeWrapper(wrapped)
    plain_init = made.__init__

    def __init__(self: Any, parameterNode: Any) -> None:
        plain_init(self, parameterNode)
        self._guis = {}
        self._observers = {}
        self._updating = False

    def connectParametersToGui(self: Any, mapping: dict[str, Any]) -> int:
        connectors = {
            name: item if isinstance(item, GuiConnector) else _connector(item, hints[name])
            for name, item in mapping.items()
        }
        tag = len(self._guis)
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(getattr(self, name))
            connector.onChanged(lambda name=name, connector=connector: take(self, name, connector))
        self._observers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: give(self))
        return tag

    def take(self: Any, name: str, connector: Any) -> None:
        if not self._updating:
            with _modifying(self):
                setattr(self, name, connector.read())

    def give(self: Any) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with _modifying(self):
                for connectors in list(self._guis.values()):
                    for name, connector in connectors.items():
                        connector.write(getattr(self, name))
        finally:
            self._updating = False

    def disconnectGui(self: Any, tag: int | None) -> None:
        for connector in self._guis.pop(tag, {}).values():
            connector.onChanged(None)
        if tag in self._observers:
            self.RemoveObserver(self._observers.pop(tag))

    made.__init__ = __init__
    made.connectParametersToGui = connectParametersToGui
    made.disconnectGui = disconnectGui
    return made
