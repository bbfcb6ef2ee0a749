"""Normalised co-occurrence matrices of a region, one a direction (Haralick et al. 1973)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..grey_levels.groups import Groups
from ..grey_levels.neighbours import Offset, lengths_mm
from ..grey_levels.region import Region

EPSILON = np.spacing(1.0)


class Cooccurrence(Groups):
    """Normalised co-occurrence matrices as lists of entries.

    Args:
        group, owner, owners: see :class:`.groups.Groups`.
        row, column: shape (entries,), index of i and j in ``levels``.
        weight: shape (entries,), count of the pair.
        levels: shape (L,), the grey levels that occur.
        highest: :math:`N_g`.
    """

    def __init__(
        self,
        group: np.ndarray,
        owner: np.ndarray,
        owners: int,
        row: np.ndarray,
        column: np.ndarray,
        weight: np.ndarray,
        levels: np.ndarray,
        highest: int,
    ) -> None:
        super().__init__(group, owner, owners)
        self.row, self.column, self.levels, self.highest = row, column, levels, highest
        self.i = levels[row].astype(np.float64)
        self.j = levels[column].astype(np.float64)
        self.p = weight / self.spread(self.total(weight))

    def expect(self, values: np.ndarray) -> np.ndarray:
        """Expectation of entry values under each matrix: one value a group."""
        return self.total(self.p * values)

    @cached_property
    def mean_x(self) -> np.ndarray:
        return self.expect(self.i)

    @cached_property
    def mean_y(self) -> np.ndarray:
        return self.expect(self.j)

    @cached_property
    def centred_sum(self) -> np.ndarray:
        """i + j - mu_x - mu_y of each entry."""
        return self.i + self.j - self.spread(self.mean_x + self.mean_y)

    @cached_property
    def difference(self) -> np.ndarray:
        """|i - j| of each entry."""
        return np.abs(self.i - self.j)

    @cached_property
    def px(self) -> np.ndarray:
        return self.marginal(self.row, self.p, len(self.levels))

    @cached_property
    def py(self) -> np.ndarray:
        return self.marginal(self.column, self.p, len(self.levels))

    @cached_property
    def p_sum(self) -> np.ndarray:
        """p_{x+y}, shape (G, number of possible sums)."""
        lowest = int(self.levels[0])
        k = (self.i + self.j).astype(np.intp) - 2 * lowest
        return self.marginal(k, self.p, 2 * (int(self.levels[-1]) - lowest) + 1)

    @cached_property
    def p_difference(self) -> np.ndarray:
        """p_{x-y}, shape (G, number of possible differences)."""
        return self.marginal(self.difference.astype(np.intp), self.p, int(self.levels[-1] - self.levels[0]) + 1)

    @cached_property
    def joint_entropy(self) -> np.ndarray:
        return _entropy_of_entries(self, self.p)

    @cached_property
    def entropy_of_product(self) -> np.ndarray:
        """HXY1: expectation of -log2 of the product of the marginals."""
        product = self.px[self.group, self.row] * self.py[self.group, self.column]
        return -self.expect(np.log2(product + EPSILON))


def cooccurrence(region: Region, rank: np.ndarray, levels: np.ndarray, highest: int) -> Cooccurrence:
    """Co-occurrence matrices of a region, one a direction (one in all with ``weightingNorm``).

    Args:
        region: the region's geometry.
        rank: shape (N,), intp: index of each voxel's grey level in ``levels``.
        levels: shape (L,), the grey levels that occur, ascending.
        highest: highest grey level.
    """
    settings = region.settings
    counts = [direction_counts(region, offset, rank, len(levels)) for offset in region.neighbour_offsets]
    if settings.symmetrical_glcm:
        counts = [count + count.T for count in counts]
    if settings.weighting_norm is not None and counts:
        weights = [_weight(region, offset) for offset in region.neighbour_offsets]
        counts = [np.tensordot(weights, counts, axes=1)]
    counts = [count for count in counts if count.any()]
    stack = np.array(counts).reshape(len(counts), len(levels), len(levels))
    group, row, column = np.nonzero(stack)
    owner = np.zeros(len(counts), dtype=np.intp)
    return Cooccurrence(group, owner, 1, row, column, stack[group, row, column], levels, highest)


def direction_counts(region: Region, offset: Offset, rank: np.ndarray, size: int) -> np.ndarray:
    """Number of voxel pairs (voxel of level i, its neighbour at ``offset`` of level j), shape (L, L)."""
    lines = region.lines(offset)
    along = rank[lines.order]
    pair = along[:-1] * size
    pair += along[1:]
    pair[lines.breaks] = size * size
    return np.bincount(pair, minlength=size * size)[: size * size].reshape(size, size)


def _weight(region: Region, offset: Offset) -> float:
    """exp(-d²): a direction's weight in the merged matrix by its length d in mm."""
    if region.settings.weighting_norm == "no_weighting":
        return 1.0
    return float(np.exp(-(lengths_mm(offset, region.spacing, region.settings.weighting_norm) ** 2)))


def _entropy_of_entries(t: Groups, p: np.ndarray) -> np.ndarray:
    return -t.total(p * np.log2(p + EPSILON))
