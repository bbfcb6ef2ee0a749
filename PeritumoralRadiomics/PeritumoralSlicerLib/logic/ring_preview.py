"""Rings for a look before they are created: on a coarse grid, a step at a time, and not at all if they are there."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from PeritumoralRadiomicsLib.regions.kinds import RegionKind
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.regions.ring_sketch import SketchedRing, sketch_steps
from RadiomicsCoreLib.figures.ring_palette import RIM_COLOUR, ring_palette
from RadiomicsSlicerLib.segments import TooCostly, find_segment

from .ring_limits import find_limits
from .ring_samples import sample_steps
from .rings import check_asked_for, rings_are_there


@dataclass(frozen=True, eq=False)
class RingPreview:
    """What to show before rings are created.

    Attributes:
        rings: fields whose zero is the outline; none if the rings are segments already.
        colours: (red, green, blue), 0 to 1, of each.
        to_world: 4 x 4, index (i, j, k) of a field's points to RAS mm.
        warnings: of reading the segments.
    """

    rings: tuple[SketchedRing, ...] = ()
    colours: tuple[tuple[float, float, float], ...] = ()
    to_world: np.ndarray | None = None
    warnings: tuple[str, ...] = ()


def preview_steps(
    segmentationNode: Any,
    tumour: str,
    volumeNode: Any,
    settings: RingSettings,
    organ: str | None = None,
    exclusions: Sequence[str] = (),
    other_tumours: Sequence[str] | None = None,
) -> Generator[None, None, RingPreview]:
    """Sketch rings a step at a time; arguments and errors as :func:`RadiomicsSlicerLib.rings.grow_rings`.

    Yields:
        None after each step, none of which holds up the window for a tenth of a second.

    Raises:
        TooCostly: one would; the rings themselves can be created.
    """
    check_asked_for(settings)
    tumour_id = find_segment(segmentationNode, tumour, "the tumour segment")
    limits = find_limits(segmentationNode, tumour_id, organ, exclusions, other_tumours)
    try:
        samples = yield from sample_steps(segmentationNode, tumour_id, volumeNode, settings, limits)
    except TooCostly:
        if rings_are_there(segmentationNode, tumour_id, settings, made_from=""):
            return RingPreview()
        raise
    if rings_are_there(segmentationNode, tumour_id, settings, samples.made_from):
        return RingPreview()
    rings = yield from sketch_steps(samples.ground, settings)
    return RingPreview(tuple(rings), tuple(_colours(rings)), samples.to_world, samples.warnings)


def _colours(rings: Sequence[SketchedRing]) -> list[tuple[float, float, float]]:
    graded = ring_palette(ring.name for ring in rings if ring.kind is RegionKind.RING)
    return [graded.get(ring.name, RIM_COLOUR) for ring in rings]
