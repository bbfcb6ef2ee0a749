r"""The second largest eigenvalue of the matrix behind the maximal correlation coefficient.

.. math:: Q_{ij} = \sum_k \frac{p_{ik} p_{jk}}{p_{i.} p_{.k} + \epsilon}

Without :math:`\epsilon`, Q is similar to the symmetric matrix :math:`M M^T`, :math:`M_{ij} = p_{ij} /
\sqrt{p_{i.} p_{.j}}`, whose largest eigenvalue is 1 with the eigenvector :math:`\sqrt{p_{i.}}`. A symmetric
solver that is asked for the few largest eigenvalues of the rest is about ten times faster than a general one
for all of Q. The effect of :math:`\epsilon` (up to 1e-6 where grey levels are rare, and all that separates
eigenvalues equal to 1) is then put back by projecting Q itself on the eigenvectors found. In small
neighbourhoods no level is that rare, and the eigenvalues of :math:`M M^T` are enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.blas_threads import single_blas_thread

if TYPE_CHECKING:
    from ..grey_levels.cooccurrence import Cooccurrence

EPSILON = np.spacing(1.0)
SMALL = 12
"""Up to this size a general solver is as fast as the few largest eigenvectors."""
COMMON = 1e-6
"""Where no product of marginals is below this, epsilon changes less than one part in 10⁹."""
VECTORS = 4
"""Number of eigenvectors sought beside the trivial one."""
CLOSE = 1e-5
"""Eigenvalues closer than this, relatively, are told apart only by their joint projection."""
BLOCK_BYTES = 64 * 2**20


def second_eigenvalues(table: Cooccurrence) -> np.ndarray:
    """Second largest eigenvalue of Q for every matrix of the table; 1 where only one level occurs at all."""
    if len(table.levels) < 2:
        return np.ones(table.count)
    # Each matrix is packed to the levels that occur in it; matrices of about one size are done together.
    occurs = (table.px > 0) | (table.py > 0)
    place = np.cumsum(occurs, axis=1) - 1
    row, column = place[table.group, table.row], place[table.group, table.column]
    sizes = np.maximum(-(-occurs.sum(axis=1) // 4) * 4, 4)
    found = np.zeros(table.count)
    with single_blas_thread():
        for size in np.unique(sizes):
            groups = np.flatnonzero(sizes == size)
            for part in np.array_split(groups, -(-len(groups) * 8 * size**2 // BLOCK_BYTES)):
                number = np.full(table.count, -1)
                number[part] = np.arange(len(part))
                chosen = np.flatnonzero(number[table.group] >= 0)
                p = np.zeros((len(part), size, size))
                p[number[table.group[chosen]], row[chosen], column[chosen]] = table.p[chosen]
                found[part] = second_eigenvalues_of(p)
    return found


def second_eigenvalues_of(p: np.ndarray) -> np.ndarray:
    """Second largest eigenvalue of Q for matrices p, shape (G, L, L), L at least 4."""
    px, py = p.sum(axis=2), p.sum(axis=1)
    lowest = np.min(px, axis=1, where=px > 0, initial=1) * np.min(py, axis=1, where=py > 0, initial=1)
    result = np.empty(len(p))
    common = lowest > COMMON
    result[common] = _without_epsilon(p[common], px[common], py[common])
    result[~common] = _with_epsilon(p[~common], px[~common], py[~common])
    return result


def _without_epsilon(p: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    m = p * _inverse(np.sqrt(px))[:, :, None] * _inverse(np.sqrt(py))[:, None, :]
    return np.maximum(np.linalg.eigvalsh(m @ m.transpose(0, 2, 1))[:, -2], 0.0)


def _with_epsilon(p: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    ratio = p / (px[:, :, None] * py[:, None, :] + EPSILON)
    if p.shape[1] <= SMALL:
        return _general(ratio @ p.transpose(0, 2, 1))
    root_x, root_y = np.sqrt(px), np.sqrt(py)
    m = p * _inverse(root_x)[:, :, None] * _inverse(root_y)[:, None, :]
    rest = m @ m.transpose(0, 2, 1) - root_x[:, :, None] * root_x[:, None, :]
    values, vectors = _largest_of_symmetric(rest)
    basis = np.concatenate([root_x[:, :, None], vectors], axis=2)
    right = basis * _inverse(root_x)[:, :, None]
    left = (basis * root_x[:, :, None]).transpose(0, 2, 1)
    result = _general((left @ ratio) @ (p.transpose(0, 2, 1) @ right))
    crowded = np.flatnonzero((values[:, 0] > (1 - CLOSE) * values[:, -1]) & (values[:, -1] > 0))
    for g in crowded:
        result[g] = _general((ratio[g] @ p[g].T)[None])[0]
    return result


def _largest_of_symmetric(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The VECTORS largest eigenvalues (ascending) of symmetric matrices, and their eigenvectors."""
    from scipy.linalg.lapack import dsyevr

    size = matrices.shape[1]
    values = np.empty((len(matrices), VECTORS))
    vectors = np.empty((len(matrices), size, VECTORS))
    for g, matrix in enumerate(matrices):
        # The matrix is symmetric, so its transpose is the column-major array that LAPACK may overwrite.
        w, z, _, _, _ = dsyevr(matrix.T, range="I", il=size - VECTORS + 1, iu=size, overwrite_a=1)
        values[g], vectors[g] = w[:VECTORS], z[:, :VECTORS]
    return values, vectors


def _general(matrices: np.ndarray) -> np.ndarray:
    """Second largest eigenvalue of general matrices (real part; a negative rounding error becomes 0)."""
    values = np.linalg.eigvals(matrices)
    return np.maximum(np.sort(values, axis=1)[:, -2].real, 0.0)


def _inverse(values: np.ndarray) -> np.ndarray:
    """1 / value; 0 for levels that do not occur."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
