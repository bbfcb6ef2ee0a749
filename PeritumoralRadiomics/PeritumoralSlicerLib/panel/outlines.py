"""Outlines of fields in slice views: where a field on a grid in the world crosses zero on the slice that is shown."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer.util
import vtk
import vtk.util.numpy_support

_POINTS_A_STEP = 2  # of the grid, at which the field is interpolated
_MOST_PIXELS = 1000


class FieldImage:
    """A field (k, j, i) for VTK, in the coordinates of its indices."""

    def __init__(self, field: np.ndarray, to_world: np.ndarray) -> None:
        """Take a field.

        Args:
            field: float32 (k, j, i), above 0 inside.
            to_world: 4 x 4, index (i, j, k) to RAS mm.
        """
        self.to_world = to_world
        self.size = field.shape[::-1]
        self.outside = float(min(field.min(), -abs(field).max(), -1e-3))
        self.data = vtk.vtkImageData()
        self.data.SetDimensions(*self.size)
        scalars = vtk.util.numpy_support.numpy_to_vtk(np.ascontiguousarray(field).ravel(), deep=1)
        self.data.GetPointData().SetScalars(scalars)

    @property
    def step_mm(self) -> float:
        """The shortest distance between two points."""
        return float(np.linalg.norm(self.to_world[:3, :3], axis=0).min())

    def corners(self) -> np.ndarray:
        """The corners of the grid in the world, (8, 3), half a step outside the outermost points."""
        ends = np.array(list(itertools.product(*[(-0.5, n - 0.5) for n in self.size])))
        return ends @ self.to_world[:3, :3].T + self.to_world[:3, 3]


class SliceOutline:
    """The outline of one field in one slice view.

    A model would be cut with the slice by Slicer itself, but nothing of it is seen where Slicer was built with VTK
    9.1; a hidden segmentation is an error for Slicer's data tree. An actor is no node: there is nothing to save, to
    list or to take out of the scene.

    Args:
        field: what to outline.
        colour: (red, green, blue), 0 to 1.
        width: of the line, pixels.
    """

    def __init__(self, field: FieldImage, colour: Sequence[float], width: int) -> None:
        self._field = field
        self._to_index = vtk.vtkTransform()
        self._reslice = vtk.vtkImageReslice()
        self._reslice.SetInputData(field.data)
        self._reslice.SetInterpolationModeToLinear()
        self._reslice.SetBackgroundLevel(field.outside)
        self._reslice.SetResliceTransform(self._to_index)
        self._contour = vtk.vtkMarchingSquares()
        self._contour.SetInputConnection(self._reslice.GetOutputPort())
        self._contour.SetValue(0, 0.0)
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputConnection(self._contour.GetOutputPort())
        mapper.ScalarVisibilityOff()
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().SetColor(*colour)
        self.actor.GetProperty().SetLineWidth(width)

    def cut(self, sliceNode: Any) -> None:
        """Follow the slice that a view shows."""
        to_world = slicer.util.arrayFromVTKMatrix(sliceNode.GetXYToRAS())
        ends = self._field.corners() @ np.linalg.inv(to_world)[:3, :3].T + np.linalg.inv(to_world)[:3, 3]
        low, high = ends.min(axis=0), ends.max(axis=0)
        low[:2], high[:2] = np.maximum(low[:2], -1), np.minimum(high[:2], sliceNode.GetDimensions()[:2])
        hit = (high[:2] > low[:2]).all() and low[2] < 0.5 and high[2] > -0.5
        self.actor.SetVisibility(bool(hit))
        if not hit:
            return
        pixel_mm = float(np.linalg.norm(to_world[:3, :2], axis=0).min())
        step = max(self._field.step_mm / pixel_mm / _POINTS_A_STEP, 1.0, float((high - low)[:2].max()) / _MOST_PIXELS)
        count = np.ceil((high - low)[:2] / step).astype(int) + 1
        self._reslice.SetOutputOrigin(float(low[0]), float(low[1]), 0.0)
        self._reslice.SetOutputSpacing(step, step, 1.0)
        self._reslice.SetOutputExtent(0, int(count[0]), 0, int(count[1]), 0, 0)
        self._to_index.SetMatrix(slicer.util.vtkMatrixFromArray(np.linalg.inv(self._field.to_world) @ to_world))

    def lines(self) -> Any:
        """The outline as a vtkPolyData in the pixels of the view."""
        self._contour.Update()
        return self._contour.GetOutput()
