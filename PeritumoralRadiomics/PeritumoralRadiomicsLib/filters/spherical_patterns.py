r"""Local binary patterns on spheres, by spherical harmonics: rotation invariant in 3D.

The image is sampled at the vertices of a subdivided icosahedron around each voxel. The pattern (1 where a
sample is not below the voxel's own intensity) is expanded in spherical harmonics; the norm of the part of
degree n does not change when the pattern turns.

Reference: Banerjee, Moelker, Niessen, van Walsum 2013, doi 10.1007/978-3-642-37410-4_3.
"""

from __future__ import annotations

import math

import numpy as np

BLOCK_SAMPLES = 2**21


def pattern_maps(array: np.ndarray, levels: int, radius: float, subdivisions: int) -> list[np.ndarray]:
    """Maps of the pattern's norm for the degrees 0 … levels - 1, and last of the samples' kurtosis.

    Args:
        array: shape (k, j, i). The samples have its type, rounded where it holds whole numbers, as in pyradiomics.
        levels: number of degrees.
        radius: of the sphere, in voxels.
        subdivisions: how often each triangle of the icosahedron is cut into four.

    Returns:
        levels + 1 arrays of the shape of ``array``. The kurtosis is -3 where all samples are equal.
    """
    from scipy.ndimage import map_coordinates, spline_filter

    directions = icosphere(subdivisions) * radius
    harmonics = [_harmonics(degree, directions / radius) for degree in range(levels)]
    coefficients = spline_filter(array, order=3, mode="constant")
    maps = [np.empty(array.size) for _ in range(levels + 1)]
    block = max(1, BLOCK_SAMPLES // len(directions))
    for start in range(0, array.size, block):
        index = np.arange(start, min(start + block, array.size))
        centres = np.stack(np.unravel_index(index, array.shape))
        points = centres[:, :, None] + directions.T[:, None, :]
        samples = map_coordinates(coefficients, points, output=array.dtype, order=3, prefilter=False)
        pattern = samples >= array.ravel()[index][:, None]
        for degree, y in enumerate(harmonics):
            maps[degree][index] = _norm(pattern, y)
        maps[levels][index] = _kurtosis(samples)
    return [values.reshape(array.shape) for values in maps]


def icosphere(subdivisions: int) -> np.ndarray:
    """Vertices of an icosahedron whose triangles are cut into four so many times, on the unit sphere, (n, 3)."""
    golden = (1 + math.sqrt(5)) / 2
    corners = np.array([(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)])
    points = _on_sphere(np.concatenate([np.roll(corners, shift, axis=1) for shift in (0, 1, 2)]))
    for _ in range(subdivisions):
        apart = np.linalg.norm(points[:, None] - points[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        # The edges differ by at most a fifth in length; the next neighbours are 1.7 times as far.
        first, second = np.nonzero(np.triu(apart < 1.3 * apart.min()))
        points = _on_sphere(np.concatenate([points, points[first] + points[second]]))
    return points


def _on_sphere(points: np.ndarray) -> np.ndarray:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _harmonics(degree: int, directions: np.ndarray) -> np.ndarray:
    """Spherical harmonics of one degree, all orders, at the directions; shape (n, 2 degree + 1), complex.

    As in pyradiomics, the angle from the third axis takes the azimuth's place and the other way round; the
    features are those of its published maps.
    """
    from scipy.special import lpmv

    azimuth = np.arccos(np.clip(directions[:, 2], -1, 1))
    polar = np.arctan2(directions[:, 1], directions[:, 0])
    columns = []
    for order in range(-degree, degree + 1):
        m = abs(order)
        scale = math.sqrt((2 * degree + 1) / (4 * math.pi) * math.factorial(degree - m) / math.factorial(degree + m))
        sign = (-1) ** m if order < 0 else 1
        columns.append(sign * scale * lpmv(m, degree, np.cos(polar)) * np.exp(1j * order * azimuth))
    return np.stack(columns, axis=1)


def _norm(pattern: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Norm of each row's part of one degree, real part.

    Added up vertex by vertex, order by order, as pyradiomics does: the maps have few different values, and a
    difference in their last digit decides what lies below a percentile.

    Args:
        pattern: shape (N, vertices), bool.
        y: shape (vertices, 2 degree + 1), the harmonics of the degree.
    """
    c = np.zeros((len(pattern), y.shape[1]), dtype=np.complex128)
    for vertex, row in zip(pattern.T, y, strict=True):
        c += vertex[:, None] * row
    total = np.zeros(len(pattern), dtype=np.complex128)
    for row in y:
        expansion = np.zeros(len(pattern), dtype=np.complex128)
        for coefficient, value in zip(c.T, row, strict=True):
            expansion += coefficient * value
        total += expansion**2
    return np.sqrt(total).real


def _kurtosis(samples: np.ndarray) -> np.ndarray:
    """Excess kurtosis of each row; -3 where all samples are equal."""
    samples = samples.astype(np.float64)
    squares = (samples - samples.mean(axis=1, keepdims=True)) ** 2
    variance = squares.mean(axis=1)
    flat = np.ptp(samples, axis=1) == 0
    return np.where(flat, 0.0, (squares**2).mean(axis=1) / np.where(flat, 1.0, variance) ** 2) - 3
