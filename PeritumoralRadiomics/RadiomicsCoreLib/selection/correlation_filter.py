"""Keeps one of every group of features that say the same."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .step import Step, TableView


class CorrelationFilter(Step):
    """Drop features until no two are correlated above a threshold.

    Features are taken in order of their mean absolute correlation with all others, the most independent first,
    and kept unless they correlate above the threshold with one already kept. The outcome has no say.

    Args:
        threshold: largest absolute correlation that is left, in (0, 1).
        method: ``spearman`` or ``pearson``.

    Example:
        >>> x = np.array([[1.0, 2.0, 0.0], [2.0, 4.1, 5.0], [3.0, 6.0, 1.0], [4.0, 8.0, 3.0]])
        >>> CorrelationFilter(0.9).fit(x).get_support().tolist()
        [True, False, True]
    """

    def __init__(self, threshold: float = 0.9, method: str = "spearman") -> None:
        self.threshold = threshold
        self.method = method

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        if not 0 < self.threshold < 1:
            raise InputError(f"the correlation threshold must lie between 0 and 1, not {self.threshold:g}")
        strength = np.abs(correlations(table.values, self.method))
        keep = np.zeros(len(strength), bool)
        blocked = np.zeros(len(strength), bool)
        # Rounded: which of two copies stays must not hang on the last digit of a sum.
        for place in np.argsort(np.round(strength.mean(axis=0), 10), kind="stable"):
            if not blocked[place]:
                keep[place] = True
                blocked |= strength[place] > self.threshold
        return keep


def correlations(values: np.ndarray, method: str = "spearman") -> np.ndarray:
    """Correlation (p, p) of all columns of values (n, p); 0 where a column is constant, 1 on the diagonal.

    Raises:
        InputError: fewer than 3 rows, or an unknown method.
    """
    if method not in ("spearman", "pearson"):
        raise InputError(f"correlation method {method!r} is unknown; choose spearman or pearson")
    if len(values) < 3:
        raise InputError(f"a correlation needs at least 3 cases, got {len(values)}")
    scaled = unit_columns(values, method)
    result = np.clip(scaled.T @ scaled, -1.0, 1.0)
    np.fill_diagonal(result, 1.0)
    return result


def correlation_with(values: np.ndarray, other: np.ndarray, method: str = "spearman") -> np.ndarray:
    """Correlation (p,) of every column of values (n, p) with another variable (n,); 0 where one is constant."""
    return np.clip(unit_columns(values, method).T @ unit_columns(other[:, np.newaxis], method)[:, 0], -1.0, 1.0)


def unit_columns(values: np.ndarray, method: str) -> np.ndarray:
    """Columns centred and of length 1, so that their products are correlations."""
    if method == "spearman":
        from scipy.stats import rankdata

        values = rankdata(values, axis=0)
    centred = values - values.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    constant = length <= 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, length))
