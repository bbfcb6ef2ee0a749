"""Whether Cox's likelihood has a maximum at all, decided exactly, and which columns are to blame if not."""

from __future__ import annotations

import numpy as np

from .risk_sets import risk_sets


def monotone_columns(x: np.ndarray, time: np.ndarray, event: np.ndarray) -> list[int]:
    """Return the columns along which the likelihood rises without end; empty if it has a maximum.

    It has none exactly if some direction d ranks the patient with the event first (or tied) among those at risk
    at every event, and not all tied: then d may be added without limit. A single column that does so is
    looked for first; a combination is found by linear programming.

    Args:
        x: covariates (n, p), of full rank.
        time, event: (n,).

    Example:
        >>> x = np.array([[3.0, 0], [2, 1], [1, 0], [0, 1]])
        >>> monotone_columns(x, np.array([1.0, 2, 3, 4]), np.array([1, 1, 1, 0]))
        [0]

    Reference:
        Jacobsen M. Existence and unicity of MLEs in discrete exponential family distributions.
        Scand J Stat 1989;16:335-349.
    """
    scale = np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 1.0)
    standard = (x - x.mean(axis=0)) / scale
    single = [k for k in range(x.shape[1]) if _ranks_events_first(standard[:, k], time, event)]
    return single or _combination(standard, time, event)


def _ranks_events_first(column: np.ndarray, time: np.ndarray, event: np.ndarray) -> bool:
    sets = risk_sets(time, event)
    for values in (column[sets.order], -column[sets.order]):
        highest = np.maximum.accumulate(values[::-1])[::-1][sets.first]
        lowest = np.minimum.accumulate(values[::-1])[::-1][sets.first]
        if (values[sets.event] >= highest - 1e-9).all() and (highest - lowest > 1e-9).any():
            return True
    return False


def _combination(x: np.ndarray, time: np.ndarray, event: np.ndarray) -> list[int]:
    """Smallest set of columns, by leaving out one after the other, that ranks the events first together."""
    allowed = list(range(x.shape[1]))
    if not _is_monotone(x, time, event):
        return []
    for column in range(x.shape[1]):
        fewer = [k for k in allowed if k != column]
        if fewer and _is_monotone(x[:, fewer], time, event):
            allowed = fewer
    return allowed


def _is_monotone(x: np.ndarray, time: np.ndarray, event: np.ndarray) -> bool:
    """Solve for d in a box and u >= d'x of all at risk from each event time on; the events must reach u."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, diags, hstack, vstack

    sets = risk_sets(time, event)
    x = x[sets.order]
    m, n = len(sets.times), len(x)
    at_risk = np.flatnonzero(sets.rows_from > 0)
    newest = csr_matrix(
        (np.ones(len(at_risk)), (np.arange(len(at_risk)), sets.rows_from[at_risk] - 1)), (len(at_risk), m)
    )
    reached = csr_matrix((np.ones(len(sets.tied)), (np.arange(len(sets.tied)), sets.tied)), (len(sets.tied), m))
    blocks = [
        hstack([csr_matrix(x[at_risk]), -newest]),  # d'x <= u of the last event time that the row lives to see
        hstack([csr_matrix(-x[sets.event]), reached]),  # u <= d'x of each event
    ]
    if m > 1:
        falling = diags([-np.ones(m - 1), np.ones(m - 1)], [0, 1], shape=(m - 1, m))
        blocks.append(hstack([csr_matrix((m - 1, x.shape[1])), falling]))
    totals = np.cumsum(x[::-1], axis=0)[::-1][sets.first]
    counts = n - sets.first
    gain = (counts[:, np.newaxis] * x[sets.event] - totals).sum(axis=0) / counts.sum()
    constraints = vstack(blocks).tocsr()
    solution = linprog(
        np.concatenate((-gain, np.zeros(m))),
        A_ub=constraints,
        b_ub=np.zeros(constraints.shape[0]),
        bounds=[(-1, 1)] * x.shape[1] + [(None, None)] * m,
        method="highs",
    )
    return bool(solution.status == 0 and -solution.fun > 1e-7)
