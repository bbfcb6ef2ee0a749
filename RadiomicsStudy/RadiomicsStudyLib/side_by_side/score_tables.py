"""Scores of several models in every part of a cohort: AUC, rates at the training's threshold, tests of every pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.roc import auc, compare_aucs, error_rates, youden_threshold

if TYPE_CHECKING:
    import pandas as pd

RATES = ("sensitivity", "specificity", "accuracy")


@dataclass(frozen=True)
class PartScores:
    """Several models' scores of the same cases.

    Attributes:
        part: name of the part.
        ids: of the cases.
        outcome: (n,) 0 and 1.
        scores: model -> (n,).
    """

    part: str
    ids: tuple[str, ...]
    outcome: np.ndarray
    scores: Mapping[str, np.ndarray]


def parts_of(
    table: pd.DataFrame, outcome: Mapping[str, int], part_of: Mapping[str, str]
) -> tuple[list[PartScores], list[str]]:
    """Return the parts whose cases have a label and every score, training first, and notes on those left out.

    Args:
        table: case ids as index, a column a model.
        outcome: case -> 0 or 1.
        part_of: case -> its part.

    Raises:
        InputError: no part has both classes.
    """
    whole = table.dropna()
    notes = []
    if len(whole) < len(table):
        notes.append(f"{len(table) - len(whole)} of {len(table)} cases lack a score of some model and are left out")
    found = []
    labels = sorted({part_of[case] for case in whole.index if case in outcome}, key=lambda p: (p != TRAINING, p))
    for label in labels:
        ids = [case for case in whole.index if case in outcome and part_of[case] == label]
        y = np.array([outcome[case] for case in ids], int)
        if min(int((y == 0).sum()), int((y == 1).sum())) < 2:
            notes.append(f"{label}: {len(ids)} cases, {int(y.sum())} with the outcome, cannot be evaluated")
            continue
        rows = whole.loc[ids]
        scores = {str(name): rows[name].to_numpy(float) for name in rows.columns}
        found.append(PartScores(label, tuple(ids), y, scores))
    if not found:
        raise InputError("no part has two labelled cases of each class with every score; " + "; ".join(notes))
    return found, notes


def score_rows(parts: Sequence[PartScores], against: str) -> list[dict[str, Any]]:
    """Return a row a part and model: AUC with DeLong's interval, p against 0.5, rates, and the test against a model.

    The threshold is Youden's of the first part, the training, unchanged in the others.
    """
    thresholds = {name: youden_threshold(parts[0].outcome, score) for name, score in parts[0].scores.items()}
    return [row for part in parts for row in _rows(part, thresholds, against)]


def _rows(part: PartScores, thresholds: Mapping[str, float], against: str) -> Iterator[dict[str, Any]]:
    for name, score in part.scores.items():
        area = auc(part.outcome, score)
        row: dict[str, Any] = {"part": part.part, "model": name, "n": len(part.ids), "events": int(part.outcome.sum())}
        row |= {"auc": area.value, "auc_lower": area.lower, "auc_upper": area.upper}
        row["p_against_chance"] = chance_p(area.value, area.standard_error)
        rates = error_rates(part.outcome, score, thresholds[name])
        for rate in RATES:
            found = rates[rate]
            row |= {rate: found.value, f"{rate}_lower": found.lower, f"{rate}_upper": found.upper}
        row["threshold"] = thresholds[name]
        if name != against:
            test = compare_aucs(part.outcome, score, part.scores[against])
            row |= {"against": against, "difference": test.difference, "p_value": test.p}
        yield row


def chance_p(area: float, standard_error: float) -> float:
    """Return the two-sided p value of an area against 0.5; 0 for a perfect one, 1 where nothing varies.

    Example:
        >>> round(chance_p(0.6, 0.05), 4)
        0.0455
    """
    from scipy.special import ndtr

    if standard_error == 0:
        return 1.0 if area == 0.5 else 0.0
    return float(2 * ndtr(-abs(area - 0.5) / standard_error))


def pair_rows(parts: Sequence[PartScores]) -> list[dict[str, Any]]:
    """Return DeLong's test of every pair of models in every part."""
    rows = []
    for part in parts:
        for first, second in combinations(part.scores, 2):
            test = compare_aucs(part.outcome, part.scores[first], part.scores[second])
            row: dict[str, Any] = {"part": part.part, "first": first, "second": second}
            rows.append(row | {"difference": test.difference, "p_value": test.p})
    return rows
