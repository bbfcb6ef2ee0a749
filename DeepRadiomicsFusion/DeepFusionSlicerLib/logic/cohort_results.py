"""What a run over a cohort found, from the tables that its jobs wrote: charts, a table of models, matrices as nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from DeepRadiomicsFusionLib.models.fusion_parts import TRAINING
from DeepRadiomicsFusionLib.models.ring_sweep import RegionKind
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_json
from RadiomicsCoreLib.statistics.roc import roc_curve
from RadiomicsSlicerLib.results.series_chart import Axes, Series, put_chart
from RadiomicsSlicerLib.runs.job_run import read_rows
from RadiomicsSlicerLib.tables import keep_record, put_table

from .cohorts import FUSION, NETWORK

MODELS = "PeritumoralRadiomics.Models"
"""Marks tables of models."""
_GREY = (0.5, 0.5, 0.5)
_UNIT = (-0.02, 1.02)
_GROUPS = 5


def models_table(out: Path, node: Any = None) -> Any:
    """Return the models of a run as a table node, as ``models.csv`` and the network's ``scores.csv`` have them.

    Args:
        out: folder of the results.
        node: a table to fill anew; None: a new one.

    Raises:
        InputError: there is no model yet.
    """
    rows = [row for row in read_rows(out / FUSION / "models.csv") if not row.get("reason")]
    rows += [_of_a_network(row) for row in read_rows(out / NETWORK / "scores.csv")]
    if not rows:
        raise InputError(f"{out} holds no model yet; check Fusion or Network, and press Run")
    names = list(dict.fromkeys(name for row in rows for name in row if name != "reason"))
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    table = put_table(columns, "Models", node)
    keep_record(table, {"kind": "models", "folder": str(out), "sweep": sweep_rows(out)}, {})
    table.SetAttribute(MODELS, "1")
    return table


def has_models(out: Path) -> bool:
    """Return whether a run has come to a model yet."""
    return (out / FUSION / "models.csv").is_file() or (out / NETWORK / "scores.csv").is_file()


def roc_chart(out: Path, most: int = 8) -> Any:
    """Draw the ROC curves of the models, of the out-of-fold probabilities. Raises InputError without any."""
    outcome, chances = _predictions(out)
    series = []
    for name, chance in list(chances.items())[:most]:
        curve = roc_curve(outcome, chance)
        series.append(Series(name, curve.false_positive_rate.tolist(), curve.sensitivity.tolist(), width=2))
    chance_line = Series("chance", (0, 1), (0, 1), _GREY, width=1, dashed=True)
    axes = Axes("ROC curves, out-of-fold", "1 - specificity", "sensitivity", _UNIT, _UNIT)
    return put_chart("ROC curves", [*series, chance_line], axes)


def calibration_chart(out: Path, most: int = 8) -> Any:
    """Draw observed shares against predicted probabilities, in groups of equal size. Raises InputError without any."""
    outcome, chances = _predictions(out)
    series = []
    for name, chance in list(chances.items())[:most]:
        parts = np.array_split(np.argsort(chance, kind="stable"), min(_GROUPS, len(chance)))
        predicted = [float(chance[part].mean()) for part in parts]
        observed = [float(outcome[part].mean()) for part in parts]
        series.append(Series(name, predicted, observed, width=2, marks=7))
    ideal = Series("ideal", (0, 1), (0, 1), _GREY, width=1, dashed=True)
    axes = Axes("Calibration, out-of-fold", "predicted probability", "observed share", _UNIT, _UNIT)
    return put_chart("Calibration", [*series, ideal], axes)


def loss_chart(out: Path) -> Any:
    """Draw the losses of the network's training so far; None before its first epoch."""
    path = out / NETWORK / "loss_curve.json"
    losses = read_json(path) if path.is_file() else {}
    names = (("training", "training"), ("validation", "validation"), ("dice", "validation Dice"))
    series = [
        Series(words, range(1, len(losses[name]) + 1), losses[name], width=2, marks=5)
        for name, words in names
        if losses.get(name)
    ]
    if not series:
        return None
    return put_chart("Loss", series, Axes("Loss of the training", "epoch", "loss"))


def sweep_rows(out: Path) -> list[dict[str, Any]]:
    """Return the ring sizes that were compared, as ``ring_sweep.csv`` has them; empty without it."""
    return read_rows(out / FUSION / "ring_sweep.csv")


def sweep_chart(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Draw the AUC of each ring size, a line a family and kind of region. Raises InputError without any.

    The points of a series stand in the order of :func:`sweep_series`, by which a click is understood.
    """
    series = []
    for name, own in sweep_series(rows).items():
        sizes, aucs = [float(row["size"]) for row in own], [float(row["auc"]) for row in own]
        series.append(Series(name, sizes, aucs, width=2, marks=10))
    unit = next((str(row["unit"]) for row in rows if row["unit"]), "mm")
    axes = Axes("How large should the ring be?", f"outer border ({unit})", "AUC, mean of the folds")
    return put_chart("Ring sizes", series, axes)


def sweep_series(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows of each series of the sweep's chart, by the name of the series, the smallest size first.

    Raises:
        InputError: there is no ring size to compare.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["kind"] != RegionKind.INTRATUMOUR.value:
            found.setdefault(f"{row['family']}, {row['kind']}", []).append(row)
    if not found:
        raise InputError("no ring sizes were compared; check Ring sizes, with two or more distances, and press Run")
    return {name: sorted(own, key=lambda row: float(row["size"])) for name, own in found.items()}


def fold_tests(out: Path, node: Any = None) -> Any:
    """Return p values of the models compared fold by fold as a table node. Raises InputError without any."""
    return _matrix(read_rows(out / FUSION / f"p_values_{TRAINING}.csv"), "p values of the folds", node)


def delong_table(out: Path, node: Any = None) -> Any:
    """Return p values of DeLong's test in the first part that nothing was fitted on. Raises InputError without any."""
    parts = sorted((out / FUSION).glob("delong_*.csv"))
    if not parts:
        raise InputError("no part of the cohort was held out: DeLong's test takes patients that no model has seen")
    return _matrix(read_rows(parts[0]), f"DeLong, {parts[0].stem.removeprefix('delong_')}", node)


def _matrix(rows: Sequence[Mapping[str, Any]], name: str, node: Any) -> Any:
    if not rows:
        raise InputError("there is no comparison of models: fuse two or more")
    made = put_table({key: _column([row[key] for row in rows]) for key in rows[0]}, name, node)
    made.SetName(name)
    return made


def _predictions(out: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rows = read_rows(out / FUSION / "predictions.csv")
    if not rows:
        raise InputError("there are no probabilities yet; check Fusion, and press Run")
    names = [name for name in rows[0] if name not in ("case_id", "part", "outcome")]
    whole = {name: np.array([np.nan if row[name] is None else row[name] for row in rows], float) for name in names}
    kept = {name: values for name, values in whole.items() if np.isfinite(values).all()}
    return np.array([row["outcome"] for row in rows], int), kept


def _of_a_network(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``scores.csv`` in the words of ``models.csv``."""
    name = f"network: {row['endpoint']}" if row.get("endpoint") else "network"
    value = next((key for key in ("auc", "c_index", "mean_dice") if key in row), "auc")
    found = {"model": name, "part": row["split"], "cases": row.get("cases"), "auc": row.get(value)}
    limits = {f"auc_{end}": row.get(f"{value}_{end}") for end in ("lower", "upper")}
    return {**found, **limits, "measure": {"auc": "AUC", "c_index": "C", "mean_dice": "Dice"}[value]}


def _column(values: Sequence[Any]) -> list[Any]:
    """Texts, where one value is a text; else numbers, NaN for what is missing."""
    if any(isinstance(value, str) for value in values):
        return ["" if value is None else str(value) for value in values]
    return [float("nan") if value is None else float(value) for value in values]
