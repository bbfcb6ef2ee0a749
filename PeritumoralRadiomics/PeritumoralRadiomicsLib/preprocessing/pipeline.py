"""From a patient's image and region masks to one small preprocessed image with the masks on its grid.

Order: window or clip, in the image's own unit; normalisation over the whole image; resampling. Without window
and clip this is pyradiomics' order and definition, value for value. The resampling grid is pyradiomics': aligned
to the corner of the whole image, so it does not depend on which regions there are; only the voxels around the
union of the regions are computed. The window comes first because its limits are in the image's unit (HU);
cubic resampling may overshoot them a little afterwards.

With the profile ``ibsi`` the grid is the standard's: aligned at the centre of the whole image, masks interpolated
linearly, interpolated intensities rounded where the image holds whole numbers, as CT does (``ibsi_profile.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox, aligned_start, crop, find_box, union_box, whole_box
from RadiomicsCoreLib.images.memory_claim import check_claim

from ..settings.extraction_settings import ExtractionSettings, MaskInterpolator, Profile
from ..settings.ibsi_profile import centred_grid
from .filter_margin import margins_of, widest
from .region_checks import check_region

_SPLINE_MARGIN = 32  # input voxels; the B-spline's memory of a border sinks below double precision (0.268^32)
_BSPLINE_OF_OLD = 3  # sitkBSpline's number in parameter files; SimpleITK 2 gave it another one, and 3 to none


@dataclass(frozen=True)
class PreprocessedCase:
    """What the filters and features of one case are computed from.

    Attributes:
        image: preprocessed crop around the union of the regions; None if no region can be used.
        masks: region to UInt8 mask on the crop's grid.
        reasons: region that cannot be used to the reason.
        warnings: what was done to the image beyond the settings.
    """

    image: sitk.Image | None
    masks: dict[str, sitk.Image]
    reasons: dict[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseUnderWay:
    """A case whose masks and image are still to be made, side by side if the caller likes.

    Attributes:
        make_image: makes the preprocessed crop; takes most of the time and shares no image with the rest, so that it
            may run in another thread. None if no region can be used.
        make_masks: makes the masks and the reasons for those that cannot be used.
        warnings: as in :class:`PreprocessedCase`.
    """

    make_image: Callable[[], sitk.Image] | None
    make_masks: Callable[[], tuple[dict[str, sitk.Image], dict[str, str]]]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _PlacedMask:
    """A region on its image's grid: the mask cut to its voxels, and where that box lies."""

    mask: sitk.Image
    box: IndexBox


def preprocess(image: sitk.Image, regions: Mapping[str, sitk.Image], settings: ExtractionSettings) -> PreprocessedCase:
    """Window, normalise, resample and crop one image for all its regions.

    Args:
        image: 3D scalar image, LPS, mm.
        regions: name to mask, 1 inside, on the image's grid or on a crop of it.
        settings: only the preprocessing matters here, and the filters for the width of the margin.

    Returns:
        The crop and the masks. Its pixel type is what pyradiomics would have: the image's own, or float64
        after normalisation; whole numbers without room for bin edges above them become int32.

    Raises:
        GeometryError: the image is not 3D, or a mask is not on its grid.
        InputError: the image is not scalar, or constant where it has to be normalised; mask values other than 0 and 1.
    """
    under_way = begin(image, regions, settings)
    masks, reasons = under_way.make_masks()
    made = under_way.make_image() if under_way.make_image is not None else None
    return PreprocessedCase(made, masks, reasons, under_way.warnings)


def begin(image: sitk.Image, regions: Mapping[str, sitk.Image], settings: ExtractionSettings) -> CaseUnderWay:
    """Check and cut what :func:`preprocess` needs, and leave the long part of its work to be called.

    Arguments and errors are those of :func:`preprocess`.
    """
    _check_image(image)
    placed, reasons = _place(image, regions)
    placed, unusable, warnings = _drop_not_finite(image, placed)
    reasons |= unusable
    if not placed:
        return CaseUnderWay(None, lambda: ({}, reasons), warnings)
    union = union_box(item.box for item in placed.values())
    grid = _grid(image, union, settings)
    return CaseUnderWay(
        _resampling(grid, prepared_part(image, grid.source, settings), settings),
        lambda: _checked_masks(grid, placed, reasons, settings),
        warnings,
    )


def _checked_masks(
    grid: _Grid, placed: Mapping[str, _PlacedMask], reasons: Mapping[str, str], settings: ExtractionSettings
) -> tuple[dict[str, sitk.Image], dict[str, str]]:
    interpolator = MaskInterpolator.LINEAR if settings.profile is Profile.IBSI else settings.mask_interpolator
    masks, unusable = {}, dict(reasons)
    for name, mask in grid.masks(placed, interpolator):
        try:
            check_region(sitk.GetArrayViewFromImage(mask) != 0, settings.setting, settings.min_voxels)
            masks[name] = mask
        except RegionError as error:
            unusable[name] = str(error)
    return masks, unusable


def _check_image(image: sitk.Image) -> None:
    if image.GetDimension() != 3:
        raise GeometryError(f"the image has {image.GetDimension()} dimensions; features need a 3D image")
    if image.GetNumberOfComponentsPerPixel() != 1 or "complex" in image.GetPixelIDTypeAsString():
        raise InputError(f"the image's pixels are {image.GetPixelIDTypeAsString()}; features need one number a voxel")


def _place(image: sitk.Image, regions: Mapping[str, sitk.Image]) -> tuple[dict[str, _PlacedMask], dict[str, str]]:
    placed, reasons = {}, {}
    for name, mask in regions.items():
        if mask.GetDimension() != 3 or mask.GetNumberOfComponentsPerPixel() != 1:
            raise GeometryError(f"region {name!r}: the mask is not a 3D image with one number a voxel")
        start = aligned_start(image, mask, f"region {name!r}")
        box = find_box(sitk.GetArrayViewFromImage(mask))
        if box is None:
            reasons[name] = "the region has no voxel"
            continue
        cut = crop(mask, box)
        _check_mask_values(name, sitk.GetArrayViewFromImage(cut))
        placed[name] = _PlacedMask(sitk.Cast(cut, sitk.sitkUInt8), box.shifted(start))
    return placed, reasons


def _check_mask_values(name: str, values: np.ndarray) -> None:
    strange = values[(values != 0) & (values != 1)]
    if strange.size:
        raise InputError(f"region {name!r}: the mask holds {strange[0]:g}; a mask is 0 outside and 1 inside")


def _drop_not_finite(
    image: sitk.Image, placed: dict[str, _PlacedMask]
) -> tuple[dict[str, _PlacedMask], dict[str, str], tuple[str, ...]]:
    """Take out the regions that hold voxels without a finite intensity."""
    if not _is_float(image):
        return placed, {}, ()
    values = sitk.GetArrayViewFromImage(image)
    kept, reasons = {}, {}
    for name, item in placed.items():
        inside = sitk.GetArrayViewFromImage(item.mask) != 0
        bad = int(np.count_nonzero(~np.isfinite(values[item.box.slices][inside])))
        if bad:
            reasons[name] = f"{bad} of {np.count_nonzero(inside)} voxels are NaN or infinite in the image"
        else:
            kept[name] = item
    bad = sum(int(np.count_nonzero(~np.isfinite(part))) for part in values)
    if not bad:
        return kept, reasons, ()
    warning = (
        f"{bad} voxels of the image are NaN or infinite; outside the regions they were set to the lowest "
        "finite intensity nearby before filtering"
    )
    return kept, reasons, (warning,)


def _is_float(image: sitk.Image) -> bool:
    return image.GetPixelID() in (sitk.sitkFloat32, sitk.sitkFloat64)


# --- intensities ------------------------------------------------------------------------------------------


def _resampling(grid: _Grid, cut: sitk.Image, settings: ExtractionSettings) -> Callable[[], sitk.Image]:
    """Return what makes the preprocessed image from the source crop, without touching any other image."""
    ibsi = settings.profile is Profile.IBSI
    rounded = ibsi and _holds_whole_numbers(cut, settings)
    source = sitk.Cast(cut, sitk.sitkFloat64) if ibsi else cut
    if grid.target is None:
        return lambda: source
    resampler = grid.resampler(settings.setting, source.GetPixelID())
    return lambda: sitk.Round(resampler.Execute(source)) if rounded else resampler.Execute(source)


def _holds_whole_numbers(cut: sitk.Image, settings: ExtractionSettings) -> bool:
    """Tell whether intensities are whole numbers, as in CT, whatever type they are stored in; limits aside."""
    values = sitk.GetArrayViewFromImage(cut)
    return bool(np.isin(values[values != np.round(values)], settings.intensity_limits() or ()).all())


def prepared_part(image: sitk.Image, part: IndexBox, settings: ExtractionSettings) -> sitk.Image:
    """Return one part of the image on its own voxels: finite, windowed and normalised, not resampled.

    Args:
        image: the whole image, which normalisation goes by.
        part: the part wanted.
        settings: its window, clip and normalisation are used.

    Raises:
        InputError: the image is constant and has to be normalised.
    """
    cut = _clip(_with_room(_finite(crop(image, part))), settings)
    if settings.setting.get("normalize", False):
        cut = _normalise(cut, _mean_and_sd(image, settings), settings.setting)
    return cut


def _finite(crop: sitk.Image) -> sitk.Image:
    if not _is_float(crop):
        return crop
    values = sitk.GetArrayFromImage(crop)
    bad = ~np.isfinite(values)
    if not bad.any():
        return crop
    values[bad] = values[~bad].min()
    clean = sitk.GetImageFromArray(values)
    clean.CopyInformation(crop)
    return clean


def _with_room(image: sitk.Image) -> sitk.Image:
    """Return int32 where bin edges, up to two bins above the maximum, could overflow the pixel type.

    numpy adds a whole bin width in the pixel type itself, so that 255 and two bins of 25 make 49 in uint8.
    """
    values = sitk.GetArrayViewFromImage(image)
    if values.dtype.kind == "f" or values.dtype.itemsize > 2:
        return image
    if values.dtype.itemsize == 2 and values.max() <= np.iinfo(values.dtype).max // 2:
        return image
    return sitk.Cast(image, sitk.sitkInt32)


def _clip(image: sitk.Image, settings: ExtractionSettings) -> sitk.Image:
    limits = settings.intensity_limits()
    if limits is None:
        return image
    lowest, highest = limits
    if not _is_float(image):
        # a limit between two whole numbers, or outside the pixel type's range, needs a type that can hold it
        whole = float(lowest).is_integer() and float(highest).is_integer()
        image = sitk.Cast(image, sitk.sitkInt32 if whole else sitk.sitkFloat32)
    return sitk.Clamp(image, image.GetPixelID(), lowest, highest)


def _mean_and_sd(image: sitk.Image, settings: ExtractionSettings) -> tuple[float, float]:
    """Return mean and standard deviation of the whole (windowed) image, as ITK's normalisation has them."""
    whole = _clip(image, settings)
    statistics = sitk.StatisticsImageFilter()
    statistics.Execute(whole)
    mean, sd = statistics.GetMean(), statistics.GetSigma()
    if not np.isfinite([mean, sd]).all():
        values = sitk.GetArrayViewFromImage(whole)
        finite = values[np.isfinite(values)]
        mean, sd = float(finite.mean(dtype=float)), float(finite.std(dtype=float, ddof=1))
    if not sd > 0:
        raise InputError(f"the image is {mean:g} everywhere and cannot be normalised; switch normalize off")
    return mean, sd


def _normalise(crop: sitk.Image, mean_sd: tuple[float, float], setting: Mapping[str, Any]) -> sitk.Image:
    """Do to the crop what pyradiomics' normalizeImage does to the whole image, with the same bits."""
    mean, sd = mean_sd
    values = sitk.GetArrayFromImage(crop).astype(np.float64)
    values -= mean
    values *= 1 / sd
    outliers = setting.get("removeOutliers")
    if outliers is not None:
        np.clip(values, -outliers, outliers, out=values)
    values *= setting.get("normalizeScale", 1)
    result = sitk.GetImageFromArray(values)
    result.CopyInformation(crop)
    return result


# --- grid -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Grid:
    """Where the preprocessed voxels lie, and which part of the input they are made from.

    Attributes:
        whole: size, spacing, origin and direction of the whole input image.
        source: the part of the input image that is needed.
        target: spacing, size and origin of the resampled crop; None where nothing is resampled and the
            crop is ``source`` itself.
    """

    whole: sitk.Image
    source: IndexBox
    target: tuple[np.ndarray, list[int], tuple[float, ...]] | None

    def resampler(self, setting: Mapping[str, Any], pixel_type: int) -> sitk.ResampleImageFilter:
        """Return the filter that makes the preprocessed image from the source crop."""
        interpolator = setting.get("interpolator", "sitkBSpline")
        if isinstance(interpolator, str):
            interpolator = getattr(sitk, interpolator)
        elif interpolator == _BSPLINE_OF_OLD:
            interpolator = sitk.sitkBSpline
        return self._filter(interpolator, pixel_type)

    def masks(
        self, placed: Mapping[str, _PlacedMask], interpolator: MaskInterpolator
    ) -> Iterator[tuple[str, sitk.Image]]:
        """Yield the regions' names and masks on the grid of the preprocessed image."""
        if self.target is not None and interpolator is not MaskInterpolator.LINEAR:
            yield from self._nearest(list(placed.items()))
            return
        for name, item in placed.items():
            mask = self._on_part({1: item}, self.source)
            if self.target is not None:
                soft = sitk.Cast(mask, sitk.sitkFloat32)
                mask = self._filter(sitk.sitkLinear, sitk.sitkFloat32).Execute(soft) >= 0.5
            yield name, mask

    def _nearest(self, items: list[tuple[str, _PlacedMask]]) -> Iterator[tuple[str, sitk.Image]]:
        """Yield the masks, nearest neighbour: eight at a time, each a bit of one image."""
        for start in range(0, len(items), 8):
            bits = {1 << n: item for n, item in enumerate(items[start : start + 8])}
            # On the whole grid: where a new voxel's centre falls between two old ones, rounding of the origin
            # decides, and it has to be the whole image's origin, as in pyradiomics.
            full = self._on_part({bit: item for bit, (_, item) in bits.items()}, whole_box(self.whole))
            moved = self._filter(sitk.sitkNearestNeighbor, sitk.sitkUInt8).Execute(full)
            coded = sitk.GetArrayViewFromImage(moved)
            for bit, (name, _) in bits.items():
                mask = sitk.GetImageFromArray((coded & bit != 0).view(np.uint8))
                mask.CopyInformation(moved)
                yield name, mask

    def _on_part(self, values: Mapping[int, _PlacedMask], part: IndexBox) -> sitk.Image:
        """Return a part of the input grid with each region's value, a power of two, added inside it."""
        # numpy, because ITK's padding takes ten times as long
        array = np.zeros(part.size[::-1], np.uint8)
        inverse = [-start for start in part.start]
        for value, item in values.items():
            inside = sitk.GetArrayViewFromImage(item.mask)
            array[item.box.shifted(inverse).slices] |= inside * np.uint8(value)
        padded = sitk.GetImageFromArray(array)
        padded.SetSpacing(self.whole.GetSpacing())
        padded.SetDirection(self.whole.GetDirection())
        padded.SetOrigin(self.whole.TransformIndexToPhysicalPoint(part.start))
        return padded

    def _filter(self, interpolator: int, pixel_type: int) -> sitk.ResampleImageFilter:
        assert self.target is not None
        spacing, size, origin = self.target
        resampler = sitk.ResampleImageFilter()
        resampler.SetOutputSpacing(spacing.tolist())
        resampler.SetOutputDirection(self.whole.GetDirection())
        resampler.SetSize(size)
        resampler.SetOutputOrigin(origin)
        resampler.SetInterpolator(interpolator)
        resampler.SetOutputPixelType(pixel_type)
        return resampler


def _grid(image: sitk.Image, union: IndexBox, settings: ExtractionSettings) -> _Grid:
    old = np.array(image.GetSpacing())
    new = _new_spacing(old, union, settings)
    margin = widest(margins_of(settings, new.tolist()))
    if np.allclose(old, new):
        return _Grid(image, union.grown(margin, image.GetSize()), None)
    make_grid = _ibsi_grid if settings.profile is Profile.IBSI else _resampling_grid
    return make_grid(image, union, new, np.array(margin))


def _new_spacing(old: np.ndarray, union: IndexBox, settings: ExtractionSettings) -> np.ndarray:
    """Return pyradiomics' spacing: 0 keeps the old one, as does an axis along which the regions are one voxel.

    The standard has no such exception for one voxel.
    """
    setting = settings.setting
    wanted = setting.get("resampledPixelSpacing")
    if wanted is None or setting.get("interpolator", "sitkBSpline") is None:
        return old
    new = np.where(np.array(wanted) == 0, old, wanted)
    return new if settings.profile is Profile.IBSI else np.where(np.array(union.size) != 1, new, old)


def _resampling_grid(image: sitk.Image, union: IndexBox, new: np.ndarray, margin: np.ndarray) -> _Grid:
    """Return the grid of pyradiomics' resampleImage for the union of the regions, with our margin.

    The expressions keep pyradiomics' order of operations, so that the origin has the same bits.
    """
    old, size = np.array(image.GetSpacing()), np.array(image.GetSize())
    ratio = old / new
    start, extent = np.array(union.start), np.array(union.size)
    lower = np.maximum(np.floor((start - 0.5) * ratio - margin), 0)
    upper = np.minimum(np.ceil((start + extent - 0.5) * ratio + margin), np.ceil(size * ratio) - 1)
    first = 0.5 * (new - old) / old + lower / ratio  # continuous input index of the first new voxel
    check_claim(upper - lower + 1, new)
    return _grid_from(image, new, first, (upper - lower + 1).astype(int))


def _ibsi_grid(image: sitk.Image, union: IndexBox, new: np.ndarray, margin: np.ndarray) -> _Grid:
    """Return the part of the standard's grid (new voxels centred on the whole image) around the regions."""
    whole = centred_grid(image, new.tolist())
    old, size = np.array(image.GetSpacing()), np.array(whole.GetSize())
    origin = np.array(image.TransformPhysicalPointToContinuousIndex(whole.GetOrigin()))
    low, high = np.array(union.start) - 0.5, np.array(union.stop) - 0.5
    lower = np.clip(np.floor((low - origin) * old / new) - margin, 0, size - 1)
    upper = np.clip(np.ceil((high - origin) * old / new) + margin, lower, size - 1)
    return _grid_from(image, new, origin + lower * new / old, (upper - lower + 1).astype(int))


def _grid_from(image: sitk.Image, new: np.ndarray, first: np.ndarray, new_size: np.ndarray) -> _Grid:
    """Return the grid that starts at a continuous input index, with the part of the input that it is made from."""
    size, ratio = np.array(image.GetSize()), np.array(image.GetSpacing()) / new
    last = first + (new_size - 1) / ratio
    source_start = np.clip(np.floor(first).astype(int) - _SPLINE_MARGIN, 0, size - 1)
    source_stop = np.clip(np.ceil(last).astype(int) + 1 + _SPLINE_MARGIN, source_start + 1, size)
    i, j, k = source_start.tolist()
    source_size = (source_stop - source_start).tolist()
    source = IndexBox((i, j, k), (source_size[0], source_size[1], source_size[2]))
    origin = image.TransformContinuousIndexToPhysicalPoint(first.tolist())
    return _Grid(image, source, (new, new_size.tolist(), origin))
