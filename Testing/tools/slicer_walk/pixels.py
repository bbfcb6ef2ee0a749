"""What a render window shows, as pixels: "shown" is a matter of pixels, not of nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy

CLOSE = 40
"""How far each channel may be from a colour, of 255: lines are drawn smooth and over a grey scan."""


def pixels_of(render_window: Any) -> np.ndarray:
    """Return what a vtkRenderWindow shows.

    Returns:
        (row from the top, column, RGB), int, 0 to 255.
    """
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(render_window)
    grab.SetInputBufferTypeToRGB()
    grab.ReadFrontBufferOff()
    grab.Update()
    picture = grab.GetOutput()
    width, height, _ = picture.GetDimensions()
    return vtk_to_numpy(picture.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].astype(int)


def count_colour(pixels: np.ndarray, colour: Iterable[float], close: int = CLOSE) -> int:
    """Return how many pixels have a colour.

    Args:
        pixels: from :func:`pixels_of`.
        colour: (red, green, blue), 0 to 1, as Slicer's nodes hold it.
        close: how far each channel may be from it, of 255.

    Example:
        >>> picture = np.zeros((2, 3, 3), int)
        >>> picture[0, 1] = (250, 5, 0)
        >>> count_colour(picture, (1, 0, 0)), count_colour(picture, (0, 1, 0))
        (1, 0)
    """
    wanted = 255 * np.array(list(colour))
    return int((np.abs(pixels - wanted).max(axis=-1) <= close).sum())


def count_changed(before: np.ndarray, after: np.ndarray, least: int = 8) -> int:
    """Return how many pixels differ by at least so much in any channel; all of them if the sizes differ.

    Example:
        >>> count_changed(np.zeros((2, 2, 3), int), np.full((2, 2, 3), 9))
        4
    """
    if before.shape != after.shape:
        return max(before.size, after.size) // 3
    return int((np.abs(before - after).max(axis=-1) >= least).sum())
