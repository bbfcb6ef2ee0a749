"""Cox's partial likelihood with Efron's ties, its derivatives and its maximum, as sums over risk sets.

All functions see the covariates as a matrix (n, p) in the order of :class:`RiskSets`. One evaluation costs
O(n p^2): sums over risk sets are cumulative sums, and the second derivative is two matrix products.

Reference:
    Efron B. The efficiency of Cox's likelihood function for censored data. JASA 1977;72:557-565.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .risk_sets import RiskSets, risk_sets

CONVERGED_DECREMENT = 1e-9
"""Newton decrement (expected gain of the log-likelihood) below which one last step is taken."""
MAXIMUM_STEPS = 60
SUSPECT_RANGE = 12.0
"""Range of the linear predictor (a hazard ratio of 160,000) from which on the exact check is worth its time."""
FARTHEST = 30.0
"""Log hazard ratio of one standard deviation beyond which the coefficients are taken to run to infinity."""


def _at_risk(values: np.ndarray) -> np.ndarray:
    """Sum over this row and all later ones."""
    return np.cumsum(values[::-1], axis=0)[::-1]


def sums_at_events(sets: RiskSets, values: np.ndarray) -> np.ndarray:
    """Efron's sum of (risk-weighted) ``values`` (n, ...) over the risk set of each event, (d, ...)."""
    at_events = _at_risk(values)[sets.first]
    if len(sets.times) == len(sets.tied):
        return at_events
    tied_sum = np.add.reduceat(values[sets.event], sets.starts, axis=0)
    share = sets.share.reshape((-1,) + (1,) * (values.ndim - 1))
    return at_events - share * tied_sum[sets.tied]


@dataclass(frozen=True)
class Evaluation:
    """The log-likelihood at one point, with its gradient (p,) and observed information (p, p)."""

    log_likelihood: float
    score: np.ndarray
    information: np.ndarray


def log_likelihood(sets: RiskSets, linear_predictor: np.ndarray) -> float:
    """Return the Efron log partial likelihood; ``linear_predictor`` (n,) in the sorted order."""
    top = linear_predictor.max()
    denominators = sums_at_events(sets, np.exp(linear_predictor - top))
    return float(linear_predictor[sets.event].sum() - np.log(denominators).sum() - top * len(sets.tied))


def hazard_increments(sets: RiskSets, risk: np.ndarray) -> np.ndarray:
    """Efron's estimate of the cumulative hazard's steps (m,) at the distinct event times.

    Args:
        sets: risk sets.
        risk: (n,) relative hazard exp(linear predictor) in the sorted order.
    """
    return np.bincount(sets.tied, 1.0 / sums_at_events(sets, risk), minlength=len(sets.times))


def evaluate(sets: RiskSets, x: np.ndarray, coefficients: np.ndarray) -> Evaluation:
    """Return log-likelihood, score and information at ``coefficients``; ``x`` (n, p) in the sorted order."""
    predictor = x @ coefficients
    top = predictor.max()
    risk = np.exp(predictor - top)
    total = sums_at_events(sets, risk)
    means = sums_at_events(sets, x * risk[:, np.newaxis]) / total[:, np.newaxis]
    expected = risk * _exposure(sets, 1.0 / total)
    return Evaluation(
        float(predictor[sets.event].sum() - np.log(total).sum() - top * len(sets.tied)),
        x.T @ (sets.event - expected),
        (x * expected[:, np.newaxis]).T @ x - means.T @ means,
    )


@dataclass(frozen=True)
class EventMoments:
    """What each event says about the covariates of those at risk, at given coefficients.

    Args:
        residuals: (d, p) Schoenfeld residuals; tied events share Efron's average mean.
        sets, x, risk, total, means: what :meth:`information` is made of.
    """

    residuals: np.ndarray
    sets: RiskSets
    x: np.ndarray
    risk: np.ndarray
    total: np.ndarray
    means: np.ndarray

    def information(self, weight: np.ndarray) -> np.ndarray:
        """Return the sum (p, p) over events of ``weight`` (d,) times the covariates' variance at risk."""
        expected = self.risk * _exposure(self.sets, weight / self.total)
        return (self.x * expected[:, np.newaxis]).T @ self.x - (self.means * weight[:, np.newaxis]).T @ self.means


def event_moments(sets: RiskSets, x: np.ndarray, coefficients: np.ndarray) -> EventMoments:
    """Return Schoenfeld residuals and weighted information; ``x`` (n, p) in the sorted order."""
    predictor = x @ coefficients
    risk = np.exp(predictor - predictor.max())
    total = sums_at_events(sets, risk)
    means = sums_at_events(sets, x * risk[:, np.newaxis]) / total[:, np.newaxis]
    sizes = np.bincount(sets.tied)[:, np.newaxis]
    average = np.add.reduceat(means, sets.starts, axis=0) / sizes
    return EventMoments(x[sets.event] - average[sets.tied], sets, x, risk, total, means)


def _exposure(sets: RiskSets, weight: np.ndarray) -> np.ndarray:
    """Cumulative hazard (n,) that each row has met, Efron's reduction at its own event included."""
    steps = np.concatenate(([0.0], np.cumsum(np.bincount(sets.tied, weight, minlength=len(sets.times)))))
    exposure = steps[sets.rows_from]
    reduced = np.bincount(sets.tied, weight * sets.share, minlength=len(sets.times))
    exposure[sets.event] -= reduced[sets.tied]
    return exposure


@dataclass(frozen=True)
class Maximum:
    """Where the partial likelihood is largest.

    Args:
        coefficients: (p,).
        covariance: (p, p) inverse of the information.
        log_likelihood, null_log_likelihood: at the maximum and at zero.
        is_sound: False where the likelihood has no maximum (some direction ranks the events first, so that
            coefficients run to infinity) or the steps did not settle; the log-likelihood is then its limit.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    null_log_likelihood: float
    is_sound: bool


def maximise(x: np.ndarray, time: np.ndarray, event: np.ndarray, start: np.ndarray | None = None) -> Maximum:
    """Maximise the Efron partial likelihood by Newton's method with step halving.

    The fast way for the many fits of screening, stepwise selection and resampling; see
    :func:`SurvivalNomogramLib.models.cox.fit_cox` for a model with names, checks and a baseline.

    Args:
        x: covariates (n, p), of full rank.
        time: (n,).
        event: (n,) 0 or 1, at least one event.
    """
    sets = risk_sets(time, event)
    ordered = np.asarray(x, float)[sets.order]
    spread = ordered.std(axis=0)
    spread = np.where(np.ptp(ordered, axis=0) > 0, spread, 1.0)  # rounding leaves a constant a spread of 1e-17
    standard = (ordered - ordered.mean(axis=0)) / spread
    null = log_likelihood(sets, np.zeros(len(ordered)))
    if not x.shape[1]:
        return Maximum(np.empty(0), np.empty((0, 0)), null, null, True)
    beta, point, is_settled = _newton(sets, standard, np.zeros(x.shape[1]))
    covariance = np.linalg.pinv(point.information, hermitian=True) / np.outer(spread, spread)
    is_sound = is_settled and not (is_suspect(standard @ beta) and _has_no_maximum(x, time, event))
    return Maximum(beta / spread, covariance, point.log_likelihood, null, is_sound)


def is_suspect(linear_predictor: np.ndarray) -> bool:
    """Two patients' hazards differ so much that the coefficients may be on their way to infinity."""
    return bool(np.ptp(linear_predictor) > SUSPECT_RANGE)


def _has_no_maximum(x: np.ndarray, time: np.ndarray, event: np.ndarray) -> bool:
    # Imported here because that module is built on this one; it is needed for suspects alone.
    from .monotone_likelihood import monotone_columns

    return bool(monotone_columns(x, time, event))


def _newton(sets: RiskSets, x: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, Evaluation, bool]:
    point = evaluate(sets, x, beta)
    for _ in range(MAXIMUM_STEPS):
        step = np.linalg.lstsq(point.information, point.score, rcond=1e-12)[0]
        decrement = float(point.score @ step) / 2
        beta, point = _halved_step(sets, x, beta, step, point)
        if decrement < CONVERGED_DECREMENT:
            return beta, point, True
        if np.abs(beta).max() > FARTHEST:
            break
    return beta, point, False


def _halved_step(
    sets: RiskSets, x: np.ndarray, beta: np.ndarray, step: np.ndarray, point: Evaluation
) -> tuple[np.ndarray, Evaluation]:
    # Rounding makes a full step at the maximum lose some 1e-16 of the log-likelihood; that is no descent.
    slack = 1e-13 * (1 + abs(point.log_likelihood))
    for _ in range(30):
        with np.errstate(all="ignore"):  # a step too far overflows; it is halved like one that descends
            ahead = evaluate(sets, x, beta + step)
        is_finite = np.isfinite(ahead.information).all() and np.isfinite(ahead.score).all()
        if is_finite and ahead.log_likelihood >= point.log_likelihood - slack:
            return beta + step, ahead
        step = step / 2
    return beta, point
