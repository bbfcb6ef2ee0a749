"""Who is at risk at each event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk at each event. Rows are sorted by time; all arrays but ``order`` follow that order.

    Args:
        order: (n,) index that sorts the caller's rows by time.
        event: (n,) bool.
        first: (d,) for each event, the first row still at risk at its time.
        tied: (d,) for each event, the place of its time among the m distinct event times.
        starts: (m,) first event at each distinct event time.
        share: (d,) Efron's share of the tied events' risk that is taken off: l / size, l = 0, 1, ...
        times: (m,) distinct event times.
        rows_from: (n,) number of distinct event times at or before each row's time.
    """

    order: np.ndarray
    event: np.ndarray
    first: np.ndarray
    tied: np.ndarray
    starts: np.ndarray
    share: np.ndarray
    times: np.ndarray
    rows_from: np.ndarray


def risk_sets(time: np.ndarray, event: np.ndarray) -> RiskSets:
    """Sort the patients and find the risk set of every event.

    Args:
        time: (n,) follow-up.
        event: (n,) 1 for an event, 0 for a censored patient.
    """
    order = np.argsort(time, kind="stable")
    time, is_event = np.asarray(time, float)[order], np.asarray(event)[order] == 1
    times, starts, tied, sizes = np.unique(time[is_event], return_index=True, return_inverse=True, return_counts=True)
    share = (np.arange(len(tied)) - starts[tied]) / sizes[tied]
    first = np.searchsorted(time, times, side="left")[tied]
    rows_from = np.searchsorted(times, time, side="right")
    return RiskSets(order, is_event, first, tied, starts, share, times, rows_from)
