"""Slicer's window for tests: ``qt``, ``ctk``, ``slicer.app`` with a layout manager, module selector, message boxes.

:func:`window` puts it in place around the scene of ``Testing/tools/slicer_core_app`` and takes it away again, so that
tests without a window see none. Where it differs from Slicer:

- No views are drawn, unless a test opens the slice views (:mod:`layout_manager`); there is no 3D, chart or table view.
- A message box is not shown: its text goes to ``shown``, and ``answer`` decides what the user pressed. What is said
  while something lasts goes to ``announced``.
- ``slicer.util.selectModule`` calls exit and enter of the panels that are registered in ``panels``, and nothing else.
- The Segment Editor is an empty panel that remembers what it was given (:mod:`segment_editor`).

As in Slicer, an exception in a slot, an observer or a panel's own method is printed and swallowed; a test fails of it
at its end, as of anything else in ``faults``: a second message of one click, a message after a "no", Qt's critical
messages. It fails of errors of VTK, too.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
for folder in (ROOT / "Testing" / "tools", HERE):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

import slicer_core_app  # noqa: E402

slicer_core_app.bring_up()
from PySide6 import QtWidgets  # noqa: E402

APPLICATION = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["stand-in"])

import pythonqt  # noqa: E402
import scene_manners  # noqa: E402
import slicer  # noqa: E402
import slicer.util  # noqa: E402
import slicer_widgets  # noqa: E402
from faults import Faults  # noqa: E402
from layout_manager import LayoutManager  # noqa: E402
from segment_editor import SegmentEditor  # noqa: E402

QT = pythonqt.qt_module()
CTK = types.ModuleType("ctk")
for made in slicer_widgets.CTK_CLASSES:
    setattr(CTK, made.__name__, made)
pythonqt.Loader.extra = {made.__name__: made for made in slicer_widgets.MRML_CLASSES + slicer_widgets.CTK_CLASSES}
pythonqt.Loader.connect_scene = staticmethod(slicer_widgets.connect_scene)

MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")


class App:
    """``slicer.app`` with a window."""

    applicationName = "Slicer stand-in"

    def __init__(self, logic: Any, faults: Faults) -> None:
        self._logic = logic
        self.layout_manager: LayoutManager | None = LayoutManager(faults)
        self.temporaryPath = tempfile.gettempdir()
        self.cursors = 0
        self.started: list[Any] = []
        self._errors = ErrorLogModel(faults)

    def errorLogModel(self) -> Any:
        return self._errors

    def applicationLogic(self) -> Any:
        return self._logic

    def layoutManager(self) -> Any:
        return self.layout_manager

    def testingEnabled(self) -> bool:
        return False

    def setOverrideCursor(self, cursor: Any) -> None:
        self.cursors += 1

    def restoreOverrideCursor(self) -> None:
        self.cursors -= 1

    def processEvents(self, flags: Any = None) -> None:
        APPLICATION.processEvents()

    def connect(self, signal: str, slot: Any) -> None:
        if signal != "startupCompleted()":
            raise ValueError(f"this stand-in has no signal {signal}")
        self.started.append(slot)

    def moduleManager(self) -> Any:
        return types.SimpleNamespace(connect=lambda *_: None, disconnect=lambda *_: None)


class ErrorLogModel:
    """``slicer.app.errorLogModel()``: the faults, each an error."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def logEntryCount(self) -> int:
        return len(self._faults.found)

    def logEntryDescription(self, row: int) -> str:
        return self._faults.found[row]

    def index(self, row: int, column: int) -> Any:
        return types.SimpleNamespace(data=lambda: "Error")


class ScriptedLoadableModuleWidget:
    """Base of a panel, without the developer's section."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.parent = parent
        self.layout = parent.layout()

    def resourcePath(self, filename: str) -> str:
        return str(ROOT / self.moduleName / "Resources" / filename)

    def setup(self) -> None:
        pass


class Window:
    """What a test can ask and set."""

    def __init__(self, app: App, faults: Faults) -> None:
        self.app = app
        self.faults = faults
        self.shown: list[str] = []
        self.details: list[str] = []
        self.announced: list[str] = []
        self.answer = True
        self.panels: dict[str, Any] = {}
        self.current = ""
        self.editor = SegmentEditor()
        self.main = pythonqt.mannered(QtWidgets.QMainWindow)()

    def message(self, text: str, detailedText: str = "", **_: Any) -> None:
        """Take the text of a warning or an error, and what it keeps folded."""
        logging.getLogger("stand-in").info(text)
        self.faults.message_opens(text)
        self.shown.append(text)
        self.details.append(detailedText)

    def ask(self, text: str, **_: Any) -> bool:
        """Take the text of a question and give the answer."""
        self.faults.question_is_answered(text, self.answer)
        self.shown.append(text)
        return self.answer

    @contextlib.contextmanager
    def announce(self, text: str) -> Iterator[None]:
        """Take the text that is shown while something lasts."""
        self.announced.append(text)
        yield

    def select(self, module: str) -> None:
        """Open another module; its panel is made if it was not yet. What a panel raises is swallowed."""
        if self.current in self.panels:
            self.panels[self.current].parent.isEntered = False
            with self.faults.swallowed():
                self.panels[self.current].exit()
        self.current = module
        if module == "SegmentEditor":
            self.editor.selectParameterNode()
        if module in MODULES and module not in self.panels:
            self._make(module)
        if module in self.panels:
            self.panels[module].parent.isEntered = True
            with self.faults.swallowed():
                self.panels[module].enter()

    def open_panel(self, module: str) -> Any:
        """Open a module, as the module selector does, and return its panel."""
        self.select(module)
        return self.panels[module]

    def _make(self, module: str) -> None:
        parent = pythonqt.mannered(QtWidgets.QWidget)()
        parent.isEntered = False
        QtWidgets.QVBoxLayout(parent).setContentsMargins(4, 4, 4, 4)
        panel = getattr(importlib.import_module(module), f"{module}Widget")(parent)
        setattr(slicer.modules, f"{module}Widget", panel)
        self.panels[module] = panel
        with self.faults.swallowed():
            panel.setup()

    def close(self) -> None:
        """Close all panels, as the application does at its end, and its views."""
        while self.panels:
            module, panel = self.panels.popitem()
            with self.faults.swallowed():
                panel.cleanup()
            panel.parent.deleteLater()
            if hasattr(slicer.modules, f"{module}Widget"):  # a panel whose setup failed has no such name
                delattr(slicer.modules, f"{module}Widget")
        APPLICATION.processEvents()
        if self.app.layout_manager is not None:
            self.app.layout_manager.close_views()


def save_scene(path: str) -> bool:
    """Do what ``slicer.util.saveScene`` does with an MRB."""
    return slicer.mrmlScene.WriteToMRB(str(path))


def load_scene(path: str) -> bool:
    """Do what ``slicer.util.loadScene`` does with an MRB."""
    return slicer.mrmlScene.ReadFromMRB(str(path), False)


_CACHE: dict[str, Any] = {}


@contextlib.contextmanager
def window() -> Iterator[Window]:
    """Give Slicer a window."""
    faults = Faults()
    found = Window(App(slicer.app.applicationLogic(), faults), faults)
    with contextlib.ExitStack() as undo:
        undo.enter_context(faults.watching())
        undo.enter_context(scene_manners.manners_of_the_application(slicer.mrmlScene, faults))
        _swap_modules(undo, {"qt": QT, "ctk": CTK})
        for made in slicer_widgets.MRML_CLASSES + slicer_widgets.CTK_CLASSES:
            _set(undo, slicer, made.__name__, made)
        import parameter_gui

        scripted = sys.modules["slicer.ScriptedLoadableModule"]
        wrapper = sys.modules["slicer.parameterNodeWrapper"]
        _set(undo, scripted, "ScriptedLoadableModuleWidget", ScriptedLoadableModuleWidget)
        _set(undo, wrapper, "parameterNodeWrapper", parameter_gui.parameterNodeWrapper)
        _set(undo, wrapper, "GuiConnector", parameter_gui.GuiConnector)
        _set(undo, slicer, "app", found.app)
        _set(undo, slicer.modules, "segmenteditor", found.editor)
        _set(undo, slicer.util, "errorDisplay", found.message)
        _set(undo, slicer.util, "warningDisplay", found.message)
        _set(undo, slicer.util, "confirmOkCancelDisplay", found.ask)
        _set(undo, slicer.util, "MessageDialog", found.announce)
        _set(undo, slicer.util, "selectModule", found.select)
        _set(undo, slicer.util, "saveScene", save_scene)
        _set(undo, slicer.util, "loadScene", load_scene)
        _set(undo, slicer.util, "mainWindow", lambda: found.main)
        for module in MODULES:
            if (ROOT / module / f"{module}.py").is_file():
                _set(undo, slicer.modules, module.lower(), types.SimpleNamespace())
        undo.callback(_put_modules, _take_modules())
        _put_modules(_CACHE)
        undo.callback(slicer_widgets.let_go)
        try:
            yield found
        finally:
            found.close()
            _CACHE.update(_take_modules())


def _set(undo: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    if hasattr(owner, name):
        undo.callback(setattr, owner, name, getattr(owner, name))
    else:
        undo.callback(delattr, owner, name)
    setattr(owner, name, value)


def _needs_window(name: str) -> bool:
    """Whether a module derives from classes that exist only with a window, and is made anew for it."""
    ours = "SlicerLib." in name and name.endswith(("_widget", ".connectors"))
    return ours or name in MODULES


def _take_modules() -> dict[str, Any]:
    return {name: sys.modules.pop(name) for name in list(sys.modules) if _needs_window(name)}


def _put_modules(modules: dict[str, Any]) -> None:
    _take_modules()
    sys.modules.update(modules)


def _swap_modules(undo: contextlib.ExitStack, wanted: dict[str, Any]) -> None:
    """Put modules in place of those of the same name."""
    for name, module in wanted.items():
        undo.callback(_put_back, name, sys.modules.pop(name, None))
        sys.modules[name] = module


def _put_back(name: str, module: Any) -> None:
    sys.modules.pop(name, None)
    if module is not None:
        sys.modules[name] = module
