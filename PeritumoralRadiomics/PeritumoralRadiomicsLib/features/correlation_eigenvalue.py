r"""The second largest eigenvalue of the matrix behind the maximal correlation coefficient.

.. math:: Q_{ij} = \sum_k \frac{p_{ik} p_{jk}}{p_{i.} p_{.k} + \epsilon}
"""

from __future__ import annotations

import numpy as np

EPSILON = np.spacing(1.0)


def second_eigenvalues(table) -> np.ndarray:
    """Second largest eigenvalue of Q for every group of a co-occurrence table; 1 where Q has one row."""
    size = len(table.levels)
    p = np.zeros((table.count, size, size))
    p[table.group, table.row, table.column] = table.p
    result = np.empty(table.count)
    for g in range(table.count):
        px, py = table.px[g], table.py[g]
        rows, columns = px > 0, py > 0
        m = p[g][rows][:, columns]
        if size < 2:
            result[g] = 1.0
            continue
        if m.shape[0] < 2:
            result[g] = 0.0
            continue
        q = (m / (np.outer(px[rows], py[columns]) + EPSILON)) @ m.T
        values = np.linalg.eigvals(q)
        values.sort()
        result[g] = values[-2].real
    return np.maximum(result, 0)
