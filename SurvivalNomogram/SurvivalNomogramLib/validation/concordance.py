"""Harrell's and Uno's concordance of a risk score with survival, their standard error and difference.

Own code: lifelines' index has no standard error, no Uno weights, and counts pair by pair in Python. Here the pairs
are counted for every patient at once, which also gives the infinitesimal jackknife. Values equal
``survival::concordance`` of R, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.comparable_pairs import pair_sums

from ..estimation.kaplan_meier import censoring_table
from ..estimation.outcome_checks import check_outcome, check_score


@dataclass(frozen=True)
class Concordance:
    """A concordance index.

    Attributes:
        index: share of comparable pairs in which the patient with the higher risk has the event first;
            a tied risk counts one half. 0.5 is chance.
        se: standard error by the infinitesimal jackknife (Uno: censoring weights taken as known).
        influence: (n,) contribution of each patient; differences of two scores use it.
        concordant, discordant, tied_risk: sums of the (weighted) pairs.
        confidence: level of :meth:`interval`.
    """

    index: float
    se: float
    influence: np.ndarray
    concordant: float
    discordant: float
    tied_risk: float
    confidence: float = 0.95

    def interval(self) -> tuple[float, float]:
        """Normal confidence interval, cut at 0 and 1."""
        from scipy.stats import norm

        half = norm.ppf(0.5 + self.confidence / 2) * self.se
        return max(0.0, self.index - half), min(1.0, self.index + half)


def harrell_c(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
) -> Concordance:
    """Harrell's C.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        risk: (n,) higher means an earlier event, e.g. the linear predictor.
        confidence: level of the interval.

    Raises:
        InputError: bad values, or no two patients can be compared.

    Example:
        >>> harrell_c([1, 2, 3], [1, 1, 0], [0.9, 0.1, 0.5]).index
        0.6666666666666666

    Reference:
        Harrell FE et al. JAMA 1982;247:2543. Ties as in R's survival package.
    """
    time, event = check_outcome(time, event)
    risk = check_score(risk, len(time))
    return _concordance(time, event, risk, np.ones(len(time)), confidence)


def uno_c(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risk: Sequence[float] | np.ndarray,
    *,
    tau: float | None = None,
    censoring: tuple[np.ndarray, np.ndarray] | None = None,
    confidence: float = 0.95,
) -> Concordance:
    """Uno's C: pairs weighted by 1 / G(t)^2, which frees the index from the censoring pattern.

    Args:
        time, event, risk: as in :func:`harrell_c`.
        tau: events after this time do not count; the last event time when None.
        censoring: time and event of the cohort from which the censoring distribution is estimated; the same
            cohort when None.
        confidence: level of the interval.

    Raises:
        InputError: bad values, tau not positive, or an event at a time when nobody of the censoring cohort
            was left uncensored.

    Reference:
        Uno H et al. Stat Med 2011;30:1105, equation 5. R: ``concordance(timewt = "n/G2", ymax = tau)``.
    """
    time, event = check_outcome(time, event)
    risk = check_score(risk, len(time))
    source = check_outcome(*censoring) if censoring is not None else (time, event)
    weights = uno_weights(time, event, *source, tau=tau)
    return _concordance(time, event, risk, weights, confidence)


def uno_weights(
    time: np.ndarray,
    event: np.ndarray,
    censoring_time: np.ndarray,
    censoring_event: np.ndarray,
    *,
    tau: float | None = None,
) -> np.ndarray:
    """Weight 1 / G(t-)^2 of each event up to ``tau``, (n,); zero for the others."""
    if tau is not None and tau <= 0:
        raise InputError(f"tau is {tau:g}; it must be above 0")
    times, at_risk, censored = censoring_table(censoring_time, censoring_event)
    survival = np.concatenate(([1.0], np.cumprod(1 - censored / at_risk)))
    uncensored = survival[np.searchsorted(times, time, side="left")]
    counted = (event == 1) & (time <= (np.inf if tau is None else tau))
    lost = counted & (uncensored <= 0)
    if lost.any():
        raise InputError(
            f"at time {time[lost].min():g} nobody is left uncensored, so Uno's weights have no value there; "
            "give an earlier tau"
        )
    return np.divide(1.0, uncensored**2, out=np.zeros(len(time)), where=counted)


def _concordance(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, weights: np.ndarray, confidence: float
) -> Concordance:
    concordant, discordant, tied = pair_sums(time, event, risk, weights)
    pairs = concordant + discordant + tied
    total = pairs.sum() / 2
    if total <= 0:
        raise InputError("no two patients can be compared: no event comes before another patient's follow-up")
    favourable = concordant + tied / 2
    index = favourable.sum() / 2 / total
    influence = (favourable - index * pairs) / total
    return Concordance(
        float(index),
        float(np.sqrt((influence**2).sum())),
        influence,
        float(concordant.sum() / 2),
        float(discordant.sum() / 2),
        float(tied.sum() / 2),
        confidence,
    )


@dataclass(frozen=True)
class ConcordanceDifference:
    """C of the second score minus C of the first, on the same patients.

    Attributes:
        first, second: the two indices.
        difference, se: their difference and its standard error.
        lower, upper, p_value: normal interval and two-sided test of no difference.
    """

    first: float
    second: float
    difference: float
    se: float
    lower: float
    upper: float
    p_value: float


def concordance_difference(first: Concordance, second: Concordance) -> ConcordanceDifference:
    """Compare two scores of the same patients by the infinitesimal jackknife (as R's ``concordance(a, b)``).

    Raises:
        InputError: the two were computed on different numbers of patients.
    """
    from scipy.stats import norm

    if first.influence.shape != second.influence.shape:
        raise InputError(
            f"the scores stand for {len(first.influence)} and {len(second.influence)} patients; "
            "they must stand for the same ones"
        )
    difference = second.index - first.index
    se = float(np.sqrt(((second.influence - first.influence) ** 2).sum()))
    half = norm.ppf(0.5 + first.confidence / 2) * se
    p_value = 2 * norm.sf(abs(difference) / se) if se > 0 else 1.0
    return ConcordanceDifference(
        first.index, second.index, difference, se, difference - half, difference + half, float(p_value)
    )
