"""Figures of a model's validation: time-dependent ROC, Brier score, calibration, decision curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.calibration_figure import CalibrationLine, CalibrationPanel
from RadiomicsCoreLib.figures.legends import legend_below
from RadiomicsCoreLib.figures.style import (
    GREY,
    LIGHT_GREY,
    colour,
    dashes,
    interval_text,
    literal,
    new_figure,
    plain_axes,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .calibration import Calibration
    from .decision_curve import CorrectedDecisionCurve, DecisionCurve

WIDE_IN = (5.6, 4.0)


def auc_over_time_figure(tables: Mapping[str, pd.DataFrame], *, time_unit: str = "days", title: str = "") -> Figure:
    """AUC over horizons with its interval as a band.

    Args:
        tables: model -> table of :func:`SurvivalNomogramLib.validation.time_dependent_roc.auc_table`.
        time_unit: of the horizons.
        title: printed above.
    """
    _need(tables, "table")
    figure = new_figure(*WIDE_IN)
    axes = plain_axes(figure, x_label=f"Time ({time_unit})", y_label="AUC", title=title)
    axes.axhline(0.5, color=LIGHT_GREY, linewidth=0.8, linestyle="--")
    for k, (name, table) in enumerate(tables.items()):
        axes.fill_between(table["horizon"], table["lower"], table["upper"], color=colour(k), alpha=0.15, linewidth=0)
        style: dict[str, Any] = {"color": colour(k), "linestyle": dashes(k), "marker": "o", "markersize": 3.5}
        axes.plot(table["horizon"], table["auc"], label=literal(name), **style)
    axes.set_ylim(min(0.4, axes.get_ylim()[0]), 1.01)
    legend_below(figure, axes)
    return figure


def brier_figure(tables: Mapping[str, pd.DataFrame], *, time_unit: str = "days", title: str = "") -> Figure:
    """Brier score over horizons, beside the Kaplan-Meier reference.

    Args:
        tables: model -> table of :func:`SurvivalNomogramLib.validation.brier.brier_table` on the same patients.
        time_unit: of the horizons.
        title: printed above.
    """
    _need(tables, "table")
    figure = new_figure(*WIDE_IN)
    axes = plain_axes(figure, x_label=f"Time ({time_unit})", y_label="Brier score", title=title)
    first = next(iter(tables.values()))
    axes.plot(first["horizon"], first["reference"], color=GREY, linestyle="--", linewidth=1, label="Kaplan-Meier")
    for k, (name, table) in enumerate(tables.items()):
        if "brier_corrected" in table:
            _corrected_brier(axes, table, name, colour(k))
            continue
        axes.fill_between(table["horizon"], table["lower"], table["upper"], color=colour(k), alpha=0.15, linewidth=0)
        label = f"{name}: integrated {table['integrated'].iloc[-1]:.3f}"
        style: dict[str, Any] = {"color": colour(k), "linestyle": dashes(k), "marker": "o", "markersize": 3.5}
        axes.plot(table["horizon"], table["brier"], label=literal(label), **style)
    axes.set_ylim(bottom=0)
    legend_below(figure, axes)
    return figure


def _corrected_brier(axes: Axes, table: pd.DataFrame, name: str, shade: str) -> None:
    """Draw the corrected score with its interval, and thin what the fitted patients themselves give."""
    times = table["horizon"]
    axes.fill_between(times, table["corrected_lower"], table["corrected_upper"], color=shade, alpha=0.15, linewidth=0)
    label = f"{name}, corrected: integrated {table['integrated_corrected'].iloc[-1]:.3f}"
    axes.plot(times, table["brier_corrected"], color=shade, marker="o", markersize=3.5, label=label)
    label = f"{name}, apparent: integrated {table['integrated_apparent'].iloc[-1]:.3f}"
    axes.plot(times, table["brier_apparent"], color=shade, linewidth=0.9, linestyle=":", label=label)


def survival_calibration_panel(
    calibration: Calibration, *, time_unit: str = "days", first: bool = True
) -> CalibrationPanel:
    """Observed against predicted survival at one horizon.

    Circles with bars are groups (Kaplan-Meier with its 95 % interval), the line is the smooth curve; crosses
    and the dashed line are corrected for optimism.

    Args:
        calibration: of the horizon.
        time_unit: of the horizon.
        first: of a row of panels: it carries the label of the vertical axis.
    """
    groups = calibration.groups
    lines = [CalibrationLine(calibration.grid, calibration.curve, "smooth")]
    if calibration.group_corrected is not None and calibration.curve_corrected is not None:
        said, shown = calibration.group_corrected, calibration.curve_corrected
        lines += [
            CalibrationLine(groups.predicted, said, "groups, corrected", grey=True, linestyle="none", marker="x"),
            CalibrationLine(
                calibration.grid,
                shown,
                f"smooth, corrected (B = {calibration.repeats})",
                grey=True,
                linestyle="--",
                linewidth=1.2,
            ),
        ]
    low = np.where(np.isfinite(groups.lower), groups.lower, groups.observed)
    lowest = min(float(np.nanmin(values)) for values in (groups.predicted, low, calibration.grid))
    start = max(0.0, float(np.floor(lowest * 10)) / 10 - 0.05)
    return CalibrationPanel(
        groups.predicted,
        groups.observed,
        groups.lower,
        groups.upper,
        tuple(lines),
        _calibration_text(calibration),
        x_label=f"Predicted {calibration.horizon:g}-{time_unit.removesuffix('s')} survival",
        y_label="Observed survival" if first else "",
        span=(start, 1.0 + 0.02 * (1.0 - start)),
    )


def _calibration_text(calibration: Calibration) -> tuple[str, ...]:
    """Slope, O/E and ICI with their intervals; corrected for optimism where the patients were fitted on."""
    lines = ["corrected for optimism"] if calibration.corrected else []
    for name, said, digits in (("slope", "slope", 2), ("observed_to_expected", "O/E", 2), ("ici", "ICI", 3)):
        value = calibration.corrected.get(name, getattr(calibration, name))
        ends = calibration.intervals.get(name, (np.nan, np.nan))
        lines.append(f"{said} {interval_text(value, *ends, digits)}")
    return tuple(lines)


def decision_curve_figure(
    curve: DecisionCurve,
    *,
    corrected: CorrectedDecisionCurve | None = None,
    title: str = "",
    highest_threshold: float | None = None,
) -> Figure:
    """Net benefit over threshold probabilities.

    Args:
        curve: apparent curves of one or more models, with "all" and "none".
        corrected: corrected curve of one model, drawn dashed.
        title: printed above.
        highest_threshold: right end of the axis; where the models' benefit ends when None.
    """
    figure = new_figure(*WIDE_IN)
    axes = plain_axes(figure, x_label="Threshold probability", y_label="Net benefit", title=title)
    models = [name for name in curve.net_benefit if name not in ("all", "none")]
    axes.plot(curve.thresholds, curve.net_benefit["all"], color=GREY, linewidth=1, label="treat all")
    axes.axhline(0, color="black", linewidth=1, label="treat none")
    for k, name in enumerate(models):
        label = name if corrected is None else f"{name}, apparent"
        style: dict[str, Any] = {"color": colour(k), "linestyle": dashes(k), "linewidth": 1.5}
        axes.plot(curve.thresholds, curve.net_benefit[name], label=literal(label), **style)
        if name in curve.intervals:
            axes.fill_between(curve.thresholds, *curve.intervals[name], color=colour(k), alpha=0.13, linewidth=0)
    if corrected is not None:
        label = f"corrected (B = {corrected.repeats})"
        axes.plot(curve.thresholds, corrected.corrected, color=colour(0), linewidth=1.2, linestyle="--", label=label)
        band = (corrected.lower, corrected.upper)
        axes.fill_between(curve.thresholds, *band, color=colour(0), alpha=0.13, linewidth=0)
    top = max(float(np.nanmax(curve.net_benefit[name])) for name in [*models, "all"])
    axes.set_ylim(-0.15 * max(top, 0.02), 1.1 * max(top, 0.02))
    axes.set_xlim(0, highest_threshold or _end_of_benefit(curve, models))
    legend_below(figure, axes)
    return figure


def _end_of_benefit(curve: DecisionCurve, models: Sequence[str]) -> float:
    useful = np.zeros(len(curve.thresholds), bool)
    for name in models:
        useful |= np.nan_to_num(curve.net_benefit[name]) > 1e-9
    last = float(curve.thresholds[useful].max()) if useful.any() else 0.5
    return min(1.0, max(last + 0.05, curve.prevalence + 0.05))


def _need(things: object, what: str) -> None:
    if not things:
        raise InputError(f"there is no {what} to draw")
