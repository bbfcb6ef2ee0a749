"""Harrell's and Uno's concordance of a risk score with survival, their standard error and difference.

Own code: lifelines' index has no standard error, no Uno weights, and counts pair by pair in Python. Here all
pairs are counted by a merge sort over ranks, O(n log^2 n), for every patient at once, which also gives the
infinitesimal jackknife. Values equal ``survival::concordance`` of R, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .kaplan_meier import censoring_table
from .outcome_checks import check_outcome, check_score


@dataclass(frozen=True)
class Concordance:
    """A concordance index.

    Attributes:
        index: share of comparable pairs in which the patient with the higher risk has the event first;
            a tied risk counts one half. 0.5 is chance.
        se: standard error by the infinitesimal jackknife (Uno: censoring weights taken as known).
        influence: (n,) contribution of each patient; differences of two scores use it.
        concordant, discordant, tied_risk: sums of the (weighted) pairs.
        confidence: level of :meth:`interval`.
    """

    index: float
    se: float
    influence: np.ndarray
    concordant: float
    discordant: float
    tied_risk: float
    confidence: float = 0.95

    def interval(self) -> tuple[float, float]:
        """Normal confidence interval, cut at 0 and 1."""
        from scipy.stats import norm

        half = norm.ppf(0.5 + self.confidence / 2) * self.se
        return max(0.0, self.index - half), min(1.0, self.index + half)


def harrell_c(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
) -> Concordance:
    """Harrell's C.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        risk: (n,) higher means an earlier event, e.g. the linear predictor.
        confidence: level of the interval.

    Raises:
        InputError: bad values, or no two patients can be compared.

    Example:
        >>> harrell_c([1, 2, 3], [1, 1, 0], [0.9, 0.1, 0.5]).index
        0.6666666666666666

    Reference:
        Harrell FE et al. JAMA 1982;247:2543. Ties as in R's survival package.
    """
    time, event = check_outcome(time, event)
    risk = check_score(risk, len(time))
    return _concordance(time, event, risk, np.ones(len(time)), confidence)


def uno_c(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    *,
    tau: float | None = None,
    censoring: tuple[np.ndarray, np.ndarray] | None = None,
    confidence: float = 0.95,
) -> Concordance:
    """Uno's C: pairs weighted by 1 / G(t)^2, which frees the index from the censoring pattern.

    Args:
        time, event, risk: as in :func:`harrell_c`.
        tau: events after this time do not count; the last event time when None.
        censoring: time and event of the cohort from which the censoring distribution is estimated; the same
            cohort when None.
        confidence: level of the interval.

    Raises:
        InputError: bad values, tau not positive, or an event at a time when nobody of the censoring cohort
            was left uncensored.

    Reference:
        Uno H et al. Stat Med 2011;30:1105, equation 5. R: ``concordance(timewt = "n/G2", ymax = tau)``.
    """
    time, event = check_outcome(time, event)
    risk = check_score(risk, len(time))
    source = check_outcome(*censoring) if censoring is not None else (time, event)
    weights = uno_weights(time, event, *source, tau=tau)
    return _concordance(time, event, risk, weights, confidence)


def uno_weights(
    time: np.ndarray,
    event: np.ndarray,
    censoring_time: np.ndarray,
    censoring_event: np.ndarray,
    *,
    tau: float | None = None,
) -> np.ndarray:
    """Weight 1 / G(t-)^2 of each event up to ``tau``, (n,); zero for the others."""
    if tau is not None and tau <= 0:
        raise InputError(f"tau is {tau:g}; it must be above 0")
    times, at_risk, censored = censoring_table(censoring_time, censoring_event)
    survival = np.concatenate(([1.0], np.cumprod(1 - censored / at_risk)))
    uncensored = survival[np.searchsorted(times, time, side="left")]
    counted = (event == 1) & (time <= (np.inf if tau is None else tau))
    lost = counted & (uncensored <= 0)
    if lost.any():
        raise InputError(
            f"at time {time[lost].min():g} nobody is left uncensored, so Uno's weights have no value there; "
            "give an earlier tau"
        )
    return np.divide(1.0, uncensored**2, out=np.zeros(len(time)), where=counted)


def _concordance(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, weights: np.ndarray, confidence: float
) -> Concordance:
    concordant, discordant, tied = pair_sums(time, event, risk, weights)
    pairs = concordant + discordant + tied
    total = pairs.sum() / 2
    if total <= 0:
        raise InputError("no two patients can be compared: no event comes before another patient's follow-up")
    favourable = concordant + tied / 2
    index = favourable.sum() / 2 / total
    influence = (favourable - index * pairs) / total
    return Concordance(
        float(index),
        float(np.sqrt((influence**2).sum())),
        influence,
        float(concordant.sum() / 2),
        float(discordant.sum() / 2),
        float(tied.sum() / 2),
        confidence,
    )


def pair_sums(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted pairs that each patient is part of: concordant, discordant, tied in risk, each (n,).

    A pair is comparable if the earlier time is an event; a censored patient outlives an event at the same
    time, and two events at the same time are no pair. The pair weighs what its earlier event weighs.
    """
    n = len(time)
    rank = np.unique(risk, return_inverse=True)[1]
    # Two events at one time stand in the order of falling risk: the sweep counts them as concordant, and the
    # correction below takes them out again.
    order = np.lexsort((-rank, -event, time))
    rank, weight = rank[order], (weights * event)[order]
    above, below, equal = _merge_counts(rank, weight)
    concordant, discordant, tied = below, above, equal
    excess_unequal, excess_equal = _tied_events(time[order], event[order], rank, weight)
    result = np.empty((3, n))
    result[:, order] = concordant - excess_unequal, discordant, tied - excess_equal
    return result[0], result[1], result[2]


def _merge_counts(rank: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums over pairs (i before j), weight of i: risk of j above, below, equal to i's; booked on both."""
    n = len(rank)
    above, below, equal = np.zeros(n), np.zeros(n), np.zeros(n)
    place = np.arange(n)
    span = int(rank.max()) + 2 if n else 1
    width = 1
    while width < n:
        block = place // (2 * width)
        is_left = (place // width) % 2 == 0
        key = block * span + rank
        left, right = place[is_left], place[~is_left]
        _book(key, weight, left, right, block * span, span, (above, below, equal))
        width *= 2
    return above, below, equal


def _book(
    key: np.ndarray,
    weight: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    base: np.ndarray,
    span: int,
    sums: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    above, below, equal = sums
    # Each left patient: how many of the block's right half rank above, below, equal.
    keys = np.sort(key[right])
    low = np.searchsorted(keys, key[left], side="left")
    high = np.searchsorted(keys, key[left], side="right")
    start = np.searchsorted(keys, base[left], side="left")
    end = np.searchsorted(keys, base[left] + span, side="left")
    above[left] += weight[left] * (end - high)
    below[left] += weight[left] * (low - start)
    equal[left] += weight[left] * (high - low)
    # Each right patient: the weight of the block's left half by rank; left below right is "above" for it.
    sorted_left = left[np.argsort(key[left], kind="stable")]
    keys, running = key[sorted_left], np.concatenate(([0.0], np.cumsum(weight[sorted_left])))
    low = running[np.searchsorted(keys, key[right], side="left")]
    high = running[np.searchsorted(keys, key[right], side="right")]
    start = running[np.searchsorted(keys, base[right], side="left")]
    end = running[np.searchsorted(keys, base[right] + span, side="left")]
    above[right] += low - start
    below[right] += end - high
    equal[right] += high - low


def _tied_events(
    time: np.ndarray, event: np.ndarray, rank: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the sweep booked for pairs of events at one time: with unequal and with equal risk, (n,) each."""
    unequal, equal = np.zeros(len(time)), np.zeros(len(time))
    events = np.flatnonzero(event == 1)
    group = np.unique(time[events], return_inverse=True)[1]
    same_time = np.bincount(group)[group] if len(events) else np.empty(0)
    key = group * (int(rank.max()) + 2) + rank[events]
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    same_both = counts[inverse]
    # All events at one time weigh the same, so that each pair books that weight on both of its patients.
    unequal[events] = weight[events] * (same_time - same_both)
    equal[events] = weight[events] * (same_both - 1)
    return unequal, equal


@dataclass(frozen=True)
class ConcordanceDifference:
    """C of the second score minus C of the first, on the same patients.

    Attributes:
        first, second: the two indices.
        difference, se: their difference and its standard error.
        lower, upper, p_value: normal interval and two-sided test of no difference.
    """

    first: float
    second: float
    difference: float
    se: float
    lower: float
    upper: float
    p_value: float


def concordance_difference(first: Concordance, second: Concordance) -> ConcordanceDifference:
    """Compare two scores of the same patients by the infinitesimal jackknife (as R's ``concordance(a, b)``).

    Raises:
        InputError: the two were computed on different numbers of patients.
    """
    from scipy.stats import norm

    if first.influence.shape != second.influence.shape:
        raise InputError(
            f"the scores stand for {len(first.influence)} and {len(second.influence)} patients; "
            "they must stand for the same ones"
        )
    difference = second.index - first.index
    se = float(np.sqrt(((second.influence - first.influence) ** 2).sum()))
    half = norm.ppf(0.5 + first.confidence / 2) * se
    p_value = 2 * norm.sf(abs(difference) / se) if se > 0 else 1.0
    return ConcordanceDifference(
        first.index, second.index, difference, se, difference - half, difference + half, float(p_value)
    )
