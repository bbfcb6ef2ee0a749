"""Scaling to mean 0 and standard deviation 1 with the training cases' values."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .step import Step, TableView


class ZScore(Step):
    """Scale every feature with the mean and standard deviation of the training cases; drop constant features.

    After ``fit``: ``mean_`` and ``scale_`` (sample standard deviation) of the features that are left, and
    ``dropped_``, the names of those that are constant.

    Example:
        >>> ZScore().fit_transform(np.array([[1.0, 5.0], [3.0, 5.0]])).round(3).tolist()
        [[-0.707], [0.707]]
    """

    mean_: np.ndarray
    scale_: np.ndarray
    dropped_: tuple[str, ...]

    def __init__(self) -> None:
        pass

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        values = table.values
        if len(values) < 2:
            raise InputError("scaling needs at least 2 cases, got 1")
        mean, scale = values.mean(axis=0), values.std(axis=0, ddof=1)
        varies = scale > 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300)
        if not varies.any():
            raise InputError(f"all {len(varies)} features are constant over {len(values)} cases; nothing can be learnt")
        self.mean_, self.scale_ = mean[varies], scale[varies]
        self.dropped_ = tuple(name for name, kept in zip(table.names, varies, strict=True) if not kept)
        return varies

    def _values(self, values: np.ndarray) -> np.ndarray:
        return (values[:, self.kept_] - self.mean_) / self.scale_
