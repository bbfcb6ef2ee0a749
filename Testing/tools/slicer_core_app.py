"""What 3D Slicer has and ``slicer-core`` lacks, for tests only: a scene, module logics, and three small modules.

``slicer-core`` brings Slicer's real MRML nodes, logics and ``slicer.util``. The application around them is made
here. Where it differs from Slicer:

- ``slicer.app`` knows no window, no layout and no settings: what asks for them gets None, as with
  ``--no-main-window``.
- ``slicer.modules.<name>.logic()`` exists for the modules named in ``LOGICS``.
- ``slicer.i18n`` translates nothing.
- ``slicer.ScriptedLoadableModule`` has the metadata and Logic classes, and a Test class without delays; the
  Widget class is a name to derive from.
- ``slicer.parameterNodeWrapper`` keeps each member as one parameter of the wrapped node (nodes as references),
  checks ranges and choices, and connects no widgets. Texts in the node differ from Slicer's serializers.
"""

from __future__ import annotations

import enum
import json
import sys
import tempfile
import types
import typing
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slicer
import slicer.util
import vtk

LOGICS = {
    "Colors": "vtkMRMLColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Texts": "vtkSlicerTextsLogic",
}


class StandInApp:
    """``slicer.app`` without a window."""

    def __init__(self, application_logic: Any) -> None:
        self._logic = application_logic
        self.connections: list[tuple[str, Callable[..., Any]]] = []

    def connect(self, signal: str, slot: Callable[..., Any]) -> None:
        """Remember a connection; nothing is ever emitted."""
        self.connections.append((signal, slot))

    def applicationLogic(self) -> Any:
        return self._logic

    def layoutManager(self) -> None:
        return None

    def processEvents(self) -> None:
        pass


class StandInModule:
    """``slicer.modules.<name>``: the holder of a logic."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


@dataclass
class SlicerCoreApp:
    """What has been brought up; kept alive for the whole process."""

    scene: Any
    logic: Any
    remote_io: Any
    data_io: Any
    cache: tempfile.TemporaryDirectory
    reports: Any = None

    def clear(self) -> None:
        """Close the scene, as File > Close Scene does, and forget what VTK and MRML reported so far."""
        self.scene.Clear(0)
        # A closed scene keeps its views; here no view outlives its test, and what a test left in one goes with it.
        for kind in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
            while (view := self.scene.GetFirstNodeByClass(kind)) is not None:
                view.RemoveAllObservers()
                self.scene.RemoveNode(view)
        self.reports = vtk.vtkStringOutputWindow()
        vtk.vtkOutputWindow.SetInstance(self.reports)

    def errors(self) -> str:
        """Return the errors and warnings that VTK and MRML reported since the scene was cleared."""
        return self.reports.GetOutput()


_APP: SlicerCoreApp | None = None


def bring_up() -> SlicerCoreApp:
    """Give ``slicer`` a scene, module logics and the missing modules; once a process."""
    global _APP
    if _APP is None:
        scene = slicer.vtkMRMLScene()
        slicer.mrmlScene = scene
        logic = slicer.vtkSlicerApplicationLogic()
        logic.SetMRMLScene(scene)
        logic.GetColorLogic().SetMRMLScene(scene)
        logic.GetColorLogic().AddDefaultColorNodes()
        cache, remote_io, data_io = _file_logics(scene, logic)
        slicer.modules = types.SimpleNamespace(**_modules(scene, logic))
        slicer.app = StandInApp(logic)
        _put_modules()
        _APP = SlicerCoreApp(scene, logic, remote_io, data_io, cache)
        _APP.clear()
    return _APP


def _modules(scene: Any, application_logic: Any) -> dict[str, StandInModule]:
    made = {}
    for name, class_name in LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLScene(scene)
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.SetModuleLogic(name, logic)
        made[name.lower()] = StandInModule(logic)
    # Adds legends; as the application's colour logic it would want Slicer's colour files, which are not here.
    scene.RegisterNodeClass(slicer.vtkMRMLColorLegendDisplayNode())
    made["colours_of_the_application"] = made["colors"]  # the application logic does not keep it alive
    made["colors"] = StandInModule(slicer.vtkSlicerColorLogic())
    return made


def _file_logics(scene: Any, application_logic: Any) -> tuple[tempfile.TemporaryDirectory, Any, Any]:
    """Make what reading an MRB needs: a folder to unpack it into."""
    cache = tempfile.TemporaryDirectory(prefix="slicer-core-")
    remote_io = slicer.vtkMRMLRemoteIOLogic()
    remote_io.SetMRMLScene(scene)
    remote_io.SetMRMLApplicationLogic(application_logic)
    remote_io.GetCacheManager().SetRemoteCacheDirectory(cache.name)
    data_io = slicer.vtkDataIOManagerLogic()
    data_io.SetMRMLScene(scene)
    data_io.SetMRMLApplicationLogic(application_logic)
    data_io.SetAndObserveDataIOManager(remote_io.GetDataIOManager())
    remote_io.AddDataIOToScene()
    return cache, remote_io, data_io


def _put_modules() -> None:
    contents: dict[str, dict[str, Any]] = {
        "i18n": {"tr": lambda text, context=None: text, "translate": lambda context, text: text},
        "ScriptedLoadableModule": {
            item.__name__: item
            for item in (
                ScriptedLoadableModule,
                ScriptedLoadableModuleWidget,
                ScriptedLoadableModuleLogic,
                ScriptedLoadableModuleTest,
            )
        },
        "parameterNodeWrapper": {
            "parameterNodeWrapper": parameterNodeWrapper,
            "WithinRange": WithinRange,
            "Choice": Choice,
        },
    }
    for name, members in contents.items():
        module = types.ModuleType(f"slicer.{name}")
        module.__dict__.update(members, __all__=list(members))
        sys.modules[module.__name__] = module
        setattr(slicer, name, module)


class ScriptedLoadableModule:
    """Metadata of a module."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__


class ScriptedLoadableModuleWidget:
    """A name to derive from; panels are tested elsewhere."""


class ScriptedLoadableModuleLogic:
    """Base of a Logic: one parameter node a scene."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self) -> Any:
        found = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if found is not None:
            return found
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetModuleName(self.moduleName)
        node.SetName(self.moduleName)
        return slicer.mrmlScene.AddNode(node)


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of a self-test; messages wait for nobody."""

    def delayDisplay(self, message: str, msec: int = 0) -> None:
        pass

    def runTest(self) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class WithinRange:
    """A number's bounds, both included."""

    minimum: float
    maximum: float

    def check(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within [{self.minimum}, {self.maximum}]")


@dataclass(frozen=True)
class Choice:
    """The values that a member may have."""

    choices: list

    def check(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


def parameterNodeWrapper(wrapped: type) -> type:
    """Make every annotated member of a class a parameter of the node that it is made with."""
    names = []
    for name, hint in typing.get_type_hints(wrapped, include_extras=True).items():
        kind, checks = _split(hint)
        default = getattr(wrapped, name, None)
        if default is None:
            default = _default(kind, checks)
        setattr(wrapped, name, _parameter(name, kind, checks, default))
        names.append(name)

    def __init__(self: Any, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        for name in names:
            if not _is_node(_kind_of(wrapped, name)) and not parameterNode.GetParameter(name):
                setattr(self, name, getattr(self, name))

    wrapped.__init__ = __init__  # type: ignore[misc]
    wrapped.allParameters = {name: _kind_of(wrapped, name) for name in names}  # type: ignore[attr-defined]
    for forwarded in ("AddObserver", "RemoveObserver", "Modified", "StartModify", "EndModify"):
        setattr(wrapped, forwarded, _forward(forwarded))
    return wrapped


def _forward(name: str) -> Callable[..., Any]:
    return lambda self, *arguments: getattr(self.parameterNode, name)(*arguments)


def _kind_of(wrapped: type, name: str) -> Any:
    return _split(typing.get_type_hints(wrapped, include_extras=True)[name])[0]


def _split(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is typing.Annotated:
        kind, *checks = typing.get_args(hint)
        return kind, tuple(checks)
    return hint, ()


def _is_node(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def _default(kind: Any, checks: tuple[Any, ...]) -> Any:
    choice = next((check for check in checks if isinstance(check, Choice)), None)
    if choice is not None:
        return choice.choices[0]
    if _is_node(kind):
        return None
    return (typing.get_origin(kind) or kind)()


def _parameter(name: str, kind: Any, checks: tuple[Any, ...], default: Any) -> property:
    if _is_node(kind):

        def read_node(self: Any) -> Any:
            return self.parameterNode.GetNodeReference(name)

        def write_node(self: Any, node: Any) -> None:
            self.parameterNode.SetNodeReferenceID(name, node.GetID() if node is not None else None)

        return property(read_node, write_node)

    def read(self: Any) -> Any:
        text = self.parameterNode.GetParameter(name)
        if not text:
            return default
        value = json.loads(text)
        return kind[value] if isinstance(kind, type) and issubclass(kind, enum.Enum) else value

    def write(self: Any, value: Any) -> None:
        for check in checks:
            check.check(value)
        plain = value.name if isinstance(value, enum.Enum) else value
        self.parameterNode.SetParameter(name, json.dumps(plain))

    return property(read, write)
