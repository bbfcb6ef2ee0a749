"""Rings as segments: grown by the library, put beside the tumour, measured again after the user has edited them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer

from PeritumoralRadiomicsLib.regions.barriers import same_tumour
from PeritumoralRadiomicsLib.regions.growing import Region, RegionSet, grow_regions
from PeritumoralRadiomicsLib.regions.kinds import TUMOUR, RegionKind
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.settings.intensity_unit import unit_of_values
from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.figures.ring_palette import RIM_COLOUR, ring_palette
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsSlicerLib.nodes import volume_grid, volume_image
from RadiomicsSlicerLib.segments import (
    PlacedMask,
    TooCostly,
    add_segment,
    find_segment,
    make_editable,
    segment_ids,
    segment_mask,
    segment_name,
)
from RadiomicsSlicerLib.tables import keep_record, put_table

from .ring_limits import RingLimits, find_limits, names_of
from .ring_samples import run_to_end, same_tumour_note, sample_steps
from .ring_tags import RingTag, fingerprint, plain_settings, rings_of, write_ring_tag

_MARGIN_VOXELS = 4
_RING_FILL_OPACITY = 0.25
_MADE_BY_US = (RegionKind.RING, RegionKind.RIM)
_QUALITY_TITLES = {
    "inner_mm": "from (mm)",
    "outer_mm": "to (mm)",
    "thickness_mm": "thickness (mm)",
    "volume_ml": "volume (ml)",
    "retained_fraction": "kept fraction",
}


@dataclass(frozen=True, eq=False)
class GrownRings:
    """Regions that are not in the scene (yet).

    Attributes:
        tumour_id: id of the tumour's segment.
        tumour: its voxels.
        regions: what the library grew, on a crop of the volume.
        crop: where the grid of ``regions`` lies on the volume's grid.
        colours: region to (red, green, blue), 0 to 1.
        limits: the segments that the rings may not enter.
        warnings: of reading the segments.
    """

    tumour_id: str
    tumour: PlacedMask
    regions: RegionSet
    crop: IndexBox
    colours: dict[str, tuple[float, float, float]]
    limits: RingLimits
    warnings: tuple[str, ...]

    @property
    def box(self) -> IndexBox:
        """Where the masks of the regions lie on the volume's grid."""
        i, j, k = (a + b for a, b in zip(self.crop.start, self.regions.box.start, strict=True))
        return IndexBox((i, j, k), self.regions.box.size)

    @property
    def made(self) -> list[Region]:
        """The rings and the rim, without tumour and unions."""
        return [region for region in self.regions.regions.values() if region.kind in _MADE_BY_US]


def grow_rings(
    segmentationNode: Any,
    tumour: str,
    volumeNode: Any,
    settings: RingSettings,
    *,
    organ: str | None = None,
    exclusions: Sequence[str] = (),
    other_tumours: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> GrownRings:
    """Grow rings around a segment without touching the scene.

    Segments are given by id or name; other tumours None: those that are marked or have rings. Only the tumour's
    surroundings are read from the volume.

    Raises:
        InputError: a node or segment that is missing; settings without any ring.
        RegionError: an empty segment.
        GeometryError: a segment that does not overlap with the volume; a transform that is not linear.
    """
    check_asked_for(settings)
    grid = volume_grid(volumeNode)
    tumour_id = find_segment(segmentationNode, tumour, "the tumour segment")
    placed = segment_mask(segmentationNode, tumour_id, volumeNode)
    crop = grid.grown(placed.box, _margin_mm(placed, settings))
    if not settings.keep_air:  # whole slices: air outside the patient is what reaches their edge
        crop = IndexBox((0, 0, crop.start[2]), (grid.size[0], grid.size[1], crop.size[2]))
    limits = find_limits(segmentationNode, tumour_id, organ, exclusions, other_tumours)
    around = segment_mask(segmentationNode, limits.organ, volumeNode) if limits.organ else None
    excluded = {segment: segment_mask(segmentationNode, segment, volumeNode) for segment in limits.exclusions}
    others, notes = _others(segmentationNode, volumeNode, placed, limits)
    names = names_of(segmentationNode, [*excluded, *others])
    regions = grow_regions(
        placed.image(crop),
        replace(settings, union=False),
        image=volume_image(volumeNode, crop) if settings.window or not settings.keep_air else None,
        unit=unit_of_values(slicer.util.arrayFromVolume(volumeNode), volumeNode.GetName()),
        organ=around.image(crop) if around else None,
        exclusions={names[segment]: mask.image(crop) for segment, mask in excluded.items()},
        other_tumours={names[segment]: mask.image(crop) for segment, mask in others.items()},
        progress=progress,
    )
    read = [placed, *([around] if around else []), *excluded.values(), *others.values()]
    warnings = dict.fromkeys([*(note for mask in read for note in mask.warnings), *notes])
    return GrownRings(tumour_id, placed, regions, crop, _colours(regions), limits, tuple(warnings))


def check_asked_for(settings: RingSettings) -> None:
    """Raise InputError if settings ask for no ring."""
    if not settings.outer_mm and not settings.fractions and settings.inner_rim_mm is None:
        raise InputError("no ring is asked for; give distances in mm such as 3, 6, 9, or fractions such as 1/6, 2/6")


def _others(
    segmentationNode: Any, volumeNode: Any, tumour: PlacedMask, limits: RingLimits
) -> tuple[dict[str, PlacedMask], list[str]]:
    """Read the other tumours; of the marked ones, those that are in the way."""
    if not limits.marked:
        return {name: segment_mask(segmentationNode, name, volumeNode) for name in limits.other_tumours}, []
    names = names_of(segmentationNode, limits.other_tumours)
    found, notes = {}, []
    for segment in limits.other_tumours:
        try:
            mask = segment_mask(segmentationNode, segment, volumeNode)
        except (RegionError, GeometryError):
            continue  # empty, or beside the volume: not in the way
        if same_tumour(tumour.inside, mask.on(tumour.box) != 0):
            notes.append(same_tumour_note(names[segment]))
        else:
            found[segment] = mask
    return found, notes


def put_rings(segmentationNode: Any, volumeNode: Any, grown: GrownRings, settings: RingSettings) -> list[str]:
    """Add grown rings as segments, in place of all rings that this tumour had.

    Returns:
        The ids of the segments, the innermost ring first. A ring without voxels becomes an empty segment, so
        that its reason is seen.
    """
    modified = segmentationNode.StartModify()
    try:
        make_editable(segmentationNode, volumeNode)
        segmentation = segmentationNode.GetSegmentation()
        for earlier in rings_of(segmentationNode, grown.tumour_id):
            segmentation.RemoveSegment(earlier)
        made_from = _made_from(segmentationNode, volumeNode, grown, settings)
        ids = [_put_ring(segmentationNode, volumeNode, grown, region, settings, made_from) for region in grown.made]
    finally:
        segmentationNode.EndModify(modified)
    _show(segmentationNode, ids)
    return ids


def _made_from(segmentationNode: Any, volumeNode: Any, grown: GrownRings, settings: RingSettings) -> str:
    try:
        steps = sample_steps(segmentationNode, grown.tumour_id, volumeNode, settings, grown.limits)
        return run_to_end(steps).made_from
    except TooCostly:
        return ""


def rings_are_there(segmentationNode: Any, tumour_id: str, settings: RingSettings, made_from: str) -> bool:
    """Return whether a tumour has rings that were made from just this, edited since or not.

    Args:
        segmentationNode, tumour_id: the tumour.
        settings: of the rings.
        made_from: of :class:`RadiomicsSlicerLib.ring_samples.RingSamples`; empty: the settings alone decide.
    """
    rings = rings_of(segmentationNode, tumour_id).values()
    wanted = plain_settings(replace(settings, union=False))
    if not made_from:
        return any({**ring.settings, "union": False} == wanted for ring in rings)
    return any(ring.made_from == made_from for ring in rings)


def _put_ring(
    segmentationNode: Any,
    volumeNode: Any,
    grown: GrownRings,
    region: Region,
    settings: RingSettings,
    made_from: str,
) -> str:
    name = _segment_name(segmentationNode, region.name, grown.tumour_id)
    wanted = f"{grown.tumour_id}_{region.name}"
    inside = sitk.GetArrayViewFromImage(region.mask) != 0
    colour = grown.colours[region.name]
    if region.voxels:
        segment_id = add_segment(
            segmentationNode, inside, grown.box, volumeNode, name=name, colour=colour, segment_id=wanted
        )
    else:
        segmentation = segmentationNode.GetSegmentation()
        segment_id = segmentation.AddEmptySegment(segmentation.GenerateUniqueSegmentID(wanted), name, colour)
    tag = RingTag(
        tumour=grown.tumour_id,
        tumour_print=fingerprint(grown.tumour),
        region=region.name,
        kind=region.kind.value,
        inner_mm=float(region.inner_mm or 0.0),
        outer_mm=float(region.outer_mm or 0.0),
        voxels=region.voxels,
        retained_fraction=region.retained_fraction,
        ring_print=fingerprint(PlacedMask(inside, grown.box, grown.tumour.grid) if region.voxels else None),
        warnings=[*grown.warnings, *region.warnings],
        reason=region.reason,
        mean_radius_mm=grown.regions.mean_radius_mm,
        volume=volumeNode.GetName(),
        settings=plain_settings(settings),
        made_from=made_from,
    )
    write_ring_tag(segmentationNode, segment_id, tag)
    return segment_id


def ring_quality(segmentationNode: Any, volumeNode: Any, tumour: str | None = None) -> list[dict[str, Any]]:
    """Measure a tumour and its rings as they are now, edited or not.

    Args:
        segmentationNode: with rings.
        volumeNode: the volume that features will be read from.
        tumour: id or name of the tumour's segment; None: all tumours that have rings.

    Returns:
        One row a region: ``segment``, ``region``, ``kind``, ``inner_mm``, ``outer_mm``, ``thickness_mm``,
        ``voxels``, ``volume_ml``, ``retained_fraction`` (of the ring before organ, exclusions and image border
        cut it; above 1 if the user painted more), ``edited``, ``warnings``.

    Raises:
        InputError: no such segment, or no rings.
    """
    wanted = find_segment(segmentationNode, tumour, "the tumour segment") if tumour else None
    rings = rings_of(segmentationNode, wanted)
    if not rings:
        raise InputError(f"segmentation {segmentationNode.GetName()!r} has no rings; create rings first")
    rows = []
    for tumour_id in dict.fromkeys(ring.tumour for ring in rings.values()):
        mask = _mask_or_none(segmentationNode, tumour_id, volumeNode)
        rows.append(_tumour_row(segmentationNode, tumour_id, mask))
        now = _TumourNow(mask, _others_now(segmentationNode, volumeNode, tumour_id, mask))
        own = {segment: ring for segment, ring in rings.items() if ring.tumour == tumour_id}
        rows += [_ring_row(segmentationNode, volumeNode, now, segment, ring) for segment, ring in own.items()]
    return rows


def quality_table(segmentationNode: Any, volumeNode: Any, tumour: str | None = None, tableNode: Any = None) -> Any:
    """Put the rows of :func:`ring_quality` into a table node, which keeps references to both nodes."""
    rows = ring_quality(segmentationNode, volumeNode, tumour)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    name = f"{segmentationNode.GetName()} ring quality"
    node = put_table(columns, name, tableNode, titles=_QUALITY_TITLES)
    keep_record(node, {"kind": "quality"}, {"volume": volumeNode, "segmentation": segmentationNode})
    return node


def _tumour_row(segmentationNode: Any, tumour_id: str, mask: PlacedMask | None) -> dict[str, Any]:
    exists = tumour_id in segment_ids(segmentationNode)
    row = {
        "segment": segment_name(segmentationNode, tumour_id) if exists else tumour_id,
        "region": TUMOUR,
        "kind": RegionKind.TUMOUR.value,
        "inner_mm": math.nan,
        "outer_mm": math.nan,
        "thickness_mm": math.nan,
        "voxels": mask.voxels if mask else 0,
        "volume_ml": mask.volume_ml if mask else 0.0,
        "retained_fraction": 1.0 if mask else 0.0,
        "edited": "",
        "warnings": "; ".join(mask.warnings) if mask else "",
    }
    if not mask:
        row["warnings"] = "the tumour segment is empty" if exists else "the tumour segment was deleted"
    return row


@dataclass(frozen=True, eq=False)
class _TumourNow:
    """The voxels of a tumour, None if there are none, and those of the other tumours by name."""

    mask: PlacedMask | None
    others: dict[str, PlacedMask]


def _ring_row(
    segmentationNode: Any, volumeNode: Any, tumour: _TumourNow, segment_id: str, ring: RingTag
) -> dict[str, Any]:
    mask = _mask_or_none(segmentationNode, segment_id, volumeNode)
    edited = fingerprint(mask) != ring.ring_print
    voxels = mask.voxels if mask else 0
    return {
        "segment": segment_name(segmentationNode, segment_id),
        "region": ring.region,
        "kind": ring.kind,
        "inner_mm": ring.inner_mm,
        "outer_mm": ring.outer_mm,
        "thickness_mm": ring.outer_mm - ring.inner_mm,
        "voxels": voxels,
        "volume_ml": mask.volume_ml if mask else 0.0,
        "retained_fraction": _retained(ring, voxels),
        "edited": "yes" if edited else "no",
        "warnings": "; ".join(_warnings(ring, mask, tumour, edited)),
    }


def _warnings(ring: RingTag, mask: PlacedMask | None, tumour: _TumourNow, edited: bool) -> list[str]:
    found = [] if edited else list(ring.warnings)
    if fingerprint(tumour.mask) != ring.tumour_print:
        found.append("the tumour was changed after this ring was made; create the rings again")
    for name, other in tumour.others.items():
        shared = _shared(mask, other) if mask else 0
        if mask and shared:
            remedy = "erase them" if edited else "create the rings again to leave them out"
            found.append(f"{shared} of {mask.voxels} voxels of {ring.region} lie inside tumour {name!r}; {remedy}")
    if not edited:
        return found
    found += mask.warnings if mask else [f"{ring.region} is empty"]
    least = int(ring.settings["min_voxels"])
    if mask and mask.voxels < least:
        found.append(f"{ring.region} has {mask.voxels} voxels, fewer than min_voxels {least}")
    if mask and tumour.mask and ring.kind == RegionKind.RING.value:
        shared = _shared(mask, tumour.mask)
        if shared:
            found.append(f"{shared} voxels of {ring.region} lie inside the tumour")
    return found


def _shared(one: PlacedMask, other: PlacedMask) -> int:
    return int(np.count_nonzero(one.inside & (other.on(one.box) != 0)))


def _others_now(
    segmentationNode: Any, volumeNode: Any, tumour_id: str, tumour: PlacedMask | None
) -> dict[str, PlacedMask]:
    """Return name to voxels of the other tumours as they are now."""
    if tumour is None:
        return {}
    limits = find_limits(segmentationNode, tumour_id)
    found, _ = _others(segmentationNode, volumeNode, tumour, limits)
    names = names_of(segmentationNode, list(found))
    return {names[segment]: mask for segment, mask in found.items()}


def _mask_or_none(segmentationNode: Any, segment_id: str, volumeNode: Any) -> PlacedMask | None:
    """Return the voxels of a segment; None if it is empty or was deleted."""
    if segment_id not in segment_ids(segmentationNode):
        return None
    try:
        return segment_mask(segmentationNode, segment_id, volumeNode)
    except RegionError:
        return None


def _margin_mm(tumour: PlacedMask, settings: RingSettings) -> float:
    """Farthest distance that any ring can reach, and a few voxels more."""
    half_diagonal = 0.5 * math.hypot(*(n * s for n, s in zip(tumour.box.size, tumour.grid.spacing, strict=True)))
    farthest = max((*settings.outer_mm, *(fraction * half_diagonal for fraction in settings.fractions)), default=0.0)
    return farthest + _MARGIN_VOXELS * max(tumour.grid.spacing)


def _colours(regions: RegionSet) -> dict[str, tuple[float, float, float]]:
    rings = [name for name, region in regions.regions.items() if region.kind is RegionKind.RING]
    rims = [name for name, region in regions.regions.items() if region.kind is RegionKind.RIM]
    return ring_palette(rings) | dict.fromkeys(rims, RIM_COLOUR)


def _retained(ring: RingTag, voxels: int) -> float:
    """Share of the uncut ring that is there now; NaN if the ring was empty and how large it would be is unknown."""
    if voxels == ring.voxels:
        return ring.retained_fraction
    return voxels / ring.voxels * ring.retained_fraction if ring.voxels else math.nan


def _segment_name(segmentationNode: Any, region: str, tumour_id: str) -> str:
    """Return the region's name; with that of the tumour where another tumour has such a ring already."""
    names = {segment_name(segmentationNode, segment) for segment in segment_ids(segmentationNode)}
    return f"{region} of {segment_name(segmentationNode, tumour_id)}" if region in names else region


def _show(segmentationNode: Any, ids: Sequence[str]) -> None:
    """Let the anatomy show through rings that lie on top of each other."""
    display = segmentationNode.GetDisplayNode()
    if display is None:
        segmentationNode.CreateDefaultDisplayNodes()
        display = segmentationNode.GetDisplayNode()
    for segment_id in ids:
        display.SetSegmentOpacity2DFill(segment_id, _RING_FILL_OPACITY)
        display.SetSegmentOpacity3D(segment_id, _RING_FILL_OPACITY)
