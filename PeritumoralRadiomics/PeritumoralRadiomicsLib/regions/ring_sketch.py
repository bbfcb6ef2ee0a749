"""Rings on a coarse grid, for outlines while the numbers change: quick for any tumour and any distance.

The final rings cost seconds: a surface between the voxels, and exact distances from it (``surface_distance``). An
outline needs neither. Here the tumour and whatever limits its rings are bools on a coarse grid whose points are
centres of voxels, the distance is the plain one between grid points, and the surface is taken to run half a grid step
outside the outermost of them. The outline is where a field crosses zero, found between the points by linear
interpolation; it stays within about one coarse voxel of the final ring.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .barriers import Barrier
from .kinds import RegionKind
from .ring_notes import cut_notes, thin_notes, why_empty
from .ring_settings import RingPlane, RingSettings, RingSpan, SurfaceRule, rim_name, ring_spans
from .surface_distance import distance_map

_FAR_MM = 1e6


@dataclass(frozen=True, eq=False)
class SketchGround:
    """What a sketch is drawn on.

    Attributes:
        tumour: bool (k, j, i), at least one point inside.
        barriers: what rings may not enter, on the same points.
        voxel_spacing: mm between the voxels along (k, j, i).
        factors: voxels from one point to the next along (k, j, i), each >= 1.
        mean_radius_mm: of the tumour, as :func:`PeritumoralRadiomicsLib.regions.mean_radius_mm` gives it.
        room_mm: from the tumour's outermost voxel to the nearest border of the image.
    """

    tumour: np.ndarray
    barriers: Sequence[Barrier]
    voxel_spacing: tuple[float, float, float]
    factors: tuple[int, int, int]
    mean_radius_mm: float
    room_mm: float = math.inf

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Mm between the points along (k, j, i)."""
        k, j, i = (factor * step for factor, step in zip(self.factors, self.voxel_spacing, strict=True))
        return k, j, i


@dataclass(frozen=True, eq=False)
class SketchedRing:
    """A ring or rim as a field.

    Attributes:
        name: ``ring_0_3mm``, ``rim_0_2mm``.
        kind: ring or rim.
        field: float32 (k, j, i), above 0 within the outline. A ring that begins at the tumour is outlined together
            with it: its inner border is the tumour's own.
        volume_ml: about how large the ring is, without the tumour.
        retained_fraction: about which share of it barriers leave; NaN if no point lies in it.
        warnings: what the reader of the features should know.
    """

    name: str
    kind: RegionKind
    field: np.ndarray
    volume_ml: float
    retained_fraction: float
    warnings: tuple[str, ...]


def sketch_steps(ground: SketchGround, settings: RingSettings) -> Generator[None, None, list[SketchedRing]]:
    """Sketch the rings and the rim a step at a time.

    Args:
        ground: tumour and barriers.
        settings: which rings; ``union`` and ``supersampling`` make no difference.

    Yields:
        None, after each step, so that a window can live in between.

    Returns:
        The sketches, in the order of the final rings.
    """
    distance = _signed_distance(ground, settings)
    yield
    sketcher = _Sketcher(ground, settings, distance)
    found = []
    for span in ring_spans(settings, ground.mean_radius_mm):
        found.append(sketcher.ring(span))
        yield
    if settings.inner_rim_mm is not None:
        found.append(sketcher.rim(settings.inner_rim_mm))
        yield
    return found


def sketch_rings(ground: SketchGround, settings: RingSettings) -> list[SketchedRing]:
    """Sketch the rings and the rim at once; see :func:`sketch_steps`.

    Example:
        >>> tumour = np.zeros((21, 21, 21), bool)
        >>> tumour[8:13, 8:13, 8:13] = True
        >>> ground = SketchGround(tumour, (), (1.0, 1.0, 1.0), (1, 1, 1), 3.1)
        >>> [ring.name for ring in sketch_rings(ground, RingSettings(outer_mm=(3, 6)))]
        ['ring_0_3mm', 'ring_0_6mm']
    """
    steps = sketch_steps(ground, settings)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def _signed_distance(ground: SketchGround, settings: RingSettings) -> np.ndarray:
    """Distance of each point from the tumour's surface, mm, negative inside; in planes: within each slice."""
    if settings.plane is RingPlane.VOLUME:
        distance = distance_map(ground.tumour, ground.spacing)
    else:
        distance = np.full(ground.tumour.shape, _FAR_MM, np.float32)
        for k in np.flatnonzero(ground.tumour.any(axis=(1, 2))):
            distance[k] = distance_map(ground.tumour[k], ground.spacing[1:])
    # The surface runs half a step outside the outermost points; the centres of the outermost voxels half a voxel less.
    beyond = _mean_step(ground.spacing, settings)
    if settings.surface is SurfaceRule.VOXEL_CENTRES:
        beyond -= _mean_step(ground.voxel_spacing, settings)
    return distance - beyond / 2


def _mean_step(spacing: Sequence[float], settings: RingSettings) -> float:
    """Geometric mean of the steps along the axes that rings grow in, mm."""
    steps = spacing if settings.plane is RingPlane.VOLUME else spacing[1:]
    return math.prod(steps) ** (1 / len(steps))


@dataclass(frozen=True, eq=False)
class _Sketcher:
    """Turns the distance into fields with figures and warnings."""

    ground: SketchGround
    settings: RingSettings
    distance: np.ndarray

    @property
    def _step(self) -> float:
        """The longest step of the grid: a field needs to be true only so near to its zero."""
        return max(self.ground.spacing if self.settings.plane is RingPlane.VOLUME else self.ground.spacing[1:])

    def ring(self, span: RingSpan) -> SketchedRing:
        tumour = self.ground.tumour
        outline = span.outer_mm - self.distance
        if span.inner_mm > 0:
            outline = np.minimum(outline, self.distance - span.inner_mm)
        whole = np.where(tumour, 0, self._within(span.outer_mm) - self._within(span.inner_mm)).clip(0)
        cuts, blocked = self._cuts(whole)
        outline[blocked & ~tumour] = -self._step
        total = float(whole.sum())
        count = float(whole[~blocked].sum())
        told = [barrier.name for barrier in self.ground.barriers if barrier.always_told]
        notes = [*self._thin(span.name, span.outer_mm - span.inner_mm), *cut_notes(span.name, cuts, total, count, told)]
        if span.outer_mm > self.ground.room_mm:
            notes.append(f"{span.name} is cut by the image border")
        if span.outer_mm <= span.inner_mm or (total and not count):
            voxels = round(total * math.prod(self.ground.factors))
            notes.append(f"{span.name} is empty: {why_empty(span, cuts, voxels, self.settings.gap_mm)}")
        retained = count / total if total else math.nan
        return self._sketch(span.name, RegionKind.RING, outline, count, retained, notes)

    def rim(self, depth_mm: float) -> SketchedRing:
        name = rim_name(depth_mm)
        outline = np.minimum(self.distance + depth_mm, -self.distance)
        count = float(np.where(self.ground.tumour, 1 - self._within(-depth_mm), 0).sum())
        return self._sketch(name, RegionKind.RIM, outline, count, 1.0, self._thin(name, depth_mm))

    def _within(self, level_mm: float) -> np.ndarray:
        """Share of each point's surroundings that lies within a distance of the surface."""
        return np.clip(0.5 + (level_mm - self.distance) / _mean_step(self.ground.spacing, self.settings), 0, 1)

    def _cuts(self, whole: np.ndarray) -> tuple[Mapping[str, float], np.ndarray]:
        blocked = np.zeros(whole.shape, bool)
        cuts = {}
        for barrier in self.ground.barriers:
            cuts[barrier.name] = float(whole[barrier.blocked & ~blocked].sum())
            blocked |= barrier.blocked
        return cuts, blocked

    def _thin(self, name: str, thickness_mm: float) -> list[str]:
        return thin_notes(name, thickness_mm, self.ground.voxel_spacing, self.settings)

    def _sketch(
        self, name: str, kind: RegionKind, outline: np.ndarray, count: float, retained: float, notes: Sequence[str]
    ) -> SketchedRing:
        field = np.clip(outline, -self._step, self._step).astype(np.float32)
        volume_ml = count * math.prod(self.ground.spacing) / 1000
        return SketchedRing(name, kind, field, volume_ml, retained, tuple(notes))


def sketch_factors(
    size: Sequence[int], spacing: Sequence[float], most: int, *, whole_slices: bool = False
) -> tuple[int, int, int]:
    """Return how many voxels to go from one point to the next, so that there are at most so many points.

    The steps are as equal in mm as the voxels allow.

    Args:
        size: voxels of the region along (k, j, i).
        spacing: mm along (k, j, i).
        most: number of points, >= 1.
        whole_slices: take every slice k, whatever their number.

    Example:
        >>> sketch_factors((100, 100, 100), (1, 1, 1), 10**6), sketch_factors((60, 200, 200), (3, 1, 1), 300_000)
        ((1, 1, 1), (1, 3, 3))
    """
    step = min(spacing)
    while True:
        factors = [max(1, round(step / mm)) for mm in spacing]
        if whole_slices:
            factors[0] = 1
        counts = [-(-n // factor) for n, factor in zip(size, factors, strict=True)]
        if math.prod(counts) <= most or (whole_slices and math.prod(counts[1:]) == 1):
            return factors[0], factors[1], factors[2]
        step *= 1.05
