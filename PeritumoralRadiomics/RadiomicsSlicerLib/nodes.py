"""Volume nodes and images: exact for oblique volumes and for volumes under a linear transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from RadiomicsCoreLib.errors import GeometryError, InputError
from RadiomicsCoreLib.images.geometry import IndexBox

from .grids import VoxelGrid, shifted
from .tables import RECORD


def required(node: Any, what: str) -> Any:
    """Return a node that must be there.

    Args:
        node: a node of the scene, or None.
        what: what it is for, as in "the volume".

    Raises:
        InputError: None, or a node that was deleted from the scene.
    """
    if node is None:
        raise InputError(f"{what} is not chosen; choose it first")
    if node.GetScene() is None:
        raise InputError(f"{what} {node.GetName()!r} is no longer in the scene; choose another")
    return node


def first_volume() -> Any:
    """Return the first volume of the scene that the user can have meant: no labelmap, none of our maps; or None."""
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        plain = node.GetClassName() == "vtkMRMLScalarVolumeNode"
        if plain and not node.GetHideFromEditors() and not node.GetAttribute(RECORD):
            return node
    return None


def volume_grid(volumeNode: Any) -> VoxelGrid:
    """Return the grid of a volume in the world, its parent transform included.

    Raises:
        InputError: no volume, or one without voxels or with several values a voxel.
        GeometryError: a nonlinear parent transform, or axes that are not at right angles.
    """
    required(volumeNode, "the volume")
    data = volumeNode.GetImageData()
    if data is None or data.GetPointData() is None or data.GetPointData().GetScalars() is None:
        raise InputError(f"volume {volumeNode.GetName()!r} holds no voxels; load its image first")
    components = data.GetNumberOfScalarComponents()
    if components != 1:
        raise InputError(
            f"volume {volumeNode.GetName()!r} has {components} values a voxel (a colour or vector image); "
            "choose one with a single value"
        )
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return VoxelGrid(
        data.GetDimensions(),
        world_matrix(volumeNode) @ slicer.util.arrayFromVTKMatrix(matrix),
        f"volume {volumeNode.GetName()!r}",
    )


def volume_image(volumeNode: Any, box: IndexBox | None = None) -> sitk.Image:
    """Return a volume, or a box of it, as an image in the world (LPS, mm), with the voxels' own type.

    The voxels are copied: later changes of the volume do not reach the image.

    Raises:
        InputError, GeometryError: as :func:`volume_grid`.
    """
    grid = volume_grid(volumeNode)
    box = box or grid.whole
    return grid.part(box).image(slicer.util.arrayFromVolume(volumeNode)[box.slices])


def world_matrix(node: Any) -> np.ndarray:
    """Return the 4 x 4 matrix from a node's own coordinates to the world (RAS): its linear parent transforms.

    Raises:
        GeometryError: the transform is not linear.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    matrix = vtk.vtkMatrix4x4()
    if not parent.IsTransformToWorldLinear() or not parent.GetMatrixTransformToWorld(matrix):
        raise GeometryError(
            f"{node.GetName()!r} is under the nonlinear transform {parent.GetName()!r}; "
            "harden the transform (Transforms module) or take the node out of it"
        )
    return slicer.util.arrayFromVTKMatrix(matrix)


def add_volume(image: sitk.Image, box: IndexBox, volumeNode: Any, name: str, node: Any = None) -> Any:
    """Put an image that covers a box of a volume into the scene, voxel on voxel with that volume.

    Args:
        image: voxels of the box; its own geometry is not read.
        box: where it lies on the volume's grid.
        volumeNode: the volume; the new node follows the same parent transform.
        name: of a new node; "_1" and so on is appended if it is taken.
        node: a volume to fill anew; None: a new one.

    Returns:
        The vtkMRMLScalarVolumeNode; a new one has no display node.
    """
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    if node is None:
        name = slicer.mrmlScene.GenerateUniqueName(name)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(slicer.util.arrayFromVTKMatrix(matrix) @ shifted(box.start)))
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    slicer.util.updateVolumeFromArray(node, sitk.GetArrayFromImage(image))
    return node
