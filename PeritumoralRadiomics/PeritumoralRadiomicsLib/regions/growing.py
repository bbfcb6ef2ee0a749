"""Peritumoral regions: from a tumour mask to rings, unions and a rim, with the figures that describe them.

Work is done on the tumour's box plus the largest distance, never on the whole scan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox, find_box, paste
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..settings.intensity_unit import IntensityUnit
from .barriers import AIR, Barrier, Masks, check_grid, find_barriers
from .kinds import TUMOUR, RegionKind
from .outside_air import OutsideAir, outside_air
from .ring_notes import BORDER, cut_notes, thin_notes, why_empty
from .ring_settings import RingPlane, RingSettings, RingSpan, rim_name, ring_spans, union_name
from .surface_distance import within_distances

_MARGIN_VOXELS = 2


@dataclass(frozen=True)
class Region:
    """One region and its quality figures.

    Attributes:
        name: ``intratumour``, ``ring_0_3mm``, ``intra_ring_0_3mm``, ``rim_0_2mm``.
        kind: tumour, ring, union or rim.
        mask: UInt8, 1 inside, on the crop of the :class:`RegionSet`.
        inner_mm: where a ring begins, mm from the tumour's surface; a rim begins at minus its depth; of a union
            the ring's; None for the tumour.
        outer_mm: where it ends; 0 for a rim; None for the tumour.
        voxels: number of voxels inside.
        volume_ml: their volume.
        thickness_mm: ``outer_mm - inner_mm``, None for the tumour.
        retained_fraction: voxels kept / voxels without barriers and image border; 1 if nothing was cut;
            NaN if there is no voxel even without them (the reason says so).
        warnings: what the reader of the features should know.
        reason: why the region is empty; None if it is not.
    """

    name: str
    kind: RegionKind
    mask: sitk.Image
    inner_mm: float | None
    outer_mm: float | None
    voxels: int
    volume_ml: float
    thickness_mm: float | None
    retained_fraction: float
    warnings: tuple[str, ...] = ()
    reason: str | None = None

    def figures(self) -> dict[str, str | float | int | None]:
        """Return the figures as one row of a table."""
        return {
            "region": self.name,
            "kind": self.kind.value,
            "voxels": self.voxels,
            "volume_ml": self.volume_ml,
            "inner_mm": self.inner_mm,
            "outer_mm": self.outer_mm,
            "thickness_mm": self.thickness_mm,
            "retained_fraction": self.retained_fraction,
            "warnings": "; ".join(self.warnings),
            "reason": self.reason,
        }


@dataclass(frozen=True)
class RegionSet:
    """All regions of one tumour on one crop.

    Attributes:
        regions: name to region, ``intratumour`` first, then rings, unions, rim.
        mean_radius_mm: 3D: radius of the sphere of equal volume; in planes: sqrt(area / pi) of the largest slice.
        box: where the crop lies on the full grid.
        slice_index: the slice k that rings were restricted to; None if they were not.
        size, spacing, origin, direction: the full grid.
    """

    regions: Mapping[str, Region]
    mean_radius_mm: float
    box: IndexBox
    slice_index: int | None
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]

    @property
    def masks(self) -> dict[str, sitk.Image]:
        """Name to mask on the crop, of the regions that are not empty."""
        return {name: region.mask for name, region in self.regions.items() if region.voxels}

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all regions, each once, in order."""
        return tuple(dict.fromkeys(text for region in self.regions.values() for text in region.warnings))

    def full_mask(self, name: str) -> sitk.Image:
        """Return a region's mask on the full grid (UInt8)."""
        reference = sitk.Image(self.size, sitk.sitkUInt8)
        reference.SetSpacing(self.spacing)
        reference.SetOrigin(self.origin)
        reference.SetDirection(self.direction)
        return paste(self.regions[name].mask, self.box, reference)


def grow_regions(
    tumour: sitk.Image,
    settings: RingSettings,
    *,
    image: sitk.Image | None = None,
    organ: sitk.Image | None = None,
    exclusions: Masks = (),
    other_tumours: Masks = (),
    phase: str = "",
    unit: IntensityUnit | None = None,
    progress: Progress = no_progress,
) -> RegionSet:
    """Grow rings around a tumour, with unions and a rim as the settings ask.

    Barriers cut rings, never the tumour. A ring that ends up empty keeps its entry, with the reason. The largest
    slice is the one (index k of the grid) with the most tumour voxels; of equal ones the lowest k.

    Args:
        tumour: 3D mask, nonzero inside; several pieces are one tumour.
        settings: which regions.
        image: intensities on the tumour's grid, for ``settings.window`` and for the air outside the patient, which no
            ring holds unless ``settings.keep_air``; None: no ring is cut by its intensities.
        organ: mask that rings may not leave.
        exclusions: masks that rings may not enter; with names for the messages, or one after the other.
        other_tumours: masks of the patient's other tumours, likewise, never inside a ring. How much of a ring each
            takes is one of the ring's warnings.
        phase: name of the image's phase, by which PET is known; see :mod:`.outside_air`.
        unit: of the whole image, where ``image`` is a part of it; None: it is told by the rule.
        progress: called a few times.

    Returns:
        The regions on a crop; :meth:`RegionSet.full_mask` puts one back into the full grid.

    Raises:
        RegionError: the tumour mask is empty or holds NaN.
        GeometryError: a mask or the image is not 3D, or not on the tumour's grid.
        InputError: a window without an image.

    Example:
        >>> mask = sitk.Image(40, 40, 40, sitk.sitkUInt8)
        >>> mask[15:25, 15:25, 15:25] = 1
        >>> [name for name in grow_regions(mask, RingSettings(outer_mm=(3,))).regions]
        ['intratumour', 'ring_0_3mm']

    Reference: mean radius and r1 to r6 after Wu et al. 2021, doi 10.1002/mp.14767.
    """
    progress(0.0, "finding the tumour")
    canvas = _Canvas.around(tumour, settings)
    spans = ring_spans(settings, canvas.mean_radius_mm)
    barriers = find_barriers(
        tumour,
        canvas.crop_box,
        image=image,
        window=settings.window,
        organ=organ,
        exclusions=exclusions,
        other_tumours=other_tumours,
    )
    air = _air(image, tumour, canvas, settings, phase, unit)
    if air is not None:
        barriers = [Barrier(AIR, air.air, always_told=True), *barriers]
    within = _within_levels(canvas, settings, spans, part_of(progress, 0.1, 0.9))
    progress(0.9, "measuring the regions")
    regions = _Maker(tumour, canvas, settings, barriers, within, air.note if air else "").all(spans)
    progress(1.0, "regions done")
    return RegionSet(
        regions={region.name: region for region in regions},
        mean_radius_mm=canvas.mean_radius_mm,
        box=canvas.crop_box,
        slice_index=canvas.slice_index,
        size=tumour.GetSize(),
        spacing=tumour.GetSpacing(),
        origin=tumour.GetOrigin(),
        direction=tumour.GetDirection(),
    )


def _air(
    image: sitk.Image | None,
    tumour: sitk.Image,
    canvas: _Canvas,
    settings: RingSettings,
    phase: str,
    unit: IntensityUnit | None,
) -> OutsideAir | None:
    if image is None or settings.keep_air or not settings.asks_for_rings:
        return None
    check_grid(image, "the image", tumour)
    return outside_air(image, canvas.mask[canvas.crop], canvas.crop_box, phase, unit)


@dataclass(frozen=True)
class _Canvas:
    """The part of the grid that is worked on; it may reach beyond the image, so that what is lost there counts.

    Attributes:
        mask: bool (k, j, i), the tumour.
        crop: slices of the part of the canvas that lies in the image.
        crop_box: the same part as a box of the full grid.
        spacing: mm along (k, j, i).
    """

    mask: np.ndarray
    crop: tuple[slice, ...]
    crop_box: IndexBox
    spacing: tuple[float, ...]
    mean_radius_mm: float
    slice_index: int | None
    touches_border: bool
    pieces_voxels: int

    @classmethod
    def around(cls, tumour: sitk.Image, settings: RingSettings) -> _Canvas:
        whole = _mask_view(tumour)
        box = find_box(whole)
        if box is None:
            raise RegionError("the tumour mask is empty: no voxel is inside; check the label or draw the tumour")
        low, high = np.array(box.start[::-1]), np.array(box.stop[::-1])
        spacing = tumour.GetSpacing()[::-1]
        block = _inside(whole[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
        areas = np.count_nonzero(block, axis=(1, 2))
        slice_index = None
        if settings.plane is RingPlane.LARGEST_SLICE:
            largest = int(np.argmax(areas))
            slice_index = int(low[0]) + largest
            block = block[largest : largest + 1]
            low[0], high[0] = slice_index, slice_index + 1
        radius = mean_radius_mm(areas, spacing, settings.plane)
        margin = _margin(settings, radius, spacing)
        mask = np.pad(block, [(m, m) for m in margin])
        start, stop = low - margin, high + margin
        shape = np.array(whole.shape)
        first, last = np.maximum(start, 0), np.minimum(stop, shape)
        touches = (low == 0) | (high == shape)
        # A single slice has no neighbours in the volume that a ring in its plane could miss.
        touches[0] &= settings.plane is RingPlane.VOLUME and shape[0] > 1
        return cls(
            mask=mask,
            crop=tuple(slice(int(a), int(b)) for a, b in zip(first - start, last - start, strict=True)),
            crop_box=IndexBox(_ijk(first), _ijk(last - first)),
            spacing=spacing,
            mean_radius_mm=radius,
            slice_index=slice_index,
            touches_border=bool(touches.any()),
            pieces_voxels=int(np.count_nonzero(block)),
        )


def _mask_view(tumour: sitk.Image) -> np.ndarray:
    components = tumour.GetNumberOfComponentsPerPixel()
    if tumour.GetDimension() != 3 or components != 1:
        raise GeometryError(
            f"the tumour mask must be 3D with one value a voxel, got {tumour.GetDimension()}D with {components}"
        )
    return sitk.GetArrayViewFromImage(tumour)


def _inside(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise RegionError("the tumour mask holds NaN; give a mask of whole numbers, nonzero inside")
    return values != 0


def mean_radius_mm(areas: np.ndarray, spacing: Sequence[float], plane: RingPlane) -> float:
    """Return the mean radius of a tumour: of the sphere of equal volume, in planes of the circle of equal area.

    Args:
        areas: voxels of the tumour in each slice k.
        spacing: mm along (k, j, i).
        plane: where rings grow; in planes the largest slice counts.

    Example:
        >>> round(mean_radius_mm(np.array([25, 25, 25, 25, 25]), (1, 1, 1), RingPlane.VOLUME), 2)
        3.1
    """
    if plane is RingPlane.VOLUME:
        return float(3 * areas.sum() * math.prod(spacing) / (4 * math.pi)) ** (1 / 3)
    return math.sqrt(areas.max() * spacing[1] * spacing[2] / math.pi)


def _margin(settings: RingSettings, radius_mm: float, spacing: Sequence[float]) -> np.ndarray:
    farthest = max((span.outer_mm for span in ring_spans(settings, radius_mm)), default=0.0)
    in_plane = settings.plane is not RingPlane.VOLUME
    # The surface lies outside the outermost centres, and voxels just beyond a ring count partly for its volume.
    reach = farthest + max(spacing[1:] if in_plane else spacing)
    margin = np.ceil(reach / np.array(spacing)).astype(int) + _MARGIN_VOXELS
    if in_plane:
        margin[0] = 0
    return margin


def _ijk(kji: np.ndarray) -> tuple[int, int, int]:
    return int(kji[2]), int(kji[1]), int(kji[0])


def _within_levels(
    canvas: _Canvas, settings: RingSettings, spans: Sequence[RingSpan], progress: Progress
) -> dict[float, np.ndarray]:
    """Voxels within each distance that a region begins or ends at; level 0 is the tumour itself."""
    levels = {0.0, *(span.inner_mm for span in spans), *(span.outer_mm for span in spans)}
    if settings.inner_rim_mm is not None:
        levels.add(-settings.inner_rim_mm)
    ordered = sorted(levels)
    if ordered == [0.0]:
        return {0.0: canvas.mask}
    if settings.plane is RingPlane.VOLUME:
        progress(0.0, "measuring distances")
        stacks = within_distances(canvas.mask, canvas.spacing, ordered, settings.surface, settings.supersampling)
        return dict(zip(ordered, stacks, strict=True))
    return _within_in_planes(canvas, settings, ordered, progress)


def _within_in_planes(
    canvas: _Canvas, settings: RingSettings, levels: Sequence[float], progress: Progress
) -> dict[float, np.ndarray]:
    found = {level: np.zeros_like(canvas.mask) for level in levels}
    occupied = np.flatnonzero(canvas.mask.any(axis=(1, 2)))
    for done, k in enumerate(occupied):
        progress(done / len(occupied), f"measuring distances, slice {done + 1} of {len(occupied)}")
        planes = within_distances(canvas.mask[k], canvas.spacing[1:], levels, settings.surface, settings.supersampling)
        for level, plane in zip(levels, planes, strict=True):
            found[level][k] = plane
    return found


@dataclass(frozen=True)
class _Maker:
    """Turns sets of voxels into regions with figures and warnings."""

    tumour: sitk.Image
    canvas: _Canvas
    settings: RingSettings
    barriers: Sequence[Barrier]
    within: Mapping[float, np.ndarray]
    note: str = ""

    def all(self, spans: Sequence[RingSpan]) -> list[Region]:
        rings = [self.ring(span) for span in spans]
        pairs = zip(spans, rings, strict=True) if self.settings.union else ()
        unions = [self.union(span, ring) for span, ring in pairs]
        rims = [self.rim(self.settings.inner_rim_mm)] if self.settings.inner_rim_mm is not None else []
        return [self.intratumour(), *rings, *unions, *rims]

    def intratumour(self) -> Region:
        warnings = []
        if self.canvas.touches_border:
            warnings.append("the tumour touches the image border; part of it may lie outside the image")
        if self.canvas.pieces_voxels == 1:
            warnings.append("the tumour is a single voxel; its shape and texture mean nothing")
        if self.note:
            warnings.append(self.note)
        voxels = self.canvas.mask[self.canvas.crop]
        return self._region(TUMOUR, RegionKind.TUMOUR, voxels, None, 1.0, warnings)

    def ring(self, span: RingSpan) -> Region:
        unrestricted = self._unrestricted(span)
        total = int(np.count_nonzero(unrestricted))
        kept = unrestricted[self.canvas.crop].copy()
        cuts = {BORDER: total - int(np.count_nonzero(kept))}
        for barrier in self.barriers:
            cuts[barrier.name] = int(np.count_nonzero(kept & barrier.blocked))
            kept &= ~barrier.blocked
        count = int(np.count_nonzero(kept))
        retained = count / total if total else math.nan
        told = [barrier.name for barrier in self.barriers if barrier.always_told]
        thin = self._thin(span.name, span.outer_mm - span.inner_mm)
        warnings = [*thin, *cut_notes(span.name, cuts, total, count, told)]
        reason = None if count else why_empty(span, cuts, total, self.settings.gap_mm)
        limits = (span.inner_mm, span.outer_mm)
        return self._region(span.name, RegionKind.RING, kept, limits, retained, warnings, reason)

    def _unrestricted(self, span: RingSpan) -> np.ndarray:
        return self.within[span.outer_mm] & ~self.within[span.inner_mm]

    def union(self, span: RingSpan, ring: Region) -> Region:
        tumour = self.canvas.mask[self.canvas.crop]
        voxels = tumour | (sitk.GetArrayViewFromImage(ring.mask) != 0)
        inside = int(np.count_nonzero(tumour))
        unrestricted = inside + int(np.count_nonzero(self._unrestricted(span)))
        retained = (inside + ring.voxels) / unrestricted
        warnings = [f"{ring.name} is empty: {ring.reason}"] if ring.reason else []
        limits = (span.inner_mm, span.outer_mm)
        return self._region(union_name(span.name), RegionKind.UNION, voxels, limits, retained, warnings)

    def rim(self, depth_mm: float) -> Region:
        voxels = (self.canvas.mask & ~self.within[-depth_mm])[self.canvas.crop]
        warnings = self._thin(rim_name(depth_mm), depth_mm)
        if not self.within[-depth_mm].any():
            warnings.append(f"{rim_name(depth_mm)} is the whole tumour: no voxel is deeper than {depth_mm:g} mm")
        return self._region(rim_name(depth_mm), RegionKind.RIM, voxels, (-depth_mm, 0.0), 1.0, warnings)

    def _region(
        self,
        name: str,
        kind: RegionKind,
        voxels: np.ndarray,
        limits: tuple[float, float] | None,
        retained: float,
        warnings: Sequence[str] = (),
        reason: str | None = None,
    ) -> Region:
        count = int(np.count_nonzero(voxels))
        texts = list(warnings)
        if reason:
            texts.append(f"{name} is empty: {reason}")
        elif count < self.settings.min_voxels:
            texts.append(f"{name} has {count} voxels, fewer than min_voxels {self.settings.min_voxels}")
        return Region(
            name=name,
            kind=kind,
            mask=self._image(voxels),
            inner_mm=limits[0] if limits else None,
            outer_mm=limits[1] if limits else None,
            voxels=count,
            volume_ml=count * math.prod(self.canvas.spacing) / 1000,
            thickness_mm=limits[1] - limits[0] if limits else None,
            retained_fraction=retained,
            warnings=tuple(texts),
            reason=reason,
        )

    def _image(self, voxels: np.ndarray) -> sitk.Image:
        mask = sitk.GetImageFromArray(voxels.astype(np.uint8))
        mask.SetSpacing(self.tumour.GetSpacing())
        mask.SetDirection(self.tumour.GetDirection())
        mask.SetOrigin(self.tumour.TransformIndexToPhysicalPoint(self.canvas.crop_box.start))
        return mask

    def _thin(self, name: str, thickness_mm: float) -> list[str]:
        return thin_notes(name, thickness_mm, self.canvas.spacing, self.settings)
