"""How much each patient sways the estimated censoring weights: the term that IPCW intervals must add.

Score intervals that take the weights as known are too wide; this adds the influence of the Kaplan-Meier
estimate of being uncensored, as riskRegression's Score does.

Reference:
    Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013;32:5381, appendix.
"""

from __future__ import annotations

import numpy as np

from .kaplan_meier import censoring_table


def censoring_term(
    time: np.ndarray, event: np.ndarray, horizon: float, at_own_time: np.ndarray, at_horizon: float
) -> np.ndarray:
    """Influence (n,) through the censoring weights on a mean over patients.

    The mean's summands are weighted by 1 / G. Patient k moves log G(u) by minus the martingale integral
    m_k(u) = integral over (0, u] of dM_k / (Y / n), and so the mean by sum_i a_i m_k(u_i) / n.

    Args:
        time, event: (n,) of the cohort.
        horizon: the time u of the summands that are weighted by 1 / G(horizon).
        at_own_time: (n,) weighted summands of the patients whose weight is 1 / G(T-); zero for the others.
        at_horizon: sum of the weighted summands whose weight is 1 / G(horizon).
    """
    times, at_risk, censored = censoring_table(time, event)
    # Mass of the summands by the distinct time just before which their weight is taken.
    position = np.searchsorted(times, time, side="left")
    mass = np.bincount(position, weights=at_own_time, minlength=len(times) + 1)
    mass[np.searchsorted(times, horizon, side="right")] += at_horizon
    # Every distinct time j counts for the mass whose weight looks at times up to and including j.
    mass_after = np.cumsum(mass[::-1])[::-1][1:]
    jump = mass_after / at_risk  # what a censoring at time j contributes; the 1/n of the mean and Y/n cancel
    compensator = np.concatenate(([0.0], np.cumsum(jump * censored / at_risk)))
    is_censored = event == 0
    own = jump[position] * is_censored
    # An event leaves the risk set before the censorings at its time, a censored patient does not.
    exposed = compensator[position + is_censored]
    return own - exposed
