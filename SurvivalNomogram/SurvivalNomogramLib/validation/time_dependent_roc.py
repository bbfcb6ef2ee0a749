"""ROC curves and AUC at fixed horizons with censoring: cumulative cases against those still free of events.

Cases (event by the horizon) are weighted by 1 / G(T-), controls (followed beyond it) by 1 / G(horizon); AUC
and standard error equal riskRegression's ``Score(cens.model = "km")``; the interval is made on the logit, because
Score's, normal on the AUC itself, covers 90 to 93 % at 150 patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..estimation.censoring_influence import censoring_term
from ..estimation.kaplan_meier import censoring_weights
from ..estimation.outcome_checks import check_horizon, check_outcome, check_score
from .intervals import logit_interval, z_value

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TimeDependentRoc:
    """ROC curve at one horizon.

    Attributes:
        horizon: the time.
        thresholds: (k,) a patient is called positive at a risk >= threshold; the first is infinite.
        false_positive_rate, true_positive_rate: (k,) at the thresholds, from (0, 0) to (1, 1).
        auc, se, lower, upper: area with its interval on the logit; NaN ends at an area of 0 or 1.
        cases, controls: unweighted numbers of patients.
        influence: (n,) influence of each patient on the AUC.
    """

    horizon: float
    thresholds: np.ndarray
    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    auc: float
    se: float
    lower: float
    upper: float
    cases: int
    controls: int
    influence: np.ndarray

    def youden_threshold(self) -> float:
        """Threshold with the largest sensitivity + specificity - 1; the lowest one at a tie."""
        youden = self.true_positive_rate - self.false_positive_rate
        best = np.flatnonzero(youden >= youden.max() - 1e-12)[-1]
        return float(self.thresholds[best])

    def at(self, threshold: float) -> tuple[float, float]:
        """Sensitivity and specificity when a risk at or above the threshold is called positive."""
        k = np.searchsorted(-self.thresholds, -threshold, side="right") - 1
        return float(self.true_positive_rate[k]), float(1 - self.false_positive_rate[k])


def time_dependent_roc(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    confidence: float = 0.95,
) -> TimeDependentRoc:
    """ROC curve of a risk score at a horizon.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        risk: (n,) higher means an earlier event; linear predictor or probability.
        horizon: the time at which patients are cases or controls.
        confidence: level of the interval.

    Raises:
        InputError: horizon beyond the last event, or no case or no control at it.

    Example:
        >>> time_dependent_roc([1, 2, 3, 4], [1, 1, 1, 1], [4, 2, 3, 1], 2).auc
        0.75

    Reference:
        Uno H et al. JASA 2007;102:527; Hung H, Chiang CT. Can J Stat 2010;38:8.
    """
    time, event = check_outcome(time, event)
    risk = check_score(risk, len(time))
    horizon = check_horizon(horizon, time, event)
    cases, controls = _weights(time, event, horizon)
    thresholds, tpr, fpr = _curve(risk, cases, controls)
    auc = float(((tpr[1:] + tpr[:-1]) / 2 * np.diff(fpr)).sum())
    influence = _influence(time, event, risk, horizon, cases, controls, auc)
    se = float(influence.std(ddof=1) / np.sqrt(len(time)))
    return TimeDependentRoc(
        horizon,
        thresholds,
        fpr,
        tpr,
        auc,
        se,
        *logit_interval(auc, se, confidence),
        int((cases > 0).sum()),
        int((controls > 0).sum()),
        influence,
    )


def _weights(time: np.ndarray, event: np.ndarray, horizon: float) -> tuple[np.ndarray, np.ndarray]:
    cases, controls = censoring_weights(time, event, horizon)
    if not cases.any():
        raise InputError(f"nobody had an event by {horizon:g}; choose a later horizon")
    if not controls.any():
        raise InputError(f"nobody was followed beyond {horizon:g}; choose an earlier horizon")
    return cases, controls


def _curve(risk: np.ndarray, cases: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.argsort(-risk, kind="stable")
    last_of_tie = np.append(np.diff(risk[order]) != 0, True)
    tpr = np.cumsum(cases[order])[last_of_tie] / cases.sum()
    fpr = np.cumsum(controls[order])[last_of_tie] / controls.sum()
    thresholds = np.concatenate(([np.inf], risk[order][last_of_tie]))
    return thresholds, np.concatenate(([0.0], tpr)), np.concatenate(([0.0], fpr))


def _influence(
    time: np.ndarray,
    event: np.ndarray,
    risk: np.ndarray,
    horizon: float,
    cases: np.ndarray,
    controls: np.ndarray,
    auc: float,
) -> np.ndarray:
    n = len(time)
    won_by_case = cases * weight_below(risk, risk, controls)  # summed over the controls
    won_by_control = controls * (cases.sum() - weight_below(risk, risk, cases))  # summed over the cases
    area = won_by_case.sum() / n**2
    case_rate, control_rate = cases.sum() / n, controls.sum() / n
    # The horizon's own weight 1 / G(horizon) cancels in the ratio, so that only the cases' weights add a term.
    pairs = won_by_case / n + won_by_control / n - 2 * area
    pairs += censoring_term(time, event, horizon, won_by_case / n, 0.0)
    case_part = cases - case_rate + censoring_term(time, event, horizon, cases, 0.0)
    control_part = controls - control_rate
    return (pairs / area - case_part / case_rate - control_part / control_rate) * auc if area > 0 else pairs


def weight_below(query: np.ndarray, risk: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weight of the patients with a risk below each query, those with the same risk by one half."""
    order = np.argsort(risk, kind="stable")
    running = np.concatenate(([0.0], np.cumsum(weight[order])))
    low = running[np.searchsorted(risk[order], query, side="left")]
    high = running[np.searchsorted(risk[order], query, side="right")]
    return (low + high) / 2


def auc_table(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    horizons: Sequence[float],
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """AUC with its interval at several horizons, one row each."""
    import pandas as pd

    curves = [time_dependent_roc(time, event, risk, horizon, confidence=confidence) for horizon in horizons]
    return pd.DataFrame(
        {
            "horizon": [c.horizon for c in curves],
            "auc": [c.auc for c in curves],
            "lower": [c.lower for c in curves],
            "upper": [c.upper for c in curves],
            "se": [c.se for c in curves],
            "cases": [c.cases for c in curves],
            "controls": [c.controls for c in curves],
        }
    )


class AreaAtHorizon(Protocol):
    """An AUC at a horizon with the influence of each patient on it, of survival or of an incidence."""

    @property
    def horizon(self) -> float: ...
    @property
    def auc(self) -> float: ...
    @property
    def influence(self) -> np.ndarray: ...


@dataclass(frozen=True)
class AucDifference:
    """AUC of the second score minus that of the first at one horizon, on the same patients."""

    horizon: float
    difference: float
    se: float
    lower: float
    upper: float
    p_value: float


def auc_difference(first: AreaAtHorizon, second: AreaAtHorizon, *, confidence: float = 0.95) -> AucDifference:
    """Compare two scores at a horizon by their influence functions (as Score's contrasts).

    Raises:
        InputError: different horizons or numbers of patients.
    """
    from scipy.stats import norm

    if first.horizon != second.horizon or first.influence.shape != second.influence.shape:
        raise InputError("the two ROC curves must be of the same patients at the same horizon")
    difference = second.auc - first.auc
    se = float((second.influence - first.influence).std(ddof=1) / np.sqrt(len(first.influence)))
    half = z_value(confidence) * se
    p_value = float(2 * norm.sf(abs(difference) / se)) if se > 0 else 1.0
    return AucDifference(first.horizon, difference, se, difference - half, difference + half, p_value)
