"""Brier score at horizons and its integral over time, weighted for censoring (as riskRegression's Score)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.brier import squared_errors

from ..estimation.censoring_influence import censoring_term
from ..estimation.kaplan_meier import censoring_weights, survival_at
from ..estimation.outcome_checks import check_horizon, check_outcome, check_probability

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BrierScore:
    """Mean squared error of predicted risks at one horizon; 0 is perfect.

    Attributes:
        horizon: the time.
        score, se, lower, upper: the score and its interval.
        reference: score of the Kaplan-Meier estimate, which knows no covariates.
        scaled: 1 - score / reference, the share of it that the model explains (index of accuracy); NaN before
            the first event, where the reference is 0.
    """

    horizon: float
    score: float
    se: float
    lower: float
    upper: float
    reference: float

    @property
    def scaled(self) -> float:
        return 1 - self.score / self.reference if self.reference > 0 else float("nan")


def brier_at(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    confidence: float = 0.95,
) -> BrierScore:
    """Brier score of predicted event probabilities at a horizon.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        risk: (n,) predicted probability of an event by the horizon, in [0, 1].
        horizon: the time.
        confidence: level of the interval.

    Raises:
        InputError: horizon beyond the last event, or a risk outside [0, 1].

    Example:
        >>> brier_at([1, 3], [1, 1], [1.0, 0.5], 2).score
        0.125

    Reference:
        Graf E et al. Stat Med 1999;18:2529.
    """
    from scipy.stats import norm

    time, event = check_outcome(time, event)
    risk = check_probability(risk, len(time))
    if len(time) < 2:
        raise InputError("one patient alone has no Brier score with an interval; two or more are needed")
    horizon = check_horizon(horizon, time, event)
    cases, controls = censoring_weights(time, event, horizon)
    errors = squared_errors(cases, controls, risk)
    score = float(errors.mean())
    influence = errors - score
    influence = influence + censoring_term(time, event, horizon, (1 - risk) ** 2 * cases, (risk**2 * controls).sum())
    se = float(influence.std(ddof=1) / np.sqrt(len(time)))
    half = norm.ppf(0.5 + confidence / 2) * se
    known = 1 - survival_at(time, event, horizon)
    reference = float(squared_errors(cases, controls, known).mean())
    return BrierScore(horizon, score, se, max(0.0, score - half), min(1.0, score + half), reference)


def brier_table(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risks: np.ndarray,
    horizons: Sequence[float],
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Brier scores at several horizons; the column ``integrated`` runs from time 0 to each horizon.

    Args:
        time, event: (n,).
        risks: (n, k) predicted probability of an event by each horizon.
        horizons: (k,) ascending.
        confidence: level of the interval.
    """
    import pandas as pd

    horizons = list(horizons)
    risks = np.asarray(risks, float)
    if risks.shape != (len(np.asarray(time)), len(horizons)):
        raise InputError(
            f"risks has shape {risks.shape}; one row a patient and one column for each of the "
            f"{len(horizons)} horizons is needed"
        )
    scores = [brier_at(time, event, risks[:, k], horizon, confidence=confidence) for k, horizon in enumerate(horizons)]
    values = np.array([s.score for s in scores])
    return pd.DataFrame(
        {
            "horizon": horizons,
            "brier": values,
            "lower": [s.lower for s in scores],
            "upper": [s.upper for s in scores],
            "se": [s.se for s in scores],
            "reference": [s.reference for s in scores],
            "scaled": [s.scaled for s in scores],
            "integrated": [integrated_brier(horizons[: k + 1], values[: k + 1]) for k in range(len(horizons))],
        }
    )


def integrated_brier(horizons: Sequence[float], scores: Sequence[float] | np.ndarray) -> float:
    """Mean Brier score over [0, last horizon], constant between horizons and 0 before the first.

    This is riskRegression's definition (left Riemann sum); give many horizons for a fine integral.

    Raises:
        InputError: horizons are not ascending, or not as many as scores.
    """
    times = np.concatenate(([0.0], np.asarray(horizons, float)))
    values = np.concatenate(([0.0], np.asarray(scores, float)))
    if len(times) != len(values) or (np.diff(times) <= 0).any():
        raise InputError("horizons must be ascending, above 0, and as many as the scores")
    return float((values[:-1] * np.diff(times)).sum() / times[-1])
