"""What a ring segment remembers of its making, as JSON in one of its tags."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any

import numpy as np

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsSlicerLib.segments import PlacedMask, get_tag, segment_ids, set_tag

RING_TAG = "PeritumoralRadiomics.Ring"


@dataclass(frozen=True)
class RingTag:
    """How a ring was made.

    Attributes:
        tumour: id of the segment that it was grown from.
        tumour_print: fingerprint of that segment's voxels then.
        region: name of the region, ``ring_0_3mm``.
        kind: ``ring`` or ``rim``.
        inner_mm, outer_mm: distances from the tumour's surface.
        voxels: number of voxels as the ring was made.
        retained_fraction: share of the voxels that barriers and image border left.
        ring_print: fingerprint of the ring's voxels as they were made.
        warnings: of its making.
        reason: why it is empty; None if it is not.
        mean_radius_mm: of the tumour.
        volume: name of the volume.
        settings: the ring settings, plain values.
        made_from: of :class:`RadiomicsSlicerLib.ring_samples.RingSamples`; empty where that is not known.
    """

    tumour: str
    tumour_print: str
    region: str
    kind: str
    inner_mm: float
    outer_mm: float
    voxels: int
    retained_fraction: float
    ring_print: str
    warnings: list[str]
    reason: str | None
    mean_radius_mm: float
    volume: str
    settings: Mapping[str, Any]
    made_from: str = ""


def write_ring_tag(segmentationNode: Any, segment_id: str, ring: RingTag) -> None:
    """Keep a ring's record in its segment."""
    set_tag(segmentationNode, segment_id, RING_TAG, json.dumps(asdict(ring)))


def read_ring_tag(segmentationNode: Any, segment_id: str) -> RingTag | None:
    """Return a ring's record; None if the segment is no ring of ours, or was made by an incompatible version."""
    text = get_tag(segmentationNode, segment_id, RING_TAG)
    if not text:
        return None
    try:
        return RingTag(**json.loads(text))
    except (TypeError, ValueError):
        return None


def rings_of(segmentationNode: Any, tumour_id: str | None = None) -> dict[str, RingTag]:
    """Return segment id to record of all rings, or of those of one tumour, in order."""
    found = {segment: read_ring_tag(segmentationNode, segment) for segment in segment_ids(segmentationNode)}
    return {
        segment: ring
        for segment, ring in found.items()
        if ring is not None and (tumour_id is None or ring.tumour == tumour_id)
    }


def ringed_segments(segmentationNode: Any) -> set[str]:
    """Return the ids of all rings and of what they were grown around."""
    rings = rings_of(segmentationNode)
    return {*rings, *(ring.tumour for ring in rings.values())}


def plain_settings(settings: RingSettings) -> dict[str, Any]:
    """Return ring settings as plain values; ``RingSettings(**values)`` makes them again."""
    values = {item.name: getattr(settings, item.name) for item in fields(settings)}
    return {
        name: value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def fingerprint(mask: PlacedMask | None) -> str:
    """Return a short text that changes when a mask gains or loses a voxel.

    It does not change with the order and direction of the grid's axes, which readers and writers may turn, nor
    when tumour and rings are moved together.
    """
    if mask is None:
        return "empty"
    to_world = mask.grid.to_world[:3, :3] / mask.grid.spacing
    order = np.abs(to_world).argmax(axis=1)
    if len(set(order)) < 3:
        order = np.arange(3)
    flipped = tuple(world for world, axis in enumerate(order) if to_world[world, axis] < 0)
    turned = np.flip(mask.inside.transpose(2, 1, 0).transpose(order), flipped)
    ranges = []
    for axes in ((1, 2), (0, 2), (0, 1)):
        found = np.flatnonzero(turned.any(axis=axes))
        ranges.append(slice(int(found[0]), int(found[-1]) + 1))
    tight = np.ascontiguousarray(turned[tuple(ranges)])
    return f"{zlib.crc32(np.packbits(tight).tobytes(), zlib.crc32(repr(tight.shape).encode())):08x}"
