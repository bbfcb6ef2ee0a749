"""Voxel grids of nodes: where they lie in the world, whether two are one lattice, and their way to SimpleITK.

Index order is (i, j, k), matrices take (i, j, k, 1) to millimetres in RAS unless a name says LPS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError
from RadiomicsCoreLib.images.geometry import SAME_GRID_VOXELS, IndexBox

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_RIGHT_ANGLE_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """A regular grid in the world.

    Attributes:
        size: voxels along (i, j, k).
        to_world: 4 x 4, (i, j, k, 1) to RAS mm, parent transforms included.
        name: of the node, for messages.

    Raises:
        GeometryError: the axes are not at right angles, or an axis has no length.
    """

    size: tuple[int, int, int]
    to_world: np.ndarray
    name: str

    def __post_init__(self) -> None:
        axes = self.to_world[:3, :3]
        lengths = np.linalg.norm(axes, axis=0)
        if not np.isfinite(self.to_world).all() or lengths.min() <= 0:
            raise GeometryError(f"{self.name} has an axis without length; repair its geometry in the Volumes module")
        cosines = (axes / lengths).T @ (axes / lengths) - np.eye(3)
        if np.abs(cosines).max() > _RIGHT_ANGLE_TOLERANCE:
            raise GeometryError(
                f"the axes of {self.name} are not at right angles (a sheared transform or volume); "
                "harden the transform and resample the volume to a straight grid first"
            )

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Mm along (i, j, k)."""
        i, j, k = (float(length) for length in np.linalg.norm(self.to_world[:3, :3], axis=0))
        return i, j, k

    @property
    def whole(self) -> IndexBox:
        """The box of all voxels."""
        return IndexBox((0, 0, 0), self.size)

    def part(self, box: IndexBox) -> VoxelGrid:
        """Return the grid of a box of this one; it may reach beyond."""
        return VoxelGrid(box.size, self.to_world @ shifted(box.start), self.name)

    def grown(self, box: IndexBox, margin_mm: float) -> IndexBox:
        """Return a box with at least ``margin_mm`` more on every side, as far as the grid reaches."""
        margin = [math.ceil(margin_mm / spacing - 1e-9) for spacing in self.spacing]
        return clipped(
            IndexBox(
                _three(start - m for start, m in zip(box.start, margin, strict=True)),
                _three(size + 2 * m for size, m in zip(box.size, margin, strict=True)),
            ),
            self.size,
        )

    def image(self, values: np.ndarray) -> sitk.Image:
        """Return values (k, j, i) as an image on this grid, LPS."""
        image = sitk.GetImageFromArray(values)
        to_lps = RAS_TO_LPS @ self.to_world
        image.SetSpacing(self.spacing)
        image.SetOrigin([float(x) for x in to_lps[:3, 3]])
        image.SetDirection([float(x) for x in (to_lps[:3, :3] / self.spacing).ravel()])
        return image

    def lattice_in(self, other: VoxelGrid) -> np.ndarray | None:
        """Return the 4 x 4 matrix of whole numbers from indices of this grid to those of ``other``.

        None if the voxels of the two do not coincide. Axes may be swapped and flipped (a reader flips a
        left-handed volume); float noise up to ``SAME_GRID_VOXELS`` at the corners is let pass.
        """
        to_other = np.linalg.inv(other.to_world) @ self.to_world
        whole = np.rint(to_other)
        axes = np.abs(whole[:3, :3])
        if not (axes.sum(axis=0) == 1).all() or not (axes.sum(axis=1) == 1).all():
            return None
        drift = np.abs(to_other - whole)[:3] @ (*self.size, 1)
        return whole.astype(int) if drift.max() <= SAME_GRID_VOXELS else None

    def box_in(self, other: VoxelGrid) -> IndexBox | None:
        """Return the box of ``other`` that holds all of this grid; None if they do not meet."""
        to_other = np.linalg.inv(other.to_world) @ self.to_world
        edges = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in self.size], indexing="ij"), axis=-1).reshape(-1, 3)
        found = edges @ to_other[:3, :3].T + to_other[:3, 3]
        low, high = np.floor(found.min(axis=0)).astype(int), np.ceil(found.max(axis=0)).astype(int) + 1
        low, high = np.maximum(low, 0), np.minimum(high, other.size)
        if (high <= low).any():
            return None
        return IndexBox(_three(int(n) for n in low), _three(int(n) for n in high - low))


def shifted(start: tuple[int, int, int]) -> np.ndarray:
    """Return the matrix that takes an index of a box to the index of the whole grid."""
    matrix = np.eye(4)
    matrix[:3, 3] = start
    return matrix


def clipped(box: IndexBox, size: tuple[int, int, int]) -> IndexBox:
    """Return the part of a box that lies in a grid of ``size``. Raises GeometryError if there is none."""
    start = _three(max(0, a) for a in box.start)
    stop = _three(min(n, b) for n, b in zip(size, box.stop, strict=True))
    return IndexBox(start, _three(b - a for a, b in zip(start, stop, strict=True)))


def _three(numbers) -> tuple[int, int, int]:
    i, j, k = numbers
    return i, j, k
