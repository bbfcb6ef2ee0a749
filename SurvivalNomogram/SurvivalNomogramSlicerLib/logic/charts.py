"""The charts of models: which figures there are of each kind, and charts of Slicer's own that compare models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsSlicerLib.results.series_chart import COLOURS, Axes, Series, put_chart
from RadiomicsSlicerLib.tables import keep_record
from SurvivalNomogramLib.bundles.patient_reading import PatientReading, survival_curve
from SurvivalNomogramLib.groups.risk_groups import HIGH
from SurvivalNomogramLib.report.patient_sketches import GroupCurve

from .models import StoredModel, stored_model

KINDS: Mapping[str, tuple[str, ...]] = {
    "nomogram": ("nomogram",),
    "C of models": ("concordance",),
    "Kaplan-Meier": ("kaplan_meier_", "kaplan_meier"),
    "calibration": ("calibration_", "competing_calibration"),
    "ROC at horizons": ("roc_",),
    "decision curves": ("decision_curve_",),
    "Brier score": ("brier_",),
    "box plots": ("risk_by_outcome",),
    "forest of subgroups": ("forest_",),
    "coefficients": ("coefficients_", "lasso_path", "lasso_validation"),
    "Schoenfeld residuals": ("schoenfeld",),
    "loadings": ("loadings",),
    "competing events": ("cumulative_incidence", "competing_curve", "competing_"),
}
"""What the switch offers, to the beginnings of the figures' names."""
_CURVES = {"Kaplan-Meier": "kaplan_meier_", "calibration": "calibration_curve_", "decision curves": "decision_curve_"}


@dataclass(frozen=True)
class Picture:
    """One figure of a model: its name, and the PNG in base64."""

    model: str
    name: str
    png: str


def kinds_of(stored: Sequence[StoredModel]) -> list[str]:
    """Return the kinds of charts that at least one of the models has."""
    return [kind for kind in KINDS if any(_stems(model, kind) for model in stored)]


def parts_of(stored: Sequence[StoredModel], kind: str) -> list[str]:
    """Return the figures of a kind by name, without what they have in common: ``test``, ``train``."""
    return list(dict.fromkeys(stem for model in stored for stem in _stems(model, kind)))


def pictures(modelNodes: Sequence[Any], kind: str, part: str) -> list[Picture]:
    """Return the figure of each model, in their order; models that have none are left out."""
    found = []
    for node in modelNodes:
        stored = stored_model(node)
        if part in _stems(stored, kind):
            found.append(Picture(node.GetName(), part, stored.figures[part]))
    return found


def part_words(kind: str, stem: str) -> str:
    """Return what a figure's name says beside its kind.

    Example:
        >>> part_words("decision curves", "decision_curve_test_365"), part_words("nomogram", "nomogram")
        ('test 365', 'nomogram')
    """
    for prefix in KINDS.get(kind, ()):
        if prefix.endswith("_") and stem.startswith(prefix):
            return stem.removeprefix(prefix).replace("_", " ")
    return stem.replace("_", " ")


def has_curves(kind: str) -> bool:
    """Whether Slicer's own chart can show a kind."""
    return kind in _CURVES


def compare_models(modelNodes: Sequence[Any], kind: str, part: str) -> Any:
    """Show the curves of several models in one chart of Slicer's own.

    Args:
        modelNodes: in the order of the legend.
        kind: Kaplan-Meier, calibration or decision curves.
        part: name of one of their figures.

    Returns:
        The vtkMRMLPlotChartNode; its values can be read under the mouse.

    Raises:
        InputError: no model has such curves.
    """
    series: list[Series] = []
    for number, node in enumerate(modelNodes):
        columns = stored_model(node).curves.get(_curve_name(kind, part), {})
        if columns:
            series += _SERIES[kind](node.GetName(), columns, COLOURS[number % len(COLOURS)])
    if not series:
        raise InputError(f"none of the checked models has curves for {kind}, {part_words(kind, part)}")
    if kind == "calibration":
        series.append(Series("ideal", (0.0, 1.0), (0.0, 1.0), (0.5, 0.5, 0.5), 1, True))
    if kind == "decision curves":
        series.append(Series("treat none", (0.0, 1.0), (0.0, 0.0), (0.5, 0.5, 0.5), 1, True))
    x, y, x_range, y_range = _AXES[kind]
    title = f"{kind}: {part_words(kind, part)}"
    chart = put_chart(f"Survival models: {kind}", series, Axes(title, x, y, x_range, y_range))
    keep_record(chart, {"kind": kind, "part": part}, {"model": modelNodes[0]})
    return chart


def patient_chart(modelNode: Any, reading: PatientReading, groups: Sequence[GroupCurve]) -> Any:
    """Show a patient's predicted curve over those of the risk groups, in Slicer's own chart.

    Raises:
        InputError: no prediction, or a model without time.
    """
    times, survival = survival_curve(reading)
    series = [Series("this patient", *_stairs(times, survival), (0.84, 0.37, 0.0), 4)]
    for group in () if reading.is_incidence else groups:
        colour = (0.74, 0.35, 0.58) if group.group == HIGH else (0.15, 0.45, 0.70)
        x, y = _stairs([0.0, *group.times], [1.0, *group.survival])
        series.append(Series(f"{group.group}, {group.label}", x, y, colour, 3 if group.group == reading.group else 1))
    unit = getattr(reading.bundle.model, "time_unit", "")
    what = "incidence" if reading.is_incidence else "survival"
    axes = Axes(f"Predicted {what}", f"time ({unit})", what, None, (0.0, 1.0))
    chart = put_chart(f"{modelNode.GetName()}: this patient", series, axes)
    keep_record(chart, {"kind": "patient"}, {"model": modelNode})
    return chart


def _stems(stored: StoredModel, kind: str) -> list[str]:
    found = [stem for prefix in KINDS.get(kind, ()) for stem in stored.figures if stem.startswith(prefix)]
    return sorted(set(found), key=lambda stem: ("train" in stem, stem))  # what is not fitted comes first


def _curve_name(kind: str, part: str) -> str:
    return part.replace("calibration_", "calibration_curve_", 1) if kind == "calibration" else part


def _kaplan_meier(model: str, columns: Mapping[str, list[Any]], colour: tuple[float, float, float]) -> list[Series]:
    found = []
    for group in dict.fromkeys(columns["group"]):
        rows = [number for number, each in enumerate(columns["group"]) if each == group]
        x, y = _stairs([0.0, *(columns["time"][n] for n in rows)], [1.0, *(columns["survival"][n] for n in rows)])
        found.append(Series(f"{model}: {group}", x, y, colour, 3, group == HIGH))
    return found


def _calibration(model: str, columns: Mapping[str, list[Any]], colour: tuple[float, float, float]) -> list[Series]:
    observed = columns.get("observed_corrected", columns["observed"])
    found = []
    for number, horizon in enumerate(dict.fromkeys(columns["horizon"])):
        rows = [n for n, each in enumerate(columns["horizon"]) if each == horizon and observed[n] is not None]
        x, y = [columns["predicted"][n] for n in rows], [observed[n] for n in rows]
        found.append(Series(f"{model}: {horizon:g}", x, y, colour, 2 + number))
    return found


def _decision(model: str, columns: Mapping[str, list[Any]], colour: tuple[float, float, float]) -> list[Series]:
    benefit = columns.get("net_benefit_corrected", columns.get("net_benefit", []))
    names = columns.get("model", ["model"] * len(benefit))
    rows = [n for n, name in enumerate(names) if name == "model" and benefit[n] is not None]
    return [Series(model, [columns["threshold"][n] for n in rows], [benefit[n] for n in rows], colour)]


def _stairs(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the corners of a step function, which Slicer's charts would draw as slopes."""
    x, y = [float(times[0])], [float(values[0])]
    for time, value in zip(times[1:], values[1:], strict=True):
        x += [float(time), float(time)]
        y += [y[-1], float(value)]
    return x, y


_SERIES = {"Kaplan-Meier": _kaplan_meier, "calibration": _calibration, "decision curves": _decision}
_AXES: Mapping[str, tuple[str, str, tuple[float, float] | None, tuple[float, float] | None]] = {
    "Kaplan-Meier": ("time", "survival", None, (0.0, 1.0)),
    "calibration": ("predicted survival", "observed survival", (0.0, 1.0), (0.0, 1.0)),
    "decision curves": ("threshold probability", "net benefit", (0.0, 1.0), None),
}
