"""Sparse texture matrices: the non-zero entries of many matrices in one list, sorted by matrix.

A *group* is one matrix (one direction of a region, or of a voxel's neighbourhood); an *owner* is what a
feature value belongs to (the region, or the voxel) and has one or more groups, whose values are averaged.
"""

from __future__ import annotations

import numpy as np


class Groups:
    """Entries sorted by group, and the owner of each group.

    Args:
        group: shape (entries,), ascending group numbers 0 … G - 1, each present at least once.
        owner: shape (G,), owner number of each group.
        owners: number of owners.
    """

    def __init__(self, group: np.ndarray, owner: np.ndarray, owners: int) -> None:
        self.group = group
        self.owner = owner
        self.owners = owners
        self.count = len(owner)
        self._starts = np.searchsorted(group, np.arange(self.count))
        self._one_each = self.count == owners and bool(np.array_equal(owner, np.arange(owners)))

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum of entry values over each group, shape (G,)."""
        if self.count == 0:
            return np.zeros(0)
        return np.add.reduceat(values, self._starts)

    def largest(self, values: np.ndarray) -> np.ndarray:
        """Maximum of entry values over each group, shape (G,)."""
        if self.count == 0:
            return np.zeros(0)
        return np.maximum.reduceat(values, self._starts)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Give each entry its group's value."""
        return values[self.group]

    def marginal(self, index: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
        """Sum of entry values by group and index, shape (G, length)."""
        return np.bincount(self.group * length + index, weights=values, minlength=self.count * length).reshape(
            self.count, length
        )

    def average(self, values: np.ndarray) -> np.ndarray:
        """Mean of group values over each owner's groups, shape (owners,); NaN for an owner without groups."""
        valid = np.isfinite(values)
        if self._one_each:
            return np.where(valid, values, np.nan)
        total = np.bincount(self.owner[valid], weights=values[valid], minlength=self.owners)
        with np.errstate(invalid="ignore"):
            return total / np.bincount(self.owner[valid], minlength=self.owners)
