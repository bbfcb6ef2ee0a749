"""The tables and figures of a fusion study: models, predictions, comparisons, selected features, formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.selection.readings import Readings, Reliability
from RadiomicsCoreLib.statistics.roc import AucComparison, auc, compare_aucs

from ..evaluation.figures import classifier_calibration_figure, classifier_roc_figure, p_value_figure
from ..evaluation.metrics import EvaluationSettings, delong_table, evaluate
from ..models.cross_validation import OUT_OF_FOLD, CrossValidationResult, LearnerResult, compare_folds, fit_once
from ..models.fusion import ColumnLearner
from ..models.rad_score import RadScore
from ..models.selection_plan import SelectionSettings
from ..models.workspace import Learner
from ..tables.samples import Samples

if TYPE_CHECKING:
    import pandas as pd

FUSION = "fusion"
HELD_OUT = "held out"
FOLDS_INTERVAL, FOLDS_TEST = "mean of the folds, Nadeau and Bengio", "t test of the folds, Nadeau and Bengio"


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
    """Write what the cross-validation found, and the models that could not be fitted with their reasons.

    The files are ``models.csv``, ``predictions.csv``, ``p_values_train.csv`` and ``selected_features.csv``.
    """
    rows = []
    for name, found in result.learners.items():
        evaluation = evaluate(result.outcome, found.pooled, found.threshold, settings, folds=found.mean_auc)
        row = {"model": name, "part": TRAINING, "patients": OUT_OF_FOLD, **evaluation.row()}
        pooled = auc(result.outcome, found.pooled).value
        rows.append(row | {"interval": FOLDS_INTERVAL, "pooled_auc": pooled, "reason": ""})
        output.figure(f"calibration_{file_stem(name)}", classifier_calibration_figure, evaluation.calibration, name)
    rows += [{"model": name, "part": TRAINING, "reason": reason} for name, reason in result.failed.items()]
    output.table("models", rows)
    chances = {name: found.pooled for name, found in result.learners.items()}
    output.table("predictions", _prediction_rows(TRAINING, result.case_ids, result.outcome, chances))
    folds = {name: found.mean_auc for name, found in result.learners.items()}
    output.figure(f"roc_{TRAINING}", partial(classifier_roc_figure, folds=folds), result.outcome, chances, TRAINING)
    if len(folds) > 1:
        p_values = fold_p_values(result)
        output.table(f"p_values_{TRAINING}", p_values.rename_axis("model").reset_index())
        output.figure(f"p_values_{TRAINING}", p_value_figure, p_values, f"{FOLDS_TEST}, {TRAINING}")
    output.table("selected_features", _selected_rows(result.learners))
    output.notes.append(
        f"{TRAINING}: probabilities are out-of-fold, the mean over {result.settings.repeats} repeats of "
        f"{result.settings.folds} folds; the AUC is the mean of the folds with Nadeau and Bengio's interval, and "
        "models are compared fold by fold (DeLong's interval and test of pooled probabilities do not know that folds "
        "share cases, and are far too narrow; pooled_auc has none; those of the folds are a little too narrow still, a "
        "part that was kept out decides); F1 and Brier score with bootstrap intervals, other "
        "rates with Clopper and Pearson's; the threshold has the best Youden index of the pooled probabilities"
    )


def write_other_parts(
    output: JobOutput, result: CrossValidationResult, parts: Mapping[str, Samples], settings: EvaluationSettings
) -> None:
    """Write what the mean of the fold models says of the other parts, and all comparisons of models.

    The files are ``models_other_parts.csv``, ``predictions_other_parts.csv`` and ``comparison.csv``.
    """
    rows, predictions, compared = [], [], _fold_comparisons(result)
    for part, samples in parts.items():
        chances = {name: found.ensemble.predict(samples.table) for name, found in result.learners.items()}
        for name, chance in chances.items():
            threshold = result.learners[name].threshold
            row = evaluate(samples.outcome, chance, threshold, settings).row()
            rows.append({"model": name, "part": part, "patients": HELD_OUT, **row, "interval": "DeLong"})
        predictions += _prediction_rows(part, [str(c) for c in samples.table.index], samples.outcome, chances)
        compared += _write_delong(output, part, samples.outcome, chances)
    if compared:
        output.table("comparison", compared)
    if rows:
        output.table("models_other_parts", rows)
        output.table("predictions_other_parts", predictions)


def fold_p_values(result: CrossValidationResult) -> pd.DataFrame:
    """Return p values of the corrected resampled t test between every two models, names as index and columns."""
    import pandas as pd

    names = list(result.learners)
    p = [[compare_folds(result.learners[a], result.learners[b]).p for b in names] for a in names]
    return pd.DataFrame(p, index=names, columns=names)


def _fold_comparisons(result: CrossValidationResult) -> list[dict[str, object]]:
    known = result.learners
    return [
        _comparison(TRAINING, OUT_OF_FOLD, (first, second), compare_folds(known[first], known[second]), FOLDS_TEST)
        for first, second in combinations(known, 2)
    ]


def _write_delong(
    output: JobOutput, part: str, outcome: np.ndarray, chances: Mapping[str, np.ndarray]
) -> list[dict[str, object]]:
    """Draw the curves of a part that nothing was fitted on, and compare its models; return the comparisons."""
    output.figure(f"roc_{file_stem(part)}", classifier_roc_figure, outcome, chances, part)
    if len(chances) < 2:
        return []
    table = delong_table(outcome, chances)
    output.table(f"delong_{file_stem(part)}", table.rename_axis("model").reset_index())
    output.figure(f"p_values_{file_stem(part)}", p_value_figure, table, f"DeLong's test, {part}")
    return [
        _comparison(part, HELD_OUT, (a, b), compare_aucs(outcome, chances[a], chances[b]), "DeLong's test")
        for a, b in combinations(chances, 2)
    ]


def _comparison(
    part: str, patients: str, models: tuple[str, str], found: AucComparison, test: str
) -> dict[str, object]:
    figures = {"difference": found.difference, "lower": found.lower, "upper": found.upper, "p": found.p}
    return {"part": part, "patients": patients, "model": models[0], "against": models[1], **figures, "test": test}


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
) -> list[dict[str, object]]:
    return [
        {
            "case_id": case,
            "part": part,
            "outcome": int(outcome[k]),
            **{name: float(chance[k]) for name, chance in chances.items()},
        }
        for k, case in enumerate(cases)
    ]


def _selected_rows(learners: Mapping[str, LearnerResult]) -> list[dict[str, object]]:
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
