"""PySide6 with the manners of PythonQt, the binding inside Slicer: what modules written for Slicer expect of ``qt``.

A class made by :func:`mannered` has every Qt property as an attribute (``button.enabled``, ``box.currentText``),
``name`` for the object name, and ``connect("signal(arguments)", function)``. As in PythonQt

- a property cannot be called: ``widget.font()`` calls a QFont, which is a TypeError;
- a method that returns by value a class that can neither be made without arguments nor is known to Qt's meta types
  raises ValueError (:func:`refused`); the class's constructor works: ``qt.QFontMetrics(widget.font)``;
- what a method returns has these manners too: the header of a table, the viewport of a view;
- a signal must exist with just these argument types (PythonQt returns False there, which nobody reads: here it raises);
- ``click()`` of a button is a click of the user: dialogs are counted for each (:mod:`faults`).

Where it differs from Slicer:

- ``sizeHint`` and ``minimumSizeHint`` are called: Qt itself asks Python for methods of these names.
- Methods are those of PySide6. Which ones panels may call is for ``Testing/gui/test_slicer_calls.py`` to say.
- Qt is version 6, as in Slicer 5.12 and later.
- PySide6 6.12.0 miscounts references and ends Python 3.11; any other version from 6.8 on will do.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import faults
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets
from shibokensupport.signature import get_signature

# What a .ui file may hold beside the classes of Slicer and CTK.
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
        "name": property(lambda self: QtCore.QObject.objectName(self), QtCore.QObject.setObjectName),
        "className": lambda self: type(self).__name__,
        **{method: _adopting(base, method) for method in _giving_objects(base)},
        **{method: _refusing(base, method, returned) for method, returned in refused(base).items()},
    }
    meta = base.staticMetaObject  # type: ignore[attr-defined]
    for number in range(meta.propertyCount()):
        property_name = meta.property(number).name()
        if property_name not in _METHODS:
            members[property_name] = _attribute(property_name)
    if issubclass(base, QtWidgets.QAbstractButton):
        members["click"] = _click
    made = type(name or base.__name__, (base,), members)
    if not name:
        _TAKEN[base] = made
    return made


def with_connect(made: type) -> type:
    """Give a class that is derived further its ``connect`` back: PySide6 finds its own one first."""
    made.connect, made.disconnect = _connect, _disconnect  # type: ignore[attr-defined]
    return made


@functools.cache
def refused(base: type) -> dict[str, str]:
    """Return the methods that PythonQt cannot call, with the class of what they would return.

    PythonQt makes the value first and lets Qt fill it. Where the class has no constructor without arguments and Qt
    knows no meta type of that name, there is nothing to fill, and the call is a ValueError.

    Example:
        >>> refused(QtWidgets.QTableWidget)
        {'fontInfo': 'QFontInfo', 'fontMetrics': 'QFontMetrics'}
    """
    found = {}
    for name, returned in _returned(base):
        if any(isinstance(kind, type) and not _can_be_filled(kind) for kind in returned):
            found[name] = next(kind.__name__ for kind in returned if isinstance(kind, type))
    return dict(sorted(found.items()))


@functools.cache
def _can_be_filled(kind: type) -> bool:
    # Shiboken gives classes that are returned by value a __copy__; pointers are "kind | None" and do not come here.
    if not kind.__module__.startswith("PySide6") or not hasattr(kind, "__copy__") or issubclass(kind, enum.Enum):
        return True
    if QtCore.QMetaType.fromName(kind.__name__.encode()).isValid():
        return True
    try:
        kind()
    except TypeError:
        return False
    return True


@functools.cache
def _giving_objects(base: type) -> list[str]:
    """Return the methods of a widget that hand out objects of Qt."""
    if not issubclass(base, QtWidgets.QWidget):  # Qt itself asks layouts and models, which are virtual, for theirs
        return []
    return [
        name
        for name, returned in _returned(base)
        if name != "itemDelegateForIndex"  # the one that Qt asks a widget for
        and any(
            isinstance(part, type) and issubclass(part, QtCore.QObject)
            for kind in returned
            for part in (kind, *typing.get_args(kind))
        )
    ]


@contextlib.contextmanager
def _no_blocked_modules() -> Iterator[None]:
    """PySide imports anew what is listed as imported: a module that a test forbids would stop it."""
    blocked = [name for name, module in sys.modules.items() if module is None]
    for name in blocked:
        del sys.modules[name]
    try:
        yield
    finally:
        sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]


def _returned(base: type) -> Iterator[tuple[str, list[Any]]]:
    seen: set[str] = set()
    for owner in base.__mro__:
        for name, method in vars(owner).items():
            if name in seen or not isinstance(method, types.MethodDescriptorType):  # static ones are of another type
                continue
            seen.add(name)
            with _no_blocked_modules():
                signatures = get_signature(method)
            if signatures is not None:
                several = signatures if isinstance(signatures, list) else [signatures]
                yield name, [signature.return_annotation for signature in several]


def _refusing(base: type, method: str, returned: str) -> Callable[..., Any]:
    def refuse(self: Any, *_: Any) -> None:
        raise ValueError(
            f"Called {method}() -> {returned}, return type '{returned}' is ignored because it is unknown to PythonQt. "
            "Probably you should register it using qRegisterMetaType() or add a default constructor decorator to the "
            "class."
        )

    return refuse


def _adopting(base: type, method: str) -> Callable[..., Any]:
    def call(self: Any, *given: Any, **named: Any) -> Any:
        return adopted(getattr(base, method)(self, *given, **named))

    return call


def adopted(found: Any) -> Any:
    """Give an object that Qt made itself, or a list of such, the manners of those that we make."""
    if isinstance(found, list):
        return [adopted(item) for item in found]
    if isinstance(found, QtCore.QObject) and type(found).__module__.startswith("PySide6"):
        return Adopted(found)
    return found


class Adopted:
    """An object that Qt made, with manners; Shiboken does not let us change its class.

    Where it differs from Slicer: it cannot be handed to a method of Qt.
    """

    def __init__(self, found: Any) -> None:
        self.__dict__["found"] = found

    def __getattr__(self, name: str) -> Any:
        found = self.found
        member = vars(mannered(type(found))).get(name)
        if isinstance(member, property):
            return member.__get__(found)
        if isinstance(member, types.FunctionType):
            return functools.partial(member, found)
        return getattr(found, name)

    def __setattr__(self, name: str, value: Any) -> None:
        vars(mannered(type(self.found)))[name].__set__(self.found, value)

    def __eq__(self, other: Any) -> bool:
        return self.found is getattr(other, "found", other)

    def __hash__(self) -> int:
        return hash(self.found)


def _attribute(name: str) -> property:
    def read(self: Any) -> Any:
        return QtCore.QObject.property(self, name)

    def write(self: Any, value: Any) -> None:
        if not QtCore.QObject.setProperty(self, name, value):
            raise ValueError(f"{type(self).__name__}.{name} does not take {value!r}")

    return property(read, write)


def _click(self: Any) -> None:
    with faults.click(QtWidgets.QAbstractButton.text(self)):
        QtWidgets.QAbstractButton.click(self)


def _signal(widget: Any, signature: str) -> Any:
    name = signature.split("(")[0]
    found = getattr(widget, name, None)
    plain = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    known = plain in getattr(widget, "SIGNALS", ()) or widget.metaObject().indexOfSignal(plain) >= 0
    if not isinstance(found, QtCore.SignalInstance) or not known:
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
    module.Qt = _Enums()  # type: ignore[attr-defined]
    module.QFile = File  # type: ignore[attr-defined]
    module.QUiLoader = Loader  # type: ignore[attr-defined]
    module.QSettings = Settings  # type: ignore[attr-defined]
    module.__getattr__ = _class_of_qt  # type: ignore[method-assign]
    return module


def _class_of_qt(name: str) -> Any:
    for owner in (QtCore, QtGui, QtWidgets):
        found = getattr(owner, name, None)
        if isinstance(found, type):
            return mannered(found) if issubclass(found, QtCore.QObject) else found
    raise AttributeError(f"module 'qt' has no attribute {name!r}")


class _Enums:
    """``qt.Qt``: the values of all enums by their bare names, as in PythonQt."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(QtCore.Qt, name)
