"""Keeps the features whose values differ between the two classes: t-test or Mann-Whitney, by normality."""

from __future__ import annotations

from enum import Enum

import numpy as np

from ..errors import InputError
from ..statistics.normality import LARGEST, SMALLEST, shapiro_wilk
from .step import Step, TableView, at_least_one


class DifferenceTest(Enum):
    """Which test of a difference."""

    BY_NORMALITY = "by-normality"
    """Welch's t-test where Shapiro-Wilk rejects neither class, otherwise Mann-Whitney."""
    T_TEST = "t-test"
    MANN_WHITNEY = "mann-whitney"


class ClassDifferenceFilter(Step):
    """Keep features with a two-sided p value below a threshold (song2021); the one with the least p if none has.

    Args:
        p_below: threshold, in (0, 1].
        test: which test.
        normality_p_below: Shapiro-Wilk p value below which a class is not taken for normal.

    After ``fit``: ``p_`` (p,), ``parametric_`` (p,) truths, and ``fell_back_``, true if no feature passed.

    Example:
        >>> x = np.array([[0.0, 1.0], [0.2, 3.0], [0.1, 2.0], [5.0, 2.1], [5.1, 1.0], [5.3, 3.1]])
        >>> ClassDifferenceFilter().fit(x, [0, 0, 0, 1, 1, 1]).get_support().tolist()
        [True, False]
    """

    needs_outcome = True
    p_: np.ndarray
    parametric_: np.ndarray
    fell_back_: bool

    def __init__(
        self,
        p_below: float = 0.05,
        test: DifferenceTest = DifferenceTest.BY_NORMALITY,
        normality_p_below: float = 0.05,
    ) -> None:
        self.p_below = p_below
        self.test = test
        self.normality_p_below = normality_p_below

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        if not 0 < self.p_below <= 1:
            raise InputError(f"p_below must lie above 0 and up to 1, not {self.p_below:g}")
        assert outcome is not None
        first, second = table.values[outcome == 0], table.values[outcome == 1]
        if min(len(first), len(second)) < 2:
            raise InputError(f"a test of a difference needs 2 cases of each class, got {len(first)} and {len(second)}")
        self.parametric_ = self._is_parametric(first, second)
        self.p_ = np.ones(len(table.names))
        for columns, test in ((self.parametric_, _welch), (~self.parametric_, _mann_whitney)):
            if columns.any():
                self.p_[columns] = test(first[:, columns], second[:, columns])
        self.p_ = np.where(np.isnan(self.p_), 1.0, self.p_)  # constant in both classes: no difference
        keep, self.fell_back_ = at_least_one(self.p_ < self.p_below, self.p_)
        return keep

    def _is_parametric(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        test = DifferenceTest(self.test)
        if test is not DifferenceTest.BY_NORMALITY:
            return np.full(first.shape[1], test is DifferenceTest.T_TEST)
        normal = np.ones(first.shape[1], bool)
        for values in (first, second):
            if len(values) < SMALLEST:  # too few to see that they are not normal, and too few to rank
                continue
            if len(values) > LARGEST:  # the ranks lose nothing there
                return np.zeros(first.shape[1], bool)
            normal &= (shapiro_wilk(values)[1] >= self.normality_p_below) & (np.ptp(values, axis=0) > 0)
        return normal


def _welch(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two-sided p of Welch's t-test of every column."""
    from scipy.special import stdtr

    n = np.array([len(first), len(second)])
    share = np.stack([part.var(axis=0, ddof=1) for part in (first, second)]) / n[:, np.newaxis]
    error = share.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (first.mean(axis=0) - second.mean(axis=0)) / np.sqrt(error)
        freedom = error**2 / (share**2 / (n[:, np.newaxis] - 1)).sum(axis=0)
    return 2 * stdtr(freedom, -np.abs(t))


def _mann_whitney(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two-sided p of the Mann-Whitney test of every column, normal approximation with ties and continuity."""
    from scipy.stats import mannwhitneyu

    varies = np.ptp(np.concatenate([first, second]), axis=0) > 0
    p = np.ones(first.shape[1])
    if varies.any():
        p[varies] = mannwhitneyu(first[:, varies], second[:, varies], axis=0, method="asymptotic").pvalue
    return p
