"""The partial likelihood against loops over events and numerical derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SurvivalNomogramLib.estimation.monotone_likelihood import monotone_columns
from SurvivalNomogramLib.estimation.partial_likelihood import (
    evaluate,
    event_moments,
    hazard_increments,
    log_likelihood,
    maximise,
)
from SurvivalNomogramLib.estimation.risk_sets import risk_sets


def draw(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariates, coarse (tied) times and events."""
    rng = np.random.default_rng(seed)
    event = rng.integers(0, 2, n)
    event[0] = 1
    return rng.normal(size=(n, p)), rng.integers(1, max(2, n // 3), n).astype(float), event


def slow_efron(x: np.ndarray, time: np.ndarray, event: np.ndarray, beta: np.ndarray) -> float:
    """Efron's log-likelihood, term by term as in the paper."""
    predictor, value = x @ beta, 0.0
    for t in np.unique(time[event == 1]):
        dying, at_risk = (time == t) & (event == 1), time >= t
        value += predictor[dying].sum()
        for k in range(dying.sum()):
            taken = k / dying.sum() * np.exp(predictor[dying]).sum()
            value -= np.log(np.exp(predictor[at_risk]).sum() - taken)
    return value


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 40), st.integers(1, 4), st.integers(0, 10**6))
def test_value_score_and_information_equal_the_slow_sum(n: int, p: int, seed: int) -> None:
    x, time, event = draw(n, p, seed)
    beta = np.random.default_rng(seed + 1).normal(size=p) / 2
    sets = risk_sets(time, event)
    point = evaluate(sets, x[sets.order], beta)
    assert point.log_likelihood == pytest.approx(slow_efron(x, time, event, beta), rel=1e-11, abs=1e-11)
    assert log_likelihood(sets, (x @ beta)[sets.order]) == pytest.approx(point.log_likelihood, abs=1e-10)
    step = 1e-5
    for k in range(p):
        move = np.zeros(p)
        move[k] = step
        up, down = slow_efron(x, time, event, beta + move), slow_efron(x, time, event, beta - move)
        assert point.score[k] == pytest.approx((up - down) / (2 * step), abs=1e-5)
        ahead, behind = (
            evaluate(sets, x[sets.order], beta + move),
            evaluate(sets, x[sets.order], beta - move),
        )
        np.testing.assert_allclose(point.information[k], (behind.score - ahead.score) / (2 * step), atol=1e-5)


def test_event_moments_add_up_to_score_and_information() -> None:
    x, time, event = draw(60, 3, 5)
    sets, beta = risk_sets(time, event), np.array([0.3, -0.2, 0.1])
    moments, point = event_moments(sets, x[sets.order], beta), evaluate(sets, x[sets.order], beta)
    np.testing.assert_allclose(moments.residuals.sum(axis=0), point.score, atol=1e-12)
    np.testing.assert_allclose(moments.information(np.ones(event.sum())), point.information, rtol=1e-10)


def test_hazard_steps_without_covariates_count_the_patients_at_risk() -> None:
    sets = risk_sets(np.array([1.0, 2, 2, 3, 4]), np.array([1, 1, 1, 0, 1]))
    np.testing.assert_allclose(hazard_increments(sets, np.ones(5)), [1 / 5, 1 / 4 + 1 / 3, 1])


def test_the_maximum_has_no_slope() -> None:
    x, time, event = draw(80, 4, 2)
    best = maximise(x, time, event)
    sets = risk_sets(time, event)
    assert np.abs(evaluate(sets, x[sets.order], best.coefficients).score).max() < 1e-9
    assert best.is_sound


@settings(max_examples=40, deadline=None)
@given(st.integers(6, 14), st.integers(1, 3), st.integers(0, 10**6))
def test_a_likelihood_is_called_monotone_exactly_when_it_has_no_maximum(n: int, p: int, seed: int) -> None:
    x, time, event = draw(n, p, seed)
    if np.linalg.matrix_rank(x - x.mean(axis=0)) < p:
        return
    guilty = monotone_columns(x, time, event)
    best = maximise(x, time, event)
    sets = risk_sets(time, event)
    slope = np.abs(evaluate(sets, x[sets.order], best.coefficients).score).max()
    has_maximum = np.abs(best.coefficients).max() < 15 and slope < 1e-6
    informative = np.linalg.matrix_rank(evaluate(sets, x[sets.order], np.zeros(p)).information) == p
    if informative:
        assert has_maximum == (not guilty)
        assert best.is_sound == (not guilty)


def test_the_smallest_guilty_set_of_columns_is_named() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    time = np.exp(-(x[:, 0] + x[:, 2]))
    event = rng.integers(0, 2, 40)
    assert monotone_columns(x, time, event) == [0, 2]
    assert monotone_columns(x, rng.permutation(time), event) == []
