"""A tumour and what limits its rings on a coarse grid, read from the scene for outlines (``ring_sketch``).

The points of the grid are centres of the volume's voxels. A segment is looked up at these points only: whatever its
size, that costs as much as there are points. The tumour alone is read in full, as it is for the rings themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import slicer
import vtk
import vtk.util.numpy_support

from PeritumoralRadiomicsLib.regions.barriers import ORGAN, OTHER_TUMOUR, WINDOW, Barrier, barrier_name, same_tumour
from PeritumoralRadiomicsLib.regions.growing import mean_radius_mm
from PeritumoralRadiomicsLib.regions.ring_settings import RingPlane, RingSettings, ring_spans
from PeritumoralRadiomicsLib.regions.ring_sketch import SketchGround, sketch_factors
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsSlicerLib.grids import VoxelGrid, clipped, shifted
from RadiomicsSlicerLib.nodes import volume_grid, world_matrix
from RadiomicsSlicerLib.segments import PlacedMask, TooCostly, is_surface, segment_labelmap, segment_mask

from .ring_limits import RingLimits, names_of
from .ring_tags import fingerprint, plain_settings

MOST_POINTS = 250_000
"""The distances between so many points take about 0.04 s on one core."""
MOST_VOXELS = 400_000_000
MOST_RESAMPLED = 3_000_000
MOST_RINGS = 40
_MARGIN_POINTS = 2
_SAME_PLACE = 1e-3


@dataclass(frozen=True, eq=False)
class RingSamples:
    """What a sketch is drawn on, where it lies, and what it was read from.

    Attributes:
        ground: tumour and barriers on the points.
        to_world: 4 x 4, index (i, j, k) of a point to RAS mm.
        made_from: a short text that is equal if, and in practice only if, all that rings are made from is equal.
        warnings: of reading the segments.
    """

    ground: SketchGround
    to_world: np.ndarray
    made_from: str
    warnings: tuple[str, ...]


def sample_steps(
    segmentationNode: Any, tumour_id: str, volumeNode: Any, settings: RingSettings, limits: RingLimits
) -> Generator[None, None, RingSamples]:
    """Read tumour and limits a step at a time; yields None after each, and returns the samples.

    Raises:
        TooCostly: a step would hold up the window.
        InputError, RegionError, GeometryError: as :func:`RadiomicsSlicerLib.rings.grow_rings`.
    """
    volume_grid(volumeNode)  # what is wrong with it is said first
    _check_cost(segmentationNode, tumour_id, settings)
    whole = segment_mask(segmentationNode, tumour_id, volumeNode, most_resampled=MOST_RESAMPLED)
    tumour = _growing_part(whole, settings.plane)
    yield
    lattice = _Lattice.around(tumour, settings)
    here = lattice.of_mask(tumour)
    barriers, notes = [], list(tumour.warnings)
    names = names_of(segmentationNode, [segment for _, segment in limits.left_out])
    if limits.organ:
        barriers.append(Barrier(ORGAN, ~lattice.of_segment(segmentationNode, limits.organ)))
        yield
    for role, segment in limits.left_out:
        inside = lattice.of_segment(segmentationNode, segment)
        if role == OTHER_TUMOUR and limits.marked and same_tumour(here, inside):
            notes.append(same_tumour_note(names[segment]))
        else:
            barriers.append(Barrier(barrier_name(role, names[segment]), inside, always_told=role == OTHER_TUMOUR))
        yield
    if settings.window:
        barriers.append(Barrier(WINDOW, ~lattice.of_window(volumeNode, settings.window)))
    ground = SketchGround(here, barriers, lattice.spacing, lattice.factors, lattice.radius_mm, lattice.room_mm)
    made_from = _made_from(whole, barriers, settings)
    return RingSamples(ground, lattice.to_world, made_from, tuple(dict.fromkeys(notes)))


def same_tumour_note(name: str) -> str:
    """Return what is said of a marked tumour that is another drawing of the same one."""
    return f"{name!r} shares more than half of its voxels with the tumour: it is taken for the same one, not left out"


def run_to_end(steps: Generator[None, None, Any]) -> Any:
    """Do all steps at once, and return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def _check_cost(segmentationNode: Any, tumour_id: str, settings: RingSettings) -> None:
    if is_surface(segmentationNode):
        raise TooCostly("segments that are surfaces have no outlines; press Create rings")
    labelmap, _ = segment_labelmap(segmentationNode, tumour_id)
    voxels = np.prod(labelmap.GetDimensions(), dtype=np.int64) if labelmap is not None else 0
    if voxels > MOST_VOXELS:
        size = f"{voxels / 1e6:.0f} million voxels"
        raise TooCostly(f"the segmentation has {size}, too many for outlines; press Create rings")
    rings = len(settings.outer_mm) + len(settings.fractions)
    if rings > MOST_RINGS:
        raise TooCostly(f"{rings} rings are too many for outlines; press Create rings")


def _growing_part(tumour: PlacedMask, plane: RingPlane) -> PlacedMask:
    """Return the tumour, or its largest slice, the lowest of equal ones, as the library chooses it."""
    if plane is not RingPlane.LARGEST_SLICE:
        return tumour
    k = int(np.argmax(np.count_nonzero(tumour.inside, axis=(1, 2))))
    rows, columns = (np.flatnonzero(tumour.inside[k].any(axis=axis)) for axis in (1, 0))
    inside = tumour.inside[k : k + 1, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    i, j, first = tumour.box.start
    start = (i + int(columns[0]), j + int(rows[0]), first + k)
    return replace(tumour, inside=inside, box=IndexBox(start, inside.shape[::-1]))


def _made_from(tumour: PlacedMask, barriers: list[Barrier], settings: RingSettings) -> str:
    chosen = plain_settings(replace(settings, union=False))  # unions are no rings
    code = zlib.crc32(f"{fingerprint(tumour)} {sorted(chosen.items())}".encode())
    for barrier in barriers:
        if barrier.blocked.any():
            code = zlib.crc32(np.packbits(barrier.blocked).tobytes(), code)
    return f"{code:08x}"


@dataclass(frozen=True, eq=False)
class _Lattice:
    """The points: a box of the volume's grid, every so many voxels.

    Attributes:
        grid: the volume's grid.
        start: index (i, j, k) of the first point.
        size: number of points along (i, j, k).
        factors: voxels from point to point along (k, j, i).
        radius_mm: mean radius of the tumour.
        room_mm: from the tumour to the nearest border of the image that rings can reach.
    """

    grid: VoxelGrid
    start: tuple[int, int, int]
    size: tuple[int, int, int]
    factors: tuple[int, int, int]
    radius_mm: float
    room_mm: float

    @classmethod
    def around(cls, tumour: PlacedMask, settings: RingSettings) -> _Lattice:
        grid, plane = tumour.grid, settings.plane
        spacing = grid.spacing[::-1]
        radius = mean_radius_mm(np.count_nonzero(tumour.inside, axis=(1, 2)), spacing, plane)
        farthest = max((span.outer_mm for span in ring_spans(settings, radius)), default=0.0)
        box = _reached(tumour.box, farthest, grid, plane)
        factors = sketch_factors(box.size[::-1], spacing, MOST_POINTS, whole_slices=plane is not RingPlane.VOLUME)
        margin = _MARGIN_POINTS * max(f * mm for f, mm in zip(factors, spacing, strict=True))
        box = _reached(tumour.box, farthest + margin, grid, plane)
        start = tuple(a + (min(f, n) - 1) // 2 for a, n, f in zip(box.start, box.size, factors[::-1], strict=True))
        size = tuple(-(-(b - a) // f) for a, b, f in zip(start, box.stop, factors[::-1], strict=True))
        axes = range(3) if plane is RingPlane.VOLUME else range(2)
        room = [
            steps * grid.spacing[axis]
            for axis in axes
            for steps in (tumour.box.start[axis], grid.size[axis] - tumour.box.stop[axis])
        ]
        return cls(grid, start, size, factors, radius, min(room))  # type: ignore[arg-type]

    @property
    def spacing(self) -> tuple[float, float, float]:
        i, j, k = self.grid.spacing
        return k, j, i

    @property
    def to_world(self) -> np.ndarray:
        return self.grid.to_world @ shifted(self.start) @ np.diag([*self.factors[::-1], 1.0])

    @property
    def indices(self) -> tuple[np.ndarray, ...]:
        """Indices of the points on the volume's grid, along (k, j, i)."""
        parts = zip(self.start[::-1], self.size[::-1], self.factors, strict=True)
        return tuple(a + f * np.arange(n) for a, n, f in parts)

    def of_mask(self, mask: PlacedMask) -> np.ndarray:
        """Look a mask on the volume's grid up at the points; one that falls between them all is kept by one point."""
        found = _at(mask.inside, [n - a for n, a in zip(self.indices, mask.box.start[::-1], strict=True)])
        if not found.any():
            middle = np.argwhere(mask.inside)[mask.voxels // 2] + mask.box.start[::-1]
            nearest = [int(np.abs(n - at).argmin()) for n, at in zip(self.indices, middle, strict=True)]
            found[tuple(nearest)] = True
        return found

    def of_segment(self, segmentationNode: Any, segment_id: str) -> np.ndarray:
        """Look a segment of voxels up at the points; an empty one is nowhere."""
        labelmap, label = segment_labelmap(segmentationNode, segment_id)
        scalars = labelmap.GetPointData().GetScalars() if labelmap is not None else None
        if scalars is None or labelmap.IsEmpty():
            return np.zeros(self.size[::-1], bool)
        values = vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(labelmap.GetDimensions()[::-1])
        matrix = vtk.vtkMatrix4x4()
        labelmap.GetImageToWorldMatrix(matrix)
        own = world_matrix(segmentationNode) @ slicer.util.arrayFromVTKMatrix(matrix)
        own = own @ shifted(labelmap.GetExtent()[::2])
        return _looked_up(values, np.linalg.inv(own) @ self.to_world, self.size) == label

    def of_window(self, volumeNode: Any, window: tuple[float, float]) -> np.ndarray:
        """Return whether the volume's values at the points lie within two limits; NaN never does."""
        values = slicer.util.arrayFromVolume(volumeNode)[np.ix_(*self.indices)]
        return (values >= window[0]) & (values <= window[1])


def _reached(box: IndexBox, distance_mm: float, grid: VoxelGrid, plane: RingPlane) -> IndexBox:
    grown = grid.grown(box, distance_mm)
    if plane is RingPlane.VOLUME:
        return grown
    return clipped(IndexBox((*grown.start[:2], box.start[2]), (*grown.size[:2], box.size[2])), grid.size)


def _looked_up(values: np.ndarray, to_index: np.ndarray, size: tuple[int, int, int]) -> np.ndarray:
    """Return the values (k, j, i) nearest to points; 0 beyond the borders.

    Args:
        values: (k, j, i).
        to_index: 4 x 4, index (i, j, k) of a point to that of the values.
        size: number of points along (i, j, k).
    """
    axes = to_index[:3, :3]
    turned = np.abs(axes) > _SAME_PLACE * np.abs(axes).max(axis=0)
    if (turned.sum(axis=0) == 1).all() and (turned.sum(axis=1) == 1).all():
        return _straight(values, to_index, size, turned.argmax(axis=1))
    result = np.zeros(size[::-1], values.dtype)
    j, i = np.ogrid[: size[1], : size[0]]
    for k in range(size[2]):  # slice by slice: all indices at once would take ten times the memory of the result
        places = [np.rint(a[0] * i + a[1] * j + a[2] * k + a[3]).astype(int) for a in to_index[:3]]
        inside = np.all([(p >= 0) & (p < n) for p, n in zip(places, values.shape[::-1], strict=True)], axis=0)
        result[k][inside] = values[tuple(p[inside] for p in places[::-1])]
    return result


def _straight(values: np.ndarray, to_index: np.ndarray, size: tuple[int, int, int], source: np.ndarray) -> np.ndarray:
    """Look points up whose axes are those of the values, swapped and flipped perhaps.

    Args:
        values, to_index, size: as :func:`_looked_up`.
        source: for each axis (i, j, k) of the values, the axis of the points that runs along it.
    """
    places = [
        np.rint(to_index[axis, source[axis]] * np.arange(size[source[axis]]) + to_index[axis, 3]).astype(int)
        for axis in range(3)
    ]
    found = _at(values, places[::-1])  # (k, j, i) of the values
    by_axis = found.transpose(2, 1, 0)  # (i, j, k) of the values
    return by_axis.transpose(np.argsort(source)).transpose(2, 1, 0)


def _at(values: np.ndarray, places: Any) -> np.ndarray:
    """Return values at the crossings of indices along (k, j, i); 0 beyond the borders."""
    result = np.zeros([len(n) for n in places], values.dtype)
    inside = [(n >= 0) & (n < length) for n, length in zip(places, values.shape, strict=True)]
    result[np.ix_(*inside)] = values[np.ix_(*(n[good] for n, good in zip(places, inside, strict=True)))]
    return result
