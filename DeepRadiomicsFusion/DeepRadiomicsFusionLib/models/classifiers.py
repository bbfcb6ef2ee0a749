"""The seven classifiers of zhang2024, each with a small stated grid, tuned in inner folds after selection in them."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.logistic_fit import fit_logistic

from ..tables.samples import Samples, matrix
from .selection_plan import Selected, SelectionPlan
from .workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import ClassifierMixin

GridValue: TypeAlias = float | str

RANDOM_FOREST_TREES = 100


@dataclass(frozen=True)
class ClassifierKind:
    """One kind of classifier.

    Attributes:
        label: name for people.
        make: makes an unfitted scikit-learn classifier from a seed and one point of the grid.
        grid: parameter to values, the simpler model first; ties go to the first.
    """

    label: str
    make: Callable[..., ClassifierMixin]
    grid: Mapping[str, tuple[GridValue, ...]]

    def points(self) -> Iterator[dict[str, GridValue]]:
        """All points of the grid."""
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))


def _logistic(seed: int, C: float) -> ClassifierMixin:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=5000)


def _svm(seed: int, kernel: str, C: float) -> ClassifierMixin:
    from sklearn.svm import SVC

    return SVC(kernel=kernel, C=C)


def _neighbours(seed: int, n_neighbors: int) -> ClassifierMixin:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=n_neighbors, algorithm="brute")  # a tree needs more trust when loaded


def _forest(seed: int, min_samples_leaf: int) -> ClassifierMixin:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(RANDOM_FOREST_TREES, min_samples_leaf=min_samples_leaf, random_state=seed, n_jobs=1)


def _bayes(seed: int, var_smoothing: float) -> ClassifierMixin:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=var_smoothing)


def _discriminant(seed: int, shrinkage: float | str) -> ClassifierMixin:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)


def _perceptron(seed: int, alpha: float) -> ClassifierMixin:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((8,), alpha=alpha, solver="lbfgs", max_iter=200, random_state=seed)


CLASSIFIERS: Mapping[str, ClassifierKind] = {
    "lr": ClassifierKind("logistic regression", _logistic, {"C": (0.01, 0.1, 1.0, 10.0)}),
    "svm": ClassifierKind("support vector machine", _svm, {"kernel": ("linear", "rbf"), "C": (0.1, 1.0, 10.0)}),
    "knn": ClassifierKind("nearest neighbours", _neighbours, {"n_neighbors": (11, 7, 5, 3)}),
    "rf": ClassifierKind("random forest", _forest, {"min_samples_leaf": (5, 1)}),
    "nb": ClassifierKind("naive Bayes", _bayes, {"var_smoothing": (1e-1, 1e-9)}),
    "lda": ClassifierKind("linear discriminant analysis", _discriminant, {"shrinkage": ("auto", 0.5, 0.1)}),
    "mlp": ClassifierKind("multilayer perceptron", _perceptron, {"alpha": (10.0, 1.0, 0.1)}),
}


@dataclass(frozen=True)
class ClassifierModel:
    """A fitted classifier with all that comes before it.

    Attributes:
        kind: key of ``CLASSIFIERS``.
        selected: features, and how they are scaled.
        classifier: fitted scikit-learn classifier of the scaled features.
        parameters: the point of the grid that was chosen.
        platt: (slope, intercept) from the decision function to log odds; None where the classifier has
            probabilities of its own.
        inner_auc: mean AUC over the inner folds at the chosen point.
    """

    kind: str
    selected: Selected
    classifier: ClassifierMixin
    parameters: Mapping[str, GridValue]
    platt: tuple[float, float] | None
    inner_auc: float

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the model needs."""
        return self.selected.features

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome.

        Raises:
            ModelError: features are missing or NaN.
        """
        values = matrix(table, self.selected.features)
        scores = class_scores(self.classifier, (values - self.selected.centre) / self.selected.scale)
        if self.platt is None:
            return scores
        from scipy.special import expit

        return expit(self.platt[0] * scores + self.platt[1])


@dataclass(frozen=True)
class TunedClassifier:
    """Selection, then one classifier whose grid point has the best mean AUC over inner folds.

    The selection is fitted anew in every inner fold. A support vector machine gets probabilities by Platt's
    scaling of its inner folds' decision values.

    Args:
        kind: key of ``CLASSIFIERS``.
        plan: scaling and selection.
        inner_folds: at least 2; fewer are used where a class has fewer cases.
    """

    kind: str
    plan: SelectionPlan
    inner_folds: int = 5

    def __post_init__(self) -> None:
        classifier_kind(self.kind)
        if self.inner_folds < 2:
            raise InputError(f"inner_folds must be at least 2, not {self.inner_folds}")

    def fit(self, samples: Samples, workspace: Workspace) -> ClassifierModel:
        """Tune and fit.

        Raises:
            InputError: too few cases, one class only.
            ModelError: no point of the grid can be fitted.
        """
        kind, seed = CLASSIFIERS[self.kind], workspace.seed
        parts = self._inner_parts(samples, workspace)
        best_auc, best_point, best_scores = -np.inf, None, np.empty(0)
        for point in kind.points():
            neighbours = point.get("n_neighbors", 0)
            if isinstance(neighbours, int) and neighbours > min(len(part.training_outcome) for part in parts):
                continue
            scores, mean_auc = _inner_scores(kind, seed, point, parts, len(samples))
            if mean_auc > best_auc + 1e-12:
                best_auc, best_point, best_scores = mean_auc, point, scores
        if best_point is None:
            raise ModelError(f"{len(samples)} cases are too few for {kind.label}")
        selected = workspace.selected(self.plan, samples)
        classifier = _fitted(kind, seed, best_point, scaled(samples, selected), samples.outcome)
        platt = None if hasattr(classifier, "predict_proba") else platt_scaling(best_scores, samples.outcome)
        return ClassifierModel(self.kind, selected, classifier, best_point, platt, float(best_auc))

    def _inner_parts(self, samples: Samples, workspace: Workspace) -> list[_InnerPart]:
        parts = []
        for training, test in workspace.inner_splits(samples, self.inner_folds):
            inner = samples.rows(training)
            selected = workspace.selected(self.plan, inner)
            outer = samples.rows(test)
            parts.append(
                _InnerPart(scaled(inner, selected), inner.outcome, scaled(outer, selected), outer.outcome, test)
            )
        return parts


@dataclass(frozen=True)
class BestOfClassifiers:
    """The classifier with the best mean AUC over the inner folds, chosen anew in every training part.

    Its cross-validated AUC counts the choice among several in, which the best AUC of a table of classifiers does
    not.
    """

    choices: tuple[TunedClassifier, ...]

    def fit(self, samples: Samples, workspace: Workspace) -> ClassifierModel:
        """Fit all, return the best.

        Raises:
            InputError, ModelError: as :meth:`TunedClassifier.fit`.
        """
        return max((workspace.fitted(choice, samples) for choice in self.choices), key=lambda model: model.inner_auc)


def classifier_kind(name: str) -> ClassifierKind:
    """The kind of that name.

    Raises:
        InputError: unknown.
    """
    if name not in CLASSIFIERS:
        raise InputError(f"classifier {name!r} is unknown; choose from {', '.join(CLASSIFIERS)}")
    return CLASSIFIERS[name]


def tuned_classifiers(
    plan: SelectionPlan, kinds: Sequence[str] = tuple(CLASSIFIERS), inner_folds: int = 5
) -> dict[str, TunedClassifier]:
    """One tuned classifier of each kind, sharing the plan (and, in a workspace, its fits)."""
    return {kind: TunedClassifier(kind, plan, inner_folds) for kind in kinds}


def class_scores(classifier: ClassifierMixin, values: np.ndarray) -> np.ndarray:
    """Probability of class 1, or the decision function where there is none, (n,)."""
    if hasattr(classifier, "predict_proba"):
        return classifier.predict_proba(values)[:, 1]
    return classifier.decision_function(values)


def platt_scaling(scores: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    """Slope and intercept from decision values (n,) to log odds, with Platt's softened targets.

    Reference: Platt J. In: Advances in Large Margin Classifiers, 1999, 61-74.
    """
    positives = int(outcome.sum())
    negatives = len(outcome) - positives
    target = np.where(outcome == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # The weak ridge only matters where all decision values are the same.
    fit = fit_logistic(scores[:, np.newaxis], target, ridge=1e-6)
    return float(fit.coefficients[0]), fit.intercept


def scaled(samples: Samples, selected: Selected) -> np.ndarray:
    """Selected features of samples, scaled, (n, p)."""
    return (matrix(samples.table, selected.features) - selected.centre) / selected.scale


@dataclass(frozen=True)
class _InnerPart:
    training: np.ndarray
    training_outcome: np.ndarray
    test: np.ndarray
    test_outcome: np.ndarray
    rows: np.ndarray


def _inner_scores(
    kind: ClassifierKind, seed: int, point: Mapping[str, GridValue], parts: Sequence[_InnerPart], cases: int
) -> tuple[np.ndarray, float]:
    scores, aucs = np.empty(cases), []
    for part in parts:
        classifier = _fitted(kind, seed, point, part.training, part.training_outcome)
        scores[part.rows] = class_scores(classifier, part.test)
        aucs.append(quick_auc(part.test_outcome, scores[part.rows]))
    return scores, float(np.mean(aucs))


def _fitted(
    kind: ClassifierKind, seed: int, point: Mapping[str, GridValue], values: np.ndarray, outcome: np.ndarray
) -> ClassifierMixin:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # A perceptron stopped at its step limit is a valid, slightly smoother one; the grid decides on its worth.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind.make(seed, **point).fit(values, outcome)


def quick_auc(outcome: np.ndarray, score: np.ndarray) -> float:
    """AUC without an interval; the checks of ``roc.auc`` are left out because it runs thousands of times."""
    from scipy.stats import rankdata

    positive = outcome == 1
    count = int(positive.sum())
    ranks = rankdata(score)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(outcome) - count)))
