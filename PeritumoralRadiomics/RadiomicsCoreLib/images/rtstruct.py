"""Turns a structure of a DICOM RTSTRUCT file into a mask on the grid of its image.

A voxel is inside where its centre lies inside the contour. Vertices keep their sub-voxel coordinates, and a
centre exactly on a contour counts on one side only (left and top edges are inside), so that masks are neither
grown nor shifted. Measured on 200 circles of 10 to 30 voxels radius at random sub-voxel places: area error at
most 1.4 %, on average below 0.01 %; centroid error 0.035 voxel (root mean square; 0.12 at most), on average 0.003.
For a sphere of 17 mm on 0.7 x 0.9 x 1.5 mm voxels: volume within 0.3 %, centroid within 0.05 voxel
(``test_rtstruct.py``, against the analytic shapes).

The file is read with pydicom; the filling is a scanline of our own, because no library gave all of sub-voxel
vertices, one-sided borders and speed: scikit-image's ``draw.polygon`` (the oracle in the test) counts both sides
of a contour that runs through voxel centres and takes 4 s for a lung, PIL and OpenCV (rt-utils) round vertices,
matplotlib's ``Path`` leaves borders undefined, plastimatch is GPL and a program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..errors import EmptyMaskError, GeometryError, InputError, RegionError
from .geometry import world_to_index
from .headers.header import FARTHEST_MM
from .structure_names import Named, choose_structure

if TYPE_CHECKING:
    from pydicom import Dataset

Warn = Callable[[str], None]

PLANE_TOLERANCE_SLICES = 0.1
"""Contours that lie closer than this, in slices, belong to one plane."""
TILT_TOLERANCE_SLICES = 0.25
"""A contour may leave the plane of its slice by this much, in slices."""
# Takes the noise of the change to index space out of contours that run through voxel centres.
_INDEX_DECIMALS = 6
_CLOSED = {"CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR"}


@dataclass(frozen=True)
class Structure:
    """One structure of an RTSTRUCT file.

    Attributes:
        name: ROIName.
        number: ROINumber.
        contours: closed planar contours, each (n, 3), LPS in mm.
        frame_of_reference: its FrameOfReferenceUID, empty if the file does not say.
        other_contours: number of contours that enclose nothing (points, open lines).
    """

    name: str
    number: int
    contours: tuple[np.ndarray, ...]
    frame_of_reference: str
    other_contours: int = 0


def read_structure(path: Path | str, roi: str | None = None, number: int | None = None) -> Structure:
    """Read one structure of an RTSTRUCT file.

    Args:
        path: the file.
        roi: ROIName, matched exactly, else without regard to upper and lower case; may be left out where the
            file holds one structure only.
        number: ROINumber, instead of the name.

    Raises:
        InputError: not an RTSTRUCT file, no such structure (the message lists what there is).
        RegionError: the structure has no closed contour.
    """
    import pydicom

    try:
        dataset = pydicom.dcmread(path)
        named = [Named(str(item.ROIName), int(item.ROINumber)) for item in dataset.StructureSetROISequence]
    except (pydicom.errors.InvalidDicomError, OSError, EOFError, AttributeError, ValueError) as error:
        raise InputError(f"{path} is not a sound RTSTRUCT file: {' '.join(str(error).split())}") from None
    chosen = choose_structure(path, named, roi, number)
    try:
        structure = _structure(dataset, chosen)
    except (AttributeError, ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path}: structure {chosen.name!r} has a damaged contour: {text}") from None
    if not structure.contours:
        raise EmptyMaskError(f"{path}: structure {chosen.name!r} has no closed contour; it is empty")
    return structure


def rasterise(structure: Structure, reference: sitk.Image, *, warn: Warn) -> sitk.Image:
    """Fill a structure's contours on the slices of an image.

    Contours are laid on the nearest slice (within half a slice); several on one plane are combined by exclusive
    or, so that an inner one is a hole, as a keyhole contour is by itself. Slices between contours without one of
    their own stay empty and are named in a warning.

    Args:
        structure: from :func:`read_structure`.
        reference: the image; any orientation, contours must lie in the planes of its slices.
        warn: called with one line for each thing the user should know.

    Returns:
        UInt8 mask on the grid of ``reference``, 1 inside.

    Raises:
        GeometryError: contours do not lie in the planes of the slices, or none reaches the image.
        RegionError: the structure is so small that it holds no voxel centre.
    """
    contours = [world_to_index(reference, points) for points in structure.contours]
    _check_in_plane(structure, contours)
    if structure.other_contours:
        warn(f"structure {structure.name!r}: {structure.other_contours} open contours or points were left out")
    slices = _planes_on_slices(structure, contours, warn)
    width, height, depth = reference.GetSize()
    inside = np.zeros((depth, height, width), np.uint8)
    for k, members in slices.items():
        if 0 <= k < depth:
            inside[k] = _fill(members, (height, width))
    _warn_about_slices(structure, sorted(slices), depth, warn)
    _check_reached(structure, contours, reference, inside)
    mask = sitk.GetImageFromArray(inside)
    mask.CopyInformation(reference)
    return mask


def _structure(dataset: Dataset, chosen: Named) -> Structure:
    closed, others = [], 0
    for item in dataset.get("ROIContourSequence", []):
        if int(item.ReferencedROINumber) != chosen.number:
            continue
        for contour in item.get("ContourSequence", []) or []:
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            if not np.isfinite(points).all() or np.abs(points).max(initial=0.0) > FARTHEST_MM:
                raise ValueError("a point that is no number, or more than a kilometre away")
            if str(contour.ContourGeometricType) in _CLOSED and len(points) >= 3:
                closed.append(points)
            else:
                others += 1
    return Structure(chosen.name, chosen.number, tuple(closed), _frame_of_reference(dataset, chosen), others)


def _frame_of_reference(dataset: Dataset, chosen: Named) -> str:
    for item in dataset.StructureSetROISequence:
        if int(item.ROINumber) == chosen.number and item.get("ReferencedFrameOfReferenceUID"):
            return str(item.ReferencedFrameOfReferenceUID)
    return ""


def _check_in_plane(structure: Structure, contours: Sequence[np.ndarray]) -> None:
    tilt = max(float(np.ptp(points[:, 2])) for points in contours)
    if tilt > TILT_TOLERANCE_SLICES:
        raise GeometryError(
            f"structure {structure.name!r}: a contour leaves the plane of its slice by {tilt:.2f} slices; "
            "it was drawn on an image of another orientation: give that image"
        )


def _planes_on_slices(structure: Structure, contours: Sequence[np.ndarray], warn: Warn) -> dict[int, list[np.ndarray]]:
    """Return the contours of each slice: those of the plane nearest to it."""
    planes = _planes(contours)
    on_slice: dict[int, list[float]] = defaultdict(list)
    for height in planes:
        on_slice[int(np.floor(height + 0.5))].append(height)
    crowded = [k for k, heights in on_slice.items() if len(heights) > 1]
    if crowded:
        warn(
            f"structure {structure.name!r}: {len(crowded)} slices have contours on several planes; "
            "the plane nearest to each slice was used"
        )
    nearest = {k: min(heights, key=lambda height: abs(height - k)) for k, heights in on_slice.items()}
    off = max(abs(height - k) for k, height in nearest.items())
    if off > PLANE_TOLERANCE_SLICES:
        warn(f"structure {structure.name!r}: contours lie up to {off:.2f} slices off the image's slices")
    return {k: planes[height] for k, height in nearest.items()}


def _planes(contours: Sequence[np.ndarray]) -> dict[float, list[np.ndarray]]:
    """Group contours by their height, in slices."""
    planes: dict[float, list[np.ndarray]] = {}
    current = -np.inf
    for points in sorted(contours, key=lambda points: float(points[:, 2].mean())):
        height = float(points[:, 2].mean())
        if height - current > PLANE_TOLERANCE_SLICES:
            current = height
            planes[current] = []
        planes[current].append(points)
    return planes


def _fill(contours: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Fill contours on one slice by the even-odd rule: each row flips between out and in where an edge crosses.

    Args:
        contours: each (n, 3), continuous indices (i, j, k).
        shape: rows and columns of the slice.

    Returns:
        UInt8 array of that shape, 1 inside.
    """
    height, width = shape
    flips = np.zeros((height, width + 1), np.int32)
    for points in contours:
        rows, crossings = _row_crossings(np.round(points[:, :2], _INDEX_DECIMALS), height)
        columns = np.clip(np.ceil(crossings), 0, width).astype(np.intp)
        np.add.at(flips, (rows, columns), 1)
    return (np.cumsum(flips[:, :-1], axis=1) & 1).astype(np.uint8)


def _row_crossings(points: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row and horizontal place of every crossing of a closed contour (n, 2) with a row of voxel centres."""
    edges = np.stack([points, np.roll(points, -1, axis=0)], axis=1)
    # Upwards, so that the two ways through a keyhole cross at the same place to the last bit.
    down = edges[:, 0, 1] > edges[:, 1, 1]
    edges[down] = edges[down, ::-1]
    (x0, y0), (x1, y1) = edges[:, 0].T, edges[:, 1].T
    first = np.clip(np.ceil(y0), 0, height).astype(np.intp)
    count = np.clip(np.ceil(y1), 0, height).astype(np.intp) - first
    edge = np.repeat(np.arange(len(edges)), count)
    rows = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    return rows, x0[edge] + (rows - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])


def _warn_about_slices(structure: Structure, slices: Sequence[int], depth: int, warn: Warn) -> None:
    missing = sorted(set(range(slices[0], slices[-1] + 1)) - set(slices))
    if missing:
        listed = ", ".join(str(k) for k in missing[:10]) + (", ..." if len(missing) > 10 else "")
        warn(
            f"structure {structure.name!r}: {len(missing)} slices between contours have none and stay empty "
            f"(slice index {listed})"
        )
    outside = [k for k in slices if not 0 <= k < depth]
    if outside and len(outside) < len(slices):
        warn(f"structure {structure.name!r}: contours on {len(outside)} planes lie outside the image")


def _check_reached(
    structure: Structure, contours: Sequence[np.ndarray], reference: sitk.Image, inside: np.ndarray
) -> None:
    if inside.any():
        return
    points = np.concatenate(contours)
    low, high = points.min(axis=0), points.max(axis=0)
    if np.any(high < -0.5) or np.any(low > np.subtract(reference.GetSize(), 0.5)):
        raise GeometryError(
            f"structure {structure.name!r} lies outside the image; image and structure belong to other scans"
        )
    raise RegionError(f"structure {structure.name!r} is smaller than a voxel: no voxel centre lies inside")
