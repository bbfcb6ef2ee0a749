"""What a trained network says of every patient, and how good that is: predictions, signatures, scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import write_csv

from ..evaluation.survival_score import survival_score
from ..networks.prediction import probability
from ..networks.seen_cases import PREDICTIONS_FILE, SIGNATURES_FILE
from ..settings.training_settings import Task
from ..tables.multi_endpoint import score_endpoints
from .training_sides import TRAIN_LABEL, Side

if TYPE_CHECKING:
    from .cross_fitting import CrossFit
    from .train_plan import TrainPlan

OUT_OF_FOLD = "out-of-fold"
DICE_FILE = "out_of_fold_dice.csv"


def write_outputs(
    out: Path, job: TrainPlan, sides: Mapping[str, Side], outputs: Mapping[str, np.ndarray], crossed: CrossFit | None
) -> dict[str, Path]:
    """Write ``predictions.csv`` and ``scores.csv``, and with folds ``signatures.csv`` (of masks their Dice).

    Returns:
        The files, by what they are.
    """
    files = {"predictions": out / PREDICTIONS_FILE}
    write_csv(
        files["predictions"], [row for name, side in sides.items() for row in _rows(job, name, side, outputs[name])]
    )
    scored = [row for name, side in sides.items() for row in _scores(name, outputs[name], side)]
    if crossed is not None:
        is_mask = job.training.task is Task.SEGMENTATION
        files["out-of-fold"] = out / (DICE_FILE if is_mask else SIGNATURES_FILE)
        write_csv(files["out-of-fold"], _signature_rows(job, sides, outputs, crossed))
        scored += _scores(OUT_OF_FOLD, crossed.outputs, sides[TRAIN_LABEL], crossed.fold_of)
    files["scores"] = out / "scores.csv"
    write_csv(files["scores"], scored)
    return files


def _rows(job: TrainPlan, split: str, side: Side, outputs: np.ndarray) -> list[dict[str, object]]:
    task = job.training.task
    values = probability(outputs) if task is Task.CLASSIFICATION else outputs
    columns = ("dice",) if task is Task.SEGMENTATION else tuple(f"{output}.signature" for output in job.outputs)
    return [
        {"case_id": case_id, "split": split, **dict(zip(columns, row.tolist(), strict=True))}
        for case_id, row in zip(side.case_ids, values, strict=True)
    ]


def _signature_rows(
    job: TrainPlan, sides: Mapping[str, Side], outputs: Mapping[str, np.ndarray], crossed: CrossFit
) -> list[dict[str, object]]:
    """Out-of-fold for the training cases, of the final network for all others, which it has not seen."""
    rows = []
    for name, side in sides.items():
        is_training = name == TRAIN_LABEL
        folds = [int(fold) + 1 for fold in crossed.fold_of] if is_training else [None] * len(side.case_ids)
        found = _rows(job, name, side, crossed.outputs if is_training else outputs[name])
        for fold, row in zip(folds, found, strict=True):
            case_id, split = row.pop("case_id"), row.pop("split")
            rows.append({"case_id": case_id, "split": split, "fold": fold, **row})
    return rows


def _scores(split: str, outputs: np.ndarray, side: Side, folds: np.ndarray | None = None) -> list[dict[str, object]]:
    cases = side.one_a_case()
    if cases.task is Task.SEGMENTATION:
        return [{"split": split, "mean_dice": float(outputs.mean()), "cases": len(outputs)}]
    if cases.task is Task.SURVIVAL:
        return [_survival_row(split, outputs, cases.targets, folds)]
    return [
        {
            "split": split,
            "endpoint": score.name,
            "cases": score.cases,
            "positives": score.positives,
            "missing": score.missing,
            "auc": None if score.auc is None else score.auc.value,
            "auc_lower": None if score.auc is None else score.auc.lower,
            "auc_upper": None if score.auc is None else score.auc.upper,
            "reason": score.reason,
        }
        for score in score_endpoints(outputs.astype(np.float64), cases)
    ]


def _survival_row(split: str, risks: np.ndarray, targets: np.ndarray, folds: np.ndarray | None) -> dict[str, object]:
    """Harrell's C; out-of-fold of the pairs within a fold, for the log hazards of each network have their own zero."""
    row: dict[str, object] = {"split": split, "cases": len(targets), "events": int(targets[:, 1].sum())}
    try:
        score = survival_score(targets[:, 0], targets[:, 1], risks[:, 0], folds)
    except InputError as error:
        return row | {"c_index": None, "c_index_lower": None, "c_index_upper": None, "reason": str(error)}
    return row | {"c_index": score.value, "c_index_lower": score.lower, "c_index_upper": score.upper, "reason": None}
