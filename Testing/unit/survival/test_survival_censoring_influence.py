"""The influence of the censoring weights against moving one patient's weight by hand."""

from __future__ import annotations

import numpy as np
import pytest

from SurvivalNomogramLib.estimation.censoring_influence import censoring_term


def weighted_mean(time, event, value, weight, horizon):
    """IPCW mean of ``value`` with patients counted ``weight`` times, Kaplan-Meier of censoring with them."""
    order = np.lexsort((-event, time))
    survival, at_risk, uncensored = 1.0, weight.sum(), np.empty(len(time))
    at_horizon = 1.0
    for k in order:  # events leave before censorings at the same time; all times here differ
        uncensored[k] = survival
        if event[k] == 0:
            survival *= 1 - weight[k] / at_risk
        at_risk -= weight[k]
        if time[k] <= horizon:
            at_horizon = survival
    cases, controls = (time <= horizon) & (event == 1), time > horizon
    terms = np.where(cases, value / uncensored, 0) + np.where(controls, value / at_horizon, 0)
    return (weight * terms).sum() / weight.sum(), terms


@pytest.mark.parametrize("seed", range(4))
def test_the_term_equals_the_derivative_by_each_patients_weight(seed):
    rng = np.random.default_rng(seed)
    n, horizon = 40, 3.0
    time, event = rng.exponential(4, n) + 0.01, rng.integers(0, 2, n)
    value = rng.uniform(size=n)
    ones = np.ones(n)
    mean, terms = weighted_mean(time, event, value, ones, horizon)
    late = time > horizon
    own = terms - mean + censoring_term(time, event, horizon, np.where(late, 0, terms), terms[late].sum())
    step = 1e-6
    numeric = [
        n * (weighted_mean(time, event, value, ones + step * (np.arange(n) == k), horizon)[0] - mean) / step
        for k in range(n)
    ]
    # Kaplan-Meier's influence differs from Nelson-Aalen's by terms of order 1 / n.
    np.testing.assert_allclose(own, numeric, atol=0.15)
    assert np.corrcoef(own, numeric)[0, 1] > 0.995


def test_without_censoring_the_weights_add_nothing():
    time, event = np.arange(1.0, 11), np.ones(10, int)
    assert censoring_term(time, event, 5, np.ones(10), 3.0).tolist() == [0.0] * 10
