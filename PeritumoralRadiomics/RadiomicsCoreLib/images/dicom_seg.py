"""Reads a segment of a DICOM SEG file, and lays its frames on the grid of an image by their position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import EmptyMaskError, InputError
from .dicom_series import image_of_volume
from .geometry import SAME_GRID_VOXELS, world_to_index
from .structure_names import Named, choose_structure

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class Segment:
    """One segment of a DICOM SEG file; ``dataset`` is highdicom's Segmentation."""

    path: Path
    name: str
    number: int
    frame_of_reference: str
    dataset: Dataset


def read_segment(path: Path | str, roi: str | None = None, number: int | None = None) -> Segment:
    """Open a DICOM SEG file and find one segment by its SegmentLabel or SegmentNumber.

    Raises:
        InputError: not a DICOM SEG file, or no such segment (the message lists what there is).
    """
    import highdicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = highdicom.seg.segread(str(path))
        named = [Named(str(item.SegmentLabel), int(item.SegmentNumber)) for item in dataset.SegmentSequence]
    except (InvalidDicomError, OSError, EOFError, AttributeError, LookupError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not a sound DICOM SEG file: {' '.join(str(error).split())}") from None
    # Label maps may list their background (number 0) as a segment.
    chosen = choose_structure(path, [item for item in named if item.number > 0], roi, number)
    uid = str(dataset.get("FrameOfReferenceUID") or "")
    return Segment(Path(path), chosen.name, chosen.number, uid, dataset)


def segment_on_grid(segment: Segment, reference: sitk.Image) -> sitk.Image | None:
    """Return a segment's mask on the grid of an image; slices that the file leaves out are empty.

    Frames may have any order, orientation and in-plane extent, as long as their pixels are voxels of the image.

    Returns:
        UInt8 mask, 1 inside; None if the frames lie on another grid (see :func:`segment_on_own_grid`).

    Raises:
        InputError: frames without a position, or damaged.
        RegionError: the segment has no pixel inside.
    """
    try:
        return _on_grid(segment, reference)
    except (AttributeError, LookupError, ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{segment.path}: its frames have no place in space or are damaged: {text}") from None


def _on_grid(segment: Segment, reference: sitk.Image) -> sitk.Image | None:
    inside = np.zeros(reference.GetSize()[::-1], np.uint8)
    if not _slices_as_dense(segment.dataset, reference):
        return None
    found = False
    for frame in _frames(segment):
        index = frame.indices(reference)
        if index is None:
            return None
        found = found or len(index) > 0
        index = index[np.all((index >= 0) & (index < reference.GetSize()), axis=1)]
        inside[index[:, 2], index[:, 1], index[:, 0]] = 1
    _refuse_empty(segment, found)
    mask = sitk.GetImageFromArray(inside)
    mask.CopyInformation(reference)
    return mask


def segment_on_own_grid(segment: Segment) -> sitk.Image:
    """Return a segment's mask on the grid of its file.

    Raises:
        InputError: the frames do not make an even stack.
        RegionError: the segment has no pixel inside.
    """
    try:
        volume = segment.dataset.get_volume(segment_numbers=[segment.number])
    except (ValueError, RuntimeError, AttributeError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{segment.path}: its frames do not make one 3D mask: {text}") from None
    inside = np.asarray(volume.array)
    inside = inside[..., 0] if inside.ndim == 4 else inside
    _refuse_empty(segment, bool(inside.any()))
    return image_of_volume(volume.with_array((inside >= 0.5).astype(np.uint8)))


@dataclass(frozen=True)
class _Frame:
    """Pixels inside a segment on one frame: (n, 2) row and column, and where the frame lies (LPS, mm)."""

    pixels: np.ndarray
    position: np.ndarray
    step_row: np.ndarray
    step_column: np.ndarray

    def indices(self, reference: sitk.Image) -> np.ndarray | None:
        """Return voxel indices (n, 3) in order (i, j, k), None if they are no voxels of the reference."""
        base = world_to_index(reference, self.position[None])
        steps = world_to_index(reference, self.position + np.stack([self.step_row, self.step_column])) - base
        if not np.allclose(np.abs(steps).sum(axis=1), 1, atol=1e-3):
            return None
        index = base + self.pixels @ steps
        whole = np.round(index)
        if len(index) and np.abs(index - whole).max() > SAME_GRID_VOXELS:
            return None
        return whole.astype(np.int64)


def _frames(segment: Segment) -> Iterator[_Frame]:
    dataset = segment.dataset
    shared = dataset.SharedFunctionalGroupsSequence[0]
    labelmap = str(dataset.SegmentationType) == "LABELMAP"
    threshold = int(dataset.get("MaximumFractionalValue") or 1) / 2
    for number, own in enumerate(dataset.PerFrameFunctionalGroupsSequence, start=1):
        if not labelmap and _group(own, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber != (
            segment.number
        ):
            continue
        stored = dataset.get_stored_frame(number)
        inside = stored == segment.number if labelmap else stored >= threshold
        position = np.array(_group(own, shared, "PlanePositionSequence").ImagePositionPatient, float)
        axes = np.reshape(_group(own, shared, "PlaneOrientationSequence").ImageOrientationPatient, (2, 3))
        down, across = map(float, _group(own, shared, "PixelMeasuresSequence").PixelSpacing)
        axes = axes.astype(float)
        yield _Frame(np.argwhere(inside), position, axes[1] * down, axes[0] * across)


def _group(own: Dataset, shared: Dataset, name: str) -> Dataset:
    return (own if name in own else shared)[name].value[0]


def _slices_as_dense(dataset: Dataset, reference: sitk.Image) -> bool:
    """Return whether the frames' spacing is that of the image; one drawn on thicker slices would leave gaps."""
    shared, own = dataset.SharedFunctionalGroupsSequence[0], dataset.PerFrameFunctionalGroupsSequence
    axes = np.reshape(_group(own[0], shared, "PlaneOrientationSequence").ImageOrientationPatient, (2, 3))
    normal = np.cross(*axes.astype(float))
    along = [np.dot(_group(f, shared, "PlanePositionSequence").ImagePositionPatient, normal) for f in own]
    gaps = np.diff(np.unique(np.round(np.array(along, float), 3)))
    if gaps.size == 0:
        return True  # a single slice; writers invent its spacing
    # Empty frames may be left out, so the gaps may be wider than the spacing that the file states.
    stated = _group(own[0], shared, "PixelMeasuresSequence").get("SpacingBetweenSlices")
    spacings = np.array([gaps.min(), float(stated or gaps.min())])
    ends = world_to_index(reference, np.vstack([np.zeros(3), spacings[:, None] * normal]))
    steps = np.linalg.norm(ends[1:] - ends[0], axis=1)
    return bool(np.any(np.abs(steps - 1) < 0.05))


def _refuse_empty(segment: Segment, found: bool) -> None:
    if not found:
        raise EmptyMaskError(f"{segment.path}: segment {segment.name!r} is empty: no pixel is inside")
