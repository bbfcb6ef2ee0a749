"""Neighbour offsets: the directions in which texture is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from .settings import FeatureSettings

Offset = tuple[int, int, int]


def offsets(shape: Sequence[int], distances: Sequence[int], settings: FeatureSettings) -> list[Offset]:
    """One of each pair of opposite offsets (dk, dj, di) whose largest component is one of the distances.

    The order and the choice within a pair are pyradiomics': descending, first non-zero component positive.
    Offsets that leave the box of the region are left out, since no pair of voxels is that far apart.

    Args:
        shape: size (k, j, i) of the region's box.
        distances: infinity norms wanted.
        settings: ``force_2d`` keeps the offsets in one plane.

    Example:
        >>> offsets((1, 5, 5), (1,), FeatureSettings())
        [(0, 1, 1), (0, 1, 0), (0, 1, -1), (0, 0, 1)]
    """
    reach = range(max(distances), -max(distances) - 1, -1)
    found: list[Offset] = []
    for offset in product(reach, reach, reach):
        if offset <= (0, 0, 0) or max(map(abs, offset)) not in distances:
            continue
        if any(abs(step) >= size for step, size in zip(offset, shape, strict=True)):
            continue
        if settings.force_2d and offset[settings.force_2d_dimension] != 0:
            continue
        found.append(offset)
    return found


def lengths_mm(offset: Offset, spacing: Sequence[float], norm: str | None) -> float:
    """Length of an offset in mm in one of the norms of ``weightingNorm``; 1 for ``no_weighting``."""
    steps = np.abs(offset) * np.asarray(spacing)
    return float(_NORMS[norm or "no_weighting"](steps))


_NORMS: dict[str, Callable[[np.ndarray], float]] = {
    "infinity": np.max,
    "euclidean": lambda steps: np.sqrt(np.sum(steps**2)),
    "manhattan": np.sum,
    "no_weighting": lambda steps: 1.0,
}
