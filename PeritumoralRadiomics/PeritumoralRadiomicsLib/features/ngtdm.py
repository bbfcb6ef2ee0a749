r"""Neighbourhood grey tone difference matrix: how far a voxel's level is from its neighbours' mean level.

:math:`n_i` is the number of voxels of level i, :math:`p_i = n_i / N`, :math:`s_i` the sum over the voxels
of level i of :math:`|i - \bar A|`, with :math:`\bar A` the mean level of the voxel's neighbours in the region
(0 is added for a voxel without neighbours); :math:`N_{gp}` is the number of levels that occur.
Sums run over the levels that occur.

References: Amadasun and King 1989, doi 10.1109/21.44046; IBSI reference manual, "Neighbourhood grey tone
difference based features".
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..grey_levels.region import Region
from .family import Family

FAMILY = Family("ngtdm")


class ToneDifferences:
    """Tone difference matrices of one or more owners.

    Args:
        number: shape (owners, L), :math:`n_i`.
        difference: shape (owners, L), :math:`s_i`.
        levels: shape (L,), grey levels.
    """

    def __init__(self, number: np.ndarray, difference: np.ndarray, levels: np.ndarray) -> None:
        self.i = levels.astype(np.float64)
        self.voxels = number.sum(axis=1)
        # No voxel has a neighbour: the matrix is empty, and so are its probabilities.
        self.p = number / np.maximum(self.voxels[:, None], 1)
        self.s = difference
        self.occurs = number > 0
        self.levels_that_occur = self.occurs.sum(axis=1)

    @cached_property
    def pairs(self) -> np.ndarray:
        """Pairs of levels that both occur, shape (owners, L, L)."""
        return self.occurs[:, :, None] & self.occurs[:, None, :]

    @cached_property
    def i_minus_j(self) -> np.ndarray:
        """i - j, shape (L, L)."""
        return self.i[:, None] - self.i[None, :]

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum over pairs of levels that both occur."""
        return np.sum(values, axis=(1, 2), where=self.pairs)


def tone_differences(region: Region, rank: np.ndarray, levels: np.ndarray) -> ToneDifferences:
    """Tone difference matrix of a region.

    Args:
        region: the region's geometry.
        rank: shape (N,), intp: index of each voxel's grey level in ``levels``.
        levels: shape (L,), the grey levels that occur, ascending.
    """
    level = levels[rank]
    total, count = neighbour_sums(region, level)
    with np.errstate(invalid="ignore"):
        difference = np.where(count > 0, np.abs(level - total / count), 0.0)
    number = np.bincount(rank, minlength=len(levels))
    if region.settings.profile == "ibsi":
        # The standard leaves voxels without neighbours out of the matrix.
        number = np.bincount(rank[count > 0], minlength=len(levels))
    sums = np.bincount(rank, weights=difference, minlength=len(levels))
    return ToneDifferences(number[None, :], sums[None, :], levels)


def neighbour_sums(region: Region, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the neighbours' levels and number of neighbours of every voxel, shape (N,) each."""
    laid_out = region.lay_out(level, np.int32)
    if region.settings.distances == (1,):
        # The 26 neighbours and the voxel: sums of three along one axis after the other.
        total = laid_out
        for axis in region.axes:
            total = _with_both_sides(total, region.step((int(axis == 0), int(axis == 1), int(axis == 2))))
        total -= laid_out
    else:
        total = np.zeros_like(laid_out)
        for offset in region.neighbour_offsets:
            step = region.step(offset)
            total[:-step] += laid_out[step:]
            total[step:] += laid_out[:-step]
    return total[region.positions], region.neighbour_count


def _with_both_sides(values: np.ndarray, step: int) -> np.ndarray:
    """Each place's value and those ``step`` before and behind."""
    total = values.copy()
    total[:-step] += values[step:]
    total[step:] += values[:-step]
    return total


@FAMILY.feature("Coarseness", ibsi="QCDE")
def coarseness(t: ToneDifferences) -> np.ndarray:
    r""":math:`1 / \sum_i p_i s_i`; 10⁶ where that sum is 0 (a homogeneous region)."""
    total = np.sum(t.p * t.s, axis=1)
    return np.where(total == 0, 1e6, 1 / np.where(total == 0, 1.0, total))


@FAMILY.feature("Contrast", ibsi="65HE")
def contrast(t: ToneDifferences) -> np.ndarray:
    r""":math:`\frac{1}{N_{gp}(N_{gp}-1)} \sum_{ij} p_i p_j (i - j)^2 \cdot \frac{1}{N} \sum_i s_i`; 0 if one level."""
    pairs = t.levels_that_occur * (t.levels_that_occur - 1)
    spread = t.total(t.p[:, :, None] * t.p[:, None, :] * t.i_minus_j**2)
    return np.where(pairs == 0, 0.0, spread * np.sum(t.s, axis=1) / t.voxels / np.maximum(pairs, 1))


@FAMILY.feature("Busyness", ibsi="NQ30")
def busyness(t: ToneDifferences) -> np.ndarray:
    r""":math:`\sum_i p_i s_i / \sum_{ij} |i p_i - j p_j|`; 0 where the divisor is 0."""
    product = t.i * t.p
    divisor = t.total(np.abs(product[:, :, None] - product[:, None, :]))
    return np.where(divisor == 0, 0.0, np.sum(t.p * t.s, axis=1) / np.where(divisor == 0, 1.0, divisor))


@FAMILY.feature("Complexity", ibsi="HDEZ")
def complexity(t: ToneDifferences) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_{ij} |i - j| \frac{p_i s_i + p_j s_j}{p_i + p_j}`."""
    product = t.p * t.s
    both = t.p[:, :, None] + t.p[:, None, :]
    ratio = (product[:, :, None] + product[:, None, :]) / np.where(both == 0, 1.0, both)
    return t.total(np.abs(t.i_minus_j) * ratio) / t.voxels


@FAMILY.feature("Strength", ibsi="1X9X")
def strength(t: ToneDifferences) -> np.ndarray:
    r""":math:`\sum_{ij} (p_i + p_j) (i - j)^2 / \sum_i s_i`; 0 where the divisor is 0."""
    total = np.sum(t.s, axis=1)
    value = t.total((t.p[:, :, None] + t.p[:, None, :]) * t.i_minus_j**2)
    return np.where(total == 0, 0.0, value / np.where(total == 0, 1.0, total))
