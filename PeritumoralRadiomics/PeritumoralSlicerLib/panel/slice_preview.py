"""Outlines of rings in the slice views while the numbers change, before they are segments.

An outline is a hidden model that only the slice views show: Slicer cuts it with every slice by itself, while the
user scrolls, on any number of views. It is never saved with the scene.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any

import slicer

from ..logic.rings import GrownRings
from .outlines import region_surface

WAIT_MS = 150
LONGEST_WAIT_MS = 2000
LINE_WIDTH = 2


class SlicePreview:
    """The outlines that are shown now."""

    def __init__(self) -> None:
        self._models: list[Any] = []

    def show(self, grown: GrownRings) -> None:
        """Show the rings of a tumour instead of what was shown."""
        wanted = [region.name for region in grown.made]
        self._models = [model for model in self._models if model.GetScene() is not None]
        while len(self._models) < len(wanted):
            self._models.append(_add_model())
        while len(self._models) > len(wanted):
            _remove_model(self._models.pop())
        for model, name in zip(self._models, wanted, strict=True):
            model.SetName(name)
            model.GetDisplayNode().SetColor(grown.colours[name])
            model.SetAndObservePolyData(region_surface(grown, name))

    def clear(self) -> None:
        """Take all outlines away."""
        while self._models:
            _remove_model(self._models.pop())

    @property
    def models(self) -> list[Any]:
        """The model nodes that are shown."""
        return list(self._models)


def _add_model() -> Any:
    display = _hidden_node("vtkMRMLModelDisplayNode")
    display.SetVisibility3D(False)
    display.SetVisibility2D(True)
    display.SetSliceIntersectionThickness(LINE_WIDTH)
    model = _hidden_node("vtkMRMLModelNode")
    model.SetAndObserveDisplayNodeID(display.GetID())
    return model


def _hidden_node(class_name: str) -> Any:
    node = slicer.mrmlScene.CreateNodeByClass(class_name)
    node.UnRegister(None)  # the scene holds it
    # Before it is added, so that no list and no tree takes notice of it.
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetSelectable(False)
    return slicer.mrmlScene.AddNode(node)


def _remove_model(model: Any) -> None:
    if model.GetScene() is None:
        return
    display = model.GetDisplayNode()
    slicer.mrmlScene.RemoveNode(model)
    if display is not None:
        slicer.mrmlScene.RemoveNode(display)


class Debounced:
    """Work that waits until its occasion has been quiet for a moment, and is left out if nothing changed.

    The longer the work took the last time, the longer it waits: whatever its size, it takes less than half of the
    window's time.

    Args:
        work: what to do.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        import qt

        self._work = work
        self._last: Hashable = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.connect("timeout()", self._run)

    def ask(self, occasion: Hashable) -> None:
        """Do the work soon, unless it was asked for with an equal occasion the last time."""
        if occasion == self._last:
            return
        self._last = occasion
        self._timer.start()

    def forget(self) -> None:
        """Do not do what was asked for; whatever is asked for next is new."""
        self._timer.stop()
        self._last = None

    def settle(self, occasion: Hashable) -> None:
        """Do not do what was asked for; an equal occasion asks for nothing."""
        self._timer.stop()
        self._last = occasion

    def _run(self) -> None:
        started = time.monotonic()
        self._work()
        took_ms = 1000 * (time.monotonic() - started)
        self._timer.setInterval(int(min(LONGEST_WAIT_MS, max(WAIT_MS, took_ms))))
