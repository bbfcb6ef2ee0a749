"""Images in files and in memory as volume nodes: where they lie is kept, whatever their axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import slicer.util

from RadiomicsCoreLib.errors import InputError

from ..grids import RAS_TO_LPS


def add_image(image: sitk.Image, name: str, node: Any = None) -> Any:
    """Put an image into the scene.

    Args:
        image: 3D, LPS, mm.
        name: of a new node; "_1" and so on is appended if it is taken.
        node: a volume to fill anew; None: a new one.

    Returns:
        The vtkMRMLScalarVolumeNode, with a display node.
    """
    if node is None:
        name = slicer.mrmlScene.GenerateUniqueName(name)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(index_to_ras(image)))
    slicer.util.updateVolumeFromArray(node, sitk.GetArrayFromImage(image))
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    return node


def index_to_ras(image: sitk.Image) -> np.ndarray:
    """Return the 4 x 4 matrix from (i, j, k) of an image to RAS mm."""
    to_lps = np.eye(4)
    to_lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    to_lps[:3, 3] = image.GetOrigin()
    return RAS_TO_LPS @ to_lps


def read_made(path: Path) -> sitk.Image:
    """Read an image that a job has made.

    Raises:
        InputError: it is not there, or cannot be read.
    """
    if not path.is_file():
        raise InputError(f"there is no {path.name}: the job did not make it; its notes say why")
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read: {str(error).splitlines()[-1]}") from None
