"""Outlines of regions for the slice views, before they are segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from RadiomicsSlicerLib.segments import oriented_image

from ..logic.rings import GrownRings


def region_surface(grown: GrownRings, name: str) -> Any:
    """Return the surface of a region in the world; cut by a slice view, it is the region's outline there.

    Args:
        grown: regions that are not in the scene.
        name: of one of them.

    Returns:
        A vtkPolyData in RAS, mm; empty if the region has no voxels.
    """
    grid = grown.tumour.grid
    values = sitk.GetArrayViewFromImage(grown.regions.regions[name].mask) != 0
    labelmap = oriented_image(np.eye(4), grown.box, values)
    pad = vtk.vtkImageConstantPad()  # a region may touch the border of its crop
    pad.SetInputData(labelmap)
    extent = labelmap.GetExtent()
    pad.SetOutputWholeExtent([n + (1 if side % 2 else -1) for side, n in enumerate(extent)])
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputConnection(pad.GetOutputPort())
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    place = vtk.vtkTransform()
    place.SetMatrix(slicer.util.vtkMatrixFromArray(grid.to_world))
    move = vtk.vtkTransformPolyDataFilter()
    move.SetInputConnection(contour.GetOutputPort())
    move.SetTransform(place)
    move.Update()
    return move.GetOutput()
