"""``slicer.app.layoutManager()``: remembers layouts, and has slice views once they are opened.

The slice views are Slicer's own, with its displayable managers, drawn into memory: what is shown is what they draw.
They follow the scene from :meth:`LayoutManager.open_views` on, as the application's do from its start, so that what the
application does not hear of, they do not hear of either (layers set by code carry no interaction flags: a legend
appears at the next ``Modified()``).
"""

from __future__ import annotations

import types
from typing import Any
from xml.etree import ElementTree

import slicer
import vtk
from faults import Faults

_SLICES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_SIZE = (420, 320)


class LayoutManager:
    """One layout manager.

    Args:
        faults: where a layout without ``splitSize`` is noted.

    Attributes:
        threeDViewCount, tableViewCount, plotViewCount: none of these views is here.
        node: the layout node.
        looked: how often the 3D views were reset.
    """

    threeDViewCount = tableViewCount = plotViewCount = 0

    def __init__(self, faults: Faults) -> None:
        self.node = slicer.vtkMRMLLayoutNode()
        self.looked = 0
        self._faults = faults
        self._views: dict[str, Any] = {}
        self._observer = 0

    @property
    def layout(self) -> int:
        return self.node.GetViewArrangement()

    def layoutLogic(self) -> Any:
        return types.SimpleNamespace(GetLayoutNode=lambda: self.node)

    def setLayout(self, number: int) -> None:
        if not self.node.IsLayoutDescription(number):
            raise ValueError(f"there is no layout {number}")
        if number == self.layout:  # as Slicer: the number alone decides
            return
        self.node.SetViewArrangement(number)
        loose = levels_without_sizes(self.node.GetCurrentLayoutDescription())
        if loose:
            self._faults.note(
                f"layout {number}: {loose} splitter levels have no splitSize; their views fall back to "
                "their size hints, which squeezes charts"
            )

    def resetThreeDViews(self) -> None:
        self.looked += 1

    def mrmlSliceLogics(self) -> Any:
        found = vtk.vtkCollection()
        for view in self._views.values():
            found.AddItem(view.logic)
        return found

    def sliceViewNames(self) -> tuple[str, ...]:
        return tuple(self._views)

    def sliceWidget(self, name: str) -> Any:
        return SliceWidget(self._views[name])

    def open_views(self) -> None:
        """Open the three slice views; needs EGL."""
        from render_slices import SliceView

        self._views = {name: SliceView(name, orientation, _SIZE) for name, orientation in _SLICES.items()}
        for view in self._views.values():
            view.logic.ResizeSliceNode(*_SIZE)
        scene = slicer.mrmlScene
        self._observer = scene.AddObserver(scene.EndImportEvent, self._follow_import)

    def close_views(self) -> None:
        """Take the views out of the scene."""
        if self._views:
            slicer.mrmlScene.RemoveObserver(self._observer)
        while self._views:
            self._views.popitem()[1].close()

    def _follow_import(self, *_: Any) -> None:
        # Its displayable managers wait for a next occasion to draw; in the application the loaded slices are one.
        for view in self._views.values():
            view.node.Modified()


class SliceWidget:
    """``sliceWidget(name)``: a slice view and its logic."""

    def __init__(self, view: Any) -> None:
        self._view = view

    def sliceLogic(self) -> Any:
        return self._view.logic

    def sliceView(self) -> Any:
        return self

    def forceRender(self) -> None:
        self._view.picture()

    def scheduleRender(self) -> None:
        """Draw soon: nobody looks before the next :meth:`forceRender`."""

    def renderWindow(self) -> Any:
        return self._view.window


def levels_without_sizes(description: str) -> int:
    """Return how many splitter levels of a layout leave the sizes of their views to Qt.

    Example:
        >>> levels_without_sizes('<layout split="true"><item splitSize="2"/><item splitSize="1"/></layout>')
        0
        >>> levels_without_sizes('<layout split="true"><item><layout/></item><item/></layout>')
        1
    """
    levels = [level for level in ElementTree.fromstring(description).iter("layout") if level.get("split") == "true"]
    return sum(not any(int(item.get("splitSize", 0)) for item in level.findall("item")) for level in levels)
