"""Several endpoints from one cohort in one run, where each lacks the labels of some patients (zhang2024)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.roc import Auc, auc

from ..training.training_cases import TrainingCases, labelled_cases
from .endpoints import read_endpoints

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EndpointScore:
    """How well one endpoint is told.

    Attributes:
        name: of the endpoint.
        cases, positives, missing: cases with a label, with label 1, and without a label.
        auc: area with DeLong's interval; None with the reason.
        reason: why there is no area; None if there is one.
    """

    name: str
    cases: int
    positives: int
    missing: int
    auc: Auc | None
    reason: str | None = None


def endpoint_cases(
    table: pd.DataFrame,
    columns: Sequence[str],
    images: Mapping[str, np.ndarray],
    *,
    scores: Mapping[str, Sequence[float]] | None = None,
) -> TrainingCases:
    """Put images and the labels of several endpoints together.

    Args:
        table: with ``case_id`` and the endpoints' columns of 0 and 1; empty cells are missing labels.
        columns: endpoints.
        images: case to array (C, H, W); a case without an image takes no part.
        scores: case to its RadScores.

    Returns:
        The cases that have an image and a label of one endpoint or more, in the table's order.

    Raises:
        InputError: text or other values, one class only, no image for any case, or a case without scores.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"case_id": ["a", "b", "c"], "egfr": [1, 0, None], "alk": [None, 1, 0]})
        >>> cases = endpoint_cases(table, ["egfr", "alk"], {c: np.zeros((1, 8, 8)) for c in "abc"})
        >>> cases.targets.shape
        (3, 2)
    """
    endpoints = read_endpoints(table, columns)
    labels = {name: dict(zip(e.case_ids, e.outcome, strict=True)) for name, e in zip(columns, endpoints, strict=True)}
    labelled = [case for case in map(str, table["case_id"]) if any(case in known for known in labels.values())]
    chosen = [case for case in labelled if case in images]
    if not chosen:
        raise InputError(f"none of the {len(labelled)} labelled cases has an image; compare the case ids")
    if scores is not None and (without := [case for case in chosen if case not in scores]):
        raise InputError(f"{len(without)} cases have no RadScores, the first is {without[0]!r}")
    return labelled_cases(
        chosen,
        [images[case] for case in chosen],
        np.array([[labels[name].get(case, np.nan) for name in columns] for case in chosen], float),
        names=columns,
        scores=None if scores is None else np.array([scores[case] for case in chosen], float),
    )


def score_endpoints(logits: np.ndarray, cases: TrainingCases) -> tuple[EndpointScore, ...]:
    """Return the area under the ROC curve of every endpoint, over the cases that have its label.

    Args:
        logits: (n, E) from :func:`~DeepRadiomicsFusionLib.networks.prediction.predict`.
        cases: with labels (n, E).

    Raises:
        InputError: shapes that differ.
    """
    if logits.shape != cases.targets.shape:
        raise InputError(f"predictions of shape {logits.shape} do not belong to labels of shape {cases.targets.shape}")
    return tuple(
        _score(name, logits[:, place], cases.targets[:, place].astype(float)) for place, name in enumerate(cases.names)
    )


def _score(name: str, logits: np.ndarray, labels: np.ndarray) -> EndpointScore:
    known = ~np.isnan(labels)
    positives, count = int((labels[known] == 1).sum()), int(known.sum())
    counts = (name, count, positives, int((~known).sum()))
    if positives in (0, count):
        return EndpointScore(*counts, None, "only one class among the labelled cases")
    if min(positives, count - positives) < 2:
        return EndpointScore(*counts, None, "a single case in one class; an interval needs two")
    return EndpointScore(*counts, auc(labels[known], logits[known]))
