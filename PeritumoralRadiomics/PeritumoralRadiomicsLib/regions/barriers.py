"""What a ring may not enter: the outside of an organ, excluded structures, intensities, other tumours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError
from RadiomicsCoreLib.images.geometry import IndexBox, describe_difference


@dataclass(frozen=True)
class Barrier:
    """Voxels that no ring may hold.

    Attributes:
        name: what stands in the way, as it reads in messages: ``organ mask``, ``exclusion 1``.
        blocked: bool (k, j, i) on the crop.
    """

    name: str
    blocked: np.ndarray


def find_barriers(
    tumour: sitk.Image,
    box: IndexBox,
    *,
    image: sitk.Image | None = None,
    window: tuple[float, float] | None = None,
    organ: sitk.Image | None = None,
    exclusions: Sequence[sitk.Image] = (),
    other_tumours: Sequence[sitk.Image] = (),
) -> list[Barrier]:
    """Return the barriers within a box; only the box is read from each image.

    Args:
        tumour: the mask whose grid all others share.
        box: part of the grid in which rings grow.
        image: intensities for the window.
        window: lowest and highest intensity a ring may hold; NaN is never inside.
        organ: mask that rings may not leave.
        exclusions: masks that rings may not enter.
        other_tumours: masks of the patient's other tumours.

    Raises:
        GeometryError: a mask or the image lies on another grid; the message says by how much.
        InputError: a window without an image.
    """
    barriers = []
    if organ is not None:
        barriers.append(Barrier("organ mask", ~_inside(organ, "the organ mask", tumour, box)))
    for kind, masks in (("exclusion", exclusions), ("other tumour", other_tumours)):
        for number, mask in enumerate(masks, 1):
            name = f"{kind} {number}" if len(masks) > 1 else kind
            barriers.append(Barrier(name, _inside(mask, f"the {name} mask", tumour, box)))
    if window is not None:
        if image is None:
            raise InputError(f"window {window} needs the image; give image=... or leave the window out")
        values = _part(image, "the image", tumour, box)
        barriers.append(Barrier("intensity window", ~((values >= window[0]) & (values <= window[1]))))
    return barriers


def _inside(mask: sitk.Image, what: str, tumour: sitk.Image, box: IndexBox) -> np.ndarray:
    return _part(mask, what, tumour, box) != 0


def _part(image: sitk.Image, what: str, tumour: sitk.Image, box: IndexBox) -> np.ndarray:
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise GeometryError(
            f"{what} must be 3D with one value a voxel, got {image.GetDimension()}D with "
            f"{image.GetNumberOfComponentsPerPixel()}"
        )
    difference = describe_difference(image, tumour)
    if difference:
        raise GeometryError(f"{what} is not on the tumour mask's grid: {difference}; resample it first")
    return sitk.GetArrayViewFromImage(image)[box.slices]
