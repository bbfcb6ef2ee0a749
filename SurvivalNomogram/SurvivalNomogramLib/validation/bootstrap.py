"""Bootstrap intervals and optimism: the whole modelling step is done again on every resample.

The result depends on the seed alone, not on the number of processes: every resample has its own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.partial_likelihood import hazard_increments, maximise
from ..estimation.relative_hazard import relative_hazard
from ..estimation.risk_sets import risk_sets

T = TypeVar("T")

Refit = Callable[[np.ndarray], np.ndarray]
"""Takes rows of training patients (repeats allowed), does every modelling step on them alone, and returns the
prediction (n, ...) for all n patients of the cohort."""

Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray | float]
"""Takes rows of patients and their predictions, returns a number or an array of numbers."""


Chance = Callable[[np.ndarray], np.ndarray | float]
"""Takes the predictions of all patients, returns what the statistic would be if they knew nothing of the outcome."""


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


CHANCE_C = 0.5


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
        optimism: apparent - corrected. Of Harrell's method the mean of (statistic on the resample - statistic on the
            cohort) over the refitted models.
        corrected: the statistic that new patients are expected to give.
        used: resamples on which the model could be fitted and the statistic has a value.
        repeats: resamples drawn.
        failures: reasons of those on which the model could not be fitted, with their numbers.
        lower, upper: 95 % interval of ``corrected``; NaN with fewer than FEWEST_FOR_PERCENTILES resamples in use.
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


def optimism(
    refit: Refit,
    statistic: Statistic,
    n: int,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    progress: Progress = no_progress,
    *,
    chance: Chance | None = None,
    confidence: float = 0.95,
) -> OptimismResult:
    """Estimate how much better a model looks on its own training patients than on others.

    Harrell's optimism tests a resample's model on the whole cohort, two thirds of which it has seen. Where the
    modelling step selects, that leaves a share of the optimism in: name the value of an uninformative prediction,
    and the .632+ estimate, which tests on the patients left out of the resample, takes its place.

    Args:
        refit: the whole modelling step; selection and tuning belong into it.
        statistic: measure of the predictions; NaN where it has no value.
        n: number of patients.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.
        chance: the statistic of predictions that know nothing of the outcome, for the .632+ estimate; NaN elements
            keep Harrell's. None: Harrell's optimism throughout.
        confidence: level of the interval: the spread of the refitted statistic over the resamples, moved to the
            corrected value.

    Raises:
        ModelError: the model could be fitted on fewer than half of the resamples.

    Reference:
        Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361. Efron B, Tibshirani R. JASA 1997;92:548 (.632+). Noma H et
        al. Stat Med 2021;40:5691, algorithm 1 (location-shifted interval).
    """
    everyone = np.arange(n)
    fitted = refit(everyone)
    apparent = np.asarray(statistic(everyone, fitted), float)
    nothing = None if chance is None else np.asarray(chance(fitted), float)

    def one(rng: np.random.Generator) -> _Resampled:
        rows = rng.integers(0, n, n)
        prediction = refit(rows)
        on_resample = np.asarray(statistic(rows, prediction[rows]), float)
        on_cohort = np.asarray(statistic(everyone, prediction), float)
        left_out = np.full(apparent.shape, np.nan)
        if nothing is not None:
            left_out = _left_out(statistic, prediction, np.setdiff1d(everyone, rows), left_out)
        is_null = bool((np.ptp(prediction, axis=0) <= 0).all()) if len(prediction) else True
        return _Resampled(on_resample, on_cohort, left_out, is_null)

    found, failures = resample(one, settings, progress)
    if len(found) < settings.repeats / 2:
        raise ModelError(
            f"the model could be fitted on {len(found)} of {settings.repeats} resamples only "
            f"({max(failures, key=failures.__getitem__)}); use fewer covariates"
        )
    on_resample = np.stack([each.on_resample for each in found])
    differences = on_resample - np.stack([each.on_cohort for each in found])
    corrected = apparent - _mean(differences)
    if nothing is not None:
        left_out = _mean(np.stack([each.left_out for each in found]))
        plus = efron_632_plus(apparent, left_out, nothing)
        corrected = np.where(np.isfinite(plus), plus, corrected)
    lower, upper = _moved_interval(on_resample, corrected, confidence)
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
    """One resample's model: its statistic on the resample, the cohort and the patients left out."""

    on_resample: np.ndarray
    on_cohort: np.ndarray
    left_out: np.ndarray
    is_null: bool


def _left_out(statistic: Statistic, prediction: np.ndarray, rows: np.ndarray, without: np.ndarray) -> np.ndarray:
    try:
        return np.asarray(statistic(rows, prediction[rows]), float)
    except (InputError, ModelError):  # no event, or none late enough, among those left out
        return without


def _mean(values: np.ndarray) -> np.ndarray:
    used = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.asarray(np.divide(total, used, out=np.full(total.shape, np.nan), where=used > 0))


def efron_632_plus(apparent: np.ndarray, left_out: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The .632+ estimate of a statistic, whichever end of it is the good one.

    Args:
        apparent: on the patients of the fit.
        left_out: mean over resamples of the statistic on the patients left out.
        chance: of predictions that know nothing of the outcome.

    Example:
        >>> efron_632_plus(np.array(0.7), np.array(0.5), np.array(0.5)).item()  # all of it was overfitting
        0.5
        >>> round(efron_632_plus(np.array(0.7), np.array(0.7), np.array(0.5)).item(), 6)  # nothing was
        0.7
    """
    room = apparent - chance
    # Left out is taken to lie between chance and apparent: below chance there is nothing more to lose.
    bounded = np.where(room >= 0, np.maximum(left_out, chance), np.minimum(left_out, chance))
    lost = np.clip(np.divide(apparent - bounded, room, out=np.zeros(np.shape(room)), where=room != 0), 0.0, 1.0)
    weight = 0.632 / (1 - 0.368 * lost)
    return np.asarray((1 - weight) * apparent + weight * left_out)


def _moved_interval(replicates: np.ndarray, centre: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles (element by element) of replicates that are moved to have their mean at ``centre``."""
    used = np.isfinite(replicates).sum(axis=0)
    moved = replicates - _mean(replicates) + centre
    tail = (1 - confidence) / 2
    enough = used >= FEWEST_FOR_PERCENTILES
    filled = np.where(enough, moved, 0.0)
    low, high = np.nanquantile(filled, [tail, 1 - tail], axis=0)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


@dataclass(frozen=True)
class BootstrapInterval:
    """A statistic with its percentile interval; arrays have the shape of the statistic.

    The ends are NaN with fewer than FEWEST_FOR_PERCENTILES resamples.
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
    if too_few_for_interval(len(values)):
        lower = upper = np.full(estimate.shape, np.nan)
    else:
        lower, upper = np.nanquantile(replicates, [tail, 1 - tail], axis=0)
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
    for batch in _run_batches(one, batches, settings.workers):
        for value in batch:
            if isinstance(value, str):
                failures[value] = failures.get(value, 0) + 1
            else:
                values.append(value)
        done += len(batch)
        progress(done / len(seeds), f"{done} of {len(seeds)} resamples")
    return values, failures


def _run_batches(one: Callable[..., Any], batches: list[list[Any]], jobs: int) -> Iterator[list[Any]]:
    if jobs == 1:
        for batch in batches:
            yield _do_batch(one, batch)
        return
    import joblib

    # One resample, one core: threads of the matrix library only get in each other's way.
    with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        parallel = joblib.Parallel(return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
        yield from parallel(joblib.delayed(_do_batch)(one, batch) for batch in batches)


def _do_batch(one: Callable[..., Any], seeds: list[Any]) -> list[Any]:
    results: list[Any] = []
    for seed in seeds:
        try:
            results.append(one(np.random.default_rng(seed)))
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
    selects: bool = False,
) -> OptimismResult:
    """Harrell's C corrected for optimism.

    Args:
        time, event: (n,).
        refit: the whole modelling step; returns a risk (n,) for all patients.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.
        selects: the modelling step chooses covariates by the outcome; the estimate is then the .632+.

    Returns:
        The result; its interval is the wider of the location-shifted one and the jackknife's, at each end.
    """
    from ..estimation.outcome_checks import check_outcome
    from .concordance import harrell_c

    time, event = check_outcome(time, event)

    def c_index(rows: np.ndarray, risk: np.ndarray) -> float:
        return harrell_c(time[rows], event[rows], risk).index

    chance = (lambda risk: CHANCE_C) if selects else None
    found = optimism(refit, c_index, len(time), settings, progress, chance=chance)
    # The resamples' spread alone covers too seldom (bench_intervals.py): the interval is never within the jackknife's.
    low, high = replace(harrell_c(time, event, refit(np.arange(len(time)))), index=float(found.corrected)).interval()
    return replace(found, lower=np.minimum(found.lower, low), upper=np.maximum(found.upper, high))
