"""Real patients' images with their tumours and rings, for tests and benchmarks of the engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk


def read_case(folder: Path, name: str) -> tuple[sitk.Image, sitk.Image]:
    """Return image and mask of STS_002-CT and its like, or of one of pyradiomics' own cases, such as lung1."""
    if name.startswith("STS"):
        case, phase = name.split("-")
        image = sitk.ReadImage(str(folder / "sts" / case / f"{phase}.nii.gz"))
        mask = sitk.ReadImage(str(folder / "sts" / case / f"{phase}_tumour.nii.gz"))
    else:
        image = sitk.ReadImage(str(folder / "pyradiomics_cases" / f"{name}_image.nrrd"))
        mask = sitk.ReadImage(str(folder / "pyradiomics_cases" / f"{name}_label.nrrd"))
    mask = sitk.Cast(mask > 0, sitk.sitkUInt8)
    mask.CopyInformation(image)
    return image, mask


def tumour_and_rings(
    image: sitk.Image, mask: sitk.Image, outer_mm: Sequence[float], margin: int = 12
) -> tuple[sitk.Image, dict[str, sitk.Image]]:
    """Return the image, cropped some voxels around the largest ring, and region names with their masks.

    Rings are thresholds of SimpleITK's distance map: they owe nothing to the library.
    """
    distance = sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)
    inside, far = sitk.GetArrayFromImage(mask) == 1, sitk.GetArrayFromImage(distance)
    regions = {"tumour": inside} | {f"ring_{mm}": ~inside & (far <= mm) for mm in outer_mm}
    index = np.argwhere(np.any(list(regions.values()), axis=0))[:, ::-1]
    low = np.maximum(index.min(axis=0) - margin, 0)
    high = np.minimum(index.max(axis=0) + margin + 1, image.GetSize())
    crop = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    masks = {}
    for name, voxels in regions.items():
        ring = sitk.GetImageFromArray(voxels.astype(np.uint8))
        ring.CopyInformation(mask)
        masks[name] = ring[crop]
    return image[crop], masks
