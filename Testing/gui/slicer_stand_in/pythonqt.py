"""PySide6 with the manners of PythonQt, the binding inside Slicer: what modules written for Slicer expect of ``qt``.

A class made by :func:`mannered` has every Qt property as an attribute (``button.enabled``, ``box.currentText``),
``name`` for the object name, and ``connect("signal(arguments)", function)``. Where it differs from Slicer:

- Only the classes listed in ``CLASSES`` exist; any other is an AttributeError.
- Methods are those of PySide6. A call that PythonQt would refuse, or answer with a tuple for a list, may pass here.
- Qt is version 6, as in Slicer 5.12 and later.
- PySide6 6.12.0 miscounts references and ends Python 3.11; any other version from 6.8 on will do.
- A signal's argument types are not looked at: ``connect("clicked()", f)`` and ``connect("clicked(bool)", f)`` do
  the same. A signal of that name must exist, however.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ClassVar

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

CLASSES: dict[str, type] = {
    name: getattr(module, name)
    for module, names in (
        (QtCore, "QTimer QSortFilterProxyModel"),
        (QtGui, "QAction QStandardItemModel"),
        (
            QtWidgets,
            "QWidget QLabel QPushButton QToolButton QCheckBox QComboBox QLineEdit QPlainTextEdit QSpinBox "
            "QDoubleSpinBox QSlider QProgressBar QTableView QTableWidget QGroupBox QFrame QVBoxLayout QHBoxLayout "
            "QFormLayout",
        ),
    )
    for name in names.split()
}
# C++ asks these of Python by name, as methods; and QTimer.singleShot is known as a function of the class.
_METHODS = {"sizeHint", "minimumSizeHint", "singleShot"}
_TAKEN: dict[type, type] = {}


def mannered(base: type, name: str = "") -> type:
    """Return a subclass of a Qt class that behaves as PythonQt's class of that name."""
    if not name and base in _TAKEN:
        return _TAKEN[base]
    members: dict[str, Any] = {
        "connect": _connect,
        "disconnect": _disconnect,
        "name": property(lambda self: self.objectName, lambda self, value: self.setObjectName(value)),
        "className": lambda self: type(self).__name__,
    }
    meta = base.staticMetaObject  # type: ignore[attr-defined]
    for number in range(meta.propertyCount()):
        property_name = meta.property(number).name()
        if property_name not in _METHODS:
            members[property_name] = _attribute(property_name)
    made = type(name or base.__name__, (base,), members)
    if not name:
        _TAKEN[base] = made
    return made


def with_connect(made: type) -> type:
    """Give a class that is derived further its ``connect`` back: PySide6 finds its own one first."""
    made.connect, made.disconnect = _connect, _disconnect  # type: ignore[attr-defined]
    return made


def _attribute(name: str) -> property:
    def read(self: Any) -> Any:
        return QtCore.QObject.property(self, name)

    def write(self: Any, value: Any) -> None:
        if not QtCore.QObject.setProperty(self, name, value):
            raise ValueError(f"{type(self).__name__}.{name} does not take {value!r}")

    return property(read, write)


def _signal(widget: Any, signature: str) -> Any:
    name = signature.split("(")[0]
    found = getattr(widget, name, None)
    if not isinstance(found, QtCore.SignalInstance):
        raise ValueError(f"{type(widget).__name__} has no signal {signature}")
    return found


def _connect(self: Any, signature: str, function: Callable[..., Any]) -> None:
    _signal(self, signature).connect(function)


def _disconnect(self: Any, signature: str, function: Callable[..., Any]) -> None:
    _signal(self, signature).disconnect(function)


class File:
    """``qt.QFile``: the path of a file, for the loader below."""

    ReadOnly = QtCore.QIODevice.OpenModeFlag.ReadOnly

    def __init__(self, path: str) -> None:
        self.path = str(path)

    def exists(self) -> bool:
        return QtCore.QFile.exists(self.path)

    def open(self, mode: Any) -> bool:
        return True


class Loader(QtUiTools.QUiLoader):
    """``qt.QUiLoader`` that makes our classes, and no class that Slicer's modules could not count on.

    Connections of the .ui file are made by :func:`~slicer_widgets.connect_scene`: PySide6 cannot name a
    ``vtkMRMLScene*`` in a signal.
    """

    extra: ClassVar[dict[str, type]] = {}
    connect_scene: ClassVar[Callable[[Any, str], None]] = staticmethod(lambda widget, path: None)

    def createWidget(self, className: str, parent: Any = None, name: str = "") -> Any:
        made = self.extra.get(className) or mannered(CLASSES[className])
        widget = made(parent)
        widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def load(self, file: File) -> Any:  # type: ignore[override]
        from xml.etree import ElementTree

        tree = ElementTree.parse(file.path)
        for connections in tree.getroot().findall("connections"):
            tree.getroot().remove(connections)
        data = QtCore.QBuffer()
        data.setData(ElementTree.tostring(tree.getroot()))
        data.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        self._made: list[Any] = []
        widget = super().load(data)
        widget.kept = self._made  # without a reference, Python forgets which class of ours a widget is
        Loader.connect_scene(widget, file.path)
        return widget


class Settings:
    """``qt.QSettings`` without any setting."""

    def contains(self, key: str) -> bool:
        return False


def qt_module() -> types.ModuleType:
    """Return what ``import qt`` gives."""
    module = types.ModuleType("qt")
    for name, base in CLASSES.items():
        setattr(module, name, mannered(base))
    module.Qt = _Enums()  # type: ignore[attr-defined]
    module.QFile = File  # type: ignore[attr-defined]
    module.QUiLoader = Loader  # type: ignore[attr-defined]
    module.QSettings = Settings  # type: ignore[attr-defined]
    module.QMessageBox = QtWidgets.QMessageBox  # type: ignore[attr-defined]
    module.QApplication = QtWidgets.QApplication  # type: ignore[attr-defined]
    plain_classes = (QtWidgets.QTableWidgetItem, QtWidgets.QHeaderView, QtWidgets.QStyle)
    for plain in (*plain_classes, QtGui.QFontMetrics, QtCore.QEventLoop):
        setattr(module, plain.__name__, plain)
    return module


class _Enums:
    """``qt.Qt``: the values of all enums by their bare names, as in PythonQt."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(QtCore.Qt, name)
