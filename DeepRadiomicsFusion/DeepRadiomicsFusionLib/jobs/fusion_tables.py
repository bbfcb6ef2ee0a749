"""The tables and figures of a fusion study: models, predictions, comparisons, selected features, formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.selection.readings import Readings, Reliability

from ..evaluation.figures import classifier_calibration_figure, classifier_roc_figure, delong_figure
from ..evaluation.metrics import EvaluationSettings, delong_table, evaluate
from ..models.cross_validation import CrossValidationResult, LearnerResult, MeanAuc, fit_once
from ..models.fusion import ColumnLearner
from ..models.rad_score import RadScore
from ..models.selection_plan import SelectionSettings
from ..models.workspace import Learner
from ..tables.samples import Samples

FUSION = "fusion"


def write_reliability(output: JobOutput, readings: Readings, training: Samples, settings: SelectionSettings) -> None:
    """Write the ICC of every feature over all training cases, the lowest first, and note how many go on.

    The filter itself is fitted again in every fold, on that fold's training cases.

    Raises:
        InputError: too few training cases were read again.
    """
    names = [name for name in training.table.columns if readings.has(name)]
    found = readings.reliability(training.table.index.tolist(), names, settings.icc_model)
    reliability = Reliability(tuple(names), found, settings.icc_above, settings.icc_model)
    output.table("icc", reliability.rows())
    output.notes.append(f"{reliability.note()}; each fold measures it on its own training cases")


def write_training(output: JobOutput, result: CrossValidationResult, settings: EvaluationSettings) -> None:
    """Write what the cross-validation found, and the models that could not be fitted with their reasons."""
    rows = []
    for name, found in result.learners.items():
        mean = found.mean_auc
        evaluation = evaluate(result.outcome, found.pooled, found.threshold, settings)
        rows.append(
            {
                "model": name,
                "part": TRAINING,
                "mean_auc": mean.value,
                "mean_auc_lower": mean.lower,
                "mean_auc_upper": mean.upper,
                **evaluation.row(),
                "reason": "",
            }
        )
        output.figure(f"calibration_{file_stem(name)}", classifier_calibration_figure, evaluation.calibration, name)
    rows += [{"model": name, "part": TRAINING, "reason": reason} for name, reason in result.failed.items()]
    output.table("models", rows)
    pooled = {name: found.pooled for name, found in result.learners.items()}
    output.table("predictions", _prediction_rows(TRAINING, result.case_ids, result.outcome, pooled))
    folds = {name: found.mean_auc for name, found in result.learners.items()}
    _write_comparison(output, TRAINING, result.outcome, pooled, folds)
    output.table("selected_features", _selected_rows(result.learners))
    output.notes.append(
        f"{TRAINING}: probabilities are out-of-fold, the mean over {result.settings.repeats} repeats of "
        f"{result.settings.folds} folds; judge by the mean AUC and its interval (Nadeau and Bengio's): DeLong's of the "
        "pooled AUC does not know that folds share cases, and is too narrow; F1 and Brier score with bootstrap "
        "intervals, other rates with Clopper and Pearson's; the "
        "threshold has the best Youden index of the pooled probabilities"
    )


def write_other_parts(
    output: JobOutput, result: CrossValidationResult, parts: Mapping[str, Samples], settings: EvaluationSettings
) -> None:
    """Write the predictions of the other parts by the mean of the fold models."""
    rows, predictions = [], []
    for part, samples in parts.items():
        chances = {name: found.ensemble.predict(samples.table) for name, found in result.learners.items()}
        for name, chance in chances.items():
            threshold = result.learners[name].threshold
            row = evaluate(samples.outcome, chance, threshold, settings).row()
            rows.append({"model": name, "part": part, **row})
        predictions += _prediction_rows(part, [str(c) for c in samples.table.index], samples.outcome, chances)
        _write_comparison(output, part, samples.outcome, chances)
    if rows:
        output.table("models_other_parts", rows)
        output.table("predictions_other_parts", predictions)


def _write_comparison(
    output: JobOutput,
    part: str,
    outcome: np.ndarray,
    chances: Mapping[str, np.ndarray],
    folds: Mapping[str, MeanAuc] | None = None,
) -> None:
    output.figure(f"roc_{file_stem(part)}", partial(classifier_roc_figure, folds=folds), outcome, chances, part)
    if len(chances) > 1:
        table = delong_table(outcome, chances)
        output.table(f"delong_{file_stem(part)}", table.rename_axis("model").reset_index())
        output.figure(f"delong_{file_stem(part)}", delong_figure, table, f"DeLong's test, {part}")


def write_signatures(output: JobOutput, learners: Mapping[str, Learner], training: Samples, seed: int) -> None:
    """Formulas of the signatures, refitted on all training cases."""
    texts, rows = [], []
    for name, learner in learners.items():
        if not isinstance(learner, ColumnLearner):
            continue
        try:
            score = fit_once(learner, training, seed)
        except (InputError, ModelError) as error:
            output.notes.append(f"{name} has no formula: it cannot be fitted to all training cases, {error}")
            continue
        if isinstance(score, RadScore):
            texts.append(score.formula(name))
            rows += [{"signature": name, **row} for row in score.coefficient_table().to_dict("records")]
    if FUSION in learners:
        try:
            texts.append(f"{FUSION}: {fit_once(learners[FUSION], training, seed).fusion.formula()}")
        except (InputError, ModelError) as error:
            output.notes.append(f"{FUSION} has no formula: it cannot be fitted to all training cases, {error}")
    output.text("signatures", "\n\n".join(texts) + "\n")
    output.table("signatures", rows)


def _prediction_rows(
    part: str, cases: Sequence[str], outcome: np.ndarray, chances: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    return [
        {
            "case_id": case,
            "part": part,
            "outcome": int(outcome[k]),
            **{name: float(chance[k]) for name, chance in chances.items()},
        }
        for k, case in enumerate(cases)
    ]


def _selected_rows(learners: Mapping[str, LearnerResult]) -> list[dict[str, Any]]:
    """How often each feature stands in a fold's model."""
    rows = []
    for name, found in learners.items():
        counts: dict[str, int] = {}
        for model in found.models:
            for feature in model.features:
                counts[feature] = counts.get(feature, 0) + 1
        for feature, count in sorted(counts.items(), key=lambda item: -item[1]):
            rows.append(
                {"model": name, "feature": feature, "folds": count, "share_of_folds": count / len(found.models)}
            )
    return rows
