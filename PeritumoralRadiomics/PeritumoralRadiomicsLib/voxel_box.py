"""Boxes of voxels: where a region lies on its image's grid, and cutting images to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError

_SHIFT_TOLERANCE = 1e-2  # voxels
_DIRECTION_TOLERANCE = 1e-4
_SPACING_TOLERANCE = 1e-4  # relative


@dataclass(frozen=True)
class Box:
    """A box on an image's grid, axes x, y, z: first voxel and number of voxels."""

    start: tuple[int, ...]
    size: tuple[int, ...]

    @property
    def stop(self) -> tuple[int, ...]:
        """One past the last voxel."""
        return tuple(a + n for a, n in zip(self.start, self.size, strict=True))

    def grown(self, margin: Sequence[int], within: Sequence[int]) -> Box:
        """Return the box with a margin on both sides, cut at the image's size ``within``."""
        start = [max(0, a - m) for a, m in zip(self.start, margin, strict=True)]
        stop = [min(n, b + m) for b, m, n in zip(self.stop, margin, within, strict=True)]
        return Box(tuple(start), tuple(b - a for a, b in zip(start, stop, strict=True)))

    def shifted(self, by: Sequence[int]) -> Box:
        """Return the box with its first voxel moved by ``by``."""
        return Box(tuple(a + d for a, d in zip(self.start, by, strict=True)), self.size)

    def cut(self, image: sitk.Image) -> sitk.Image:
        """Return this part of the image."""
        return sitk.RegionOfInterest(image, [int(n) for n in self.size], [int(a) for a in self.start])

    def slices(self) -> tuple[slice, ...]:
        """Return the box as slices of a (k, j, i) array."""
        return tuple(slice(a, b) for a, b in zip(self.start[::-1], self.stop[::-1], strict=True))


def box_of(mask: sitk.Image) -> Box | None:
    """Return the smallest box that holds all voxels that are not 0; None for an empty mask."""
    inside = sitk.GetArrayViewFromImage(mask) != 0
    start, size = [], []
    for axis in (2, 1, 0):
        others = tuple(other for other in range(3) if other != axis)
        hits = np.flatnonzero(inside.any(axis=others))
        if not hits.size:
            return None
        start.append(int(hits[0]))
        size.append(int(hits[-1] - hits[0] + 1))
    return Box(tuple(start), tuple(size))


def union_box(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around all boxes, of which there is at least one."""
    some = list(boxes)
    start = np.min([box.start for box in some], axis=0)
    stop = np.max([box.stop for box in some], axis=0)
    return Box(tuple(int(a) for a in start), tuple(int(n) for n in stop - start))


def aligned_start(image: sitk.Image, mask: sitk.Image, what: str = "mask") -> tuple[int, ...]:
    """Return where on the image's grid the first voxel of a mask lies, which may cover a part of the image.

    Args:
        image: 3D image.
        mask: 3D mask on the image's grid, or on a crop of it.
        what: the mask's name in messages.

    Returns:
        Index (x, y, z) of the image's voxel at the mask's first voxel.

    Raises:
        GeometryError: another spacing or direction, a shift that is not a whole number of voxels,
            or voxels outside the image; the message says by how much.
    """
    spacing, other = np.array(image.GetSpacing()), np.array(mask.GetSpacing())
    if np.any(np.abs(spacing - other) > _SPACING_TOLERANCE * spacing):
        raise GeometryError(
            f"{what} has spacing {_text(other)} mm, the image {_text(spacing)} mm; resample the mask to the image"
        )
    turn = np.abs(np.array(image.GetDirection()) - np.array(mask.GetDirection())).max()
    if turn > _DIRECTION_TOLERANCE:
        raise GeometryError(
            f"{what} has another direction than the image (cosines differ by up to {turn:.3g}); "
            "resample the mask to the image"
        )
    position = np.array(image.TransformPhysicalPointToContinuousIndex(mask.GetOrigin()))
    start = np.rint(position).astype(int)
    off = np.abs(position - start).max()
    if off > _SHIFT_TOLERANCE:
        raise GeometryError(f"{what} lies {off:.3g} voxels off the image's grid; resample the mask to the image")
    stop = start + mask.GetSize()
    if np.any(start < 0) or np.any(stop > image.GetSize()):
        raise GeometryError(
            f"{what} covers voxels {_text(start)} to {_text(stop - 1)} of an image of size "
            f"{_text(image.GetSize())}; cut it to the image"
        )
    return tuple(int(a) for a in start)


def _text(values: Iterable[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)
