"""Minimum redundancy, maximum relevance: a few features that tell the classes apart and differ among themselves."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .correlation_filter import unit_columns
from .step import Step, TableView


class MrmrSelector(Step):
    """Take features one by one, each with the best relevance for its redundancy with those taken.

    Relevance is the F statistic of the two classes, redundancy the mean absolute Pearson correlation with the
    features taken so far.

    Args:
        count: features to take, at least 1; all if there are fewer.
        scheme: ``quotient`` (relevance / redundancy) or ``difference`` (both ranked on [0, 1] by the largest
            relevance).

    After ``fit``: ``order_``, the places of the features in the order taken; ``relevance_`` (p,).

    Reference: Ding C, Peng H. J Bioinform Comput Biol 2005;3:185-205 (FCQ and FCD).
    """

    needs_outcome = True
    order_: np.ndarray
    relevance_: np.ndarray

    def __init__(self, count: int = 10, scheme: str = "quotient") -> None:
        self.count = count
        self.scheme = scheme

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        assert outcome is not None
        if self.count < 1:
            raise InputError(f"count of mRMR must be at least 1 feature, not {self.count}")
        if self.scheme not in ("quotient", "difference"):
            raise InputError(f"mRMR scheme {self.scheme!r} is unknown; choose quotient or difference")
        self.relevance_ = f_statistic(table.values, outcome)
        unit = unit_columns(table.values, "pearson")
        redundancy = np.zeros(len(table.names))
        left = np.ones(len(table.names), bool)
        taken: list[int] = []
        while len(taken) < min(self.count, len(table.names)):
            score = self._score(redundancy / max(len(taken), 1), first=not taken)
            score[~left] = -np.inf
            best = int(np.argmax(score))
            taken.append(best)
            left[best] = False
            redundancy += np.abs(unit.T @ unit[:, best])
        self.order_ = np.array(taken)
        return ~left

    def _score(self, redundancy: np.ndarray, *, first: bool) -> np.ndarray:
        if first:
            return self.relevance_.copy()
        if self.scheme == "quotient":
            return self.relevance_ / np.maximum(redundancy, 1e-3)  # a floor, lest chance zeros decide
        return self.relevance_ / max(float(self.relevance_.max()), 1e-300) - redundancy


def f_statistic(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """F statistic (p,) of one-way analysis of variance of every column over two classes; 0 if it is constant."""
    groups = [values[outcome == value] for value in (0, 1)]
    mean = values.mean(axis=0)
    between = sum(len(group) * (group.mean(axis=0) - mean) ** 2 for group in groups)
    within = sum(((group - group.mean(axis=0)) ** 2).sum(axis=0) for group in groups) / (len(values) - 2)
    tiny = 1e-24 * np.maximum(np.abs(values).max(axis=0), 1e-300) ** 2
    varies = np.ptp(values, axis=0) ** 2 > tiny
    return np.where(varies, between / np.maximum(within, tiny), 0.0)
