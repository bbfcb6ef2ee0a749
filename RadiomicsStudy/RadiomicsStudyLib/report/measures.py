"""Every model's figures with their intervals, whatever stage they come from, in one table."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .folder import Stage, Study
from .table import number_of, rows_of, shown, with_interval

# Column of a table -> what it is called on the page; in the order of the columns.
MEASURES: Mapping[str, str] = {
    "mean_auc": "AUC, mean of folds",
    "auc": "AUC",
    "auc_corrected": "AUC, corrected",
    "auc_apparent": "AUC, apparent",
    "harrell": "C (Harrell)",
    "harrell_corrected": "C, corrected",
    "uno": "C (Uno)",
    "c": "C",
    "mean_c": "C, mean of folds",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "brier": "Brier",
    "slope": "Calibration slope",
    "calibration_slope": "Calibration slope",
}
_LABELS = ("model", "cohort", "part", "horizon", "n", "cases", "events", "with_outcome", "validation", "patients")
_TABLES = re.compile(
    r"models|models_other_parts|evaluation|concordance|auc|auc_.+|calibration_summary_.+|ring_sweep|overall|comparison_models"
)
TRAINING = re.compile(r"train|out.of.fold", re.I)


@dataclass(frozen=True)
class Measured:
    """One model in one cohort.

    Attributes:
        stage: title of the stage.
        model, cohort: names.
        patients: "24 (11 with the event)".
        how: what kind of figure it is, such as "apparent", "new patients".
        values: name of the measure -> estimate with its interval.
        numbers: name of the measure -> estimate, lower and upper limit (NaN where there is none).
    """

    stage: str
    model: str
    cohort: str
    patients: str
    how: str
    values: Mapping[str, str]
    numbers: Mapping[str, tuple[float, float, float]]


def measures(study: Study) -> list[Measured]:
    """Return every model's figures, in the order of the stages; what several tables say of one is one row."""
    found: dict[tuple[str, str, str], Measured] = {}
    for stage in study.stages:
        for name, path in stage.tables.items():
            for row in rows_of(path) if _TABLES.fullmatch(name) else ():
                one = _measured(stage, name, row)
                if one is None:
                    continue
                key = one.stage, one.model, one.cohort
                found[key] = _joined(found[key], one) if key in found else one
    return list(found.values())


def _joined(first: Measured, second: Measured) -> Measured:
    return replace(
        first,
        patients=first.patients or second.patients,
        values={**second.values, **first.values},
        numbers={**second.numbers, **first.numbers},
    )


@dataclass(frozen=True)
class ModelTable:
    """Models that are measured alike."""

    title: str
    measures: tuple[str, ...]
    rows: tuple[Measured, ...]


def model_tables(measured: Sequence[Measured]) -> list[ModelTable]:
    """Return the models in tables of their own kind: survival, at a horizon, classification."""
    kinds: dict[str, list[Measured]] = {}
    for one in measured:
        is_survival = any(name.startswith("C") and not name.startswith("Cal") for name in one.values)
        kind = "Survival: concordance" if is_survival else "At a horizon" if " at " in one.model else "Classification"
        kinds.setdefault(kind, []).append(one)
    order = list(dict.fromkeys(MEASURES.values()))
    return [
        ModelTable(kind, tuple(name for name in order if any(name in one.values for one in rows)), tuple(rows))
        for kind, rows in kinds.items()
    ]


def _measured(stage: Stage, table: str, row: Mapping[str, str]) -> Measured | None:
    values, numbers = {}, {}
    for column, name in MEASURES.items():
        estimate = number_of(row.get(column, ""))
        if math.isnan(estimate) or name in values:
            continue
        lower, upper = _limits(row, column)
        values[name] = with_interval(estimate, lower, upper)
        numbers[name] = (estimate, lower, upper)
    if not values:
        return None
    cohort = row.get("cohort") or row.get("part") or _cohort_of(table)
    model = row.get("model") or row.get("name") or row.get("sources") or stage.title
    horizon = row.get("horizon", "")
    model = f"{model} at {shown(horizon)}" if horizon else model
    return Measured(stage.title, model, cohort, _patients(row), _how(row, cohort), values, numbers)


def _limits(row: Mapping[str, str], column: str) -> tuple[float, float]:
    for lower, upper in ((f"{column}_lower", f"{column}_upper"), ("lower", "upper")):
        if lower == "lower" and column not in ("auc", "c", "brier"):
            continue
        if lower in row:
            return number_of(row[lower]), number_of(row[upper])
    if column == "auc_corrected":
        return number_of(row.get("corrected_lower", "")), number_of(row.get("corrected_upper", ""))
    return math.nan, math.nan


def _cohort_of(table: str) -> str:
    found = re.fullmatch(r"(?:auc|calibration_summary)_(.+)", table)
    return found[1] if found else ""


def _patients(row: Mapping[str, str]) -> str:
    count = row.get("n") or row.get("cases") or ""
    if row.get("cases") and row.get("controls"):
        return f"{row['cases']} with, {row['controls']} without the event"
    events = row.get("events") or row.get("with_outcome") or ""
    return f"{count} ({events} with the event)" if count and events else count


def _how(row: Mapping[str, str], cohort: str) -> str:
    said = row.get("validation") or row.get("patients") or ""
    if said:
        return said
    if "mean_auc" in row:
        return "cross-validated"
    return "training patients" if TRAINING.search(cohort) else "other patients"
