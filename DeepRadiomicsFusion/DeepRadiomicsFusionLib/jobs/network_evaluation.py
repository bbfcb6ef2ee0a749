"""How good a network is on new patients whose outcome is known: the figures of classifiers, Harrell's C, or Dice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.table import Case
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem

from ..evaluation.survival_score import survival_score
from ..networks.network_bundle import NetworkBundle
from ..networks.seen_cases import NEW, TRAINING_PART
from ..settings.training_settings import Task
from ..tables.endpoints import refuse_text

if TYPE_CHECKING:
    from ..evaluation.metrics import EvaluationSettings


def outcome_columns(bundle: NetworkBundle) -> tuple[str, ...]:
    """Return the columns of a cohort table that hold the outcome of a bundle's task: endpoints, or time and event.

    A bundle that does not say its columns of time and event gives none.
    """
    if bundle.task is Task.CLASSIFICATION:
        return bundle.outputs
    if bundle.task is Task.SURVIVAL:
        named = (bundle.training.get("time"), bundle.training.get("event"))
        return tuple(str(name) for name in named) if all(isinstance(name, str) for name in named) else ()
    return ()


def outcomes_of(cases: Sequence[Case], columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return column to case to number, for the columns that the table has; empty cells are left out.

    Raises:
        InputError: a cell holds text.
    """
    found: dict[str, dict[str, float]] = {}
    for column in columns:
        if column not in cases[0].values:
            continue
        known = {case.case_id: case.values[column] for case in cases if case.values[column] is not None}
        refuse_text(column, known.items())
        found[column] = {case: float(value) for case, value in known.items()}
    return found


def evaluate_outputs(
    output: JobOutput,
    bundle: NetworkBundle,
    outputs: Mapping[str, Sequence[float]],
    outcomes: Mapping[str, Mapping[str, float]],
    seen: Sequence[str],
    settings: EvaluationSettings,
) -> None:
    """Write ``evaluation.csv`` and figures; what cannot be evaluated is told in the notes.

    Args:
        output: takes the files and notes.
        bundle: the network.
        outputs: case to probabilities, in the order of the bundle's outputs; or to the risk.
        outcomes: from :func:`outcomes_of`.
        seen: cases of the training; they are evaluated on their own.
        settings: bootstrap and permutations.
    """
    rows: list[dict[str, object]] = []
    for part, cases in (
        (NEW, [case for case in outputs if case not in set(seen)]),
        (TRAINING_PART, [case for case in outputs if case in set(seen)]),
    ):
        if not cases:
            continue
        if bundle.task is Task.SURVIVAL:
            rows += _survival(output, bundle, part, {case: outputs[case][0] for case in cases}, outcomes)
            continue
        for place, name in enumerate(bundle.outputs):
            chances = {case: outputs[case][place] for case in cases}
            rows += _binary(output, bundle, part, name, chances, outcomes.get(name), settings)
    if rows:
        output.table("evaluation", rows)


def _binary(
    output: JobOutput,
    bundle: NetworkBundle,
    part: str,
    name: str,
    chances: Mapping[str, float],
    known: Mapping[str, float] | None,
    settings: EvaluationSettings,
) -> list[dict[str, object]]:
    from ..evaluation.figures import classifier_calibration_figure, classifier_roc_figure
    from ..evaluation.metrics import evaluate

    both = [case for case in chances if case in (known or {})]
    if known is None or not both:
        output.notes.append(f"{name}, {part}: no case has a label in the table, so nothing could be evaluated")
        return []
    labels, values = np.array([known[case] for case in both]), np.array([chances[case] for case in both])
    fewest = min(int((labels == 1).sum()), int((labels == 0).sum()))
    if fewest < 2 or not np.isin(labels, (0, 1)).all():
        output.notes.append(
            f"{name}, {part}: {len(both)} labelled cases, {int((labels == 1).sum())} with the outcome; an evaluation "
            "needs two of each class, coded as 0 and 1"
        )
        return []
    if name not in bundle.thresholds:
        output.notes.append(f"{name}, {part}: the bundle holds no threshold, so nothing could be evaluated")
        return []
    found = evaluate(labels.astype(int), values, bundle.thresholds[name], settings)
    stem = file_stem(name) + ("" if part == NEW else "_training")
    output.figure(f"roc_{stem}", classifier_roc_figure, labels.astype(int), {name: values}, part)
    output.figure(f"calibration_{stem}", classifier_calibration_figure, found.calibration, f"{name}, {part}")
    return [{"part": part, "output": name, **found.row()}]


def _survival(
    output: JobOutput,
    bundle: NetworkBundle,
    part: str,
    risks: Mapping[str, float],
    outcomes: Mapping[str, Mapping[str, float]],
) -> list[dict[str, object]]:
    columns = outcome_columns(bundle)
    time, event = (outcomes.get(column, {}) for column in columns) if columns else ({}, {})
    both = [case for case in risks if case in time and case in event]
    if not both:
        output.notes.append(
            f"risk, {part}: no case has a time and an event in the table, so nothing could be evaluated"
        )
        return []
    try:
        score = survival_score(*(np.array([known[case] for case in both]) for known in (time, event, risks)))
    except InputError as error:
        output.notes.append(f"risk, {part}: {error}")
        return []
    return [
        {
            "part": part,
            "output": "risk",
            "cases": score.cases,
            "events": score.events,
            "c_index": score.value,
            "c_index_lower": score.lower,
            "c_index_upper": score.upper,
        }
    ]
