r"""First-order statistics: the distribution of intensities inside the region, wherever they lie.

:math:`x_1 … x_N` are the region's intensities, :math:`\mu` their mean, :math:`p_i` the fraction of voxels at
grey level :math:`i`, :math:`P_q` the q-th percentile with linear interpolation.

References: IBSI reference manual, "Intensity-based statistical features" and "Intensity histogram features";
van Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from .family import Family

FAMILY = Family("firstorder")
EPSILON = np.spacing(1.0)


class Intensities:
    """Intensities of one or more owners (a region, or one neighbourhood a voxel).

    Args:
        values: shape (owners, K), float64; any number where not ``inside``.
        inside: shape (owners, K), bool; None if all are inside.
        level_counts: shape (owners, levels): number of voxels at each grey level.
        voxel_volume: mm³.
        shift: ``voxelArrayShift``.
        excess_kurtosis: IBSI subtracts 3 from kurtosis.
    """

    def __init__(
        self,
        values: np.ndarray,
        inside: np.ndarray | None,
        level_counts: np.ndarray,
        voxel_volume: float,
        shift: float = 0.0,
        excess_kurtosis: bool = False,
    ) -> None:
        self.x = values
        self.inside = inside
        self.voxel_volume = voxel_volume
        self.shift = shift
        self.excess_kurtosis = excess_kurtosis
        self.count = np.full(len(values), values.shape[1]) if inside is None else inside.sum(axis=1)
        self.p = level_counts / level_counts.sum(axis=1, keepdims=True)

    def total(self, values: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
        """Sum over each owner's voxels (of those ``where``)."""
        where = self.inside if where is None else where
        return values.sum(axis=1) if where is None else values.sum(axis=1, where=where)

    def average(self, values: np.ndarray) -> np.ndarray:
        """Mean over each owner's voxels."""
        return self.total(values) / self.count

    @cached_property
    def ordered(self) -> np.ndarray:
        """Ascending intensities; those not inside come last."""
        return np.sort(self.x if self.inside is None else np.where(self.inside, self.x, np.inf), axis=1)

    def percentile(self, q: float) -> np.ndarray:
        """q-th percentile with linear interpolation between neighbouring ranks, as ``np.percentile``."""
        rank = q / 100.0 * (self.count - 1)
        below = np.floor(rank).astype(np.intp)
        above = np.minimum(below + 1, self.count - 1)
        rows = np.arange(len(self.x))
        low, high = self.ordered[rows, below], self.ordered[rows, above]
        t = rank - below
        step = high - low
        return np.where(t < 0.5, low + step * t, high - step * (1 - t))

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean; exact for a constant region, where a sum divided by N may not be."""
        return np.where(self.constant, self.ordered[:, 0], self.average(self.x))

    @cached_property
    def constant(self) -> np.ndarray:
        """Owners whose voxels are all equal."""
        return self.ordered[:, 0] == self.ordered[np.arange(len(self.x)), self.count - 1]

    @cached_property
    def deviation(self) -> np.ndarray:
        """Differences from the mean."""
        return self.x - self.mean[:, None]

    @cached_property
    def variance(self) -> np.ndarray:
        """Second central moment."""
        return self.average(self.deviation**2)

    def moment_ratio(self, values: np.ndarray, power: float) -> np.ndarray:
        """A central moment over a power of the variance; 0 in a constant region."""
        return np.where(self.variance == 0, 0.0, values / np.where(self.variance == 0, 1.0, self.variance) ** power)


@FAMILY.feature("Energy", ibsi="N8CA")
def energy(t: Intensities) -> np.ndarray:
    r""":math:`\sum_k (x_k + c)^2`, with :math:`c` = ``voxelArrayShift``."""
    return t.total((t.x + t.shift) ** 2)


@FAMILY.feature("TotalEnergy")
def total_energy(t: Intensities) -> np.ndarray:
    r""":math:`V_\mathrm{voxel} \sum_k (x_k + c)^2`."""
    return energy(t) * t.voxel_volume


@FAMILY.feature("Entropy", ibsi="TLU2")
def entropy(t: Intensities) -> np.ndarray:
    r""":math:`-\sum_i p_i \log_2(p_i + \epsilon)`, of the grey levels."""
    return -np.sum(t.p * np.log2(t.p + EPSILON), axis=1)


@FAMILY.feature("Minimum", ibsi="1GSF")
def minimum(t: Intensities) -> np.ndarray:
    r""":math:`\min_k x_k`."""
    return t.ordered[:, 0]


@FAMILY.feature("10Percentile", ibsi="QG58")
def percentile_10(t: Intensities) -> np.ndarray:
    r""":math:`P_{10}`."""
    return t.percentile(10)


@FAMILY.feature("90Percentile", ibsi="8DWT")
def percentile_90(t: Intensities) -> np.ndarray:
    r""":math:`P_{90}`."""
    return t.percentile(90)


@FAMILY.feature("Maximum", ibsi="84IY")
def maximum(t: Intensities) -> np.ndarray:
    r""":math:`\max_k x_k`."""
    return t.ordered[np.arange(len(t.x)), t.count - 1]


@FAMILY.feature("Mean", ibsi="Q4LE")
def mean(t: Intensities) -> np.ndarray:
    r""":math:`\mu = \frac{1}{N} \sum_k x_k`."""
    return t.mean


@FAMILY.feature("Median", ibsi="Y12H")
def median(t: Intensities) -> np.ndarray:
    r""":math:`P_{50}`."""
    return t.percentile(50)


@FAMILY.feature("InterquartileRange", ibsi="SALO")
def interquartile_range(t: Intensities) -> np.ndarray:
    r""":math:`P_{75} - P_{25}`."""
    return t.percentile(75) - t.percentile(25)


@FAMILY.feature("Range", ibsi="2OJQ")
def intensity_range(t: Intensities) -> np.ndarray:
    r""":math:`\max_k x_k - \min_k x_k`."""
    return maximum(t) - minimum(t)


@FAMILY.feature("MeanAbsoluteDeviation", ibsi="4FUA")
def mean_absolute_deviation(t: Intensities) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_k |x_k - \mu|`."""
    return t.average(np.abs(t.deviation))


@FAMILY.feature("RobustMeanAbsoluteDeviation", ibsi="1128")
def robust_mean_absolute_deviation(t: Intensities) -> np.ndarray:
    r"""Mean absolute deviation of the intensities in :math:`[P_{10}, P_{90}]` from their own mean."""
    kept = (t.x >= t.percentile(10)[:, None]) & (t.x <= t.percentile(90)[:, None])
    if t.inside is not None:
        kept &= t.inside
    count = kept.sum(axis=1)
    centre = t.total(t.x, where=kept) / count
    return t.total(np.abs(t.x - centre[:, None]), where=kept) / count


@FAMILY.feature("RootMeanSquared", ibsi="5ZWQ")
def root_mean_squared(t: Intensities) -> np.ndarray:
    r""":math:`\sqrt{\frac{1}{N} \sum_k (x_k + c)^2}`."""
    return np.sqrt(energy(t) / t.count)


@FAMILY.feature("StandardDeviation", default=False)
def standard_deviation(t: Intensities) -> np.ndarray:
    r""":math:`\sqrt{\mathrm{Variance}}`; off by default, as it says no more than the variance."""
    return np.sqrt(t.variance)


@FAMILY.feature("Skewness", ibsi="KE2A")
def skewness(t: Intensities) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_k (x_k - \mu)^3 / \mathrm{Variance}^{3/2}`; 0 in a constant region."""
    return t.moment_ratio(t.average(t.deviation**2 * t.deviation), 1.5)


@FAMILY.feature("Kurtosis", ibsi="IPH6")
def kurtosis(t: Intensities) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_k (x_k - \mu)^4 / \mathrm{Variance}^2`; 0 in a constant region.

    The IBSI profile subtracts 3 (excess kurtosis), except in a constant region, where it stays 0.
    """
    value = t.moment_ratio(t.average((t.deviation**2) ** 2), 2.0)
    return np.where(t.variance == 0, 0.0, value - 3.0) if t.excess_kurtosis else value


@FAMILY.feature("Variance", ibsi="ECT3")
def variance(t: Intensities) -> np.ndarray:
    r""":math:`\frac{1}{N} \sum_k (x_k - \mu)^2`."""
    return t.variance


@FAMILY.feature("Uniformity", ibsi="BJ5W")
def uniformity(t: Intensities) -> np.ndarray:
    r""":math:`\sum_i p_i^2`, of the grey levels."""
    return np.sum(t.p**2, axis=1)
