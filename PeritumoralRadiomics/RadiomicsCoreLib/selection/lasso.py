"""Keeps the features that a LASSO logistic model takes up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..errors import InputError
from ..statistics.lasso_logistic import LassoFit, LassoSettings, first_with_a_feature, fit_lasso_logistic
from ..statistics.penalised_path import LambdaChoice
from ..statistics.stratified_folds import grouped_folds
from .step import Step, TableView


class LassoSelector(Step):
    """Keep the features with a coefficient other than 0 in a cross-validated LASSO logistic model.

    Where the penalty of the least deviance leaves no feature, the largest penalty that leaves one is taken.

    Args:
        choice: ``min`` (least cross-validated deviance) or ``1se``.
        folds: of the cross-validation inside the training cases.
        seed: of its folds.
        largest: most features to keep, those with the largest standardised coefficients; None keeps all.
        lambda_count: penalties of the path.

    After ``fit``: ``coefficients_`` (p,) and ``intercept_`` on the scale of the table given to ``fit``,
    ``penalty_``, ``fell_back_`` and ``fit_`` (the whole path).

    Example:
        >>> x = np.random.default_rng(0).standard_normal((60, 4))
        >>> LassoSelector(largest=1).fit(x, x[:, 2] > 0).get_support().tolist()
        [False, False, True, False]
    """

    needs_outcome = True
    coefficients_: np.ndarray
    intercept_: float
    penalty_: float
    fell_back_: bool
    fit_: LassoFit
    _groups: tuple[str, ...] | None = None

    def __init__(
        self,
        choice: LambdaChoice | str = LambdaChoice.MINIMUM,
        folds: int = 10,
        seed: int = 0,
        largest: int | None = None,
        lambda_count: int = 100,
    ) -> None:
        self.choice = choice
        self.folds = folds
        self.seed = seed
        self.largest = largest
        self.lambda_count = lambda_count

    def fit(self, X: Any, y: Any = None, groups: Sequence[str] | None = None) -> Self:
        """Learn from training data; the penalty is judged by groups, such as patients, that its fold has not seen.

        Args:
            X, y: as :meth:`Step.fit`.
            groups: (n,) whose cases these are; None: each is a group of its own.
        """
        self._groups = None if groups is None else tuple(groups)
        return super().fit(X, y)

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        assert outcome is not None
        if self.largest is not None and self.largest < 1:
            raise InputError(f"largest must be at least 1 feature, not {self.largest}")
        choice = LambdaChoice(self.choice)
        settings = LassoSettings(folds=self.folds, seed=self.seed, choice=choice, lambda_count=self.lambda_count)
        groups = self._groups or tuple(map(str, range(len(outcome))))
        fold_of = grouped_folds(outcome, groups, self.folds, self.seed, smallest=3)
        self.fit_ = fit_lasso_logistic(table.values, outcome, settings, fold_of=fold_of)
        place = first_with_a_feature(self.fit_.path, self.fit_.place)
        self.fell_back_ = place != self.fit_.place
        self.coefficients_ = self.fit_.path.coefficients[place]
        self.intercept_ = float(self.fit_.path.intercepts[place])
        self.penalty_ = float(self.fit_.path.lambdas[place])
        keep = self.coefficients_ != 0
        if self.largest is not None and keep.sum() > self.largest:
            strength = np.abs(self.coefficients_) * table.values.std(axis=0)
            keep = np.isin(np.arange(len(keep)), np.argsort(-strength, kind="stable")[: self.largest])
        return keep
