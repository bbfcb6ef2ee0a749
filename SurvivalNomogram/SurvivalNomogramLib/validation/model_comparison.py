"""Is one model better than another: likelihood ratio, difference in C, reclassification at a horizon.

Definitions of reclassification with censoring (each patient weighted by the inverse probability of being
uncensored: cases 1 / G(T-), controls 1 / G(horizon), G by Kaplan-Meier):

* NRI of events = P(risk up | event) - P(risk down | event); of non-events the other way round; NRI is their
  sum. Category-free: any change counts. With categories: only a change of category counts.
* IDI = mean change of predicted risk in events - mean change in non-events.

Reference:
    Pencina MJ et al. Stat Med 2008;27:157 and 2011;30:11; weights as Uno H et al. Stat Med 2013;32:2430.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.kaplan_meier import censoring_weights
from ..estimation.outcome_checks import check_horizon, check_outcome, check_probability, check_score
from .bootstrap import DEFAULT_BOOTSTRAP, BootstrapSettings, bootstrap_interval
from .concordance import harrell_c

if TYPE_CHECKING:
    import pandas as pd

    from ..models.cox import CoxModel


@dataclass(frozen=True)
class LikelihoodRatio:
    """Likelihood-ratio test of a model against a larger one that contains it."""

    chi_square: float
    degrees: int
    p_value: float
    aic_difference: float


def likelihood_ratio(small: CoxModel, large: CoxModel) -> LikelihoodRatio:
    """Test whether the larger model's further covariates add anything.

    Args:
        small, large: Cox models fitted on the same patients; all columns of ``small`` are in ``large``.

    Raises:
        ModelError: the models are not nested or not of the same patients; use the difference in C then.
    """
    from scipy.stats import chi2

    missing = [column for column in small.columns if column not in large.columns]
    if missing:
        raise ModelError(f"the models are not nested: {missing[0]!r} is not in the larger one; compare them by their C")
    if small.penalty is not None or large.penalty is not None:
        raise ModelError("a penalised model stands at no maximum of the likelihood; compare the models by their C")
    if (small.n, small.events) != (large.n, large.events):
        raise ModelError(
            f"the models were fitted on {small.n} and {large.n} patients with {small.events} and "
            f"{large.events} events; a likelihood ratio needs the same patients"
        )
    degrees = len(large.columns) - len(small.columns)
    if degrees == 0:
        raise ModelError("the two models have the same columns; there is nothing to test")
    chi_square = 2 * (large.log_likelihood - small.log_likelihood)
    aic = chi_square - 2 * degrees
    return LikelihoodRatio(float(chi_square), degrees, float(chi2.sf(chi_square, degrees)), float(-aic))


@dataclass(frozen=True)
class Difference:
    """A difference with its bootstrap percentile interval and a two-sided p from the bootstrap's spread."""

    estimate: float
    lower: float
    upper: float
    se: float
    p_value: float


@dataclass(frozen=True)
class Reclassification:
    """NRI and IDI at a horizon, with bootstrap intervals.

    Attributes:
        horizon: the time.
        categories: limits of the risk categories; empty for the category-free NRI.
        nri, nri_events, nri_nonevents, idi: new model against old model.
    """

    horizon: float
    categories: tuple[float, ...]
    nri: Difference
    nri_events: Difference
    nri_nonevents: Difference
    idi: Difference

    def table(self) -> pd.DataFrame:
        """One row a measure."""
        import pandas as pd

        names = ("nri", "nri_events", "nri_nonevents", "idi")
        kind = f"limits {', '.join(f'{c:g}' for c in self.categories)}" if self.categories else "category-free"
        return pd.DataFrame(
            [
                {
                    "measure": name,
                    "horizon": self.horizon,
                    "categories": kind if name != "idi" else "",
                    **asdict(getattr(self, name)),
                }
                for name in names
            ]
        )


def c_difference(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    old_risk: Sequence[float] | np.ndarray,
    new_risk: Sequence[float] | np.ndarray,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    *,
    confidence: float = 0.95,
    progress: Progress = no_progress,
) -> Difference:
    """Harrell's C of the new risk minus that of the old one, by a paired bootstrap.

    The analytic interval is :func:`SurvivalNomogramLib.validation.concordance.concordance_difference`.

    Args:
        time, event: (n,).
        old_risk, new_risk: (n,) of the same patients; higher means an earlier event.
        settings: resamples, seed, processes.
        confidence: level of the interval.
        progress: told after every batch of resamples.
    """
    time, event = check_outcome(time, event)
    old, new = check_score(old_risk, len(time), "old risk"), check_score(new_risk, len(time), "new risk")

    def difference(rows: np.ndarray) -> float:
        t, e = time[rows], event[rows]
        return harrell_c(t, e, new[rows]).index - harrell_c(t, e, old[rows]).index

    result = bootstrap_interval(difference, len(time), settings, confidence=confidence, progress=progress)
    return _difference(result.estimate, result.lower, result.upper, result.se)


def reclassification(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    old_risk: Sequence[float] | np.ndarray,
    new_risk: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    categories: Sequence[float] = (),
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    confidence: float = 0.95,
    progress: Progress = no_progress,
) -> Reclassification:
    """NRI and IDI of a new model against an old one at a horizon (definitions: see the module).

    Args:
        time, event: (n,).
        old_risk, new_risk: (n,) predicted probability of an event by the horizon.
        horizon: the time.
        categories: ascending limits of risk categories in (0, 1); none: category-free.
        settings: resamples, seed, processes.
        confidence: level of the intervals.
        progress: told after every batch of resamples.

    Raises:
        InputError: horizon beyond the last event, risks that are no probabilities, limits not ascending.
    """
    time, event = check_outcome(time, event)
    horizon = check_horizon(horizon, time, event)
    old = check_probability(old_risk, len(time), "old risk")
    new = check_probability(new_risk, len(time), "new risk")
    limits = _limits(categories)

    def measures(rows: np.ndarray) -> np.ndarray:
        return reclassification_measures(time[rows], event[rows], old[rows], new[rows], horizon, limits)

    result = bootstrap_interval(measures, len(time), settings, confidence=confidence, progress=progress)
    differences = [
        _difference(*values) for values in zip(result.estimate, result.lower, result.upper, result.se, strict=True)
    ]
    return Reclassification(horizon, tuple(limits.tolist()), *differences)


def reclassification_measures(
    time: np.ndarray,
    event: np.ndarray,
    old: np.ndarray,
    new: np.ndarray,
    horizon: float,
    limits: np.ndarray,
) -> np.ndarray:
    """NRI, NRI of events, NRI of non-events, IDI, (4,), without intervals."""
    cases, controls = censoring_weights(time, event, horizon)
    if not cases.any() or not controls.any():
        raise InputError(f"at {horizon:g} there are no events or no survivors to reclassify")
    change = new - old
    move = np.sign(np.searchsorted(limits, new, "right") - np.searchsorted(limits, old, "right"))
    if not len(limits):
        move = np.sign(change)
    in_events = (move * cases).sum() / cases.sum()
    in_nonevents = -(move * controls).sum() / controls.sum()
    idi = (change * cases).sum() / cases.sum() - (change * controls).sum() / controls.sum()
    return np.array([in_events + in_nonevents, in_events, in_nonevents, idi])


def _limits(categories: Sequence[float]) -> np.ndarray:
    limits = np.asarray(list(categories), float)
    if len(limits) and (((limits <= 0) | (limits >= 1)).any() or (np.diff(limits) <= 0).any()):
        raise InputError(f"categories {list(categories)} must be ascending limits between 0 and 1")
    return limits


def _difference(*numbers: float | np.ndarray) -> Difference:
    from scipy.stats import norm

    estimate, lower, upper, se = (float(number) for number in numbers)
    p_value = float(2 * norm.sf(abs(estimate) / se)) if se > 0 else 1.0
    return Difference(estimate, lower, upper, se, p_value)
