"""Outlines of rings in the slice views while the numbers change, before they are segments."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import vtk

from RadiomicsSlicerLib.slice_views import ShownSlice, layout_node, shown_slices

from ..logic.ring_preview import RingPreview
from .outlines import FieldImage, SliceOutline

WAIT_MS = 150
LONGEST_WAIT_MS = 2000
LINE_WIDTH = 2
_AFTER_THE_VIEWS_ARE_MADE = -10.0


class SlicePreview:
    """The outlines that are shown now, in all slice views.

    Args:
        views: gives the slice views.
    """

    def __init__(self, views: Callable[[], list[ShownSlice]] = shown_slices) -> None:
        self._views = views
        self._drawn: list[_ViewOutlines] = []
        self._layout: tuple[Any, int] | None = None
        self.shown = RingPreview()

    def show(self, preview: RingPreview) -> None:
        """Show the outlines of a preview instead of what was shown."""
        self.clear()
        if not preview.rings:
            return
        self.shown = preview
        self._draw()
        node = layout_node()
        if node is not None:
            event = vtk.vtkCommand.ModifiedEvent
            self._layout = node, node.AddObserver(event, self._draw, _AFTER_THE_VIEWS_ARE_MADE)

    def clear(self) -> None:
        """Take all outlines away."""
        if self._layout is not None:
            node, tag = self._layout
            node.RemoveObserver(tag)
        self._layout = None
        self._erase()
        self.shown = RingPreview()

    @property
    def outlines(self) -> list[str]:
        """The names of the rings whose outlines are shown."""
        return [ring.name for ring in self.shown.rings]

    def _draw(self, *_: Any) -> None:
        """Draw into the views of the present layout; it may have changed."""
        self._erase()
        to_world = self.shown.to_world
        fields = [FieldImage(ring.field, to_world) for ring in self.shown.rings] if to_world is not None else []
        for view in self._views():  # each is kept at once: drawing may call back here, and what is not kept stays drawn
            self._drawn.append(_ViewOutlines(view, fields, self.shown.colours))

    def _erase(self) -> None:
        while self._drawn:
            self._drawn.pop().remove()


class _ViewOutlines:
    """All outlines in one view; they follow its slice."""

    def __init__(self, view: ShownSlice, fields: list[FieldImage], colours: Any) -> None:
        self._view = view
        self._outlines = [
            SliceOutline(field, colour, LINE_WIDTH) for field, colour in zip(fields, colours, strict=True)
        ]
        for outline in self._outlines:
            view.renderer.AddViewProp(outline.actor)
        self._tag = view.node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._follow)
        self._follow()
        view.render()

    def remove(self) -> None:
        self._view.node.RemoveObserver(self._tag)
        for outline in self._outlines:
            self._view.renderer.RemoveViewProp(outline.actor)
        self._view.render()

    def _follow(self, *_: Any) -> None:
        for outline in self._outlines:
            outline.cut(self._view.node)


class Debounced:
    """Work that waits until its occasion has been quiet for a moment, and is left out if nothing changed.

    The window lives between the steps of the work; what is asked for next takes the place of the steps that are left.
    The longer the work took the last time, the longer it waits: whatever its size, it takes less than half of the
    window's time.

    Args:
        work: what to do; it may return an iterator, each of whose steps is then done by itself.
    """

    def __init__(self, work: Callable[[], Iterator[None] | None]) -> None:
        import qt

        self._work = work
        self._last: Hashable = None
        self._steps: Iterator[None] | None = None
        self._took_s = 0.0
        self._timer = _once(qt, WAIT_MS, self._run)
        self._next = _once(qt, 0, self._step)

    def ask(self, occasion: Hashable) -> None:
        """Do the work soon, unless it was asked for with an equal occasion the last time."""
        if occasion == self._last:
            return
        self._stop()
        self._last = occasion
        self._timer.start()

    def forget(self) -> None:
        """Do not do what was asked for; whatever is asked for next is new."""
        self._stop()
        self._last = None

    def settle(self, occasion: Hashable) -> None:
        """Do not do what was asked for; an equal occasion asks for nothing."""
        self._stop()
        self._last = occasion

    def _stop(self) -> None:
        self._timer.stop()
        self._next.stop()
        self._steps = None

    def _run(self) -> None:
        self._took_s = 0.0
        started = time.monotonic()
        self._steps = self._work()
        self._count(started)
        self._step()

    def _step(self) -> None:
        steps = self._steps
        if steps is None:
            return
        started = time.monotonic()
        going_on = next(steps, self) is not self
        self._count(started)
        if self._steps is steps:  # the step itself may have asked for something else
            self._steps = steps if going_on else None
            if going_on:
                self._next.start()

    def _count(self, started: float) -> None:
        self._took_s += time.monotonic() - started
        self._timer.setInterval(int(min(LONGEST_WAIT_MS, max(WAIT_MS, 1000 * self._took_s))))


def _once(qt: Any, milliseconds: int, slot: Callable[[], None]) -> Any:
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.connect("timeout()", slot)
    return timer
