"""Repeated stratified cross-validation of whole modelling procedures, nested by construction.

A learner sees the training part only: scaling, filters, selection, tuning, the choice of a classifier or of a ring
size are all made inside it, with inner folds of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.blas_threads import single_blas_thread
from RadiomicsCoreLib.errors import InputError, ModelError, RadiomicsError
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.statistics.roc import AucComparison, youden_threshold

from ..tables.samples import Samples
from .classifiers import quick_auc
from .selection_plan import GROUP
from .workspace import Learner, Model, Workspace, patient_folds

if TYPE_CHECKING:
    import pandas as pd


OUT_OF_FOLD = "training, out of fold"
"""Which patients a cross-validated figure was measured on, for tables."""


@dataclass(frozen=True)
class CrossValidationSettings:
    """How often and into how many parts the cases are dealt.

    Args:
        folds: outer folds, at least 2.
        repeats: repeats with other folds, at least 1.
        seed: 0 or more; the same seed gives the same result, however many processes there are.

    Example:
        >>> CrossValidationSettings(folds=3).repeats
        10
    """

    folds: int = option("parts of the cross-validation", 5, group=GROUP)
    repeats: int = option("of the cross-validation, with other folds", 10, group=GROUP)
    seed: int = option("of folds, tuning and sampling", 0, group=GROUP)

    def __post_init__(self) -> None:
        for name, least in (("folds", 2), ("repeats", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, not {getattr(self, name)}")


@dataclass(frozen=True)
class MeanAuc:
    """Mean AUC of the test folds, with the corrected resampled interval.

    Attributes:
        value: mean over all folds of all repeats.
        standard_error: Nadeau and Bengio's, ``sqrt((1/J + n_test/n_train) * variance)``.
        lower, upper: 95 % interval, t with J - 1 degrees of freedom, cut at 0 and 1.
    """

    value: float
    standard_error: float
    lower: float
    upper: float


@dataclass(frozen=True)
class LearnerResult:
    """One learner's cross-validation.

    Attributes:
        probability: (repeats, n) of every case by the model that did not see it.
        fold_aucs: (repeats, folds) AUC of each test fold.
        models: fitted models, repeats x folds, in order.
        outcome: (n,).
        test_share: test cases for one training case.
    """

    probability: np.ndarray
    fold_aucs: np.ndarray
    models: tuple[Model, ...]
    outcome: np.ndarray
    test_share: float

    @property
    def pooled(self) -> np.ndarray:
        """(n,) out-of-fold probability: each case's mean over the repeats."""
        return self.probability.mean(axis=0)

    @property
    def mean_auc(self) -> MeanAuc:
        """Mean AUC of the test folds."""
        return corrected_mean(self.fold_aucs.ravel(), self.test_share)

    @property
    def ensemble(self) -> MeanOfModels:
        """The mean of the fold models, for cases that none of them saw (song2021)."""
        return MeanOfModels(self.models)

    @property
    def threshold(self) -> float:
        """Threshold of the best Youden index on the pooled out-of-fold probabilities of the training cases."""
        return youden_threshold(self.outcome, self.pooled)


@dataclass(frozen=True)
class CrossValidationResult:
    """Cross-validation of several learners in the same folds.

    Attributes:
        learners: by name, those that could be fitted in every fold.
        fold_of: (repeats, n) test fold of every case.
        case_ids: (n,).
        outcome: (n,).
        settings: as run.
        failed: the other learners, with the reason and the fold.
    """

    learners: Mapping[str, LearnerResult]
    fold_of: np.ndarray
    case_ids: tuple[str, ...]
    outcome: np.ndarray
    settings: CrossValidationSettings
    failed: Mapping[str, str] = field(default_factory=dict)

    def best(self, among: Sequence[str] | None = None) -> str:
        """The learner with the highest mean AUC of the test folds; the first one where several tie.

        The AUC of the best of several is too high by the choice; ``BestOfClassifiers`` as a learner is not.
        """
        names = list(self.learners if among is None else among)
        return max(names, key=lambda name: self.learners[name].mean_auc.value)


@dataclass(frozen=True)
class MeanOfModels:
    """Predicts the mean probability of several models (song2021: external cases by the mean of fold models)."""

    models: tuple[Model, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all features that any model needs."""
        return tuple(dict.fromkeys(name for model in self.models for name in model.features))

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome.

        Raises:
            ModelError: features are missing or NaN.
        """
        return np.mean([model.predict(table) for model in self.models], axis=0)


def cross_validate(
    learners: Mapping[str, Learner],
    samples: Samples,
    settings: CrossValidationSettings | None = None,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> CrossValidationResult:
    """Cross-validate learners in the same repeated stratified folds.

    Args:
        learners: by name.
        samples: training cases; a patient's cases stay in one fold.
        settings: folds, repeats, seed.
        workers: processes, at least 1; no number depends on it.
        progress: told after each fold.

    Raises:
        InputError: no learner, or too few cases of a class for the folds.
        InputError, ModelError: no learner can be fitted in every fold; one that cannot is left out with its reason.

    Reference: Varma S, Simon R. BMC Bioinformatics 2006;7:91 (nested cross-validation).
    """
    settings = settings or CrossValidationSettings()
    if not learners:
        raise InputError("no model to cross-validate; give at least one")
    fold_of = np.stack([patient_folds(samples, settings.folds, settings.seed + r) for r in range(settings.repeats)])
    splits = [(repeat, fold) for repeat in range(settings.repeats) for fold in range(settings.folds)]
    for repeat, fold in splits:
        _check_split(samples, fold_of[repeat] == fold, settings)
    shape = (settings.repeats, len(samples))
    chance = {name: np.full(shape, np.nan) for name in learners}
    models: dict[str, list[Model]] = {name: [] for name in learners}
    failed: dict[str, str] = {}
    tasks = [(learners, samples, fold_of[r] == k, _seed(settings.seed, r, k)) for r, k in splits]
    for done, (repeat, fold) in enumerate(splits):
        if done == 0:
            progress(0.0, f"cross-validation of {len(learners)} models")
            results = _run(tasks, workers)
        one = next(results)
        for name, error in one.failed.items():
            failed.setdefault(name, f"{error} (repeat {repeat + 1}, fold {fold + 1})")
            if len(failed) == len(learners):
                raise type(error)(f"no model can be fitted; {next(iter(failed))}: {next(iter(failed.values()))}")
        for name, model in one.models.items():
            models[name].append(model)
            chance[name][repeat, fold_of[repeat] == fold] = one.chances[name]
        progress((done + 1) / len(splits), f"repeat {repeat + 1} of {settings.repeats}, fold {fold + 1}")
    share = 1 / (settings.folds - 1)
    found = {
        name: LearnerResult(
            chance[name],
            _fold_aucs(chance[name], fold_of, samples.outcome),
            tuple(models[name]),
            samples.outcome,
            share,
        )
        for name in learners
        if name not in failed
    }
    return CrossValidationResult(
        found, fold_of, tuple(str(case) for case in samples.table.index), samples.outcome, settings, failed
    )


def corrected_mean(values: np.ndarray, test_share: float) -> MeanAuc:
    """Mean of scores of overlapping training sets with Nadeau and Bengio's interval.

    Args:
        values: (J,) scores of test folds.
        test_share: test cases for one training case.

    Example:
        >>> round(corrected_mean(np.array([0.7, 0.8, 0.9]), 0.5).standard_error, 6)
        0.091287

    Reference: Nadeau C, Bengio Y. Mach Learn 2003;52:239-281.
    """
    from scipy.stats import t

    values = np.asarray(values, float)
    mean = float(values.mean())
    if len(values) < 2:
        return MeanAuc(mean, float("nan"), float("nan"), float("nan"))
    error = float(np.sqrt((1 / len(values) + test_share) * values.var(ddof=1)))
    half = float(t.ppf(0.975, len(values) - 1)) * error
    return MeanAuc(mean, error, max(0.0, mean - half), min(1.0, mean + half))


def compare_folds(first: LearnerResult, second: LearnerResult) -> AucComparison:
    """Test whether two learners of one cross-validation differ in AUC, fold by fold.

    DeLong's test of their pooled probabilities takes cases as independent, but folds share training cases. Here the
    variance of the folds' differences is corrected for that (the corrected resampled t test).

    Returns:
        First mean AUC minus second; ``z`` is the t statistic with J - 1 degrees of freedom, NaN for one fold alone.

    Reference: Nadeau C, Bengio Y. Mach Learn 2003;52:239-281.
    """
    from scipy.stats import t

    differences = (first.fold_aucs - second.fold_aucs).ravel()
    mean = corrected_mean(differences, first.test_share)
    difference, error = float(differences.mean()), mean.standard_error
    freedom = len(differences) - 1
    if not error > 0:  # the same in every fold, or one fold alone
        p = float("nan") if np.isnan(error) else float(difference == 0)
        return AucComparison(difference, 0.0 if difference == 0 else float("nan"), p, difference, difference)
    half = float(t.ppf(0.975, freedom)) * error
    statistic = difference / error
    return AucComparison(
        difference, statistic, float(2 * t.sf(abs(statistic), freedom)), difference - half, difference + half
    )


def fit_once(learner: Learner, samples: Samples, seed: int = 0) -> Any:
    """Fit a learner on all samples."""
    with single_blas_thread():
        return Workspace(seed).fitted(learner, samples)


@dataclass(frozen=True)
class _OneSplit:
    """What one fold gave: models and test probabilities by learner, and why a learner gave none."""

    models: Mapping[str, Model]
    chances: Mapping[str, np.ndarray]
    failed: Mapping[str, RadiomicsError]


def _run(tasks: list[tuple[Mapping[str, Learner], Samples, np.ndarray, int]], workers: int) -> Iterator[_OneSplit]:
    if workers == 1:
        return (_one_split(*task) for task in tasks)
    from joblib import Parallel, delayed

    return Parallel(n_jobs=workers, return_as="generator")(delayed(_one_split)(*task) for task in tasks)


def _one_split(learners: Mapping[str, Learner], samples: Samples, is_test: np.ndarray, seed: int) -> _OneSplit:
    training, test = samples.rows(np.flatnonzero(~is_test)), samples.rows(np.flatnonzero(is_test))
    workspace = Workspace(seed)
    models: dict[str, Model] = {}
    chances: dict[str, np.ndarray] = {}
    failed: dict[str, RadiomicsError] = {}
    with single_blas_thread():
        for name, learner in learners.items():
            try:
                models[name] = workspace.fitted(learner, training)
                chances[name] = models[name].predict(test.table)
            except (InputError, ModelError) as error:  # too few cases for its inner folds, or no solution
                failed[name] = error
    return _OneSplit(models, chances, failed)


def _check_split(samples: Samples, is_test: np.ndarray, settings: CrossValidationSettings) -> None:
    for part, name in ((samples.outcome[~is_test], "training"), (samples.outcome[is_test], "test")):
        for value in (0, 1):
            if not (part == value).any():
                raise InputError(
                    f"with {settings.folds} folds a {name} part has no case with outcome {value}; take fewer folds"
                )


def _seed(seed: int, repeat: int, fold: int) -> int:
    return int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0])


def _fold_aucs(chance: np.ndarray, fold_of: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    return np.array(
        [
            [quick_auc(outcome[folds == k], row[folds == k]) for k in np.unique(folds)]
            for row, folds in zip(chance, fold_of, strict=True)
        ]
    )
