"""A region's geometry: everything about a mask that all its filtered images share, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from RadiomicsCoreLib.errors import RegionError

from .neighbours import Offset, offsets
from .settings import FeatureSettings


@dataclass(frozen=True)
class Lines:
    """The voxels of a region sorted along one direction, line after line.

    Attributes:
        offset: the direction (dk, dj, di).
        order: shape (N,): position of each voxel in the region's own (raster) order.
        breaks: positions p in ``order`` where voxels p and p + 1 are not neighbours along the direction.
    """

    offset: Offset
    order: np.ndarray
    breaks: np.ndarray


class Region:
    """Voxels of a mask in raster order, their neighbours and lines.

    The box of the mask is laid out as one long array with a margin of empty voxels behind each row and each
    plane, so that a neighbour is always a fixed number of steps away (``step``) and stepping out of the
    box ends on an empty voxel.

    Args:
        mask: shape (k, j, i), bool.
        spacing: voxel size (k, j, i) in mm.
        settings: distances and plane.

    Raises:
        RegionError: the mask is empty.
    """

    def __init__(self, mask: np.ndarray, spacing: Sequence[float], settings: FeatureSettings) -> None:
        if not mask.any():
            raise RegionError("the region is empty: its mask has no voxel inside; check the mask and its barriers")
        self.spacing = tuple(float(s) for s in spacing)
        self.settings = settings
        self.box = bounding_box(mask)
        self.mask = np.ascontiguousarray(mask[self.box])
        self.shape = self.mask.shape
        margin = max(settings.distances)
        self.padded_shape = (self.shape[0], self.shape[1] + margin, self.shape[2] + margin)
        self.size = int(np.prod(self.padded_shape))
        padded = np.zeros(self.padded_shape, dtype=bool)
        padded[:, : self.shape[1], : self.shape[2]] = self.mask
        self.inside = padded.ravel()
        self.positions = np.flatnonzero(self.inside)
        self.count = len(self.positions)
        self._lines: dict[Offset, Lines] = {}

    @property
    def nbytes(self) -> int:
        """About how much memory the region takes once its lines in all 13 directions have been drawn."""
        return 130 * self.count + 2 * self.size

    def values(self, array: np.ndarray) -> np.ndarray:
        """Intensities inside the region, in raster order, of an array on the mask's grid."""
        return array[self.box][self.mask]

    def lay_out(self, values: np.ndarray, dtype: type | np.dtype) -> np.ndarray:
        """Put one value a voxel into the long array; zero outside the region."""
        laid_out = np.zeros(self.size, dtype=dtype)
        laid_out[self.positions] = values
        return laid_out

    def step(self, offset: Offset) -> int:
        """Number of places between a voxel and its neighbour in the long array; positive."""
        _, rows, columns = self.padded_shape
        return (offset[0] * rows + offset[1]) * columns + offset[2]

    @property
    def axes(self) -> list[int]:
        """Axes along which voxels have neighbours."""
        return [a for a in range(3) if not (self.settings.force_2d and a == self.settings.force_2d_dimension)]

    @cached_property
    def neighbour_offsets(self) -> list[Offset]:
        """Offsets of ``distances``; one of each opposite pair."""
        return offsets(self.shape, self.settings.distances, self.settings)

    @cached_property
    def run_offsets(self) -> list[Offset]:
        """Directions of runs: distance 1 whatever ``distances`` says."""
        return offsets(self.shape, (1,), self.settings)

    @cached_property
    def neighbour_count(self) -> np.ndarray:
        """Number of neighbours of each voxel that lie in the region, shape (N,)."""
        count = np.zeros(self.size, dtype=np.int32)
        for offset in self.neighbour_offsets:
            step = self.step(offset)
            count[:-step] += self.inside[step:]
            count[step:] += self.inside[:-step]
        return count[self.positions]

    def lines(self, offset: Offset) -> Lines:
        """The voxels sorted along a direction.

        All places that are a multiple of ``step`` apart lie in one column of the long array folded to rows
        of that length; reading it column by column therefore walks along the direction, without sorting.
        """
        if offset not in self._lines:
            step = self.step(offset)
            number = np.full(-(-self.size // step) * step, -1, dtype=np.int32)
            number[self.positions] = np.arange(self.count, dtype=np.int32)
            along = number.reshape(-1, step).T.ravel()
            order = along[along >= 0].astype(np.intp)
            breaks = np.flatnonzero(np.diff(self.positions[order]) != step)
            self._lines[offset] = Lines(offset, order, breaks)
        return self._lines[offset]

    def has_two_on_a_line(self, offset: Offset) -> bool:
        """Whether any straight line along the direction meets the region twice, gaps allowed."""
        lines = self.lines(offset)
        if len(lines.breaks) < self.count - 1:
            return True
        index = np.argwhere(self.mask)
        steps = [
            index[:, axis] if d > 0 else self.shape[axis] - 1 - index[:, axis] for axis, d in enumerate(offset) if d
        ]
        start = index - np.min(steps, axis=0)[:, None] * np.array(offset)
        return len(np.unique(start, axis=0)) < self.count


def bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    """Slices that enclose the voxels of a mask that is not empty."""
    box = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        where = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(where[0]), int(where[-1]) + 1))
    return tuple(box)
