"""Segments and masks: a segment's voxels on the grid of a volume, and masks put back as segments.

A segment is stored as a small labelmap, often shared with other segments, in the coordinates of its segmentation.
Where its voxels lie on those of the volume they are copied one to one; else the nearest voxel decides, as in
Slicer's own export.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
import vtk.util.numpy_support

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox

from .grids import VoxelGrid, clipped, shifted
from .nodes import required, volume_grid, world_matrix

LABELMAP = "Binary labelmap"


class TooCostly(InputError):
    """Work that would hold up the window, where something quick is asked for."""


@dataclass(frozen=True, eq=False)
class PlacedMask:
    """The voxels of a segment on the grid of a volume.

    Attributes:
        inside: bool (k, j, i), as tight around the segment as the grid allows.
        box: where it lies on the volume's grid.
        grid: the volume's grid.
        warnings: what was lost or changed on the way.
    """

    inside: np.ndarray
    box: IndexBox
    grid: VoxelGrid
    warnings: tuple[str, ...] = ()

    @property
    def voxels(self) -> int:
        """Number of voxels inside."""
        return int(np.count_nonzero(self.inside))

    @property
    def volume_ml(self) -> float:
        """Volume of these voxels."""
        return self.voxels * math.prod(self.grid.spacing) / 1000

    def on(self, box: IndexBox) -> np.ndarray:
        """Return the mask on another box of the same grid, UInt8 (k, j, i); what lies outside is left out."""
        values = np.zeros(box.size[::-1], np.uint8)
        here, there = [], []
        for a, n, b, m in zip(self.box.start, self.box.size, box.start, box.size, strict=True):
            low, high = max(a, b), min(a + n, b + m)
            if high <= low:
                return values
            here.append(slice(low - a, high - a))
            there.append(slice(low - b, high - b))
        values[tuple(there[::-1])] = self.inside[tuple(here[::-1])]
        return values

    def image(self, box: IndexBox | None = None) -> sitk.Image:
        """Return the mask as an image (LPS, UInt8), on its own box or on another one."""
        box = box or self.box
        return self.grid.part(box).image(self.on(box))


def segment_ids(segmentationNode: Any) -> list[str]:
    """Return the ids of all segments, in order. Raises InputError without a segmentation."""
    segmentation = required(segmentationNode, "the segmentation").GetSegmentation()
    return [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]


def segment_name(segmentationNode: Any, segment_id: str) -> str:
    """Return the name that the user sees."""
    return segmentationNode.GetSegmentation().GetSegment(segment_id).GetName()


def find_segment(segmentationNode: Any, segment: str, what: str = "the segment") -> str:
    """Return the id of a segment that is given by its id or its name.

    Raises:
        InputError: none is given, no such segment, or several of that name.
    """
    ids = segment_ids(segmentationNode)
    if not segment:
        raise InputError(f"{what} is not chosen; choose it first")
    if segment in ids:
        return segment
    named = [found for found in ids if segment_name(segmentationNode, found) == segment]
    if len(named) == 1:
        return named[0]
    owner = f"segmentation {segmentationNode.GetName()!r}"
    if named:
        raise InputError(f"{owner} has {len(named)} segments named {segment!r}; rename all but one")
    names = ", ".join(segment_name(segmentationNode, found) for found in ids) or "no segments"
    raise InputError(f"{owner} has no segment {segment!r}; it has {names}")


def segment_mask(
    segmentationNode: Any, segment: str, volumeNode: Any, *, most_resampled: int | None = None
) -> PlacedMask:
    """Return the voxels of a segment on the grid of a volume. The scene is not changed.

    Args:
        segmentationNode: its source may be binary labelmaps or closed surfaces; it may be under a linear transform.
        segment: id or name.
        volumeNode: the volume that the features are read from.
        most_resampled: how many voxels may be resampled from another grid; None: any number.

    Raises:
        InputError: no such segment or volume, or a segmentation that cannot be converted to voxels.
        RegionError: the segment is empty.
        GeometryError: it does not overlap with the volume; a nonlinear or sheared transform.
        TooCostly: more voxels would have to be resampled.
    """
    grid = volume_grid(volumeNode)
    segment_id = find_segment(segmentationNode, segment)
    name = segment_name(segmentationNode, segment_id)
    labelmap, label = segment_labelmap(segmentationNode, segment_id, grid)
    start, inside = _tight_voxels(labelmap, label)
    if not inside.size:
        raise RegionError(f"segment {name!r} is empty; draw it, or choose another segment")
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    local = slicer.util.arrayFromVTKMatrix(matrix)
    if not is_surface(segmentationNode):  # a converted surface is in the world already
        local = world_matrix(segmentationNode) @ local
    own = VoxelGrid(inside.shape[::-1], local @ shifted(start), f"segment {name!r}")
    return _placed(own, inside, grid, name, most_resampled)


def is_surface(segmentationNode: Any) -> bool:
    """Return whether a segmentation holds no voxels, but surfaces."""
    return not segmentationNode.GetSegmentation().ContainsRepresentation(LABELMAP)


def segment_labelmap(segmentationNode: Any, segment_id: str, grid: VoxelGrid | None = None) -> tuple[Any, int]:
    """Return the labelmap that holds a segment, and its label there; a surface is converted on ``grid``."""
    segmentation = segmentationNode.GetSegmentation()
    if not is_surface(segmentationNode):
        label = segmentation.GetSegment(segment_id).GetLabelValue()
        return segmentationNode.GetBinaryLabelmapInternalRepresentation(segment_id), label
    if grid is None:
        raise InputError(f"segmentation {segmentationNode.GetName()!r} holds surfaces, no voxels")
    # On a copy, so that the user's segmentation keeps its representation; in the world, on the volume's grid.
    copy = slicer.vtkSegmentation()
    copy.SetSourceRepresentationName(segmentation.GetSourceRepresentationName())
    copy.CopySegmentFromSegmentation(segmentation, segment_id)
    transform = vtk.vtkTransform()
    transform.SetMatrix(slicer.util.vtkMatrixFromArray(world_matrix(segmentationNode)))
    copy.ApplyLinearTransform(transform)
    converter = slicer.vtkSegmentationConverter
    geometry = converter.SerializeImageGeometry(oriented_image(grid.to_world, grid.whole, None))
    copy.SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), geometry)
    if not copy.CreateRepresentation(LABELMAP):
        raise InputError(
            f"segmentation {segmentationNode.GetName()!r} has no binary labelmap and its "
            f"{segmentation.GetSourceRepresentationName()!r} cannot be converted; "
            "create a binary labelmap in the Segmentations module"
        )
    segment = copy.GetSegment(copy.GetNthSegmentID(0))
    return segment.GetRepresentation(LABELMAP), segment.GetLabelValue()


def _tight_voxels(labelmap: Any, label: int) -> tuple[tuple[int, int, int], np.ndarray]:
    """Return the first index (i, j, k) and the bool voxels (k, j, i) of one label of a shared labelmap."""
    scalars = labelmap.GetPointData().GetScalars() if labelmap is not None else None
    if scalars is None or labelmap.IsEmpty():
        return (0, 0, 0), np.zeros((0, 0, 0), bool)
    values = vtk.util.numpy_support.vtk_to_numpy(scalars).reshape(labelmap.GetDimensions()[::-1])
    ranges = _tight_ranges(values, label)
    if ranges is None:
        return (0, 0, 0), np.zeros((0, 0, 0), bool)
    extent = labelmap.GetExtent()
    k, j, i = (part.start for part in ranges)
    return (extent[0] + i, extent[2] + j, extent[4] + k), values[ranges] == label


def _tight_ranges(values: np.ndarray, label: int) -> tuple[slice, slice, slice] | None:
    """Return where a label lies; None if it is nowhere.

    Slice by slice into one small buffer: the comparison of a large labelmap at once takes three times as long, most
    of it to get the memory.
    """
    here = np.empty(values.shape[1:], bool)
    rows = np.zeros(values.shape[1], bool)
    columns = np.zeros(values.shape[2], bool)
    slices = []
    for k, plane in enumerate(values):
        np.equal(plane, label, out=here)
        found = np.asarray(here.any(axis=1))
        if found.any():
            slices.append(k)
            rows |= found
            low, high = _span(found)
            columns |= here[low:high].any(axis=0)
    if not slices:
        return None
    return slice(slices[0], slices[-1] + 1), slice(*_span(rows)), slice(*_span(columns))


def _span(found: np.ndarray) -> tuple[int, int]:
    places = np.flatnonzero(found)
    return int(places[0]), int(places[-1]) + 1


def _placed(own: VoxelGrid, inside: np.ndarray, grid: VoxelGrid, name: str, most_resampled: int | None) -> PlacedMask:
    lattice = own.lattice_in(grid)
    if lattice is not None:
        placed = _copied(inside, lattice, grid)
    else:
        box = own.box_in(grid)
        if box is not None and most_resampled is not None and math.prod(box.size) > most_resampled:
            raise TooCostly(
                f"segment {name!r} lies on another grid than {grid.name}, too large for outlines; press Create rings"
            )
        placed = _resampled(own, inside, grid, box)
    if placed is None or not placed.voxels:
        raise GeometryError(
            f"segment {name!r} does not overlap with {grid.name}; choose the volume that it was drawn on"
        )
    before_ml = int(np.count_nonzero(inside)) * math.prod(own.spacing) / 1000
    return PlacedMask(placed.inside, placed.box, grid, tuple(_notes(name, before_ml, placed, lattice is None)))


def _notes(name: str, before_ml: float, placed: PlacedMask, resampled: bool) -> list[str]:
    after_ml = placed.volume_ml
    if resampled:
        return [
            f"segment {name!r} lies on another grid than {placed.grid.name}: the nearest voxels were taken, "
            f"{before_ml:.3g} ml became {after_ml:.3g} ml"
        ]
    if after_ml < before_ml * (1 - 1e-9):
        lost = 1 - after_ml / before_ml
        return [f"{lost:.1%} of segment {name!r} lies outside {placed.grid.name} and is left out"]
    return []


def _copied(inside: np.ndarray, lattice: np.ndarray, grid: VoxelGrid) -> PlacedMask | None:
    """Copy voxels one to one, axes swapped and flipped where the lattice says so."""
    axes = lattice[:3, :3]
    source = np.abs(axes).argmax(axis=1)
    turned = inside.transpose(2, 1, 0).transpose(source)  # (i, j, k) of the grid
    last = lattice @ [*(n - 1 for n in inside.shape[::-1]), 1]
    start = tuple(int(n) for n in np.minimum(lattice[:3, 3], last[:3]))
    flipped = tuple(int(axis) for axis in np.flatnonzero(axes.sum(axis=1) < 0))
    values = np.flip(turned, flipped).transpose(2, 1, 0)
    box = IndexBox((start[0], start[1], start[2]), values.shape[::-1])
    if any(a >= n or b <= 0 for a, b, n in zip(box.start, box.stop, grid.size, strict=True)):
        return None
    part = clipped(box, grid.size)
    here = tuple(
        slice(p - b, p - b + n) for p, b, n in zip(part.start[::-1], box.start[::-1], part.size[::-1], strict=True)
    )
    return PlacedMask(np.ascontiguousarray(values[here]), part, grid)


def _resampled(own: VoxelGrid, inside: np.ndarray, grid: VoxelGrid, box: IndexBox | None) -> PlacedMask | None:
    if box is None:
        return None
    reference = grid.part(box).image(np.zeros(box.size[::-1], np.uint8))
    mask = sitk.Resample(
        own.image(inside.astype(np.uint8)), reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8
    )
    return PlacedMask(sitk.GetArrayFromImage(mask) != 0, box, grid)


def add_segment(
    segmentationNode: Any,
    mask: np.ndarray,
    box: IndexBox,
    volumeNode: Any,
    *,
    name: str,
    colour: Sequence[float],
    segment_id: str = "",
) -> str:
    """Add a mask as a segment of a segmentation of binary labelmaps, voxel on voxel with a volume.

    Args:
        segmentationNode: may be under another linear transform than the volume.
        mask: (k, j, i), nonzero inside.
        box: where it lies on the volume's grid.
        volumeNode: the volume.
        name: of the segment.
        colour: (red, green, blue), 0 to 1.
        segment_id: wished for; another is chosen if it is taken.

    Returns:
        The id of the segment.

    Raises:
        GeometryError: a nonlinear transform.
    """
    to_local = np.linalg.inv(world_matrix(segmentationNode)) @ volume_grid(volumeNode).to_world
    if segmentationNode.GetTransformNodeID() == volumeNode.GetTransformNodeID():
        matrix = vtk.vtkMatrix4x4()  # without the detour through the world: no float noise
        volumeNode.GetIJKToRASMatrix(matrix)
        to_local = slicer.util.arrayFromVTKMatrix(matrix)
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(*colour)
    segment.AddRepresentation(LABELMAP, oriented_image(to_local, box, mask))
    segmentation = segmentationNode.GetSegmentation()
    wanted = segmentation.GenerateUniqueSegmentID(segment_id)
    if not segmentation.AddSegment(segment, wanted):
        raise InputError(
            f"segmentation {segmentationNode.GetName()!r} does not take segment {name!r}; "
            "make binary labelmap its source representation in the Segmentations module"
        )
    return wanted


def make_editable(segmentationNode: Any, volumeNode: Any) -> None:
    """Give a segmentation binary labelmaps as its source, on a volume's grid if it has no geometry yet.

    A segmentation of closed surfaces is converted, as the Segment Editor does before editing.

    Raises:
        InputError: it cannot be converted.
    """
    segmentation = segmentationNode.GetSegmentation()
    parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    if is_surface(segmentationNode) or not segmentation.GetConversionParameter(parameter):
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    if segmentation.GetSourceRepresentationName() == LABELMAP:
        return
    if not segmentationNode.CreateBinaryLabelmapRepresentation():
        raise InputError(
            f"segmentation {segmentationNode.GetName()!r} cannot be converted to a binary labelmap; "
            "convert it in the Segmentations module"
        )
    segmentationNode.SetSourceRepresentationToBinaryLabelmap()


def get_tag(segmentationNode: Any, segment_id: str, tag: str) -> str:
    """Return a tag of a segment; empty if it has none."""
    value = vtk.reference("")
    segment = segmentationNode.GetSegmentation().GetSegment(segment_id)
    return str(value) if segment.GetTag(tag, value) else ""


def set_tag(segmentationNode: Any, segment_id: str, tag: str, value: str) -> None:
    """Set a tag of a segment. A bar would end it in the file that it is saved to."""
    segmentationNode.GetSegmentation().GetSegment(segment_id).SetTag(tag, value.replace("|", "\\u007c"))


def oriented_image(to_local: np.ndarray, box: IndexBox, mask: np.ndarray | None) -> Any:
    """Return a labelmap on a box of a grid, voxels (k, j, i) of UInt8; without voxels if there is no mask."""
    labelmap = slicer.vtkOrientedImageData()
    labelmap.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(to_local))
    labelmap.SetExtent([n for a, b in zip(box.start, box.stop, strict=True) for n in (a, b - 1)])
    if mask is not None:
        labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        values = vtk.util.numpy_support.vtk_to_numpy(labelmap.GetPointData().GetScalars())
        values[:] = (np.asarray(mask) != 0).ravel()
        labelmap.GetPointData().GetScalars().Modified()
    return labelmap
