r"""The second largest eigenvalue of the matrix behind the maximal correlation coefficient.

.. math:: Q_{ij} = \sum_k \frac{p_{ik} p_{jk}}{p_{i.} p_{.k} + \epsilon}

Without :math:`\epsilon`, Q is similar to the symmetric matrix :math:`M M^T`, :math:`M_{ij} = p_{ij} /
\sqrt{p_{i.} p_{.j}}`, whose largest eigenvalue is 1 with the eigenvector :math:`\sqrt{p_{i.}}`. A symmetric
solver that is asked for the few largest eigenvalues of the rest is about ten times faster than a general one
for all of Q. The effect of :math:`\epsilon` (up to 1e-6 where grey levels are rare, and all that separates
eigenvalues equal to 1) is then put back by projecting Q itself on the eigenvectors found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .glcm import Cooccurrence

EPSILON = np.spacing(1.0)
SMALL = 12
"""Up to this size a general solver is as fast."""
VECTORS = 4
"""Number of eigenvectors sought beside the trivial one."""
CLOSE = 1e-5
"""Eigenvalues closer than this, relatively, are told apart only by their joint projection."""
BLOCK_BYTES = 64 * 2**20


def second_eigenvalues(table: Cooccurrence) -> np.ndarray:
    """Second largest eigenvalue of Q for every matrix of the table; 1 where only one level occurs at all."""
    size = len(table.levels)
    if size < 2:
        return np.ones(table.count)
    found = [np.zeros(0)]
    block = max(1, BLOCK_BYTES // (8 * size * size))
    for start in range(0, table.count, block):
        stop = min(start + block, table.count)
        chosen = slice(*np.searchsorted(table.group, [start, stop]))
        p = np.zeros((stop - start, size, size))
        p[table.group[chosen] - start, table.row[chosen], table.column[chosen]] = table.p[chosen]
        found.append(second_eigenvalues_of(p, table.px[start:stop], table.py[start:stop]))
    return np.concatenate(found)


def second_eigenvalues_of(p: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Second largest eigenvalue of Q for matrices p, shape (G, L, L), with marginals px, py, shape (G, L)."""
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
