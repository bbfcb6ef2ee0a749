"""The views of the application: drawn now, and as pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import slicer

from .pixels import count_changed, count_colour, pixels_of


def draw_all() -> None:
    """Draw every view, as it would be at the next pause."""
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        manager.sliceWidget(name).sliceView().forceRender()
    for number in range(manager.threeDViewCount):
        manager.threeDWidget(number).threeDView().forceRender()
    slicer.app.processEvents()


def have_room() -> bool:
    """Whether all slice views have a size: a window that has just been opened gives them none."""
    manager = slicer.app.layoutManager()
    windows = [manager.sliceWidget(name).sliceView().renderWindow() for name in manager.sliceViewNames()]
    return all(min(window.GetSize()) > 0 for window in windows)


def slice_pixels(name: str = "Red") -> np.ndarray:
    """Return what a slice view shows, drawn now."""
    view = slicer.app.layoutManager().sliceWidget(name).sliceView()
    view.forceRender()
    return pixels_of(view.renderWindow())


def shown(colours: Iterable[Any], name: str = "Red") -> int:
    """Return how many pixels of a slice view have the rarest of these colours."""
    pixels = slice_pixels(name)
    return min(count_colour(pixels, colour) for colour in colours)


def any_shown(colours: Iterable[Any], name: str = "Red") -> int:
    """Return how many pixels of a slice view have the most frequent of these colours."""
    pixels = slice_pixels(name)
    return max(count_colour(pixels, colour) for colour in colours)


def drawn_by(node: Any, name: str = "Red") -> int:
    """Return how many pixels of a slice view a display node is responsible for: it is hidden and shown again."""
    with_it = slice_pixels(name)
    node.SetVisibility(False)
    without_it = slice_pixels(name)
    node.SetVisibility(True)
    return count_changed(with_it, without_it)
