"""Segments to regions, and the features of regions to a table node."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.choice import engine_names
from PeritumoralRadiomicsLib.engines.extraction import ExtractionResult
from PeritumoralRadiomicsLib.engines.missing_packages import explained_missing_packages
from PeritumoralRadiomicsLib.regions.kinds import TUMOUR, RegionKind
from PeritumoralRadiomicsLib.regions.ring_settings import union_name
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.parameter_file import read_parameter_file
from PeritumoralRadiomicsLib.settings.presets import preset
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsSlicerLib.grids import VoxelGrid
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.segments import PlacedMask, find_segment, segment_ids, segment_mask, segment_name
from RadiomicsSlicerLib.tables import FEATURES, keep_record, put_table

from .ring_tags import read_ring_tag, rings_of

FEATURE_COLUMN = "feature"


@dataclass(frozen=True, eq=False)
class SegmentRegion:
    """A segment, or the union of two, as a region to extract features from.

    Attributes:
        name: of the region, the head of its column.
        segment: name of the segment.
        kind: ``tumour``, ``ring``, ``rim``, ``union`` or ``other``.
        inner_mm, outer_mm: distances of a ring from the tumour's surface; NaN where there are none.
        mask: its voxels; None if it is empty.
        grid: of the volume.
    """

    name: str
    segment: str
    kind: str
    inner_mm: float
    outer_mm: float
    mask: PlacedMask | None
    grid: VoxelGrid

    def image(self) -> sitk.Image:
        """Return the mask as an image on a crop of the volume's grid; one voxel outside if it is empty."""
        if self.mask is not None:
            return self.mask.image()
        box = IndexBox((0, 0, 0), (1, 1, 1))
        return self.grid.part(box).image(np.zeros((1, 1, 1), np.uint8))

    def note(self) -> dict[str, Any]:
        """Return what is kept of it with a table, plain values."""
        return {
            "segment": self.segment,
            "kind": self.kind,
            "inner_mm": None if math.isnan(self.inner_mm) else self.inner_mm,
            "outer_mm": None if math.isnan(self.outer_mm) else self.outer_mm,
            "voxels": self.mask.voxels if self.mask else 0,
            "warnings": list(self.mask.warnings) if self.mask else [],
        }


def gather_regions(
    segmentationNode: Any, segments: str | Sequence[str] | None, volumeNode: Any, *, union: bool = False
) -> list[SegmentRegion]:
    """Return the regions that segments stand for, as they are now, edited or not.

    Args:
        segmentationNode: the segmentation.
        segments: ids or names; None: every tumour that has rings, and its rings.
        volumeNode: the volume that features will be read from.
        union: also ``intra_<ring>``, the union of tumour and ring, for every ring among them.

    Raises:
        InputError: a node or segment that is missing, no rings, or nothing chosen.
        RegionError: a segment that is no ring is empty. (An empty ring gives a column of NaN and a reason.)
        GeometryError: no overlap with the volume; a transform that is not linear.
    """
    grid = volume_grid(volumeNode)
    ids = _chosen(segmentationNode, segments)
    names = _region_names(segmentationNode, ids)
    regions = [_region(segmentationNode, segment, names[segment], volumeNode, grid) for segment in ids]
    if union:
        regions += _unions(segmentationNode, volumeNode, dict(zip(ids, regions, strict=True)))
    return regions


def resolve_settings(settings: ExtractionSettings | str | Path, phase: str = "") -> ExtractionSettings:
    """Return extraction settings that are given as such, as the name of a preset, or as a YAML file.

    Args:
        settings: what to compute.
        phase: of the image, where the settings have a window for each phase.

    Raises:
        InputError: no such preset or file; windows for phases, and this is none of them.
        DependencyError: a package that they need is not installed.
    """
    if not isinstance(settings, ExtractionSettings):
        is_file = str(settings).lower().endswith((".yaml", ".yml"))
        with explained_missing_packages("parameter files" if is_file else "these settings"):
            settings = read_parameter_file(settings) if is_file else preset(str(settings))
    return settings.for_phase(phase)


def resolve_engine(engine: str | None) -> str:
    """Return the name of an engine; None: the default one."""
    return engine or engine_names()[0]


def feature_table(
    result: ExtractionResult,
    notes: Mapping[str, Any],
    volumeNode: Any,
    segmentationNode: Any,
    tableNode: Any = None,
) -> Any:
    """Put features into a table node: one row a feature, one column a region.

    A region without values is a column of NaN; the head's tooltip says why. Settings, engine, reasons and warnings
    are kept with the node, as are the nodes it was made from.

    Args:
        result: of the extraction.
        notes: from :func:`extraction_notes`.
        volumeNode, segmentationNode: what it was made from.
        tableNode: a table to fill anew; None: a new one.
    """
    regions = list(result.features)
    names = list(result.features[regions[0]])
    columns: dict[str, Sequence[Any]] = {FEATURE_COLUMN: names}
    columns |= {region: [result.features[region][name] for name in names] for region in regions}
    notes_of = notes["regions"]
    tips = {region: result.reasons.get(region) or f"{notes_of[region]['voxels']} voxels" for region in regions}
    node = put_table(columns, f"{segmentationNode.GetName()} features", tableNode, tips)
    record = {
        **notes,
        "engine": result.engine,
        "engine_version": result.engine_version,
        "reasons": result.reasons,
        "warnings": [*(text for note in notes_of.values() for text in note["warnings"]), *result.warnings],
    }
    keep_record(node, record, {"volume": volumeNode, "segmentation": segmentationNode})
    node.SetAttribute(FEATURES, "1")
    return node


def extraction_notes(regions: Sequence[SegmentRegion], settings: ExtractionSettings, volumeNode: Any) -> dict[str, Any]:
    """Return what is kept with a table of features, plain values."""
    return {
        "kind": "features",
        "volume": volumeNode.GetName(),
        "settings": settings.to_dict(),
        "regions": {region.name: region.note() for region in regions},
    }


def _chosen(segmentationNode: Any, segments: str | Sequence[str] | None) -> list[str]:
    if segments is not None:
        wanted = [segments] if isinstance(segments, str) else segments
        ids = list(dict.fromkeys(find_segment(segmentationNode, segment) for segment in wanted))
        if not ids:
            raise InputError("no segment is chosen; choose the tumour, rings, or both")
        return ids
    existing = segment_ids(segmentationNode)
    rings = rings_of(segmentationNode)
    if not rings:
        raise InputError(
            f"segmentation {segmentationNode.GetName()!r} has no rings; create rings first, or name segments"
        )
    tumours = [tumour for tumour in dict.fromkeys(ring.tumour for ring in rings.values()) if tumour in existing]
    return [*tumours, *rings]


def _region_names(segmentationNode: Any, ids: Sequence[str]) -> dict[str, str]:
    """Name rings and their tumour as everywhere else, other segments as the user did; never two alike."""
    tumours = {ring.tumour for ring in rings_of(segmentationNode).values()}
    shown = {segment: segment_name(segmentationNode, segment) for segment in ids}
    tags = {segment: read_ring_tag(segmentationNode, segment) for segment in ids}
    names = {
        segment: tag.region if tag else TUMOUR if segment in tumours else shown[segment]
        for segment, tag in tags.items()
    }
    for candidates in (names, shown):
        if len(set(candidates.values())) == len(ids) and FEATURE_COLUMN not in candidates.values():
            return candidates
    return {segment: f"{shown[segment]} ({segment})" for segment in ids}


def _region(segmentationNode: Any, segment: str, name: str, volumeNode: Any, grid: VoxelGrid) -> SegmentRegion:
    ring = read_ring_tag(segmentationNode, segment)
    kind = ring.kind if ring else RegionKind.TUMOUR.value if name == TUMOUR else "other"
    try:
        mask = segment_mask(segmentationNode, segment, volumeNode)
    except RegionError:
        if not ring:
            raise
        mask = None
    limits = (ring.inner_mm, ring.outer_mm) if ring else (math.nan, math.nan)
    return SegmentRegion(name, segment_name(segmentationNode, segment), kind, *limits, mask, grid)


def _unions(segmentationNode: Any, volumeNode: Any, regions: Mapping[str, SegmentRegion]) -> list[SegmentRegion]:
    found = []
    for segment, ring in regions.items():
        tag = read_ring_tag(segmentationNode, segment)
        if tag is None or ring.kind != RegionKind.RING.value:
            continue
        tumour = segment_mask(segmentationNode, tag.tumour, volumeNode)
        both = f"{segment_name(segmentationNode, tag.tumour)} + {ring.segment}"
        mask = _joined(tumour, ring.mask) if ring.mask else tumour
        limits = (ring.inner_mm, ring.outer_mm)
        found.append(SegmentRegion(union_name(ring.name), both, RegionKind.UNION.value, *limits, mask, ring.grid))
    return found


def _joined(a: PlacedMask, b: PlacedMask) -> PlacedMask:
    start = [min(x, y) for x, y in zip(a.box.start, b.box.start, strict=True)]
    stop = [max(x, y) for x, y in zip(a.box.stop, b.box.stop, strict=True)]
    box = IndexBox((start[0], start[1], start[2]), (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2]))
    return PlacedMask((a.on(box) | b.on(box)) != 0, box, a.grid, (*a.warnings, *b.warnings))
