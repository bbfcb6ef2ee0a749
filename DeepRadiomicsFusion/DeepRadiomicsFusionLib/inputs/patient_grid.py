"""From the grid of a network's input back to the patient's own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from .patches import NetworkImage

if TYPE_CHECKING:
    pass


def map_on_patient(on_input: sitk.Image, image: sitk.Image, shown: NetworkImage) -> sitk.Image:
    """Bring a map from the grid of a network's input to the patient's image grid (linear).

    A slice of the input stands for what lies within half a slice of the image above and below it, so that a map of
    thin resampled slices always meets a slice of the image.

    Args:
        on_input: the map, on the grid of ``shown.image``.
        image: the patient's image, whose grid the result takes.
        shown: from :func:`~DeepRadiomicsFusionLib.inputs.patches.network_image`.

    Returns:
        Float32 on the grid of ``image``; 0 where the network saw nothing.
    """
    if shown.settings.spatial_dims == 2:
        on_input = _with_thick_ends(on_input, image.GetSpacing()[2])
    return sitk.Resample(on_input, image, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)


def _with_thick_ends(on_input: sitk.Image, slice_mm: float) -> sitk.Image:
    """Repeat the first and last slice, as far as half a slice of the patient's image needs it."""
    step_mm = on_input.GetSpacing()[2]
    extra = math.ceil(max(0.0, slice_mm - step_mm) / 2 / step_mm - 1e-6)
    if extra == 0:
        return on_input
    values = np.pad(sitk.GetArrayViewFromImage(on_input), [(extra, extra), (0, 0), (0, 0)], mode="edge")
    result = sitk.GetImageFromArray(values)
    result.SetSpacing(on_input.GetSpacing())
    result.SetDirection(on_input.GetDirection())
    result.SetOrigin(on_input.TransformContinuousIndexToPhysicalPoint((0.0, 0.0, float(-extra))))
    return result
