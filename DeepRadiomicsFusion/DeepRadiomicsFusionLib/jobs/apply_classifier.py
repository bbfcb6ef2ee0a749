"""``apply`` with a bundle of classifiers: feature tables of new patients in, predictions out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort, read_joined
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, notes_on_known, seen_from_dict
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress

from ..evaluation.figures import classifier_calibration_figure, classifier_roc_figure
from ..evaluation.metrics import Evaluation, EvaluationSettings, evaluate
from ..models.classifier_bundle import ClassifierBundle, load_bundle
from ..models.cross_validation import MeanOfModels
from ..models.training_range import far_from_training
from ..networks.seen_cases import NEW, TRAINING_PART
from ..networks.training_record import check_compatible
from ..tables.endpoints import Endpoint, read_endpoint
from ..tables.feature_tables import FeatureTables
from ..tables.missing_features import fill_medians
from ..tables.samples import numbers_of

if TYPE_CHECKING:
    import pandas as pd

    from .apply_options import ApplyOptions


def apply_classifier(job: ApplyOptions, output: JobOutput, progress: Progress) -> None:
    """Apply a bundle to new cases, and evaluate it where their outcome is known.

    Writes ``predictions.csv`` (``case_id``, ``probability``, ``positive``, ``reason``: a case whose features are
    NaN gets no probability and a reason; ``lowest``, ``highest``: what the fold models say each by itself;
    ``unusual``: features that lie far from the training's), with outcomes also ``evaluation.csv`` and figures (cases
    of the training, if there are any, apart from the new ones). Fewer than two known cases of a class are told in the
    notes.

    Args:
        job: with bundle and feature tables.
        output: of the job.
        progress: told on the way.

    Raises:
        InputError: tables, bundle or the column of the outcome cannot be used.
        ModelError: the features were made otherwise than those of the training, or are missing.
    """
    bundle = load_bundle(job.bundle)
    tables = FeatureTables.read(job.features)
    cohort = None if job.cohort is None else read_joined(job.cohort, job.columns)
    known = None if cohort is None else _outcomes(cohort, bundle.endpoint, job.positive)
    output.notes += [*tables.notes, *check_compatible(bundle.trained_on, tables.record)]
    cases = [str(case) for case in tables.table.index]
    learnt_from = _learnt_from(bundle)
    output.notes += [note for what, seen in learnt_from.items() for note in notes_on_known(seen, cases, what)]
    progress(0.2, f"{len(tables.table)} cases")
    table, told = fill_medians(tables.table, bundle.medians)
    output.notes += told
    chance, reasons = _predict_each(bundle, table)
    called = [None if np.isnan(value) else int(value >= bundle.threshold) for value in chance]
    spread = _fold_range(bundle, table, np.isfinite(chance))
    unusual = [_unusual(bundle, row) for row in tables.table.to_dict("records")]
    cells = zip(tables.table.index, chance.tolist(), called, reasons, *spread, unusual, strict=True)
    columns = ("case_id", "probability", "positive", "reason", "lowest", "highest", "unusual")
    output.table("predictions", [dict(zip(columns, row, strict=True)) for row in cells])
    failed = sum(bool(reason) for reason in reasons)
    if failed:
        output.notes.append(f"{failed} of {len(reasons)} cases have no prediction; predictions.csv says why")
    if known is not None:
        patient_of = {case: case for case in cases} | _patients(cohort)
        trained = {c for seen in learnt_from.values() for c in seen.among({c: patient_of[c] for c in cases})}
        found = dict(zip(cases, chance.tolist(), strict=True))
        _evaluate(output, bundle, known, found, trained, job.evaluation)
    output.record |= dict(bundle.provenance)
    progress(1.0, f"predictions in {output.folder}")


def _outcomes(cohort: JoinedCohort, endpoint: str, positive: str | None) -> Endpoint:
    """The known outcomes, perhaps of one class only; a bad column is told before anything is written."""
    return read_endpoint(cohort, endpoint, positive=positive, one_class=True)


def _patients(cohort: JoinedCohort | None) -> dict[str, str]:
    """Case to patient, as far as a cohort says."""
    return {} if cohort is None else dict(zip(cohort.ids, map(str, cohort.patients), strict=True))


def _learnt_from(bundle: ClassifierBundle) -> dict[str, SeenCases]:
    """Whom the model, and each network behind its features, was trained on; by what notes call them."""
    record = bundle.provenance
    found: dict[str, SeenCases] = {}
    if "training_cases" in record:  # bundles of earlier versions lack it
        own = {"cases": record["training_cases"], "patients": record.get("training_patients")}
        found["the model"] = seen_from_dict(own)
    networks = record.get("seen_by_networks")
    for name, seen in (networks if isinstance(networks, Mapping) else {}).items():
        found[f"the network of the table {name}"] = seen_from_dict(seen)
    return found


def _predict_each(bundle: ClassifierBundle, table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Probabilities (n,), NaN with a reason for cases whose features are not finite."""
    needed = list(bundle.model.features)
    absent = [name for name in needed if name not in table.columns]
    if absent:
        bundle.predict(table)  # says which are missing
    table = numbers_of(table[needed])
    finite = np.isfinite(table.to_numpy())
    whole = finite.all(axis=1)
    chance = np.full(len(table), np.nan)
    if whole.any():
        chance[whole] = bundle.predict(table[whole])
    reasons = [
        "" if row.all() else f"{int((~row).sum())} features are NaN, the first is {needed[int(np.argmin(row))]}"
        for row in finite
    ]
    return chance, reasons


def _fold_range(bundle: ClassifierBundle, table: pd.DataFrame, known: np.ndarray) -> tuple[list[float], list[float]]:
    """The lowest and highest probability of the fold models of each case, (n,); NaN where there is one model only."""
    low, high = np.full(len(table), np.nan), np.full(len(table), np.nan)
    if isinstance(bundle.model, MeanOfModels) and known.any():
        each = np.array([model.predict(table[known]) for model in bundle.model.models])
        low[known], high[known] = each.min(axis=0), each.max(axis=0)
    return low.tolist(), high.tolist()


def _unusual(bundle: ClassifierBundle, values: Mapping[str, object]) -> str:
    """Which features of a case lie far from the training's mean, in words; empty where none does."""
    numbers = {name: value for name, value in values.items() if isinstance(value, (int, float)) and np.isfinite(value)}
    far = far_from_training(bundle.model, numbers)
    if not far:
        return ""
    name, z = far[0]
    others = f", and {len(far) - 1} more" if len(far) > 1 else ""
    return f"{name} lies {abs(z):.1f} SD {'above' if z > 0 else 'below'} the training's mean{others}"


def _evaluate(
    output: JobOutput,
    bundle: ClassifierBundle,
    known: Endpoint,
    chance: Mapping[str, float],
    trained: Collection[str],
    settings: EvaluationSettings,
) -> None:
    """Write ``evaluation.csv`` and figures, the cases of the training on their own."""
    rows = []
    for part, is_trained in ((NEW, False), (TRAINING_PART, True)):
        own = {case: value for case, value in chance.items() if (case in trained) is is_trained}
        rows += _evaluate_part(output, bundle, known, part, own, settings) if own else []
    if rows:
        output.table("evaluation", rows)
    output.notes.append(known.summary)


def _evaluate_part(
    output: JobOutput,
    bundle: ClassifierBundle,
    known: Endpoint,
    part: str,
    chance: Mapping[str, float],
    settings: EvaluationSettings,
) -> list[dict[str, object]]:
    """Evaluate some cases; what cannot be evaluated is told in the notes."""
    both = [
        (y, chance[c])
        for c, y in zip(known.case_ids, known.outcome, strict=True)
        if not np.isnan(chance.get(c, np.nan))
    ]
    outcome, values = np.array([y for y, _ in both], int), np.array([value for _, value in both])
    fewest = min(int((outcome == 1).sum()), int((outcome == 0).sum()))
    if fewest < 2:
        output.notes.append(
            f"{known.name}, {part}: {len(both)} cases have a prediction and a label, {int(outcome.sum())} of them the "
            "outcome, so nothing could be evaluated: that needs two of each class"
        )
        return []
    found: Evaluation = evaluate(outcome, values, bundle.threshold, settings)
    stem, title = ("", known.name) if part == NEW else ("_training", f"{known.name}, {part}")
    output.figure(f"roc{stem}", classifier_roc_figure, outcome, {known.name: values}, title)
    output.figure(f"calibration{stem}", classifier_calibration_figure, found.calibration, title)
    return [{"part": part, **found.row()}]
