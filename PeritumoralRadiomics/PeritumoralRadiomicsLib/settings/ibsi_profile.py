"""Image preparation as the Image Biomarker Standardisation Initiative defines it, for ``profile="ibsi"``.

pyradiomics differs from the standard in the resampling grid (corners aligned instead of centres), in mask
interpolation (nearest neighbour instead of linear with a threshold of one half), in not rounding
interpolated CT intensities, in the bins' start and in kurtosis. The last two belong to the engine; the first
three are here.

Reference: Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145; IBSI reference manual, "Image processing".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsCoreLib.images.memory_claim import check_claim

INTERPOLATORS = {"linear": sitk.sitkLinear, "cubic_spline": sitk.sitkBSpline, "nearest": sitk.sitkNearestNeighbor}


@dataclass(frozen=True)
class IbsiPreparation:
    """How an image and its mask are prepared.

    Attributes:
        spacing_mm: new voxel size (x, y, z); 0 keeps an axis as it is; None keeps all.
        interpolator: of the image: ``linear``, ``cubic_spline`` or ``nearest``; the mask's is linear.
        round_intensities: to whole numbers, as for CT.
        intensity_range: (low, high): only voxels in this closed range count; None for no limit.
        outlier_sigmas: only voxels within so many standard deviations of the mean count; None for all.
    """

    spacing_mm: tuple[float, float, float] | None = None
    interpolator: str = "linear"
    round_intensities: bool = True
    intensity_range: tuple[float, float] | None = None
    outlier_sigmas: float | None = None

    def __post_init__(self) -> None:
        if self.interpolator not in INTERPOLATORS:
            raise InputError(f"interpolator {self.interpolator!r} is unknown; use one of {', '.join(INTERPOLATORS)}")
        if self.spacing_mm is not None and any(s < 0 for s in self.spacing_mm):
            raise InputError(f"spacing_mm must not be negative, got {self.spacing_mm}")
        if self.outlier_sigmas is not None and not self.outlier_sigmas > 0:
            raise InputError(f"outlier_sigmas must be positive, got {self.outlier_sigmas}")


@dataclass(frozen=True)
class PreparedRegion:
    """Image and masks on the new grid.

    Attributes:
        image: float64.
        morphological_mask: UInt8, the shape's voxels.
        intensity_mask: UInt8, the voxels whose intensities count.
    """

    image: sitk.Image
    morphological_mask: sitk.Image
    intensity_mask: sitk.Image


def prepare(image: sitk.Image, mask: sitk.Image, preparation: IbsiPreparation) -> PreparedRegion:
    """Resample, round and resegment an image and its mask.

    Args:
        image: 3D image.
        mask: UInt8, 1 inside, on the same grid.
        preparation: what to do.

    Raises:
        RegionError: no voxel is left.
    """
    image = sitk.Cast(image, sitk.sitkFloat64)
    if preparation.spacing_mm is not None:
        grid = centred_grid(image, preparation.spacing_mm)
        image = sitk.Resample(image, grid, sitk.Transform(), INTERPOLATORS[preparation.interpolator])
        mask = resample_mask(mask, grid)
    if preparation.round_intensities:
        image = sitk.Round(image)
    return PreparedRegion(image, mask, _resegmented(image, mask, preparation))


def centred_grid(image: sitk.Image, spacing_mm: Sequence[float]) -> sitk.Image:
    """An empty image on the standard's grid: new voxels centred on the old image's centre.

    Args:
        image: the old grid.
        spacing_mm: new voxel size (x, y, z); 0 keeps an axis.

    Example:
        >>> grid = centred_grid(sitk.Image(10, 10, 10, sitk.sitkUInt8), (4, 4, 0))
        >>> grid.GetSize(), grid.GetOrigin()
        ((3, 3, 10), (0.5, 0.5, 0.0))
    """
    old_size, old = np.array(image.GetSize()), np.array(image.GetSpacing())
    new = np.where(np.array(spacing_mm) == 0, old, spacing_mm)
    voxels = np.ceil(old_size * old / new - 1e-9)
    check_claim(voxels, new)
    size = voxels.astype(int)
    first = ((old_size - 1) * old - (size - 1) * new) / 2 / old
    grid = sitk.Image([int(n) for n in size], image.GetPixelID())
    grid.SetSpacing(new.tolist())
    grid.SetDirection(image.GetDirection())
    grid.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(first.tolist()))
    return grid


def resample_mask(mask: sitk.Image, grid: sitk.Image) -> sitk.Image:
    """Interpolate a mask linearly; voxels that are at least half inside belong to it."""
    part = sitk.Resample(sitk.Cast(mask, sitk.sitkFloat64), grid, sitk.Transform(), sitk.sitkLinear, 0.0)
    # 1e-9: a half that rounding made a little smaller is still a half.
    return sitk.Cast(part >= 0.5 - 1e-9, sitk.sitkUInt8)


def _resegmented(image: sitk.Image, mask: sitk.Image, preparation: IbsiPreparation) -> sitk.Image:
    values = sitk.GetArrayViewFromImage(image)
    inside = sitk.GetArrayFromImage(mask) == 1
    kept = inside.copy()
    if preparation.intensity_range is not None:
        low, high = preparation.intensity_range
        kept &= (values >= low) & (values <= high)
    if preparation.outlier_sigmas is not None and kept.any():
        # The moments are those of the voxels that the range has left.
        mean, reach = values[kept].mean(), preparation.outlier_sigmas * values[kept].std()
        kept &= (values >= mean - reach) & (values <= mean + reach)
    if not kept.any():
        raise RegionError("no voxel of the region is left after resampling and resegmentation; widen the range")
    result = sitk.GetImageFromArray(kept.astype(np.uint8))
    result.CopyInformation(mask)
    return result
