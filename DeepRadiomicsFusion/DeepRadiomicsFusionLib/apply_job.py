"""``peritumoral apply`` with a bundle of classifiers: feature tables of new patients in, predictions out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figure_style import FORMATS
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsCoreLib.tables import read_csv

from .classifier_bundle import ClassifierBundle, load_bundle
from .endpoints import Endpoint, read_endpoint
from .evaluation import Evaluation, EvaluationSettings, evaluate
from .feature_tables import FeatureTables
from .figures import calibration_figure, roc_figure
from .job_output import JobOutput, JobResult
from .seen_cases import notes_on_known, seen_from_dict
from .training_record import check_compatible

if TYPE_CHECKING:
    import pandas as pd


def apply_job(
    bundle: ClassifierBundle | Path | str,
    features: Mapping[str, pd.DataFrame | Path | str],
    out: Path | str,
    *,
    cohort: pd.DataFrame | Path | str | None = None,
    positive: str | None = None,
    evaluation: EvaluationSettings | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Progress = no_progress,
) -> JobResult:
    """Apply a bundle to new cases, and evaluate it where their outcome is known.

    Writes ``predictions.csv`` (``case_id``, ``probability``, ``positive``, ``reason``: a case whose features are
    NaN gets no probability and a reason), with outcomes also ``evaluation.csv`` and figures, and ``notes.txt``.

    Args:
        bundle: loaded, or the path of its folder or zip.
        features: name to feature table, under the names of the training.
        out: output folder.
        cohort: table with ``case_id`` and the endpoint's column, to evaluate; None only predicts.
        positive: text of the endpoint that means the outcome.
        evaluation: bootstrap and permutations.
        formats: of the figures.
        progress: told on the way.

    Raises:
        InputError: tables or bundle cannot be used.
        ModelError: the features were made otherwise than those of the training, or are missing.
    """
    bundle = bundle if isinstance(bundle, ClassifierBundle) else load_bundle(bundle)
    tables = FeatureTables(features)
    output = JobOutput(out, formats)
    output.notes += [*tables.notes, *check_compatible(bundle.trained_on, tables.record)]
    output.notes += _known_cases(bundle, [str(case) for case in tables.table.index])
    progress(0.2, f"{len(tables.table)} cases")
    chance, reasons = _predict_each(bundle, tables.table)
    called = [None if np.isnan(value) else int(value >= bundle.threshold) for value in chance]
    rows = zip(tables.table.index, chance.tolist(), called, reasons, strict=True)
    output.rows(
        "predictions", [dict(zip(("case_id", "probability", "positive", "reason"), r, strict=True)) for r in rows]
    )
    failed = sum(bool(reason) for reason in reasons)
    if failed:
        output.notes.append(f"{failed} of {len(reasons)} cases have no prediction; predictions.csv says why")
    if cohort is not None:
        table = read_csv(cohort) if isinstance(cohort, str | Path) else cohort
        known = read_endpoint(table, bundle.endpoint, positive=positive)
        _evaluate_new(output, bundle, known, dict(zip(tables.table.index, chance, strict=True)), evaluation)
    progress(1.0, f"predictions in {output.folder}")
    return output.finish("apply", bundle.provenance)


def _known_cases(bundle: ClassifierBundle, cases: Sequence[str]) -> list[str]:
    """Notes on cases that the model, or a network behind its features, was trained on."""
    record = bundle.provenance
    notes: list[str] = []
    if "training_cases" in record:  # bundles of earlier versions lack it
        own = {"cases": record["training_cases"], "patients": record.get("training_patients")}
        notes += notes_on_known(seen_from_dict(own), cases)
    networks = record.get("seen_by_networks")
    for name, seen in (networks if isinstance(networks, Mapping) else {}).items():
        notes += notes_on_known(seen_from_dict(seen), cases, f"the network of the table {name}")
    return notes


def _predict_each(bundle: ClassifierBundle, table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Probabilities (n,), NaN with a reason for cases whose features are not finite."""
    needed = list(bundle.model.features)
    absent = [name for name in needed if name not in table.columns]
    if absent:
        bundle.predict(table)  # says which are missing
    finite = np.isfinite(np.asarray(table[needed], float))
    whole = finite.all(axis=1)
    chance = np.full(len(table), np.nan)
    if whole.any():
        chance[whole] = bundle.predict(table[whole])
    reasons = [
        "" if row.all() else f"{int((~row).sum())} features are NaN, the first is {needed[int(np.argmin(row))]}"
        for row in finite
    ]
    return chance, reasons


def _evaluate_new(
    output: JobOutput,
    bundle: ClassifierBundle,
    known: Endpoint,
    chance: Mapping[str, float],
    settings: EvaluationSettings | None,
) -> None:
    both = [
        (y, chance[c])
        for c, y in zip(known.case_ids, known.outcome, strict=True)
        if not np.isnan(chance.get(c, np.nan))
    ]
    if not both:
        raise InputError(f"no case has both a prediction and a label of {known.name!r}; compare the case_id columns")
    outcome, values = np.array([y for y, _ in both]), np.array([value for _, value in both])
    found: Evaluation = evaluate(outcome, values, bundle.threshold, settings)
    output.rows("evaluation", [found.row()])
    output.figure("roc", roc_figure, outcome, {known.name: values}, known.name)
    output.figure("calibration", calibration_figure, found.calibration, known.name)
    output.notes.append(known.summary)
