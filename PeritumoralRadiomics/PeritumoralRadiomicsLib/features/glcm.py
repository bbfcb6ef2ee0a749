r"""Grey level co-occurrence matrix: how often level i has level j as its neighbour along a direction.

:math:`p_{ij}` is the normalised matrix of one direction, :math:`p_{i.}` and :math:`p_{.j}` its marginals,
:math:`\mu_x = \sum i\,p_{ij}`, :math:`\mu_y = \sum j\,p_{ij}`,
:math:`p_{x+y}(k)` and :math:`p_{x-y}(k)` the distributions of :math:`i + j` and :math:`|i - j|`,
:math:`N_g` the highest grey level. A feature is the mean over the directions.

References: Haralick et al. 1973, doi 10.1109/TSMC.1973.4309314; IBSI reference manual, "Grey level
co-occurrence based features".
"""

from __future__ import annotations

import numpy as np

from ..grey_levels.cooccurrence import EPSILON, Cooccurrence
from .family import Family

FAMILY = Family("glcm")


def _entropy_of_rows(p: np.ndarray) -> np.ndarray:
    return -np.sum(p * np.log2(p + EPSILON), axis=1)


@FAMILY.feature("Autocorrelation", ibsi="QWB0")
def autocorrelation(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} i\,j\,p_{ij}`."""
    return t.average(t.expect(t.i * t.j))


@FAMILY.feature("JointAverage", ibsi="60VM")
def joint_average(t: Cooccurrence) -> np.ndarray:
    r""":math:`\mu_x = \sum_{ij} i\,p_{ij}`."""
    return t.average(t.mean_x)


@FAMILY.feature("ClusterProminence", ibsi="AE86")
def cluster_prominence(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} (i + j - \mu_x - \mu_y)^4 p_{ij}`."""
    return t.average(t.expect((t.centred_sum**2) ** 2))


@FAMILY.feature("ClusterShade", ibsi="7NFM")
def cluster_shade(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} (i + j - \mu_x - \mu_y)^3 p_{ij}`."""
    return t.average(t.expect(t.centred_sum**2 * t.centred_sum))


@FAMILY.feature("ClusterTendency", ibsi="DG8W")
def cluster_tendency(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} (i + j - \mu_x - \mu_y)^2 p_{ij}`."""
    return t.average(t.expect(t.centred_sum**2))


@FAMILY.feature("SumVariance", ibsi="OEEB", default=False)
def sum_variance(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k (k - \mu_{x+y})^2 p_{x+y}(k)`: the same number as ClusterTendency."""
    return cluster_tendency(t)


@FAMILY.feature("Contrast", ibsi="ACUI")
def contrast(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} (i - j)^2 p_{ij}`."""
    return t.average(t.expect(t.difference**2))


@FAMILY.feature("Correlation", ibsi="NI2N")
def correlation(t: Cooccurrence) -> np.ndarray:
    r""":math:`\frac{\sum_{ij} (i - \mu_x)(j - \mu_y) p_{ij}}{\sigma_x \sigma_y}`; 1 where i or j has one level."""
    # Counted, not by a variance of 0: rounding may leave a little of it.
    one_level = (np.count_nonzero(t.px, axis=1) == 1) | (np.count_nonzero(t.py, axis=1) == 1)
    x, y = t.i - t.spread(t.mean_x), t.j - t.spread(t.mean_y)
    product = np.sqrt(t.expect(x**2)) * np.sqrt(t.expect(y**2))
    return t.average(np.where(one_level, 1.0, t.expect(x * y) / (product + EPSILON)))


@FAMILY.feature("DifferenceAverage", ibsi="TF7R")
def difference_average(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k k\,p_{x-y}(k)`."""
    return t.average(t.expect(t.difference))


@FAMILY.feature("Dissimilarity", ibsi="8S9J", default=False)
def dissimilarity(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} |i - j| p_{ij}`: the same number as DifferenceAverage."""
    return difference_average(t)


@FAMILY.feature("DifferenceEntropy", ibsi="NTRS")
def difference_entropy(t: Cooccurrence) -> np.ndarray:
    r""":math:`-\sum_k p_{x-y}(k) \log_2(p_{x-y}(k) + \epsilon)`."""
    return t.average(_entropy_of_rows(t.p_difference))


@FAMILY.feature("DifferenceVariance", ibsi="D3YU")
def difference_variance(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k (k - \mu_{x-y})^2 p_{x-y}(k)`."""
    centred = t.difference - t.spread(t.expect(t.difference))
    return t.average(t.expect(centred**2))


@FAMILY.feature("JointEnergy", ibsi="8ZQL")
def joint_energy(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} p_{ij}^2` (angular second moment)."""
    return t.average(t.expect(t.p))


@FAMILY.feature("JointEntropy", ibsi="TU9B")
def joint_entropy(t: Cooccurrence) -> np.ndarray:
    r""":math:`HXY = -\sum_{ij} p_{ij} \log_2(p_{ij} + \epsilon)`."""
    return t.average(t.joint_entropy)


@FAMILY.feature("Imc1", ibsi="R8DG")
def informational_measure_of_correlation_1(t: Cooccurrence) -> np.ndarray:
    r""":math:`\frac{HXY - HXY1}{\max(HX, HY)}`, :math:`HXY1 = -\sum_{ij} p_{ij} \log_2(p_{i.} p_{.j} + \epsilon)`.

    0 where a direction has one level.
    """
    larger = np.maximum(_entropy_of_rows(t.px), _entropy_of_rows(t.py))
    information = t.joint_entropy - t.entropy_of_product
    return t.average(np.where(larger == 0, 0.0, information / larger))


@FAMILY.feature("Imc2", ibsi="JN9H")
def informational_measure_of_correlation_2(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sqrt{1 - e^{-2 (HXY2 - HXY)}}`.

    :math:`HXY2 = -\sum_{ij} p_{i.} p_{.j} \log_2(p_{i.} p_{.j} + \epsilon)`; 0 where rounding
    makes HXY2 smaller than HXY (no information).
    """
    # The product's entropy is the sum of the marginals' entropies, less the first-order effect of epsilon.
    entropies = [-np.sum(p * np.log2(np.where(p > 0, p, 1.0)), axis=1) for p in (t.px, t.py)]
    cells = np.count_nonzero(t.px, axis=1) * np.count_nonzero(t.py, axis=1)
    entropy_of_product = entropies[0] + entropies[1] - cells * EPSILON / np.log(2)
    information = np.where(cells == 1, 0.0, np.maximum(entropy_of_product - t.joint_entropy, 0.0))
    return t.average(np.sqrt(-np.expm1(-2 * information)))


@FAMILY.feature("Idm", ibsi="WF0Z")
def inverse_difference_moment(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k \frac{p_{x-y}(k)}{1 + k^2}`."""
    return t.average(t.expect(1 / (1 + t.difference**2)))


@FAMILY.feature("Homogeneity2", ibsi="WF0Z", default=False)
def homogeneity_2(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} \frac{p_{ij}}{1 + |i - j|^2}`: the same number as Idm."""
    return inverse_difference_moment(t)


@FAMILY.feature("Idmn", ibsi="1QCO")
def inverse_difference_moment_normalised(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k \frac{p_{x-y}(k)}{1 + k^2 / N_g^2}`."""
    return t.average(t.expect(1 / (1 + t.difference**2 / t.highest**2)))


@FAMILY.feature("Id", ibsi="IB1Z")
def inverse_difference(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k \frac{p_{x-y}(k)}{1 + k}`."""
    return t.average(t.expect(1 / (1 + t.difference)))


@FAMILY.feature("Homogeneity1", ibsi="IB1Z", default=False)
def homogeneity_1(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} \frac{p_{ij}}{1 + |i - j|}`: the same number as Id."""
    return inverse_difference(t)


@FAMILY.feature("Idn", ibsi="NDRX")
def inverse_difference_normalised(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k \frac{p_{x-y}(k)}{1 + k / N_g}`."""
    return t.average(t.expect(1 / (1 + t.difference / t.highest)))


@FAMILY.feature("InverseVariance", ibsi="E8JP")
def inverse_variance(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{k \ge 1} \frac{p_{x-y}(k)}{k^2}`."""
    return t.average(t.expect(np.where(t.difference == 0, 0.0, 1 / np.maximum(t.difference, 1) ** 2)))


@FAMILY.feature("MaximumProbability", ibsi="GYBY")
def maximum_probability(t: Cooccurrence) -> np.ndarray:
    r""":math:`\max_{ij} p_{ij}`."""
    return t.average(t.largest(t.p))


@FAMILY.feature("SumAverage", ibsi="ZGXS")
def sum_average(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_k k\,p_{x+y}(k)`."""
    return t.average(t.mean_x + t.mean_y)


@FAMILY.feature("SumEntropy", ibsi="P6QZ")
def sum_entropy(t: Cooccurrence) -> np.ndarray:
    r""":math:`-\sum_k p_{x+y}(k) \log_2(p_{x+y}(k) + \epsilon)`."""
    return t.average(_entropy_of_rows(t.p_sum))


@FAMILY.feature("SumSquares", ibsi="UR99")
def sum_of_squares(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sum_{ij} (i - \mu_x)^2 p_{ij}` (joint variance)."""
    return t.average(t.expect((t.i - t.spread(t.mean_x)) ** 2))


@FAMILY.feature("MCC")
def maximal_correlation_coefficient(t: Cooccurrence) -> np.ndarray:
    r""":math:`\sqrt{\lambda_2(Q)}`, :math:`Q_{ij} = \sum_k \frac{p_{ik} p_{jk}}{p_{i.} p_{.k} + \epsilon}`.

    1 where a direction has one level. See :mod:`.correlation_eigenvalue` for how the eigenvalue is found.
    """
    from .correlation_eigenvalue import second_eigenvalues

    return t.average(np.sqrt(second_eigenvalues(t)))
