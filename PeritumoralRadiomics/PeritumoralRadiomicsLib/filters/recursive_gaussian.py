r"""ITK's recursive Gaussian and its Laplacian, computed only where the values are needed.

Deriche's recursive filter along a line equals a convolution with a fixed kernel, if the line's ends are repeated
for ever; so a filtered line is a matrix times the line, and the lines of an image are one matrix product. Two
things make that several times faster than the recursion itself: rows of the matrix for voxels that nobody reads
are left out, and after each axis only the voxels that are read go on to the next one.

Intermediate images are rounded to float32 as ITK does, in ITK's order of axes: the result has ITK's bits, except
for single voxels in which two roundings in the 16th digit meet the border between two float32 numbers.

Reference: Deriche 1993, INRIA research report 1893, "Recursively implementing the Gaussian and its derivatives";
coefficients as in ITK's RecursiveGaussianImageFilter (Farneback and Westin 2006, doi 10.1007/s10851-006-8464-z).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

# exp(lambda x / sigma) * (a cos(omega x / sigma) + b sin(omega x / sigma)), two terms, for orders 0 and 2.
_OMEGA = (0.6681, 2.0787)
_LAMBDA = (-1.3932, -1.3732)
_TERMS = {0: ((1.3530, 1.8151), (-0.3531, 0.0902)), 2: ((-1.3563, 5.2318), (0.3446, -2.2355))}

_REACH = 27
"""Beyond so many sigmas the kernel is below 1e-16 of its largest value."""
_NEGLIGIBLE = 1e-17
_ROWS = 128
"""Output voxels of a line that are computed together, from the part of the line within reach."""


def laplacian_of_gaussian(
    array: np.ndarray, spacing: Sequence[float], sigma: float, kept: tuple[slice, slice, slice]
) -> np.ndarray:
    r"""Laplacian of Gaussian, :math:`\sigma^2 \nabla^2 G_\sigma * f`, of a part of an image.

    Args:
        array: shape (k, j, i), the whole image: the part's values depend on all of it.
        spacing: along (k, j, i), mm.
        sigma: mm.
        kept: the part whose values are wanted; slices with start and stop.

    Returns:
        Float32, of the kept part's shape.

    Example:
        >>> image = np.full((5, 5, 5), 7.0)
        >>> bool(np.all(abs(laplacian_of_gaussian(image, (1, 1, 1), 1.0, (slice(1, 3),) * 3)) < 1e-12))
        True
    """
    f = np.ascontiguousarray(array, dtype=np.float64)
    smooth = [kernel(0, sigma / step, array.shape[axis]) for axis, step in enumerate(spacing)]
    total = np.zeros([part.stop - part.start for part in kept], dtype=np.float32)
    for axis in (2, 1, 0):
        curved = sigma**2 * kernel(2, sigma / spacing[axis], array.shape[axis])
        derived = along(f, curved, axis, kept[axis])
        for other in (2, 1, 0):
            if other != axis:
                derived = along(derived, smooth[other], other, kept[other])
        total = (total + derived * (1.0 / spacing[axis] ** 2)).astype(np.float32)
    return total


def kernel(order: int, sigma: float, length: int) -> np.ndarray:
    r"""One side of the symmetric kernel that Deriche's filter applies: its weights at distance 0, 1, 2, …

    Args:
        order: 0 for the Gaussian (weights add up to 1), 2 for its second derivative (0; unit curvature of a parabola).
        sigma: in voxels.
        length: of the longest line; the weights reach so much farther that what is beyond does not count.

    Example:
        >>> weights = kernel(0, 2.0, 10)
        >>> round(float(2 * weights.sum() - weights[0]), 12)
        1.0
    """
    distance = np.arange(length + math.ceil(_REACH * sigma) + 1)
    gaussian = _exponentials(0, distance / sigma)
    if order == 0:
        return gaussian / _whole_sum(gaussian)
    curved = _exponentials(2, distance / sigma)
    curved -= _whole_sum(curved) / _whole_sum(gaussian) * gaussian
    return curved / np.sum(distance**2 * curved)


def _exponentials(order: int, x: np.ndarray) -> np.ndarray:
    total = np.zeros_like(x)
    for omega, decay, (a, b) in zip(_OMEGA, _LAMBDA, _TERMS[order], strict=True):
        total += np.exp(decay * x) * (a * np.cos(omega * x) + b * np.sin(omega * x))
    return total


def _whole_sum(one_side: np.ndarray) -> float:
    return float(2 * one_side.sum() - one_side[0])


def along(array: np.ndarray, weights: np.ndarray, axis: int, kept: slice) -> np.ndarray:
    """Convolve the lines along an axis with a symmetric kernel, and keep a part of each line.

    Args:
        array: 3D, float64, contiguous.
        weights: one side of the kernel, see :func:`kernel`.
        axis: of the array.
        kept: start and stop of the part.

    Returns:
        Float64, rounded to float32 as ITK's images between two axes are.
    """
    length = array.shape[axis]
    reach = int(np.flatnonzero(np.abs(weights) > _NEGLIGIBLE * np.abs(weights).max())[-1])
    parts = []
    for start in range(kept.start, kept.stop, _ROWS):
        stop = min(start + _ROWS, kept.stop)
        read = slice(max(0, start - reach), min(length, stop + reach))
        parts.append(_PRODUCTS[axis](_matrix(weights, range(start, stop), length)[:, read], array, read))
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)
    whole[...] = whole.astype(np.float32)
    return whole


def _matrix(weights: np.ndarray, rows: range, length: int) -> np.ndarray:
    """What each voxel of a line adds to the voxels ``rows``, shape (rows, length); the ends stand for all beyond."""
    row = np.arange(rows.start, rows.stop)
    matrix = weights[np.abs(row[:, None] - np.arange(length))]
    beyond = np.cumsum(weights[::-1])[::-1]
    matrix[:, 0] += beyond[row + 1]
    matrix[:, -1] += beyond[length - row]
    return matrix


_PRODUCTS: dict[int, Callable[[np.ndarray, np.ndarray, slice], np.ndarray]] = {
    0: lambda matrix, f, read: np.tensordot(matrix, f[read], axes=1),
    1: lambda matrix, f, read: matrix @ f[:, read],
    2: lambda matrix, f, read: (f.reshape(-1, f.shape[2])[:, read] @ matrix.T).reshape(*f.shape[:2], -1),
}
