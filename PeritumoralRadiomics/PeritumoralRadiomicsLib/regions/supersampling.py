"""Finer grids for thick slices: odd factors, so that every original voxel centre stays a fine voxel centre."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def isotropic_factors(spacing: Sequence[float]) -> tuple[int, ...]:
    """Return the odd number of fine voxels for each axis that brings it near the smallest spacing.

    An axis up to half as coarse again as the finest stays as it is.

    Args:
        spacing: mm along each array axis.

    Example:
        >>> isotropic_factors((3.0, 1.0, 1.2))
        (3, 1, 1)
    """
    finest = min(spacing)
    return tuple(2 * math.floor(step / finest / 2 + 0.25) + 1 for step in spacing)


def centres(factors: Sequence[int]) -> tuple[slice, ...]:
    """Index of the fine voxels that are original voxel centres."""
    return tuple(slice(factor // 2, None, factor) for factor in factors)


def spread(values: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """Put the values at the original centres of the fine grid, zeros between them; float64."""
    if all(factor == 1 for factor in factors):
        return values.astype(np.float64)
    fine = np.zeros([n * factor for n, factor in zip(values.shape, factors, strict=True)])
    fine[centres(factors)] = values
    return fine


def interpolate_linearly(values: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    """Interpolate between the original centres on the fine grid; zero beyond the outermost voxels."""
    from scipy import ndimage

    fine = spread(values, factors)
    for axis, factor in enumerate(factors):
        if factor > 1:
            tent = 1 - np.abs(np.arange(1 - factor, factor)) / factor
            fine = ndimage.correlate1d(fine, tent, axis=axis, mode="constant")
    return fine


def fine_positions_mm(indices: np.ndarray, spacing: Sequence[float], factors: Sequence[int]) -> np.ndarray:
    """Position of fine voxels in mm from the centre of the first original voxel, shape (n, d)."""
    half = (np.asarray(factors) - 1) / 2
    return (indices - half) * (np.asarray(spacing) / np.asarray(factors))
