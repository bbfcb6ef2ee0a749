"""The slice views of the window, for what is drawn into them beside Slicer's own nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slicer


@dataclass(frozen=True, eq=False)
class ShownSlice:
    """A slice view.

    Attributes:
        node: its vtkMRMLSliceNode.
        renderer: what its actors are added to.
        render: draws it soon.
    """

    node: Any
    renderer: Any
    render: Callable[[], Any]


def shown_slices() -> list[ShownSlice]:
    """Return the slice views of the present layout; none without a main window."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    return [_shown(manager.sliceWidget(name)) for name in manager.sliceViewNames()]


def layout_node() -> Any:
    """Return the node that is modified when the views are arranged anew; None without a main window."""
    manager = slicer.app.layoutManager()
    return None if manager is None else manager.layoutLogic().GetLayoutNode()


def _shown(widget: Any) -> ShownSlice:
    view = widget.sliceView()
    # As Slicer's own annotations do it (DataProbe); the first renderer is the one of the slice.
    renderer = view.renderWindow().GetRenderers().GetItemAsObject(0)
    return ShownSlice(widget.sliceLogic().GetSliceNode(), renderer, view.scheduleRender)
