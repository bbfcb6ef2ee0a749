"""AUC and Brier score of a predicted cumulative incidence at a horizon, with competing events and censoring.

A case had the event of interest by the horizon. All others are controls: those still free of events beyond it, and
those whom another event took before. Only the censored are unknown; the others weigh 1 / G(T-) or 1 / G(horizon).
Equal to riskRegression's ``Score(Hist(time, state) ~ 1, cens.model = "km")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..estimation.censoring_influence import censoring_term
from ..estimation.competing_risks import incidence_of
from ..estimation.kaplan_meier import censoring_weights
from ..estimation.outcome_checks import check_horizon, check_outcome, check_probability, check_score
from ..validation.brier import BrierScore
from ..validation.time_dependent_roc import weight_below

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CompetingAuc:
    """Area under the ROC curve of the event of interest at one horizon.

    Attributes:
        horizon: the time.
        auc, se, lower, upper: area with its interval, made on the logit so that it stays in [0, 1].
        cases, competing, free: unweighted numbers of patients with the event, with another, and with none.
        influence: (n,) of each patient on the AUC.
    """

    horizon: float
    auc: float
    se: float
    lower: float
    upper: float
    cases: int
    competing: int
    free: int
    influence: np.ndarray


@dataclass(frozen=True)
class _Known:
    """Weights (n,) of those whose state at the horizon is known; zero for the others."""

    time: np.ndarray
    any_event: np.ndarray
    cases: np.ndarray
    competing: np.ndarray
    free: np.ndarray

    def through_weights(self, horizon: float, own: np.ndarray, at_horizon: np.ndarray) -> np.ndarray:
        return censoring_term(self.time, self.any_event, horizon, own, float(at_horizon.sum()))


def check_states(time: np.ndarray, state: np.ndarray, cause: int) -> tuple[np.ndarray, np.ndarray]:
    """Return follow-up (n,) and state (n,), or raise InputError: 0 is censored, other whole numbers are events."""
    state = np.asarray(state)
    time, _ = check_outcome(time, (state != 0).astype(int))
    if not (state == cause).any():
        raise InputError(f"none of the {len(state)} patients had the event of state {cause}; nothing can be estimated")
    return time, state.astype(int)


def _known(time: np.ndarray, state: np.ndarray, horizon: float, cause: int) -> _Known:
    any_event = (state != 0).astype(int)
    events, free = censoring_weights(time, any_event, horizon)
    return _Known(time, any_event, events * (state == cause), events * (state != cause), free)


def competing_auc(
    time: Sequence[float] | np.ndarray,
    state: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    cause: int = 1,
    confidence: float = 0.95,
) -> CompetingAuc:
    """AUC of a risk for the event of interest at a horizon.

    Args:
        time: (n,) follow-up, positive.
        state: (n,) 0 censored, ``cause`` the event of interest, other numbers competing events.
        risk: (n,) higher means more likely.
        horizon: the time.
        cause: state of the event of interest.
        confidence: level of the interval.

    Raises:
        InputError: horizon beyond the last event, or no case or no control at it.

    Example:
        >>> competing_auc([1, 2, 3, 4], [1, 2, 1, 0], [0.9, 0.2, 0.5, 0.6], 3).auc
        0.75

    Reference:
        Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013;32:5381, definition 2 and appendix.
    """
    from scipy.special import expit, logit, ndtri

    time, state = check_states(np.asarray(time, float), np.asarray(state), cause)
    risk = check_score(risk, len(time))
    horizon = check_horizon(horizon, time, (state != 0).astype(int))
    known = _known(time, state, horizon, cause)
    controls = known.competing + known.free
    if not known.cases.any():
        raise InputError(f"nobody had the event by {horizon:g}; choose a later horizon")
    if not controls.any():
        raise InputError(f"all patients had the event by {horizon:g}; choose an earlier horizon")
    n = len(time)
    won_by_case = known.cases * weight_below(risk, risk, controls) / n
    won_by_control = controls * (known.cases.sum() - weight_below(risk, risk, known.cases)) / n
    area = float(won_by_case.mean())
    case_rate, control_rate = known.cases.mean(), controls.mean()
    auc = area / (case_rate * control_rate)
    # A product of two means moves with each of them; the weights' own error enters all three.
    is_free = known.free > 0
    pairs = won_by_case + won_by_control - 2 * area
    pairs += known.through_weights(horizon, won_by_case + won_by_control * ~is_free, won_by_control * is_free)
    case_part = known.cases - case_rate + known.through_weights(horizon, known.cases, np.zeros(n))
    control_part = controls - control_rate + known.through_weights(horizon, known.competing, known.free)
    influence = pairs / (case_rate * control_rate) - auc * (case_part / case_rate + control_part / control_rate)
    se = float(influence.std(ddof=1) / np.sqrt(n))
    lower, upper = auc, auc
    if 0 < auc < 1:
        half = ndtri(0.5 + confidence / 2) * se / (auc * (1 - auc))
        lower, upper = float(expit(logit(auc) - half)), float(expit(logit(auc) + half))
    cases, competing, free = (int((weights > 0).sum()) for weights in (known.cases, known.competing, known.free))
    return CompetingAuc(horizon, float(auc), se, float(lower), float(upper), cases, competing, free, influence)


def competing_brier(
    time: Sequence[float] | np.ndarray,
    state: Sequence[int] | np.ndarray,
    incidence: Sequence[float] | np.ndarray,
    horizon: float,
    *,
    cause: int = 1,
    confidence: float = 0.95,
) -> BrierScore:
    """Brier score of a predicted cumulative incidence; its reference is the Aalen-Johansen estimate.

    Args:
        time, state, horizon, cause, confidence: as in :func:`competing_auc`.
        incidence: (n,) predicted probability of the event of interest by the horizon, in [0, 1].

    Raises:
        InputError: horizon beyond the last event, or an incidence outside [0, 1].

    Example:
        >>> competing_brier([1, 2, 3], [1, 2, 0], [1.0, 0.5, 0.0], 2).score
        0.08333333333333333

    Reference:
        Schoop R et al. Biom J 2011;53:88.
    """
    from scipy.special import ndtri

    time, state = check_states(np.asarray(time, float), np.asarray(state), cause)
    incidence = check_probability(incidence, len(time), "predicted incidence")
    horizon = check_horizon(horizon, time, (state != 0).astype(int))
    known = _known(time, state, horizon, cause)

    def parts(risk: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        return (1 - risk) ** 2 * known.cases + risk**2 * known.competing, risk**2 * known.free

    own, at_horizon = parts(incidence)
    score = float((own + at_horizon).mean())
    influence = own + at_horizon - score + known.through_weights(horizon, own, at_horizon)
    se = float(influence.std(ddof=1) / np.sqrt(len(time)))
    half = ndtri(0.5 + confidence / 2) * se
    overall = float(incidence_of(time, state == cause, state != 0).at([horizon])[0])
    reference = float(sum(part.mean() for part in parts(overall)))
    return BrierScore(horizon, score, se, max(0.0, score - half), min(1.0, score + half), reference)


def competing_table(
    time: np.ndarray, state: np.ndarray, incidence: np.ndarray, horizons: Sequence[float], *, cause: int = 1
) -> pd.DataFrame:
    """AUC and Brier score with intervals, one row a horizon.

    Args:
        time, state: (n,).
        incidence: (n, k) predicted cumulative incidence at each horizon.
        horizons: (k,).
        cause: state of the event of interest.
    """
    import pandas as pd

    rows = []
    for k, horizon in enumerate(horizons):
        auc = competing_auc(time, state, incidence[:, k], horizon, cause=cause)
        brier = competing_brier(time, state, incidence[:, k], horizon, cause=cause)
        rows.append(
            {
                "horizon": horizon,
                "auc": auc.auc,
                "auc_lower": auc.lower,
                "auc_upper": auc.upper,
                "auc_se": auc.se,
                "cases": auc.cases,
                "competing": auc.competing,
                "event_free": auc.free,
                "brier": brier.score,
                "brier_lower": brier.lower,
                "brier_upper": brier.upper,
                "brier_se": brier.se,
                "reference": brier.reference,
                "scaled": brier.scaled,
            }
        )
    return pd.DataFrame(rows)
