r"""Shape of a flat region: one slice, with ``force2D``.

:math:`A` and :math:`P` are area and perimeter of the polygon through the middles between pixels inside and
outside, :math:`\lambda_1 \ge \lambda_2` the principal variances of the pixel centres in mm².

Reference: the marching squares of Lorensen and Cline 1987, doi 10.1145/37402.37422.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from RadiomicsCoreLib.errors import RegionError

from ..grey_levels.region import bounding_box
from .family import Family
from .shape import ends_of_rows, hull_points, largest_distance, principal_variances

FAMILY = Family("shape2D")


class Outline:
    """A flat region's outline and pixels.

    Args:
        mask: shape (k, j, i), bool, one pixel thick along ``axis``.
        spacing: voxel size (k, j, i) in mm.
        axis: the axis across the plane.

    Raises:
        RegionError: the mask is empty or more than one slice thick.
    """

    def __init__(self, mask: np.ndarray, spacing: Sequence[float], axis: int) -> None:
        if not mask.any():
            raise RegionError("the region is empty: its mask has no voxel inside; check the mask and its barriers")
        box = mask[bounding_box(mask)]
        if box.shape[axis] > 1:
            raise RegionError(
                f"shape2D needs a region of one slice, this one is {box.shape[axis]} slices thick along "
                f"force2Ddimension {axis}; choose one slice or the class 'shape'"
            )
        self.mask = np.take(box, 0, axis=axis)
        self.spacing = np.delete(np.asarray(spacing, dtype=np.float64), axis)

    @cached_property
    def patterns(self) -> np.ndarray:
        """How often each pattern of 2 x 2 pixels occurs; its bits go round from the upper left pixel."""
        padded = np.pad(self.mask, 1).astype(np.intp)
        pattern = padded[:-1, :-1] + 2 * padded[:-1, 1:] + 4 * padded[1:, 1:] + 8 * padded[1:, :-1]
        return np.bincount(pattern.ravel(), minlength=16)

    @cached_property
    def area(self) -> float:
        return float(self.patterns @ _PIXELS_INSIDE * np.prod(self.spacing))

    @cached_property
    def perimeter(self) -> float:
        rows, columns = self.spacing
        corner = np.hypot(rows, columns) / 2
        return float(
            self.patterns[_ONE_CORNER].sum() * corner
            + self.patterns[_TWO_CORNERS].sum() * 2 * corner
            + self.patterns[_UPPER_LOWER].sum() * columns
            + self.patterns[_LEFT_RIGHT].sum() * rows
        )

    @cached_property
    def diameter(self) -> float:
        """Largest distance of two points of the outline."""
        padded = np.pad(self.mask, 1)
        down = 2 * np.argwhere(padded[1:] != padded[:-1]) + (1, 0)
        right = 2 * np.argwhere(padded[:, 1:] != padded[:, :-1]) + (0, 1)
        ends = ends_of_rows(np.concatenate([down, right]))
        return largest_distance(hull_points(ends * (self.spacing / 2)))

    @cached_property
    def principal_variances(self) -> np.ndarray:
        """Ascending eigenvalues of the covariance of the pixel centres, mm²."""
        return principal_variances(np.argwhere(self.mask) * self.spacing)


_ONE_CORNER = [1, 2, 4, 8, 7, 11, 13, 14]
_TWO_CORNERS = [5, 10]
_UPPER_LOWER = [3, 12]
_LEFT_RIGHT = [6, 9]
_PIXELS_INSIDE = np.array([0, 1, 1, 4, 1, 2, 4, 7, 1, 4, 2, 7, 4, 7, 7, 8]) / 8
"""Part of each pattern's square that lies inside; diagonal corners are cut off separately."""


@FAMILY.feature("MeshSurface")
def mesh_surface(t: Outline) -> float:
    """:math:`A`, mm²."""
    return t.area


@FAMILY.feature("PixelSurface")
def pixel_surface(t: Outline) -> float:
    """Number of pixels times the area of one, mm²."""
    return float(np.count_nonzero(t.mask) * np.prod(t.spacing))


@FAMILY.feature("Perimeter")
def perimeter(t: Outline) -> float:
    """:math:`P`, mm."""
    return t.perimeter


@FAMILY.feature("PerimeterSurfaceRatio")
def perimeter_surface_ratio(t: Outline) -> float:
    """:math:`P / A`, 1/mm."""
    return t.perimeter / t.area


@FAMILY.feature("Sphericity")
def sphericity(t: Outline) -> float:
    r""":math:`2 \sqrt{\pi A} / P`."""
    return 2 * np.sqrt(np.pi * t.area) / t.perimeter


@FAMILY.feature("SphericalDisproportion", default=False)
def spherical_disproportion(t: Outline) -> float:
    r""":math:`P / (2 \sqrt{\pi A})`."""
    return 1 / sphericity(t)


@FAMILY.feature("MaximumDiameter")
def maximum_diameter(t: Outline) -> float:
    """Largest distance of two points of the outline, mm."""
    return t.diameter


@FAMILY.feature("MajorAxisLength")
def major_axis_length(t: Outline) -> float:
    r""":math:`4 \sqrt{\lambda_1}`, mm."""
    return 4 * np.sqrt(t.principal_variances[1])


@FAMILY.feature("MinorAxisLength")
def minor_axis_length(t: Outline) -> float:
    r""":math:`4 \sqrt{\lambda_2}`, mm."""
    return 4 * np.sqrt(t.principal_variances[0])


@FAMILY.feature("Elongation")
def elongation(t: Outline) -> float:
    r""":math:`\sqrt{\lambda_2 / \lambda_1}`; NaN for a single pixel, which has no axes."""
    return np.sqrt(t.principal_variances[0] / t.principal_variances[1])
