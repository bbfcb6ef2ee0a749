"""Pairs of patients whose risks and follow-up can be compared: what every concordance index is made of.

A merge sort over ranks counts them, O(n log^2 n), for every patient at once.
"""

from __future__ import annotations

import numpy as np


def pair_sums(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the weighted pairs that each patient is part of: concordant, discordant, tied in risk, each (n,).

    A pair is comparable if the earlier time is an event; a censored patient outlives an event at the same
    time, and two events at the same time are no pair. The pair weighs what its earlier event weighs; every pair
    is booked on both of its patients.

    Args:
        time: (n,) follow-up.
        event: (n,) 0 or 1.
        risk: (n,) higher means an earlier event; no NaN.
        weights: (n,) of the events, the same for all events at one time.

    Example:
        >>> time, event, risk = np.array([1, 2, 3]), np.array([1, 1, 0]), np.array([3.0, 1.0, 2.0])
        >>> [found.tolist() for found in pair_sums(time, event, risk, np.ones(3))]
        [[2.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]

    Reference: Harrell FE et al. JAMA 1982;247:2543. Ties as in R's survival package.
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
