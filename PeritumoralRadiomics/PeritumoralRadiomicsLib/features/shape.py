r"""Shape of a region in three dimensions; no intensities are involved.

:math:`V` and :math:`A` are volume and area of the mesh (:mod:`.marching_cubes`), :math:`\lambda_1 \ge
\lambda_2 \ge \lambda_3` the principal variances of the voxel centres in mm².

References: IBSI reference manual, "Morphological features"; Lorensen and Cline 1987.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from RadiomicsCoreLib.errors import RegionError

from ..grey_levels.region import bounding_box
from . import marching_cubes
from .family import Family

FAMILY = Family("shape")


class Solid:
    """A region's mesh and voxels.

    Args:
        mask: shape (k, j, i), bool.
        spacing: voxel size (k, j, i) in mm.
        sample_covariance: divide the covariance of the voxel centres by N - 1 (IBSI) instead of N.

    Raises:
        RegionError: the mask is empty.
    """

    def __init__(self, mask: np.ndarray, spacing: Sequence[float], sample_covariance: bool = False) -> None:
        if not mask.any():
            raise RegionError("the region is empty: its mask has no voxel inside; check the mask and its barriers")
        self.mask = mask[bounding_box(mask)]
        self.spacing = np.asarray(spacing, dtype=np.float64)
        self.sample_covariance = sample_covariance

    @cached_property
    def _area_and_volume(self) -> tuple[float, float]:
        return marching_cubes.area_and_volume(self.mask, self.spacing)

    @property
    def area(self) -> float:
        return self._area_and_volume[0]

    @property
    def volume(self) -> float:
        return self._area_and_volume[1]

    @cached_property
    def vertices(self) -> np.ndarray:
        """Mesh vertices in half voxels, (k, j, i)."""
        return marching_cubes.vertices(self.mask)

    @cached_property
    def principal_variances(self) -> np.ndarray:
        """Ascending eigenvalues of the covariance of the voxel centres, mm²."""
        variances = principal_variances(np.argwhere(self.mask) * self.spacing)
        count = np.count_nonzero(self.mask)
        return variances * (count / (count - 1)) if self.sample_covariance and count > 1 else variances

    def diameter_across(self, axis: int) -> float:
        """Largest distance of two vertices with the same coordinate along an axis."""
        return largest_distance_in_planes(self.vertices, self.spacing / 2, axis)

    @cached_property
    def diameter(self) -> float:
        """Largest distance of two vertices."""
        ends = ends_of_rows(self.vertices) * (self.spacing / 2)
        return largest_distance(hull_points(ends))


def principal_variances(points: np.ndarray) -> np.ndarray:
    """Ascending eigenvalues of the covariance (divided by N) of points, shape (n, d); none below zero."""
    centred = points - points.mean(axis=0)
    return np.maximum(np.linalg.eigvalsh(centred.T @ centred / len(points)), 0.0)


def ends_of_rows(points: np.ndarray) -> np.ndarray:
    """First and last point of every row along the last axis: the farthest pair is always among them."""
    order = np.lexsort(points.T[::-1])
    points = points[order]
    new_row = np.any(np.diff(points[:, :-1], axis=0) != 0, axis=1)
    return points[np.r_[True, new_row] | np.r_[new_row, True]]


def hull_points(points: np.ndarray) -> np.ndarray:
    """Corners of the convex hull (the points themselves where they are few)."""
    from scipy.spatial import ConvexHull

    return points if len(points) < 50 else points[ConvexHull(points).vertices]


def largest_distance(points: np.ndarray) -> float:
    """Largest distance of two points, block by block."""
    largest = 0.0
    for start in range(0, len(points), 512):
        differences = points[start : start + 512, None, :] - points[None, start:, :]
        largest = max(largest, float(np.max(np.sum(differences**2, axis=2))))
    return float(np.sqrt(largest))


def largest_distance_in_planes(points: np.ndarray, unit: np.ndarray, axis: int) -> float:
    """Largest distance of two points that share the coordinate ``axis``.

    The widest extent of a plane's points in 16 directions bounds its longest distance from above within
    half a percent. Planes are visited by that bound, largest first, until none left can hold a longer one.

    Args:
        points: shape (n, 3), whole numbers.
        unit: mm per unit of each coordinate.
        axis: coordinate that the two points share.
    """
    across = [a for a in range(3) if a != axis]
    points = ends_of_rows(points[:, [axis, *across]])
    flat = points[:, 1:] * unit[across]
    starts = np.flatnonzero(np.r_[True, np.diff(points[:, 0]) != 0])
    angles = np.arange(16) * np.pi / 16
    reach = flat @ np.array([np.cos(angles), np.sin(angles)])
    extent = np.maximum.reduceat(reach, starts) - np.minimum.reduceat(reach, starts)
    bound = extent.max(axis=1) / np.cos(np.pi / 32) * (1 + 1e-9)
    stops = np.append(starts[1:], len(flat))
    longest = 0.0
    for n in np.argsort(-bound):
        if bound[n] <= longest:
            break
        longest = max(longest, largest_distance(flat[starts[n] : stops[n]]))
    return longest


@FAMILY.feature("MeshVolume", ibsi="RNU0")
def mesh_volume(t: Solid) -> float:
    """:math:`V`, mm³."""
    return t.volume


@FAMILY.feature("VoxelVolume", ibsi="YEKZ")
def voxel_volume(t: Solid) -> float:
    """Number of voxels times the volume of one, mm³."""
    return float(np.count_nonzero(t.mask) * np.prod(t.spacing))


@FAMILY.feature("SurfaceArea", ibsi="C0JK")
def surface_area(t: Solid) -> float:
    """:math:`A`, mm²."""
    return t.area


@FAMILY.feature("SurfaceVolumeRatio", ibsi="2PR5")
def surface_volume_ratio(t: Solid) -> float:
    """:math:`A / V`, 1/mm."""
    return t.area / t.volume


@FAMILY.feature("Sphericity", ibsi="QCFX")
def sphericity(t: Solid) -> float:
    r""":math:`\sqrt[3]{36 \pi V^2} / A`."""
    return (36 * np.pi * t.volume**2) ** (1 / 3) / t.area


@FAMILY.feature("Compactness1", ibsi="SKGS", default=False)
def compactness_1(t: Solid) -> float:
    r""":math:`V / \sqrt{\pi A^3}`."""
    return t.volume / (t.area**1.5 * np.sqrt(np.pi))


@FAMILY.feature("Compactness2", ibsi="BQWJ", default=False)
def compactness_2(t: Solid) -> float:
    r""":math:`36 \pi V^2 / A^3`."""
    return 36 * np.pi * t.volume**2 / t.area**3


@FAMILY.feature("SphericalDisproportion", ibsi="KRCK", default=False)
def spherical_disproportion(t: Solid) -> float:
    r""":math:`A / \sqrt[3]{36 \pi V^2}`."""
    return 1 / sphericity(t)


@FAMILY.feature("Maximum3DDiameter", ibsi="L0JK")
def maximum_3d_diameter(t: Solid) -> float:
    """Largest distance of two mesh vertices, mm."""
    return t.diameter


@FAMILY.feature("Maximum2DDiameterSlice")
def maximum_2d_diameter_slice(t: Solid) -> float:
    """Largest distance of two mesh vertices of equal k (usually an axial plane), mm."""
    return t.diameter_across(0)


@FAMILY.feature("Maximum2DDiameterColumn")
def maximum_2d_diameter_column(t: Solid) -> float:
    """Largest distance of two mesh vertices of equal j (usually a coronal plane), mm."""
    return t.diameter_across(1)


@FAMILY.feature("Maximum2DDiameterRow")
def maximum_2d_diameter_row(t: Solid) -> float:
    """Largest distance of two mesh vertices of equal i (usually a sagittal plane), mm."""
    return t.diameter_across(2)


@FAMILY.feature("MajorAxisLength", ibsi="TDIC")
def major_axis_length(t: Solid) -> float:
    r""":math:`4 \sqrt{\lambda_1}`, mm."""
    return 4 * np.sqrt(t.principal_variances[2])


@FAMILY.feature("MinorAxisLength", ibsi="P9VJ")
def minor_axis_length(t: Solid) -> float:
    r""":math:`4 \sqrt{\lambda_2}`, mm."""
    return 4 * np.sqrt(t.principal_variances[1])


@FAMILY.feature("LeastAxisLength", ibsi="7J51")
def least_axis_length(t: Solid) -> float:
    r""":math:`4 \sqrt{\lambda_3}`, mm."""
    return 4 * np.sqrt(t.principal_variances[0])


@FAMILY.feature("Elongation", ibsi="Q3CK")
def elongation(t: Solid) -> float:
    r""":math:`\sqrt{\lambda_2 / \lambda_1}`; NaN for a single voxel, which has no axes."""
    return np.sqrt(t.principal_variances[1] / t.principal_variances[2])


@FAMILY.feature("Flatness", ibsi="N17B")
def flatness(t: Solid) -> float:
    r""":math:`\sqrt{\lambda_3 / \lambda_1}`; NaN for a single voxel, which has no axes."""
    return np.sqrt(t.principal_variances[0] / t.principal_variances[2])
