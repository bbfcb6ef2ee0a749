r"""Matrices that count things by grey level and size: runs (GLRLM), zones (GLSZM), dependences (GLDM).

The three families differ in what they count; the formulas are the same. :math:`P_{ij}` is the number of
things of level i and size j, :math:`N = \sum P_{ij}`, :math:`p_{ij} = P_{ij} / N`,
:math:`P_{i.}` and :math:`P_{.j}` the sums over sizes and over levels.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .groups import Groups

EPSILON = np.spacing(1.0)


class LevelSizes(Groups):
    """Counts by grey level and size as lists of entries.

    Args:
        group, owner, owners: see :class:`.groups.Groups`.
        rank: shape (entries,), index of the level in ``levels``.
        size: shape (entries,), size j, at least 1.
        weight: shape (entries,), P_ij.
        levels: shape (L,), grey levels that occur.
    """

    def __init__(
        self,
        group: np.ndarray,
        owner: np.ndarray,
        owners: int,
        rank: np.ndarray,
        size: np.ndarray,
        weight: np.ndarray,
        levels: np.ndarray,
    ) -> None:
        super().__init__(group, owner, owners)
        self.rank, self.size, self.levels = rank, size, levels
        self.i = levels[rank].astype(np.float64)
        self.j = size.astype(np.float64)
        self.weight = weight.astype(np.float64)

    @cached_property
    def number(self) -> np.ndarray:
        """N of each group."""
        return self.total(self.weight)

    @cached_property
    def voxels(self) -> np.ndarray:
        """Number of voxels that the things cover: sum of j P_ij."""
        return self.total(self.weight * self.j)

    @cached_property
    def by_level(self) -> np.ndarray:
        """P_i., shape (G, L)."""
        return self.marginal(self.rank, self.weight, len(self.levels))

    @cached_property
    def by_size(self) -> np.ndarray:
        """P_.j, shape (G, number of sizes that occur)."""
        occurs = np.bincount(self.size) > 0
        place = np.cumsum(occurs) - 1
        return self.marginal(place[self.size], self.weight, int(np.count_nonzero(occurs)))

    def expect(self, values: np.ndarray) -> np.ndarray:
        """Mean of entry values over the things of each group."""
        return self.total(self.weight * values) / self.number


def small_sizes(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_j P_{.j} / j^2`."""
    return t.average(t.expect(1 / t.j**2))


def large_sizes(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_j j^2 P_{.j}`."""
    return t.average(t.expect(t.j**2))


def low_levels(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_i P_{i.} / i^2`."""
    return t.average(t.expect(1 / t.i**2))


def high_levels(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_i i^2 P_{i.}`."""
    return t.average(t.expect(t.i**2))


def small_sizes_low_levels(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_{ij} \frac{P_{ij}}{i^2 j^2}`."""
    return t.average(t.expect(1 / (t.i * t.j) ** 2))


def small_sizes_high_levels(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_{ij} \frac{i^2 P_{ij}}{j^2}`."""
    return t.average(t.expect((t.i / t.j) ** 2))


def large_sizes_low_levels(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_{ij} \frac{j^2 P_{ij}}{i^2}`."""
    return t.average(t.expect((t.j / t.i) ** 2))


def large_sizes_high_levels(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_{ij} i^2 j^2 P_{ij}`."""
    return t.average(t.expect((t.i * t.j) ** 2))


def level_non_uniformity(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_i P_{i.}^2`."""
    return t.average(np.sum(t.by_level**2, axis=1) / t.number)


def level_non_uniformity_normalised(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N^2} \sum_i P_{i.}^2`."""
    return t.average(np.sum(t.by_level**2, axis=1) / t.number**2)


def size_non_uniformity(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_j P_{.j}^2`."""
    return t.average(np.sum(t.by_size**2, axis=1) / t.number)


def size_non_uniformity_normalised(t: LevelSizes) -> np.ndarray:
    r""":math:`\frac{1}{N^2} \sum_j P_{.j}^2`."""
    return t.average(np.sum(t.by_size**2, axis=1) / t.number**2)


def percentage(t: LevelSizes) -> np.ndarray:
    r""":math:`N / \sum_{ij} j P_{ij}`: things per voxel."""
    return t.average(t.number / t.voxels)


def level_variance(t: LevelSizes) -> np.ndarray:
    r""":math:`\sum_{ij} (i - \mu)^2 p_{ij}`, :math:`\mu = \sum_{ij} i\,p_{ij}`."""
    return t.average(t.expect((t.i - t.spread(t.expect(t.i))) ** 2))


def size_variance(t: LevelSizes) -> np.ndarray:
    r""":math:`\sum_{ij} (j - \mu)^2 p_{ij}`, :math:`\mu = \sum_{ij} j\,p_{ij}`."""
    return t.average(t.expect((t.j - t.spread(t.expect(t.j))) ** 2))


def entropy(t: LevelSizes) -> np.ndarray:
    r""":math:`-\sum_{ij} p_{ij} \log_2(p_{ij} + \epsilon)`."""
    p = t.weight / t.spread(t.number)
    return t.average(-t.total(p * np.log2(p + EPSILON)))
