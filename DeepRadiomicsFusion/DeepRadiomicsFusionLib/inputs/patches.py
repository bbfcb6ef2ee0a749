"""The one place that turns a case's image and region masks into what a network sees, and back onto the patient.

Slices are those of the image's own third axis (k), axial for an axial scan. The slice and the patch's centre are
the tumour's for every region, so that the tumour, a ring and their union of one patient are seen in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox, aligned_start, crop, find_box, mask_box, union_box
from RadiomicsCoreLib.images.memory_claim import check_claim

from ..settings.input_settings import InputKind, NetworkInput, Scaling, Slices

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

_SPLINE_MARGIN = 12  # input voxels; a cubic B-spline's memory of a border has sunk to 1e-7 (0.268^12)
_SMALLEST_FOR_SPLINE = 4


@dataclass(frozen=True)
class NetworkImage:
    """What a network sees of one case, and where it lies in the patient.

    Attributes:
        image: float32, (W, H, slices) or (W, H, D), LPS, mm: a map made on the input can take its geometry.
        mask: the region on the same grid, UInt8.
        settings: what it was made with.
    """

    image: sitk.Image
    mask: sitk.Image
    settings: NetworkInput

    @property
    def array(self) -> np.ndarray:
        """The input as float32: (slices, 1, H, W), or (1, 1, D, H, W) for a cube."""
        values = sitk.GetArrayFromImage(self.image)
        return values[np.newaxis, np.newaxis] if self.settings.spatial_dims == 3 else values[:, np.newaxis]

    def tensor(self) -> torch.Tensor:
        """:attr:`array` as a tensor."""
        import torch

        return torch.from_numpy(self.array)


def network_image(image: sitk.Image, regions: Mapping[str, sitk.Image], settings: NetworkInput) -> NetworkImage:
    """Turn a case into a network's input.

    Order: cut, window, resampling to cubes (if asked), slice, resizing (linear), scaling, mask. Pixels beyond the
    image take the lowest intensity seen and do not count in z-scores.

    Args:
        image: 3D scalar image, LPS, mm.
        regions: name to mask, 1 inside, on the image's grid or an aligned crop of it; with ``intratumour``,
            which says the slice and the centre (without it the region itself does).
        settings: what to show.

    Raises:
        RegionError: the region is not there, has no voxel, none in the slice, or one intensity throughout.
        GeometryError: the image is not 3D, or a mask is not on its grid.
        InputError: the image is not scalar.

    Example:
        >>> scan = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(5, 40, 40)))
        >>> tumour = sitk.Cast(scan > 9, sitk.sitkUInt8); tumour[20, 21, 2] = 1
        >>> network_image(scan, {"intratumour": tumour}, NetworkInput("patch", size=16)).array.shape
        (1, 1, 16, 16)
    """
    if image.GetDimension() != 3:
        raise GeometryError(f"the image has {image.GetDimension()} dimensions; a network's input needs a 3D image")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"the image has {image.GetNumberOfComponentsPerPixel()} numbers a voxel; give a grey image")
    work = _working_images(image, regions, settings)
    target = _TARGETS[InputKind(settings.kind)](work, settings)
    return _scaled(work, target, settings)


# --- the part of the image that is needed -----------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """A part of the image, windowed and perhaps resampled, with tumour and region on its grid."""

    image: sitk.Image
    tumour: sitk.Image
    region: sitk.Image
    region_name: str

    @property
    def spacing(self) -> np.ndarray:
        return np.array(self.image.GetSpacing())

    def largest_slice(self) -> int:
        """Slice with the most tumour voxels."""
        return _largest_slice(self.tumour)

    def region_in(self, first: int, last: int) -> IndexBox:
        """The region's box in some slices."""
        box = find_box(sitk.GetArrayViewFromImage(self.region)[first : last + 1])
        if box is None:
            raise RegionError(
                f"region {self.region_name!r} has no voxel in the slice with the largest tumour area; show all slices"
            )
        return box.shifted((0, 0, first))


def _largest_slice(mask: sitk.Image) -> int:
    """Slice with the most voxels; of equal ones the lowest."""
    return int(np.argmax((sitk.GetArrayViewFromImage(mask) != 0).sum(axis=(1, 2))))


def _working_images(image: sitk.Image, regions: Mapping[str, sitk.Image], settings: NetworkInput) -> _Work:
    name = settings.region
    if name not in regions:
        raise RegionError(f"there is no region {name!r}; the case has {', '.join(regions) or 'none'}")
    region_at = _placed(image, regions[name], name)
    tumour_name = TUMOUR if TUMOUR in regions else name
    tumour_at = _placed(image, regions[tumour_name], tumour_name)
    reach = _needed(image, union_box([region_at, tumour_at]), settings)
    chosen = {TUMOUR: regions[tumour_name], name: regions[name]}
    if settings.spacing_mm is None or np.allclose(image.GetSpacing(), settings.spacing_mm):
        shown = _windowed(crop(image, reach), settings)
        masks = {key: _mask_on(shown, mask) for key, mask in chosen.items()}
    else:
        shown, masks = _resampled(image, reach, chosen, settings, settings.spacing_mm)
    return _Work(shown, masks[TUMOUR], masks[name], name)


def _placed(image: sitk.Image, mask: sitk.Image, name: str) -> IndexBox:
    start = aligned_start(image, mask, f"region {name!r}")
    box = find_box(sitk.GetArrayViewFromImage(mask))
    if box is None:
        raise RegionError(f"region {name!r} has no voxel")
    return box.shifted(start)


def _needed(image: sitk.Image, regions: IndexBox, settings: NetworkInput) -> IndexBox:
    """The part of the image that the input can reach."""
    spacing = np.array(image.GetSpacing())
    room_mm = settings.margin_mm + 1.0
    if settings.kind is InputKind.PATCH:
        room_mm = settings.pixels / 2 * (settings.spacing_mm or float(spacing[:2].max()))
    elif settings.keeps_shape:
        # the shorter side grows to the longer one
        room_mm += float((np.array(regions.size) * spacing)[:2].max()) / 2
    around = np.ceil(room_mm / spacing).astype(int) + 1
    if settings.kind is InputKind.FULL_SLICE:
        around[:2] = image.GetSize()[:2]
    if settings.spatial_dims == 2:
        around[2] = 1
    return regions.grown(around.tolist(), image.GetSize())


def _windowed(part: sitk.Image, settings: NetworkInput) -> sitk.Image:
    values = sitk.GetArrayFromImage(part).astype(np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        if not finite.any():
            raise InputError("the image has no finite intensity around the region; check the file")
        values[~finite] = values[finite].min()
    if settings.window is not None:
        np.clip(values, *settings.window, out=values)
    result = sitk.GetImageFromArray(values)
    result.CopyInformation(part)
    return result


def _mask_on(reference: sitk.Image, mask: sitk.Image) -> sitk.Image:
    return sitk.Resample(mask, reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)


def _resampled(
    image: sitk.Image, reach: IndexBox, masks: Mapping[str, sitk.Image], settings: NetworkInput, spacing_mm: float
) -> tuple[sitk.Image, dict[str, sitk.Image]]:
    """Resample to cubes, on a grid that starts at the corner of the whole image, whichever part is needed.

    Of the image, only the slice with the largest tumour area is made where no other is shown: splines are slow.
    """
    source = crop(image, reach.grown([_SPLINE_MARGIN] * 3, image.GetSize()))
    grid = _cubes(image, reach, spacing_mm)
    on_grid = {}
    for name, mask in masks.items():
        soft = sitk.Cast(_mask_on(source, mask), sitk.sitkFloat32)
        on_grid[name] = sitk.Resample(soft, grid, sitk.Transform(), sitk.sitkLinear) >= 0.5
        if not sitk.GetArrayViewFromImage(on_grid[name]).any():
            raise RegionError(f"region {name!r} has no voxel left at a spacing of {spacing_mm:g} mm")
    if settings.spatial_dims == 2 and settings.which_slices is Slices.LARGEST:
        k = _largest_slice(on_grid[TUMOUR])
        grid = grid[:, :, k : k + 1]
        on_grid = {name: mask[:, :, k : k + 1] for name, mask in on_grid.items()}
    can_spline = min(source.GetSize()) >= _SMALLEST_FOR_SPLINE
    interpolator = sitk.sitkBSpline if can_spline else sitk.sitkLinear
    return sitk.Resample(_windowed(source, settings), grid, sitk.Transform(), interpolator), on_grid


def _cubes(image: sitk.Image, reach: IndexBox, spacing_mm: float) -> sitk.Image:
    """An empty image on the grid of cubes, over a part of an image; an axis of one voxel keeps its spacing."""
    old = np.array(image.GetSpacing())
    new = np.where(np.array(image.GetSize()) == 1, old, spacing_mm)
    start, stop = np.array(reach.start), np.array(reach.stop)
    check_claim((stop - start) * old / new, new)
    lowest = np.ceil((start + 0.5) * old / new - 0.5 - 1e-6).astype(int)
    highest = np.maximum(np.floor((stop - 0.5) * old / new - 0.5 + 1e-6).astype(int), lowest)
    grid = sitk.Image([int(n) for n in highest - lowest + 1], sitk.sitkFloat32)
    grid.SetSpacing(new.tolist())
    grid.SetDirection(image.GetDirection())
    first = (lowest + 0.5) * new / old - 0.5
    grid.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(first.tolist()))
    return grid


# --- the grid of the input --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Target:
    """A grid in continuous indices (i, j, k) of the working image: first voxel's centre, step, size."""

    first: np.ndarray
    step: np.ndarray
    size: np.ndarray

    def sample(self, image: sitk.Image, interpolator: int, outside: float) -> sitk.Image:
        resample = sitk.ResampleImageFilter()
        resample.SetOutputSpacing((self.step * image.GetSpacing()).tolist())
        resample.SetOutputDirection(image.GetDirection())
        resample.SetOutputOrigin(image.TransformContinuousIndexToPhysicalPoint(self.first.tolist()))
        resample.SetSize([int(n) for n in self.size])
        resample.SetInterpolator(interpolator)
        resample.SetDefaultPixelValue(outside)
        return resample.Execute(image)


def _slice_range(work: _Work, settings: NetworkInput) -> tuple[int, int]:
    """First and last slice shown."""
    if settings.which_slices is Slices.LARGEST:
        slice_index = work.largest_slice()
        return slice_index, slice_index
    box = mask_box(work.region)
    return box.start[2], box.stop[2] - 1


def _full_slice(work: _Work, settings: NetworkInput) -> _Target:
    first, last = _slice_range(work, settings)
    work.region_in(first, last)
    shape = np.array(work.image.GetSize()[:2])
    extent = shape * work.spacing[:2]
    # A slice of the wanted size keeps its pixels; another is scaled to fit, its shape kept, and padded.
    steps = np.ones(2) if (shape == settings.pixels).all() else extent.max() / settings.pixels / work.spacing[:2]
    return _in_plane((shape - 1) / 2, steps, settings.pixels, first, last)


def _patch(work: _Work, settings: NetworkInput) -> _Target:
    first, last = _slice_range(work, settings)
    work.region_in(first, last)
    tumour = sitk.GetArrayViewFromImage(work.tumour)[work.largest_slice()]
    centroid = np.array([axis.mean() for axis in np.nonzero(tumour)[::-1]])
    # Whole pixels: a patch is cut, not interpolated.
    corner = np.rint(centroid) - settings.pixels // 2
    middle = corner + (settings.pixels - 1) / 2
    return _in_plane(middle, np.ones(2), settings.pixels, first, last)


def _resized_slice(work: _Work, settings: NetworkInput) -> _Target:
    first, last = _slice_range(work, settings)
    box = work.region_in(first, last)
    middle, steps = _fitted(work, box, settings)
    return _in_plane(middle[:2], steps[:2], settings.pixels, first, last)


def _rough_box(work: _Work, settings: NetworkInput) -> _Target:
    whole = mask_box(work.region)
    areas = (sitk.GetArrayViewFromImage(work.region) != 0).sum(axis=(1, 2))
    # A ring has its largest area in a cap above the tumour: the slice is the tumour's, where the region is in it.
    largest = work.largest_slice()
    largest = largest if areas[largest] else int(np.argmax(areas))
    marked = sorted({whole.start[2], largest, whole.stop[2] - 1})
    box = union_box(work.region_in(k, k) for k in marked)
    middle, steps = _fitted(work, box, settings)
    first, last = _slice_range(work, settings)
    return _in_plane(middle[:2], steps[:2], settings.pixels, first, last)


def _box_3d(work: _Work, settings: NetworkInput) -> _Target:
    box = mask_box(work.region)
    middle, steps = _fitted(work, box, settings)
    size = np.full(3, settings.pixels)
    return _Target(middle - (size - 1) / 2 * steps, steps, size)


_TARGETS = {
    InputKind.FULL_SLICE: _full_slice,
    InputKind.PATCH: _patch,
    InputKind.RESIZED_SLICE: _resized_slice,
    InputKind.ROUGH_BOX: _rough_box,
    InputKind.BOX_3D: _box_3d,
}


def _fitted(work: _Work, box: IndexBox, settings: NetworkInput) -> tuple[np.ndarray, np.ndarray]:
    """Middle of a box, and the step that makes the box with its margin fill the input."""
    extent_mm = np.array(box.size) * work.spacing + 2 * settings.margin_mm
    if settings.keeps_shape:
        extent_mm[:] = extent_mm[: settings.spatial_dims].max()
    middle = np.array(box.start) + (np.array(box.size) - 1) / 2
    return middle, extent_mm / settings.pixels / work.spacing


def _in_plane(middle: np.ndarray, steps: np.ndarray, pixels: int, first: int, last: int) -> _Target:
    corner = middle - (pixels - 1) / 2 * steps
    return _Target(np.append(corner, first), np.append(steps, 1.0), np.array([pixels, pixels, last - first + 1]))


# --- intensities ------------------------------------------------------------------------------------------


def _scaled(work: _Work, target: _Target, settings: NetworkInput) -> NetworkImage:
    lowest = float(sitk.GetArrayViewFromImage(work.image).min())
    shown = target.sample(work.image, sitk.sitkLinear, lowest)
    mask = target.sample(work.region, sitk.sitkNearestNeighbor, 0)
    values, inside = sitk.GetArrayFromImage(shown), sitk.GetArrayViewFromImage(mask) != 0
    if not inside.any():
        raise RegionError(f"region {settings.region!r} has no pixel left at the size of the input; give a larger size")
    counted = inside if settings.is_masked else _within(work.image, target)
    values = _scale(values, counted, settings)
    if settings.is_masked:
        values[~inside] = 0.0
    result = sitk.GetImageFromArray(np.ascontiguousarray(values, np.float32))
    result.CopyInformation(shown)
    return NetworkImage(result, mask, settings)


def _within(image: sitk.Image, target: _Target) -> np.ndarray:
    """Which pixels of the input lie inside the working image."""
    axes = []
    for first, step, size, count in zip(target.first, target.step, target.size, image.GetSize(), strict=True):
        index = first + step * np.arange(size)
        axes.append((index > -0.5 - 1e-6) & (index < count - 0.5 + 1e-6))
    i, j, k = axes
    return k[:, None, None] & j[None, :, None] & i[None, None, :]


def _scale(values: np.ndarray, counted: np.ndarray, settings: NetworkInput) -> np.ndarray:
    if settings.scaling is Scaling.NONE:
        return values
    seen = values[counted].astype(np.float64)
    if settings.scaling is Scaling.UNIT:
        low, high = settings.window or (float(seen.min()), float(seen.max()))
        _check_varies(high - low, low, settings)
        return np.clip((values - low) / (high - low), 0.0, 1.0)
    mean, sd = float(seen.mean()), float(seen.std())
    _check_varies(sd, mean, settings)
    return (values - mean) / sd


def _check_varies(spread: float, value: float, settings: NetworkInput) -> None:
    if not spread > 1e-6 * max(1.0, abs(value)):
        raise RegionError(
            f"what the network would see of region {settings.region!r} is {value:g} everywhere; "
            "check the window and the image, or choose scaling none"
        )


# --- picture ----------------------------------------------------------------------------------------------


def picture_of_input(shown: NetworkImage, title: str = "", *, most_slices: int = 9) -> Figure:
    """Draw what the network sees, slice by slice, with the region's outline.

    Args:
        shown: from :func:`network_image`.
        title: text above, for example the case id.
        most_slices: of more slices, this many are drawn, evenly spread.

    Returns:
        A matplotlib figure that belongs to no window. Rows run along the image's j axis.
    """
    from matplotlib.figure import Figure

    if most_slices < 1:
        raise InputError(f"most_slices is {most_slices}; give 1 or more")
    values, mask = sitk.GetArrayViewFromImage(shown.image), sitk.GetArrayViewFromImage(shown.mask)
    chosen = np.unique(np.linspace(0, len(values) - 1, min(most_slices, len(values))).round().astype(int))
    columns = int(np.ceil(np.sqrt(len(chosen))))
    rows = int(np.ceil(len(chosen) / columns))
    edge = 4.2 if len(chosen) == 1 else 2.2
    figure = Figure(figsize=(edge * columns, edge * rows + 0.7), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    low, high = np.percentile(values, (0.5, 99.5))
    for axis in axes:
        axis.set_axis_off()
    for axis, k in zip(axes, chosen, strict=False):
        axis.imshow(values[k], cmap="gray", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
        if mask[k].any() and not mask[k].all():
            axis.contour(mask[k], levels=[0.5], colors=["#ff4d4d"], linewidths=1.0)
        if len(chosen) > 1:
            axis.set_title(f"slice {k + 1} of {len(values)}", fontsize=7)
    size = " x ".join(str(n) for n in shown.image.GetSize()[: shown.settings.spatial_dims])
    what = f"{shown.settings.region}, {InputKind(shown.settings.kind).value.replace('_', ' ')}, {size}"
    figure.suptitle(f"{title}\n{what}" if title else what, fontsize=9)
    return figure
