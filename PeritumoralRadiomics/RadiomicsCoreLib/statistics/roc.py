"""How well a score tells two classes apart: ROC curve, DeLong's tests, thresholds and their error rates.

Reference: DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845; computed by mid-ranks as in
Sun X, Xu W. IEEE Signal Process Lett 2014;21:1389-1393.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve.

    Attributes:
        value: probability that a random positive scores higher than a random negative, ties counting one half.
        standard_error: DeLong's.
        lower: lower end of the confidence interval, cut at 0.
        upper: upper end, cut at 1.
        positives: number of cases with the outcome.
        negatives: number of cases without.
    """

    value: float
    standard_error: float
    lower: float
    upper: float
    positives: int
    negatives: int


@dataclass(frozen=True)
class AucComparison:
    """DeLong's test of two correlated ROC curves of the same patients.

    Attributes:
        difference: first AUC minus second.
        z: statistic; 0 if the two curves are the same.
        p: two-sided.
        lower: lower end of the confidence interval of the difference.
        upper: upper end.
    """

    difference: float
    z: float
    p: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Rate:
    """A share with its confidence interval: ``count`` of ``total``; NaN where the total is 0."""

    value: float
    lower: float
    upper: float
    count: int
    total: int


@dataclass(frozen=True)
class RocCurve:
    """The empirical ROC curve, from (0, 0) to (1, 1).

    Attributes:
        false_positive_rate: shape (m,), ascending.
        sensitivity: shape (m,), ascending.
        threshold: shape (m,), descending, the first one infinite; a case is positive if its score is not lower.
    """

    false_positive_rate: np.ndarray
    sensitivity: np.ndarray
    threshold: np.ndarray


def auc(outcome: np.ndarray, score: np.ndarray, *, confidence: float = 0.95) -> Auc:
    """Area under the ROC curve with DeLong's confidence interval.

    Args:
        outcome: shape (n,), 0 or 1 (or truth values).
        score: shape (n,), higher means more likely 1; any unit.
        confidence: level of the interval, in (0, 1).

    Raises:
        InputError: one class only, a NaN score, or an outcome that is not 0 or 1.

    Example:
        >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
        0.75
    """
    positive, negative = _split(outcome, score)
    value, by_positive, by_negative = _placements(positive, negative)
    variance = _variance(by_positive, by_negative)
    half = _normal_quantile(confidence) * np.sqrt(variance)
    return Auc(
        float(value),
        float(np.sqrt(variance)),
        float(max(0.0, value - half)),
        float(min(1.0, value + half)),
        len(positive),
        len(negative),
    )


def compare_aucs(
    outcome: np.ndarray, score: np.ndarray, other_score: np.ndarray, *, confidence: float = 0.95
) -> AucComparison:
    """DeLong's test of two scores of the same patients.

    Args:
        outcome: shape (n,), 0 or 1.
        score: shape (n,).
        other_score: shape (n,).
        confidence: level of the interval of the difference.

    Raises:
        InputError: as :func:`auc`.
    """
    value, by_positive, by_negative = _placements(*_split(outcome, score))
    other, other_by_positive, other_by_negative = _placements(*_split(outcome, other_score))
    difference = float(value - other)
    error = float(np.sqrt(_variance(by_positive - other_by_positive, by_negative - other_by_negative)))
    half = _normal_quantile(confidence) * error
    z = difference / error if error else _sign_of_certainty(difference)
    return AucComparison(difference, z, _two_sided_p(z), difference - half, difference + half)


def delong_matrix(outcome: np.ndarray, scores: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """p values of DeLong's test between every two models.

    Args:
        outcome: shape (n,), 0 or 1.
        scores: m models' scores by name, each of shape (n,).

    Returns:
        The names, and p values of shape (m, m): symmetric, 1 on the diagonal.
    """
    names = list(scores)
    p = np.ones((len(names), len(names)))
    for row, name in enumerate(names):
        for column in range(row):
            test = compare_aucs(outcome, scores[name], scores[names[column]])
            p[row, column] = p[column, row] = test.p
    return names, p


def roc_curve(outcome: np.ndarray, score: np.ndarray) -> RocCurve:
    """Empirical ROC curve, one point for each distinct score.

    Raises:
        InputError: as :func:`auc`.
    """
    positive, negative = _split(outcome, score)
    thresholds = np.unique(np.concatenate([positive, negative]))[::-1]
    sensitivity = _share_not_below(positive, thresholds)
    false_positive_rate = _share_not_below(negative, thresholds)
    return RocCurve(
        np.concatenate([[0.0], false_positive_rate]),
        np.concatenate([[0.0], sensitivity]),
        np.concatenate([[np.inf], thresholds]),
    )


def youden_threshold(outcome: np.ndarray, score: np.ndarray) -> float:
    """Threshold with the highest sensitivity + specificity - 1 (the lowest such threshold where several tie).

    The threshold lies midway between two neighbouring scores, so that a rounding of scores does not move cases
    across it. Fit it on training data and apply it unchanged.

    Reference: Youden WJ. Cancer 1950;3:32-35.
    """
    curve = roc_curve(outcome, score)
    index = curve.sensitivity - curve.false_positive_rate
    best = int(np.flatnonzero(np.isclose(index, index.max(), rtol=0, atol=1e-12))[-1])
    if best == 0:
        return float(np.nextafter(curve.threshold[1], np.inf))
    below = curve.threshold[best + 1] if best + 1 < len(curve.threshold) else curve.threshold[best]
    return float((curve.threshold[best] + below) / 2)


def error_rates(
    outcome: np.ndarray, score: np.ndarray, threshold: float, *, confidence: float = 0.95
) -> dict[str, Rate]:
    """Sensitivity, specificity, PPV (precision), NPV and accuracy at a threshold, with exact intervals.

    Args:
        outcome: shape (n,), 0 or 1.
        score: shape (n,); a case is called positive if its score is not below ``threshold``.
        threshold: in the unit of the score.
        confidence: level of the Clopper-Pearson intervals.

    Returns:
        ``sensitivity`` (recall), ``specificity``, ``ppv`` (precision), ``npv``, ``accuracy``.
    """
    positive, negative = _split(outcome, score)
    true_positives = int((positive >= threshold).sum())
    false_positives = int((negative >= threshold).sum())
    false_negatives = len(positive) - true_positives
    true_negatives = len(negative) - false_positives
    counts = {
        "sensitivity": (true_positives, len(positive)),
        "specificity": (true_negatives, len(negative)),
        "ppv": (true_positives, true_positives + false_positives),
        "npv": (true_negatives, true_negatives + false_negatives),
        "accuracy": (true_positives + true_negatives, len(positive) + len(negative)),
    }
    return {name: rate(count, total, confidence=confidence) for name, (count, total) in counts.items()}


def rate(count: int, total: int, *, confidence: float = 0.95) -> Rate:
    """A share with its exact interval.

    Reference: Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Example:
        >>> rate(5, 10).value
        0.5
    """
    if total == 0:
        return Rate(float("nan"), float("nan"), float("nan"), 0, 0)
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    lower = float(beta.ppf(tail, count, total - count + 1)) if count else 0.0
    upper = float(beta.ppf(1 - tail, count + 1, total - count)) if count < total else 1.0
    return Rate(count / total, lower, upper, count, total)


def _split(outcome: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outcome, score = np.asarray(outcome), np.asarray(score, dtype=float)
    if outcome.shape != score.shape or outcome.ndim != 1:
        raise InputError(f"outcome has shape {outcome.shape}, score {score.shape}; give one of each for every case")
    if not np.isin(outcome, (0, 1)).all():
        strange = next(value for value in outcome.tolist() if value not in (0, 1))
        raise InputError(f"outcome holds {strange!r}; code it as 0 and 1")
    if np.isnan(score).any():
        raise InputError(f"the score is NaN for {int(np.isnan(score).sum())} cases; leave them out or fill them in")
    positive, negative = score[outcome == 1], score[outcome == 0]
    if not len(positive) or not len(negative):
        raise InputError(
            f"{len(positive)} cases have outcome 1 and {len(negative)} have 0; a ROC curve needs both classes"
        )
    return positive, negative


def _placements(positive: np.ndarray, negative: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """AUC and, for every case, the share of the other class that it is on the right side of."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    by_positive = (ranks[:m] - rankdata(positive)) / n
    by_negative = 1 - (ranks[m:] - rankdata(negative)) / m
    return float(by_positive.mean()), by_positive, by_negative


def _variance(by_positive: np.ndarray, by_negative: np.ndarray) -> float:
    """Variance of a mean of placements; a class of one case adds nothing that could be estimated."""
    return sum(float(part.var(ddof=1)) / len(part) for part in (by_positive, by_negative) if len(part) > 1)


def _share_not_below(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return 1 - np.searchsorted(np.sort(values), thresholds, side="left") / len(values)


def _normal_quantile(confidence: float) -> float:
    from scipy.special import ndtri

    if not 0 < confidence < 1:
        raise InputError(f"confidence is {confidence}; give a level between 0 and 1, for example 0.95")
    return float(ndtri(0.5 + confidence / 2))


def _sign_of_certainty(difference: float) -> float:
    """z where DeLong's variance is 0: the curves are the same, or both tell the classes apart without error."""
    return 0.0 if difference == 0 else float(np.copysign(np.inf, difference))


def _two_sided_p(z: float) -> float:
    from scipy.special import ndtr

    return float(2 * ndtr(-abs(z)))
