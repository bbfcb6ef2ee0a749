"""Draws of one covariate's missing values given the others: the steps of the chained equations.

Every draw first draws the model's coefficients from what the observed patients leave open about them; with the
estimates themselves the imputed values would agree too well and the pooled intervals be too narrow.
"""

from __future__ import annotations

import numpy as np

DONORS = 5
RIDGE = 1e-5
"""Share of the diagonal that is added to it, so that collinear covariates can be imputed; as mice."""
MAXIMUM_STEPS = 50


def draw_numbers(
    known: np.ndarray, x: np.ndarray, x_missing: np.ndarray, rng: np.random.Generator, donors: int = DONORS
) -> np.ndarray:
    """Predictive mean matching: each missing value is that of a random one of the nearest observed patients.

    Args:
        known: (n,) observed values.
        x: (n, p) the other covariates of these patients, without an intercept.
        x_missing: (k, p) of the patients without a value.
        rng: random numbers.
        donors: how many of the nearest may lend their value.

    Returns:
        (k,) values, each one that was observed.

    Reference:
        Little RJA. J Bus Econ Stat 1988;6:287; type 1 matching of van Buuren S, Flexible Imputation of Missing Data,
        2nd ed., algorithm 3.3: observed patients are placed by the estimate, the others by the draw.
    """
    design = np.column_stack((np.ones(len(x)), x))
    gram = design.T @ design
    inverse = np.linalg.pinv(gram + RIDGE * np.diag(np.diag(gram)), hermitian=True)
    estimate = inverse @ design.T @ known
    residuals = known - design @ estimate
    sigma = np.sqrt(residuals @ residuals / rng.chisquare(max(len(known) - design.shape[1], 1)))
    drawn = estimate + sigma * _normal(inverse, rng)
    place = design @ estimate
    order = np.argsort(place, kind="stable")
    wanted = np.column_stack((np.ones(len(x_missing)), x_missing)) @ drawn
    nearest = _nearest(place[order], wanted, min(donors, len(known)))
    return known[order[nearest[np.arange(len(wanted)), rng.integers(nearest.shape[1], size=len(wanted))]]]


def _nearest(places: np.ndarray, wanted: np.ndarray, count: int) -> np.ndarray:
    """Positions (k, count) in rising ``places`` of the nearest to each of ``wanted`` (k,)."""
    # The nearest lie within `count` to each side of where the value would be put.
    offsets = np.arange(-count, count)
    window = np.searchsorted(places, wanted)[:, np.newaxis] + offsets
    outside = (window < 0) | (window >= len(places))
    distance = np.abs(places[np.clip(window, 0, len(places) - 1)] - wanted[:, np.newaxis])
    distance[outside] = np.inf
    chosen = np.argpartition(distance, count - 1, axis=1)[:, :count]
    return np.take_along_axis(window, chosen, axis=1)


def draw_levels(
    known: np.ndarray, levels: int, x: np.ndarray, x_missing: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw categories from a logistic (two levels) or polytomous model of the observed patients.

    Patients with little weight are added at one spread to each side of every covariate, for every level, so that
    a covariate that separates the levels has a finite coefficient.

    Args:
        known: (n,) observed levels, 0 to ``levels`` - 1.
        levels: how many there are.
        x, x_missing, rng: as in :func:`draw_numbers`.

    Returns:
        (k,) levels.

    Reference:
        White IR, Daniel R, Royston P. Comput Stat Data Anal 2010;54:2267 (the added patients), as mice's ``logreg``
        and ``polyreg``. mice's ``polyreg`` takes the estimated coefficients as true; here they are drawn, too.
    """
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    standard, known, weight = _augmented((x - mean) / spread, known, levels)
    beta, inverse = _softmax_fit(standard, known, levels, weight)
    drawn = beta.ravel() + _normal(inverse, rng)
    design = np.column_stack((np.ones(len(x_missing)), (x_missing - mean) / spread))
    probability = _softmax(design @ drawn.reshape(beta.shape))
    return (np.cumsum(probability, axis=1) < rng.random((len(design), 1))).sum(axis=1).clip(0, levels - 1)


def _augmented(standard: np.ndarray, known: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = standard.shape[1]
    moved = np.concatenate((np.eye(columns), -np.eye(columns)))
    added = np.repeat(moved, levels, axis=0)
    x = np.concatenate((standard, added))
    weight = np.ones(len(x))
    if len(added):
        weight[len(standard) :] = (columns + 1) / len(added)
    return (
        np.column_stack((np.ones(len(x)), x)),
        np.concatenate((known, np.tile(np.arange(levels), len(moved)))).astype(int),
        weight,
    )


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities (n, levels) from the scores (n, levels - 1) of all levels but the first."""
    full = np.column_stack((np.zeros(len(scores)), scores))
    full = np.exp(full - full.max(axis=1, keepdims=True))
    return full / full.sum(axis=1, keepdims=True)


def _softmax_fit(
    design: np.ndarray, known: np.ndarray, levels: int, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (p, levels - 1) by Newton's method, and the inverse of their information."""
    p, free = design.shape[1], levels - 1
    beta = np.zeros((p, free))
    is_level = (known[:, np.newaxis] == np.arange(1, levels)).astype(float)

    def value(at: np.ndarray) -> float:
        return float(weight @ np.log(_softmax(design @ at)[np.arange(len(known)), known]))

    best = value(beta)
    for _ in range(MAXIMUM_STEPS):
        probability = _softmax(design @ beta)[:, 1:]
        score = design.T @ (weight[:, np.newaxis] * (is_level - probability))
        step = np.linalg.lstsq(_information(design, probability, weight), score.ravel(), rcond=1e-10)[0]
        step = step.reshape(p, free)
        while value(beta + step) < best - 1e-12 * (1 + abs(best)) and np.abs(step).max() > 1e-10:
            step = step / 2
        beta, best = beta + step, value(beta + step)
        if np.abs(step).max() < 1e-8:
            break
    information = _information(design, _softmax(design @ beta)[:, 1:], weight)
    return beta, np.linalg.pinv(information, hermitian=True)


def _information(design: np.ndarray, probability: np.ndarray, weight: np.ndarray) -> np.ndarray:
    free = probability.shape[1]
    spread = probability[:, :, np.newaxis] * (np.eye(free) - probability[:, np.newaxis, :]) * weight[:, None, None]
    blocks = np.einsum("np,njk,nq->pjqk", design, spread, design, optimize=True)
    return blocks.reshape(design.shape[1] * free, -1)


def _normal(covariance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw with this covariance; a factor by eigenvalues also serves where it is not of full rank."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors @ (np.sqrt(np.clip(values, 0, None)) * rng.normal(size=len(values)))
