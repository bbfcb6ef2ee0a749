"""Fine and Gray's weighted partial likelihood of the subdistribution hazard, its maximum and its sandwich variance.

A patient with a competing event stays at risk, with the weight G(t-) / G(T-) that he would still be uncensored. Ties
are Breslow's and G is the Kaplan-Meier estimate of censoring with the events of the same time at risk, both as
R's ``cmprsk::crr``.

Reference:
    Fine JP, Gray RJ. A proportional hazards model for the subdistribution of a competing risk.
    JASA 1999;94:496-509.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from RadiomicsCoreLib.errors import ModelError

from .kaplan_meier import risk_table
from .partial_likelihood import FARTHEST, is_suspect
from .relative_hazard import relative_hazard

CONVERGED_DECREMENT = 1e-12
MAXIMUM_STEPS = 60
FLAT = 1e-6
"""Least information an event, on standardised columns, below which a suspect likelihood has run flat: to infinity."""


@dataclass(frozen=True)
class SubdistributionSets:
    """Who is at risk of the event of interest, and with which weight.

    Args:
        time: (n,) follow-up, rising.
        own: (n,) the event of interest ended it.
        competing: (n,) another event ended it.
        censored: (n,) neither.
        weight: (n,) 1 / G(T-) of patients with a competing event, zero for the others.
        times: (m,) distinct times of the event of interest.
        events: (m,) how many at each.
        uncensored: (m,) G(t-) at these times.
    """

    time: np.ndarray
    own: np.ndarray
    competing: np.ndarray
    censored: np.ndarray
    weight: np.ndarray
    times: np.ndarray
    events: np.ndarray
    uncensored: np.ndarray

    @cached_property
    def from_row(self) -> np.ndarray:
        """(m,) first row that is still followed at each event time."""
        return np.searchsorted(self.time, self.times, side="left")

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums (m, ...) of ``values`` (n, ...) over those at risk at each event time."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        followed = np.cumsum(values[::-1], axis=0)[::-1][self.from_row]
        kept = np.cumsum(values * self.weight.reshape(shape), axis=0)
        before = np.concatenate((np.zeros_like(kept[:1]), kept))[self.from_row]
        return followed + self.uncensored.reshape(shape) * before


def subdistribution_sets(time: np.ndarray, state: np.ndarray, cause: int) -> tuple[SubdistributionSets, np.ndarray]:
    """Return the risk sets, and the order (n,) that sorts the patients.

    Args:
        time: (n,) follow-up, positive.
        state: (n,) 0 censored, ``cause`` the event of interest, any other value a competing event.
        cause: state of the event of interest.
    """
    order = np.argsort(time, kind="stable")
    time, state = np.asarray(time, float)[order], np.asarray(state)[order]
    own, censored = state == cause, state == 0
    if not own.any():
        raise ModelError(f"no patient has the event of state {cause}: nothing can be fitted")
    distinct, at_risk, leaving = risk_table(time, censored.astype(int))
    after = np.concatenate(([1.0], np.cumprod(1 - leaving / at_risk)))
    before_own = after[np.searchsorted(distinct, time, side="left")]
    competing = ~own & ~censored
    weight = np.divide(1.0, before_own, out=np.zeros(len(time)), where=competing)
    times, events = np.unique(time[own], return_counts=True)
    uncensored = after[np.searchsorted(distinct, times, side="left")]
    return SubdistributionSets(time, own, competing, censored, weight, times, events, uncensored), order


@dataclass(frozen=True)
class _Point:
    value: float
    score: np.ndarray
    information: np.ndarray
    risk: np.ndarray
    total: np.ndarray
    means: np.ndarray


def _evaluate(sets: SubdistributionSets, x: np.ndarray, beta: np.ndarray) -> _Point:
    predictor = x @ beta
    risk = np.exp(predictor)
    total = sets.sums(risk)
    means = sets.sums(x * risk[:, np.newaxis]) / total[:, np.newaxis]
    squares = sets.sums(x[:, :, np.newaxis] * (x * risk[:, np.newaxis])[:, np.newaxis, :])
    squares = squares / total[:, np.newaxis, np.newaxis] - means[:, :, np.newaxis] * means[:, np.newaxis, :]
    return _Point(
        float(predictor[sets.own].sum() - sets.events @ np.log(total)),
        x[sets.own].sum(axis=0) - sets.events @ means,
        np.einsum("m,mpq->pq", sets.events.astype(float), squares),
        risk,
        total,
        means,
    )


@dataclass(frozen=True)
class SubdistributionFit:
    """The maximum of Fine and Gray's likelihood.

    Args:
        coefficients: (p,) log subdistribution hazard ratios.
        covariance: (p, p) sandwich, the estimated censoring weights included.
        times: (m,) distinct times of the event of interest.
        hazard: (m,) cumulative subdistribution hazard of a patient with all ``x`` zero.
        log_likelihood, null_log_likelihood: at the maximum and at zero.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    times: np.ndarray
    hazard: np.ndarray
    log_likelihood: float
    null_log_likelihood: float

    def incidence(self, x: np.ndarray, horizon: float) -> np.ndarray:
        """Cumulative incidence (n,) of covariates ``x`` (n, p) at a horizon."""
        steps = np.concatenate(([0.0], self.hazard))
        return -np.expm1(
            -steps[np.searchsorted(self.times, horizon, side="right")] * relative_hazard(x @ self.coefficients)
        )


def maximise_subdistribution(
    x: np.ndarray, time: np.ndarray, state: np.ndarray, cause: int, *, with_variance: bool = True
) -> SubdistributionFit:
    """Fit Fine and Gray's model.

    Args:
        x: (n, p) covariates of full rank.
        time, state, cause: as in :func:`subdistribution_sets`.
        with_variance: compute the sandwich; without it the covariance is NaN.

    Raises:
        ModelError: nobody has the event, or the likelihood has no maximum.
    """
    sets, order = subdistribution_sets(time, state, cause)
    x = np.asarray(x, float)[order]
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    standard = (x - mean) / spread
    null = float(-(sets.events @ np.log(sets.sums(np.ones(len(x))))))
    beta, point = _newton(sets, standard)
    steps = sets.events / point.total
    covariance = np.full((x.shape[1],) * 2, np.nan)
    if with_variance:
        covariance = _sandwich(sets, standard, point, steps) / np.outer(spread, spread)
    at_zero = np.cumsum(steps) * relative_hazard(-(mean / spread) @ beta)
    return SubdistributionFit(beta / spread, covariance, sets.times, at_zero, point.value, null)


def _newton(sets: SubdistributionSets, x: np.ndarray) -> tuple[np.ndarray, _Point]:
    beta = np.zeros(x.shape[1])
    point = _evaluate(sets, x, beta)
    for _ in range(MAXIMUM_STEPS if x.shape[1] else 0):
        step = np.linalg.lstsq(point.information, point.score, rcond=1e-12)[0]
        decrement = float(point.score @ step) / 2
        for _ in range(30):
            with np.errstate(all="ignore"):  # a step too far overflows; it is halved like one that descends
                ahead = _evaluate(sets, x, beta + step)
            if np.isfinite(ahead.information).all() and ahead.value >= point.value - 1e-13 * (1 + abs(point.value)):
                beta, point = beta + step, ahead
                break
            step = step / 2
        if decrement < CONVERGED_DECREMENT:
            if _has_run_flat(sets, x @ beta, point.information):
                break
            return beta, point
        if np.abs(beta).max() > FARTHEST:
            break
    if x.shape[1]:
        raise ModelError(
            "Fine and Gray's likelihood has no maximum: a covariate separates the events; merge categories or remove it"
        )
    return beta, point


def _has_run_flat(sets: SubdistributionSets, predictor: np.ndarray, information: np.ndarray) -> bool:
    least = float(np.linalg.eigvalsh(information)[0])
    return is_suspect(predictor) and least < FLAT * float(sets.events.sum())


def _sandwich(sets: SubdistributionSets, x: np.ndarray, point: _Point, steps: np.ndarray) -> np.ndarray:
    residuals = _score_residuals(sets, x, point, steps) + _censoring_residuals(sets, x, point, steps)
    bread = np.linalg.pinv(point.information, hermitian=True)
    return bread @ (residuals.T @ residuals) @ bread


def _score_residuals(sets: SubdistributionSets, x: np.ndarray, point: _Point, steps: np.ndarray) -> np.ndarray:
    """eta_i (n, p) of the paper's section 4: weights taken as known."""
    nothing = np.zeros((1, x.shape[1]))
    place = np.searchsorted(sets.times, sets.time, side="right")
    hazard = np.concatenate(([0.0], np.cumsum(steps)))
    drift = np.concatenate((nothing, np.cumsum(point.means * steps[:, np.newaxis], axis=0)))
    exposed = x * hazard[place, np.newaxis] - drift[place]
    # After a competing event the patient stays at risk with weight G(t-) / G(T-).
    kept = steps * sets.uncensored
    later = np.concatenate((np.cumsum(kept[::-1])[::-1], [0.0]))
    later_drift = np.concatenate((np.cumsum((point.means * kept[:, np.newaxis])[::-1], axis=0)[::-1], nothing))
    exposed += sets.weight[:, np.newaxis] * (x * later[place, np.newaxis] - later_drift[place])
    residuals = -exposed * point.risk[:, np.newaxis]
    residuals[sets.own] += x[sets.own] - point.means[place[sets.own] - 1]
    return residuals


def _censoring_residuals(sets: SubdistributionSets, x: np.ndarray, point: _Point, steps: np.ndarray) -> np.ndarray:
    """psi_i (n, p) of the paper's section 4: how each patient moves the estimated weights."""
    distinct, at_risk, leaving = risk_table(sets.time, sets.censored.astype(int))
    mass = sets.weight * point.risk
    # A censoring at u counts for I(t >= u > T), as in the paper and in crr; at ties that decides the last digits.
    until = np.searchsorted(sets.time, distinct, side="left")
    nothing = np.zeros((1, x.shape[1]))
    kept_mass = np.concatenate(([0.0], np.cumsum(mass)))[until]
    kept_moment = np.concatenate((nothing, np.cumsum(x * mass[:, np.newaxis], axis=0)))[until]
    after = np.searchsorted(sets.times, distinct, side="left")
    hazard = steps * sets.uncensored
    later = np.concatenate((np.cumsum(hazard[::-1])[::-1], [0.0]))[after]
    drift = np.concatenate((np.cumsum((point.means * hazard[:, np.newaxis])[::-1], axis=0)[::-1], nothing))[after]
    # q(u): what a censoring at u takes from the score, through the weights of those kept at risk across u.
    jump = (kept_moment * later[:, np.newaxis] - kept_mass[:, np.newaxis] * drift) / at_risk[:, np.newaxis]
    compensator = np.cumsum(jump * (leaving / at_risk)[:, np.newaxis], axis=0)
    own = np.searchsorted(distinct, sets.time, side="left")
    return jump[own] * sets.censored[:, np.newaxis] - compensator[own]
