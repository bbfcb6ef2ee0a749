"""What the models of one training part share: seed, inner folds, and fits that several of them need."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from RadiomicsCoreLib.statistics.stratified_folds import grouped_folds

from ..tables.samples import Samples

if TYPE_CHECKING:
    import pandas as pd

    from .selection_plan import Selected, SelectionPlan


T = TypeVar("T")


class Model(Protocol):
    """Something fitted."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that it needs."""

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome."""


class Learner(Protocol):
    """Something that can be fitted on a training part, and sees nothing else."""

    def fit(self, samples: Samples, workspace: Workspace) -> Any:
        """Return a fitted :class:`Model`."""


class Workspace:
    """Remembers what was fitted on the cases of one training part, so that seven classifiers select once.

    Args:
        seed: of inner folds and of classifiers.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._known: dict[tuple[object, ...], tuple[object, Any]] = {}

    def selected(self, plan: SelectionPlan, samples: Samples) -> Selected:
        """The plan, fitted on these samples."""
        return self._once(plan, samples, lambda: plan.fit(samples))

    def fitted(self, learner: Learner, samples: Samples) -> Any:
        """The learner, fitted on these samples."""
        return self._once(learner, samples, lambda: learner.fit(samples, self))

    def inner_splits(self, samples: Samples, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Places of training and test cases of every inner fold, the same for all who ask."""
        fold_of = patient_folds(samples, folds, self.seed, smallest=2)
        return [(np.flatnonzero(fold_of != k), np.flatnonzero(fold_of == k)) for k in np.unique(fold_of)]

    def inner_predictions(self, learner: Learner, samples: Samples, folds: int) -> np.ndarray:
        """Probability (n,) of every case by a learner fitted without the case's inner fold."""

        def predict() -> np.ndarray:
            chance = np.empty(len(samples))
            for training, test in self.inner_splits(samples, folds):
                model = self.fitted(learner, samples.rows(training))
                chance[test] = model.predict(samples.rows(test).table)
            return chance

        return self._once((learner, folds), samples, predict)

    def _once(self, what: object, samples: Samples, make: Callable[[], T]) -> T:
        parts = what if isinstance(what, tuple) else (what,)
        # By identity: learners hold arrays, which have no hash. They are kept in the value, so that no other
        # object can take their place in memory.
        key = (*(part if isinstance(part, int) else id(part) for part in parts), samples.key)
        if key not in self._known:
            self._known[key] = (what, make())
        return self._known[key][1]


def patient_folds(samples: Samples, folds: int, seed: int, *, smallest: int | None = None) -> np.ndarray:
    """Stratified folds (n,) that keep a patient's cases together.

    Args:
        samples: cases.
        folds: number of folds.
        seed: of the random order.
        smallest: see :func:`~RadiomicsCoreLib.statistics.stratified_folds.stratified_folds`.

    Raises:
        InputError: too few patients of a class.
    """
    return grouped_folds(samples.outcome, samples.patients, folds, seed, smallest=smallest)
