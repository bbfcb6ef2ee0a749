"""The widget classes of Slicer and CTK that the panels use, on PySide6 and Slicer's real scene.

Every class has the properties, slots and signals that the panels touch, named as in Slicer 5.8, and nothing more.
Where they differ from Slicer:

- ``qMRMLNodeComboBox`` offers the nodes of its types in the order of the scene; it does not sort, rename, add or
  remove nodes, and its menu has no actions.
- ``qMRMLTableView`` shows a table node read-only and reads it anew when the node is modified; no editing, copying
  or plotting.
- ``ctkPathLineEdit`` has no history, and its button does nothing.
- ``ctkSliderWidget`` is a slider of 1000 steps with a spin box.
- Looks: those of plain Qt.

Signals come when they do in CTK (read in its sources at the version that Slicer 5.8.1 is built with):
``currentPathChanged`` for text that the name filters accept, never for an emptied box; ``validInputChanged`` when that
changes; ``contentsCollapsed`` for a change by code, too; ``checkedIndexesChanged`` when other items are checked.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from pythonqt import mannered, with_connect

_Widget = mannered(QtWidgets.QWidget)
_ComboBox = mannered(QtWidgets.QComboBox)
_GroupBox = mannered(QtWidgets.QGroupBox)
_TableView = mannered(QtWidgets.QTableView)
_ToolButton = mannered(QtWidgets.QToolButton)
_Slider = mannered(QtWidgets.QSlider)
_DoubleSpinBox = mannered(QtWidgets.QDoubleSpinBox)


_OBSERVED: list[tuple[Any, int]] = []


def _observe(node: Any, event: Any, function: Any) -> int:
    tag = node.AddObserver(event, function)
    _OBSERVED.append((node, tag))
    return tag


def let_go() -> None:
    """End all observations: widgets that are gone must not be called."""
    while _OBSERVED:
        node, tag = _OBSERVED.pop()
        node.RemoveObserver(tag)


def _dynamic(name: str, default: Any) -> property:
    """An attribute kept as a dynamic property, where the .ui file puts it."""

    def read(self: Any) -> Any:
        value = QtCore.QObject.property(self, name)
        return default if value is None else value

    def write(self: Any, value: Any) -> None:
        QtCore.QObject.setProperty(self, name, value)

    return property(read, write)


@with_connect
class qMRMLWidget(_Widget):
    """A panel that hands the scene to its widgets."""

    SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.receivers: list[Any] = []

    def setMRMLScene(self, scene: Any) -> None:
        for receiver in self.receivers:
            receiver.setMRMLScene(scene)


def connect_scene(panel: Any, path: str) -> None:
    """Make the connections of a .ui file from mrmlSceneChanged to setMRMLScene; any other is an error."""
    for connection in ElementTree.parse(path).getroot().iter("connection"):
        words = {item.tag: item.text for item in connection}
        expected = (panel.objectName, "mrmlSceneChanged(vtkMRMLScene*)", "setMRMLScene(vtkMRMLScene*)")
        if (words["sender"], words["signal"], words["slot"]) != expected:
            raise ValueError(f"{path}: this stand-in cannot make the connection {words}")
        panel.receivers.append(panel.findChild(QtCore.QObject, words["receiver"]))


@with_connect
class qMRMLNodeComboBox(_ComboBox):
    """A choice of the nodes of some classes."""

    SIGNALS = ("currentNodeChanged(vtkMRMLNode*)",)
    currentNodeChanged = QtCore.Signal(object)
    nodeTypes = _dynamic("nodeTypes", [])
    showChildNodeTypes = _dynamic("showChildNodeTypes", True)
    noneEnabled = _dynamic("noneEnabled", False)
    noneDisplay = _dynamic("noneDisplay", "None")
    addEnabled = _dynamic("addEnabled", True)
    removeEnabled = _dynamic("removeEnabled", True)
    renameEnabled = _dynamic("renameEnabled", False)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._current: Any = None
        self._attributes: list[str] = []
        self.activated.connect(self._chosen)

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent):
            _observe(scene, event, self._refill)
        self._refill()
        if not self.noneEnabled and self._nodes():
            self.setCurrentNode(self._nodes()[0])

    def addAttribute(self, nodeType: str, name: str) -> None:
        self._attributes.append(name)
        self._refill()

    def currentNode(self) -> Any:
        return self._current if self._current in self._nodes() else None

    def setCurrentNode(self, node: Any) -> None:
        if node is self._current:
            self._refill()
            return
        self._current = node
        self._refill()
        self.currentNodeChanged.emit(node)

    def nodeCount(self) -> int:
        return len(self._nodes())

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        nodes = [self._scene.GetNthNode(n) for n in range(self._scene.GetNumberOfNodes())]
        return [node for node in nodes if self._offered(node)]

    def _offered(self, node: Any) -> bool:
        if node.GetHideFromEditors() or not all(node.GetAttribute(name) for name in self._attributes):
            return False
        return any(
            node.IsA(kind) if self.showChildNodeTypes else node.GetClassName() == kind for kind in self.nodeTypes
        )

    def _refill(self, *_: Any) -> None:
        nodes = ([None] if self.noneEnabled else []) + self._nodes()
        blocked = self.blockSignals(True)
        self.clear()
        for node in nodes:
            self.addItem(node.GetName() if node is not None else self.noneDisplay or "None")
        gone = self._current is not None and self._current not in nodes
        if gone:
            self._current = None
        self.setCurrentIndex(nodes.index(self._current) if self._current in nodes else -1)
        self.blockSignals(blocked)
        if gone:
            self.currentNodeChanged.emit(None)

    def _chosen(self, index: int) -> None:
        self.setCurrentNode((([None] if self.noneEnabled else []) + self._nodes())[index])


@with_connect
class qMRMLTableView(_TableView):
    """A table node as a table."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._tag = 0
        self._rows = QtGui.QStandardItemModel(self)
        self._reading = False
        self._rows.itemChanged.connect(self._edited)
        self._proxy = mannered(QtCore.QSortFilterProxyModel)(self)
        self._proxy.setSourceModel(self._rows)
        self.setModel(self._proxy)

    def setMRMLScene(self, scene: Any) -> None:
        pass

    def setMRMLTableNode(self, node: Any) -> None:
        if self._node is not None:
            self._node.RemoveObserver(self._tag)
        self._node = node
        if node is not None:
            self._tag = _observe(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self._read())
        self._read()

    def mrmlTableNode(self) -> Any:
        return self._node

    def sortFilterProxyModel(self) -> Any:
        return self._proxy

    def tableModel(self) -> Any:
        return self._rows

    def _read(self) -> None:
        # As Slicer's model: cells and their tool tips are written anew, and a cell that changes is taken for an edit.
        self._reading = True
        try:
            self._read_cells()
        finally:
            self._reading = False

    def _edited(self, item: Any) -> None:
        array = self._node.GetTable().GetColumn(item.column()) if self._node is not None else None
        if not self._reading and array is not None:
            array.SetVariantValue(item.row(), vtk.vtkVariant(item.text()))

    def _read_cells(self) -> None:
        self._rows.clear()
        if self._node is None:
            return
        table = self._node.GetTable()
        for column in range(table.GetNumberOfColumns()):
            array = table.GetColumn(column)
            texts = [array.GetVariantValue(row).ToString() for row in range(array.GetNumberOfValues())]
            items = [QtGui.QStandardItem(text) for text in texts]
            self._rows.appendColumn(items)
            head = self._node.GetColumnTitle(array.GetName()) or array.GetName()
            self._rows.setHorizontalHeaderItem(column, QtGui.QStandardItem(head))
        self.horizontalHeader().setMinimumSectionSize(60)
        self.resizeColumnsToContents()


def fold(section: Any, folded: list[Any], value: bool) -> list[Any]:
    """Hide the contents of a section, or show those that folding has hidden; return what folding hides now."""
    if not value:
        for child in folded:
            child.setVisible(True)
        return []
    children = QtCore.QObject.children(section)
    shown = [child for child in children if isinstance(child, QtWidgets.QWidget) and not child.isHidden()]
    for child in shown:
        child.setVisible(False)
    return folded + shown


@with_connect
class ctkCollapsibleButton(_Widget):
    """A section with a headline that folds."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 26, 0, 0)
        self._collapsed = False
        self._text = ""
        self._folded: list[Any] = []

    def _set_collapsed(self, value: bool) -> None:
        changed, self._collapsed = value != self._collapsed, value
        self._folded = fold(self, self._folded, value)
        self.setMaximumHeight(26 if value else 16777215)
        if changed:
            self.contentsCollapsed.emit(value)

    collapsed = QtCore.Property(bool, lambda self: self._collapsed, lambda self, value: self._set_collapsed(value))
    text = QtCore.Property(str, lambda self: self._text, lambda self, value: setattr(self, "_text", value))

    def event(self, event: Any) -> bool:
        # The file names its children after the properties of the section.
        if event.type() == QtCore.QEvent.Type.Polish:
            self._set_collapsed(self._collapsed)
        return super().event(event)

    def mousePressEvent(self, event: Any) -> None:
        if event.position().y() < 26:
            self._set_collapsed(not self._collapsed)

    def paintEvent(self, event: Any) -> None:
        painter = QtGui.QPainter(self)
        bar = QtCore.QRect(0, 0, self.width, 24)
        painter.fillRect(bar, self.palette.button())
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        words = f"{'▸' if self._collapsed else '▾'}  {self._text}"
        painter.drawText(bar.adjusted(8, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, words)


@with_connect
class ctkCollapsibleGroupBox(_GroupBox):
    """A group that folds."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._collapsed = False
        self._collapsed_height = 14
        self._folded: list[Any] = []
        self.setCheckable(True)
        self.toggled.connect(lambda on: self._set_collapsed(not on))

    def _set_collapsed(self, value: bool) -> None:
        self._collapsed = value
        blocked = self.blockSignals(True)
        self.setChecked(not value)
        self.blockSignals(blocked)
        self._folded = fold(self, self._folded, value)
        option = QtWidgets.QStyleOptionGroupBox()
        self.initStyleOption(option)
        style = QtWidgets.QStyle
        label = self.style().subControlRect(style.CC_GroupBox, option, style.SC_GroupBoxLabel, self)
        self.setMaximumHeight(label.height() + self._collapsed_height if value else 16777215)

    def _set_collapsed_height(self, value: int) -> None:
        self._collapsed_height = value

    collapsedHeight = QtCore.Property(int, lambda self: self._collapsed_height, _set_collapsed_height)
    collapsed = QtCore.Property(bool, lambda self: self._collapsed, lambda self, value: self._set_collapsed(value))

    def event(self, event: Any) -> bool:
        if event.type() == QtCore.QEvent.Type.Polish:
            self._set_collapsed(self._collapsed)
        return super().event(event)


@with_connect
class ctkCheckableComboBox(_ComboBox):
    """A combo box whose items can be checked."""

    checkedIndexesChanged = QtCore.Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        model = QtGui.QStandardItemModel(self)
        self.setModel(model)
        self._checked: list[Any] = []
        model.dataChanged.connect(self._changed)

    def _changed(self, *_: Any) -> None:
        checked = [QtCore.QPersistentModelIndex(index) for index in self.checkedIndexes()]
        changed, self._checked = checked != self._checked, checked
        if changed:
            self.checkedIndexesChanged.emit()
        self.update()

    def checkableModel(self) -> Any:
        return self.model()

    def checkedIndexes(self) -> list[Any]:
        indexes = [self.model().index(row, 0) for row in range(self.count)]
        return [index for index in indexes if self.checkState(index) == QtCore.Qt.CheckState.Checked]

    def checkState(self, index: Any) -> Any:
        state = index.data(QtCore.Qt.ItemDataRole.CheckStateRole)
        return QtCore.Qt.CheckState(state) if state is not None else QtCore.Qt.CheckState.Unchecked

    def setCheckState(self, index: Any, state: Any) -> None:
        item = self.model().itemFromIndex(index)
        item.setCheckable(True)
        item.setCheckState(state)

    def paintEvent(self, event: Any) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        checked = [index.data() for index in self.checkedIndexes()]
        all_or_none = "All" if checked and len(checked) == self.count else "None"
        option.currentText = ", ".join(checked) if 0 < len(checked) < self.count else all_or_none
        painter.drawComplexControl(QtWidgets.QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_ComboBoxLabel, option)


def accepted_paths(filters: list[str]) -> re.Pattern[str]:
    """Return what CTK takes for the path of a file: one of the filters' endings, or any text where there are none."""
    endings = [ending for text in filters for ending in re.findall(r"\*\.(\w+)", text)]
    return re.compile("|".join(rf".*\.{ending}?" for ending in endings) or ".+")


@with_connect
class ctkPathLineEdit(_Widget):
    """The path of a file, in an editable combo box."""

    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)
    nameFilters = _dynamic("nameFilters", [])

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._box = _ComboBox(self)
        self._box.setEditable(True)
        browse = _ToolButton(self)
        browse.setText("...")
        row.addWidget(self._box, 1)
        row.addWidget(browse)
        self._valid = False
        self._box.editTextChanged.connect(self._typed)

    def comboBox(self) -> Any:
        return self._box

    def _typed(self, text: str) -> None:
        was_valid, self._valid = self._valid, bool(accepted_paths(self.nameFilters).fullmatch(text))
        if self._valid:
            self.currentPathChanged.emit(text)
        if self._valid != was_valid:
            self.validInputChanged.emit(self._valid)

    currentPath = property(lambda self: self._box.currentText, lambda self, value: self._box.setEditText(value))


def _of_box(name: str, kind: type) -> Any:
    """A property of the spin box of a slider."""
    return QtCore.Property(
        kind, lambda self: getattr(self._box, name), lambda self, value: setattr(self._box, name, value)
    )


@with_connect
class ctkSliderWidget(_Widget):
    """A slider with a spin box."""

    valueChanged = QtCore.Signal(float)
    _STEPS = 1000

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider = _Slider(QtCore.Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, self._STEPS)
        self._box = _DoubleSpinBox(self)
        row.addWidget(self._slider)
        row.addWidget(self._box)
        self._slider.valueChanged.connect(self._slid)
        self._box.valueChanged.connect(self._typed)

    def _slid(self, step: int) -> None:
        low, high = self._box.minimum, self._box.maximum
        self._box.setValue(low + (high - low) * step / self._STEPS)

    def _typed(self, value: float) -> None:
        low, high = self._box.minimum, self._box.maximum
        self._slider.blockSignals(True)
        self._slider.setValue(round((value - low) / (high - low) * self._STEPS) if high > low else 0)
        self._slider.blockSignals(False)
        self.valueChanged.emit(value)

    value = _of_box("value", float)
    minimum = _of_box("minimum", float)
    maximum = _of_box("maximum", float)
    singleStep = _of_box("singleStep", float)
    decimals = _of_box("decimals", int)


MRML_CLASSES = (qMRMLWidget, qMRMLNodeComboBox, qMRMLTableView)
CTK_CLASSES = (ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkCheckableComboBox, ctkPathLineEdit, ctkSliderWidget)
