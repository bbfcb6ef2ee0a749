"""Bootstrap intervals and optimism: the whole modelling step is done again on every resample, or fold by fold.

The result depends on the seed alone, not on the number of processes: every resample has its own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..estimation.outcome_checks import check_outcome
from ..estimation.partial_likelihood import hazard_increments, maximise
from ..estimation.relative_hazard import relative_hazard
from ..estimation.risk_sets import risk_sets
from .concordance import harrell_c

T = TypeVar("T")
Item = TypeVar("Item")

Refit = Callable[[np.ndarray], np.ndarray]
"""Takes rows of training patients (repeats allowed), does every modelling step on them alone, and returns the
prediction (n, ...) for all n patients of the cohort."""

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray | float]
"""Takes rows of patients and their predictions, returns a number or an array of numbers."""


@dataclass(frozen=True)
class BootstrapSettings:
    """How to resample.

    Args:
        repeats: number of resamples.
        seed: of the resampling.
        workers: processes at a time.
    """

    repeats: int = 1000
    seed: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        for name in ("repeats", "workers"):
            if int(getattr(self, name)) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; give a whole number of 1 or more")


DEFAULT_BOOTSTRAP = BootstrapSettings()


FEWEST_FOR_PERCENTILES = 200
"""With fewer resamples the outer 2.5 % are five values or fewer: no percentile interval is given."""


PERCENTILES: Final = "weibull"
"""numpy's name of the quantile that gives the k-th of B values the share k / (B + 1): with the usual one the ends of an
interval of 200 resamples lie at 3 % and 97 % of a new value's distribution."""
FOLDS = 10
RESAMPLES_A_PARTITION = 40
"""Cross-validation costs a fit for every four resamples; a partition into folds is made for every so many of them."""


def too_few_for_interval(repeats: int) -> str:
    """Say why there is no percentile interval; empty where there is one.

    Example:
        >>> too_few_for_interval(200), too_few_for_interval(50)[:14]
        ('', '50 resamples h')
    """
    if repeats >= FEWEST_FOR_PERCENTILES:
        return ""
    return (
        f"{repeats} resamples have no percentiles to read a 95 % interval from: it is left empty; "
        f"take {FEWEST_FOR_PERCENTILES} or more"
    )


@dataclass(frozen=True)
class OptimismResult:
    """Optimism of a statistic, element by element.

    Attributes:
        apparent: the statistic on the patients that the model was fitted on.
        optimism: apparent - corrected. Without selection the mean of (statistic on the resample - statistic on the
            cohort) over the refitted models.
        corrected: the statistic that new patients are expected to give.
        used: resamples on which the model could be fitted and the statistic has a value.
        repeats: resamples drawn.
        failures: reasons of those on which the model could not be fitted, with their numbers.
        lower, upper: 95 % interval of ``corrected``; NaN with fewer than FEWEST_FOR_PERCENTILES resamples, or where
            fewer than half of them have a value.
        nulls: resamples in which the modelling step chose nothing; they count as a model without covariates.
    """

    apparent: np.ndarray
    optimism: np.ndarray
    corrected: np.ndarray
    used: np.ndarray
    repeats: int
    failures: dict[str, int]
    lower: np.ndarray
    upper: np.ndarray
    nulls: int = 0


def cross_partitions(event: np.ndarray, settings: BootstrapSettings) -> tuple[np.ndarray, ...]:
    """Random folds of all patients, (n,) each, with equal shares of events; none where there are fewer than 2 events.

    Example:
        >>> first, *_ = cross_partitions(np.array([1, 0] * 20), BootstrapSettings(80))
        >>> np.bincount(first).tolist()
        [4, 4, 4, 4, 4, 4, 4, 4, 4, 4]
    """
    event = np.asarray(event)
    count = min(FOLDS, int(event.sum()))
    if count < 2:
        return ()
    rng = np.random.default_rng((settings.seed, FOLDS))
    partitions = []
    for _ in range(max(1, round(settings.repeats / RESAMPLES_A_PARTITION))):
        shuffled = rng.permutation(len(event))
        shuffled = shuffled[np.argsort(event[shuffled], kind="stable")]
        fold_of = np.empty(len(event), int)
        fold_of[shuffled] = np.arange(len(event)) % count
        partitions.append(fold_of)
    return tuple(partitions)


def optimism(
    refit: Refit,
    statistic: Statistic,
    n: int,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    progress: Progress = no_progress,
    *,
    partitions: Sequence[np.ndarray] = (),
    on_logit: bool = False,
    confidence: float = 0.95,
) -> OptimismResult:
    """Estimate how much better a model looks on its own training patients than on others.

    Harrell's optimism tests a resample's model on the whole cohort, two thirds of which it has seen. Where the
    modelling step selects, that leaves a share of the optimism in, and so does the .632+ estimate, whose weight is
    chosen by the same noise (bench_intervals.py null). With ``partitions`` the corrected figure is that of repeated
    cross-validation, and the resamples give its spread alone.

    Args:
        refit: the whole modelling step; selection and tuning belong into it.
        statistic: measure of the predictions; NaN where it has no value.
        n: number of patients.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.
        partitions: folds of :func:`cross_partitions`; none: Harrell's optimism.
        on_logit: the statistic is a share such as C, whose spread grows as it falls towards one half: it is moved on
            the logit.
        confidence: level of the interval: the spread of the refitted statistic over the resamples, moved to the
            corrected value.

    Raises:
        ModelError: the model could be fitted on fewer than half of the resamples, or in no fold.

    Reference:
        Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361. Noma H et al. Stat Med 2021;40:5691, algorithm 1
        (location-shifted interval).
    """
    everyone = np.arange(n)
    apparent = np.asarray(statistic(everyone, refit(everyone)), float)

    def one(rng: np.random.Generator) -> _Resampled:
        rows = rng.integers(0, n, n)
        prediction = refit(rows)
        on_resample = np.asarray(statistic(rows, prediction[rows]), float)
        on_cohort = np.asarray(statistic(everyone, prediction), float)
        is_null = bool((np.ptp(prediction, axis=0) <= 0).all()) if len(prediction) else True
        return _Resampled(on_resample, on_cohort, is_null)

    found, failures = resample(one, settings, part_of(progress, 0.0, 0.8) if len(partitions) else progress)
    if len(found) < settings.repeats / 2:
        raise ModelError(
            f"the model could be fitted on {len(found)} of {settings.repeats} resamples only "
            f"({max(failures, key=failures.__getitem__)}); use fewer covariates"
        )
    on_resample = np.stack([each.on_resample for each in found])
    differences = on_resample - np.stack([each.on_cohort for each in found])
    corrected = apparent - _mean(differences)
    if len(partitions):
        corrected = _cross_validated(refit, statistic, partitions, settings, part_of(progress, 0.8, 1.0))
    if too_few_for_interval(settings.repeats):
        lower = upper = np.full(corrected.shape, np.nan)
    else:
        lower, upper = _moved_interval(on_resample, corrected, confidence, on_logit)
    return OptimismResult(
        apparent,
        apparent - corrected,
        corrected,
        np.isfinite(differences).sum(axis=0),
        settings.repeats,
        failures,
        lower,
        upper,
        sum(each.is_null for each in found),
    )


@dataclass(frozen=True)
class _Resampled:
    """One resample's model: its statistic on the resample and on the cohort."""

    on_resample: np.ndarray
    on_cohort: np.ndarray
    is_null: bool


def _cross_validated(
    refit: Refit,
    statistic: Statistic,
    partitions: Sequence[np.ndarray],
    settings: BootstrapSettings,
    progress: Progress,
) -> np.ndarray:
    """Mean over partitions of the statistic of predictions that every patient has from the models of other folds."""

    def of_fold(item: tuple[np.ndarray, int]) -> tuple[np.ndarray, np.ndarray]:
        fold_of, fold = item
        mine = np.flatnonzero(fold_of == fold)
        return mine, refit(np.flatnonzero(fold_of != fold))[mine]

    values: list[np.ndarray] = []
    reasons: list[str] = []
    for k, fold_of in enumerate(partitions):
        folds = [(fold_of, int(fold)) for fold in np.unique(fold_of)]
        found = [each for batch in _run_batches(of_fold, [[f] for f in folds], settings.workers) for each in batch]
        reasons += [each for each in found if isinstance(each, str)]
        fitted = [each for each in found if not isinstance(each, str)]
        if fitted:
            rows = np.concatenate([mine for mine, _ in fitted])
            values.append(np.asarray(statistic(rows, np.concatenate([part for _, part in fitted])), float))
        progress((k + 1) / len(partitions), f"cross-validation {k + 1} of {len(partitions)}")
    if not values:
        raise ModelError(f"the model could be fitted in no fold of the cross-validation ({reasons[0]})")
    return _mean(np.stack(values))


def each_item(
    one: Callable[[Item], T], items: Sequence[Item], workers: int, progress: Progress = no_progress
) -> list[T]:
    """Call ``one(item)``, which raises nothing, for every item; the results in their order."""
    results: list[T] = []
    for batch in _run_batches(one, [[item] for item in items], workers):
        results += [each for each in batch if not isinstance(each, str)]
        progress(len(results) / len(items), f"fold {len(results)} of {len(items)}")
    return results


def cross_rows(partitions: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Rows that :func:`optimism` refits for these partitions, one array a fold."""
    return [np.flatnonzero(fold_of != fold) for fold_of in partitions for fold in np.unique(fold_of)]


def _mean(values: np.ndarray) -> np.ndarray:
    used = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.asarray(np.divide(total, used, out=np.full(total.shape, np.nan), where=used > 0))


def _moved_interval(
    replicates: np.ndarray, centre: np.ndarray, confidence: float, on_logit: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles (element by element) of replicates that are moved to have their mean at ``centre``."""
    if on_logit:
        low, high = _moved_interval(_logit(replicates), _logit(centre), confidence, False)
        return 1 / (1 + np.exp(-low)), 1 / (1 + np.exp(-high))
    used = np.isfinite(replicates).sum(axis=0)
    moved = replicates - _mean(replicates) + centre
    tail = (1 - confidence) / 2
    enough = (used >= len(replicates) / 2) & np.isfinite(centre)
    filled = np.where(enough, moved, 0.0)
    low, high = np.nanquantile(filled, [tail, 1 - tail], axis=0, method=PERCENTILES)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def _logit(share: np.ndarray) -> np.ndarray:
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


@dataclass(frozen=True)
class BootstrapInterval:
    """A statistic with its percentile interval; arrays have the shape of the statistic.

    The ends are NaN with fewer than FEWEST_FOR_PERCENTILES resamples drawn.
    """

    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    se: np.ndarray
    replicates: np.ndarray


def bootstrap_interval(
    statistic: Callable[[np.ndarray], np.ndarray | float],
    n: int,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    *,
    confidence: float = 0.95,
    progress: Progress = no_progress,
) -> BootstrapInterval:
    """Percentile interval of a statistic of fixed predictions.

    Args:
        statistic: takes rows of patients (repeats allowed); raises InputError on rows without events.
        n: number of patients.
        settings: resamples, seed, processes.
        confidence: level of the interval.
        progress: told after every batch of resamples.
    """
    estimate = np.asarray(statistic(np.arange(n)), float)

    def one(rng: np.random.Generator) -> np.ndarray:
        return np.asarray(statistic(rng.integers(0, n, n)), float)

    values, _ = resample(one, settings, progress)
    if len(values) < settings.repeats / 2:
        raise ModelError(f"only {len(values)} of {settings.repeats} resamples have a value: too few events")
    replicates = np.stack(values)
    tail = (1 - confidence) / 2
    if too_few_for_interval(settings.repeats):
        lower = upper = np.full(estimate.shape, np.nan)
    else:
        lower, upper = np.nanquantile(replicates, [tail, 1 - tail], axis=0, method=PERCENTILES)
    return BootstrapInterval(estimate, lower, upper, np.nanstd(replicates, axis=0, ddof=1), replicates)


def resample(
    one: Callable[[np.random.Generator], T],
    settings: BootstrapSettings,
    progress: Progress = no_progress,
) -> tuple[list[T], dict[str, int]]:
    """Call ``one(generator)`` for every resample; return the results and the reasons of failures.

    A resample on which ``one`` raises ModelError or InputError (no event, separated groups) is counted and
    left out.
    """
    seeds = np.random.SeedSequence(settings.seed).spawn(settings.repeats)
    size = max(1, min(50, settings.repeats // (4 * settings.workers) or 1))
    batches = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    values: list[T] = []
    failures: dict[str, int] = {}
    done = 0

    def from_seed(seed: np.random.SeedSequence) -> T:
        return one(np.random.default_rng(seed))

    for batch in _run_batches(from_seed, batches, settings.workers):
        for value in batch:
            if isinstance(value, str):
                failures[value] = failures.get(value, 0) + 1
            else:
                values.append(value)
        done += len(batch)
        progress(done / len(seeds), f"{done} of {len(seeds)} resamples")
    return values, failures


def _run_batches(one: Callable[[Item], T], batches: list[list[Item]], jobs: int) -> Iterator[list[T | str]]:
    """The results of every batch in turn, or the reason where one raised ModelError or InputError."""
    if jobs == 1:
        for batch in batches:
            yield _do_batch(one, batch)
        return
    import joblib

    # One resample, one core: threads of the matrix library only get in each other's way.
    with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        parallel = joblib.Parallel(return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
        yield from parallel(joblib.delayed(_do_batch)(one, batch) for batch in batches)


def _do_batch(one: Callable[[Item], T], items: list[Item]) -> list[T | str]:
    results: list[T | str] = []
    for item in items:
        try:
            results.append(one(item))
        except (ModelError, InputError) as error:
            results.append(str(error))
    return results


@dataclass(frozen=True)
class CoxRefit:
    """Refits a Cox model with fixed covariates: a fast :data:`Refit` for the optimism of a chosen model.

    Covariates that were *selected* on the data need a refit that selects again; this one does not.

    Args:
        x: design matrix (n, p).
        time, event: (n,).
        horizons: predict survival at these times (n, k); none: the linear predictor (n,).
    """

    x: np.ndarray
    time: np.ndarray
    event: np.ndarray
    horizons: tuple[float, ...] = ()

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        x, time, event = self.x[rows], self.time[rows], self.event[rows]
        if not event.any():
            raise ModelError("a resample has no event")
        if not np.ptp(x, axis=0).all():
            raise ModelError("a covariate is constant in a resample")
        fit = maximise(x, time, event)
        if not fit.is_sound:
            raise ModelError("the partial likelihood has no maximum in a resample")
        centre = x.mean(axis=0)
        predictor = (self.x - centre) @ fit.coefficients
        if not self.horizons:
            return predictor
        sets = risk_sets(time, event)
        hazard = np.cumsum(hazard_increments(sets, relative_hazard(predictor[rows])[sets.order]))
        at = np.searchsorted(sets.times, self.horizons, side="right")
        cumulative = np.concatenate(([0.0], hazard))[at]
        return np.exp(-relative_hazard(predictor)[:, np.newaxis] * cumulative)


def optimism_corrected_c(
    time: np.ndarray,
    event: np.ndarray,
    refit: Refit,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    progress: Progress = no_progress,
    *,
    partitions: Sequence[np.ndarray] = (),
) -> OptimismResult:
    """Harrell's C corrected for optimism.

    Args:
        time, event: (n,).
        refit: the whole modelling step; returns a risk (n,) for all patients.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.
        partitions: folds, where the modelling step chooses covariates by the outcome; see :func:`optimism`.
    """
    time, event = check_outcome(time, event)

    def c_index(rows: np.ndarray, risk: np.ndarray) -> float:
        return harrell_c(time[rows], event[rows], risk).index

    return optimism(refit, c_index, len(time), settings, progress, partitions=partitions, on_logit=True)
