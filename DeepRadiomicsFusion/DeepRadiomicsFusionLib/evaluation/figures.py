"""Figures of classification: ROC curves, calibration, ring sweep, p values of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.calibration_figure import CalibrationLine, CalibrationPanel, calibration_figure
from RadiomicsCoreLib.figures.roc_figure import DrawnRoc, roc_figure
from RadiomicsCoreLib.figures.style import (
    COLOURS,
    FAINT,
    GREY,
    SMALL_PT,
    TEXT_PT,
    interval_text,
    literal,
    new_figure,
    p_text,
    style_axes,
)
from RadiomicsCoreLib.statistics.roc import Auc, Rate, auc, roc_curve

from ..models.cross_validation import MeanAuc
from ..models.ring_sweep import RegionKind, RingSweep, SweepRow
from .calibration import Calibration

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SWEEP_PANELS = (("auc", "AUC"), ("sensitivity", "Sensitivity"), ("specificity", "Specificity"))
KIND_COLOURS = {RegionKind.INTRATUMOUR: GREY, RegionKind.RING: COLOURS[0], RegionKind.UNION: COLOURS[1]}
KIND_LABELS = {
    RegionKind.INTRATUMOUR: "intratumour",
    RegionKind.RING: "peritumour",
    RegionKind.UNION: "intra-peritumour",
}
UNIT_LABELS = {"mm": "Ring size (mm)", "radius": "Ring size (share of mean tumour radius)"}


def ranked_curves(
    outcome: np.ndarray, chances: Mapping[str, np.ndarray], folds: Mapping[str, MeanAuc] | None = None
) -> dict[str, DrawnRoc]:
    """ROC curves of several models of the same cases, the best first.

    Args:
        outcome: (n,) 0 and 1.
        chances: model to scores (n,).
        folds: of pooled out-of-fold scores the mean AUC of the folds, whose interval is printed; None: DeLong's.
    """
    areas: Mapping[str, MeanAuc | Auc] = folds or {name: auc(outcome, scores) for name, scores in chances.items()}
    curves = {}
    for name in sorted(chances, key=lambda name: -areas[name].value):
        curve, area = roc_curve(outcome, chances[name]), areas[name]
        curves[name] = DrawnRoc(curve.false_positive_rate, curve.sensitivity, area.value, area.lower, area.upper)
    return curves


def classifier_roc_figure(
    outcome: np.ndarray,
    chances: Mapping[str, np.ndarray],
    title: str = "",
    folds: Mapping[str, MeanAuc] | None = None,
) -> Figure:
    """ROC curves of :func:`ranked_curves`, with AUC and interval in the legend."""
    area = f"{'Mean AUC of the folds' if folds else 'AUC'} (95 % CI)"
    return roc_figure(ranked_curves(outcome, chances, folds), title=title, area=area, digits=3)


def classifier_calibration_figure(found: Calibration, title: str = "") -> Figure:
    """Observed share over predicted probability, groups of equal size with exact intervals."""
    predicted, observed, lower, upper = np.array(
        [(group.predicted, group.observed.value, group.observed.lower, group.observed.upper) for group in found.curve]
    ).T
    text = (
        f"slope {interval_text(found.slope.value, found.slope.lower, found.slope.upper)}",
        f"intercept {interval_text(found.intercept.value, found.intercept.lower, found.intercept.upper)}",
        f"in the large {found.in_the_large.value:.2f}",
    )
    joined = CalibrationLine(predicted, observed, linewidth=1.2)
    return calibration_figure([CalibrationPanel(predicted, observed, lower, upper, (joined,), text)], title=title)


def sweep_figure(sweep: RingSweep, title: str = "") -> Figure:
    """AUC, sensitivity and specificity over ring size (wu2021), one line of panels for each family and unit.

    Bands are 95 % intervals; the grey level is the tumour alone; a filled marker differs from it at p < 0.05
    (t test of the folds, not corrected for the number of sizes); the dotted line is the AUC with the size chosen
    inside the inner folds.
    """
    lines = list(
        dict.fromkeys((row.source.family, row.source.region.unit) for row in sweep.rows if row.source.region.unit)
    )
    if not lines:
        raise InputError("the sweep has no ring to draw")
    figure = new_figure(10.5, 3.1 * len(lines) + 0.4)
    grid = figure.subplots(len(lines), len(SWEEP_PANELS), squeeze=False, sharey="row")
    for index, (family, unit) in enumerate(lines):
        for place, (figure_name, label) in enumerate(SWEEP_PANELS):
            axes = style_axes(grid[index, place], x_label=UNIT_LABELS[unit], y_label=label)
            axes.yaxis.set_tick_params(labelleft=True)
            rows = [row for row in sweep.rows if row.source.family == family]
            _draw_sweep_panel(axes, rows, unit, figure_name)
            if figure_name == "auc":
                _draw_honest(axes, sweep, family)
                axes.plot([], [], "o", color=GREY, markersize=5, label="p < 0.05 against intratumour")
                axes.set_title(literal(f"{title + ': ' if title else ''}{family}"), fontsize=TEXT_PT, loc="left")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, fontsize=SMALL_PT, frameon=False)
    return figure


def p_value_figure(p_values: pd.DataFrame, title: str = "") -> Figure:
    """p values of tests between models, the lower half, darker where smaller."""
    names = [str(name) for name in p_values.index]
    size = 1.8 + 0.62 * len(names)
    figure = new_figure(size + 0.6, size)
    axes = figure.add_subplot()
    values = p_values.to_numpy(float)
    shown = np.where(np.tri(len(names), k=-1, dtype=bool), values, np.nan)
    image = axes.imshow(np.log10(np.maximum(shown, 1e-4)), cmap="Blues_r", vmin=-4, vmax=0)
    for row in range(len(names)):
        for column in range(row):
            dark = values[row, column] < 0.02
            text = p_text(float(values[row, column])).removeprefix("p ").removeprefix("= ")
            axes.text(
                column, row, text, ha="center", va="center", fontsize=SMALL_PT - 1, color="white" if dark else "black"
            )
    _name_ticks(axes, names, names)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title(literal(title or "p values"), fontsize=TEXT_PT, loc="left")
    bar = figure.colorbar(image, ax=axes, shrink=0.6, ticks=[-4, -3, -2, -1, 0])
    bar.ax.set_yticklabels(["0.0001", "0.001", "0.01", "0.1", "1"], fontsize=SMALL_PT - 1)
    return figure


def _draw_sweep_panel(axes: Axes, rows: Sequence[SweepRow], unit: str, name: str) -> None:
    tumour = next(row for row in rows if row.source.region.kind is RegionKind.INTRATUMOUR)
    level: MeanAuc | Rate = getattr(tumour, name)
    axes.axhspan(level.lower, level.upper, color=FAINT, linewidth=0, zorder=0)
    axes.axhline(level.value, color=GREY, linewidth=1.2, label=KIND_LABELS[RegionKind.INTRATUMOUR])
    for kind in (RegionKind.RING, RegionKind.UNION):
        own = [row for row in rows if row.source.region.kind is kind and row.source.region.unit == unit]
        if not own:
            continue
        size = [row.source.region.size for row in own]
        figures: list[MeanAuc | Rate] = [getattr(row, name) for row in own]
        paint = KIND_COLOURS[kind]
        axes.plot(size, [f.value for f in figures], color=paint, linewidth=1.5, label=KIND_LABELS[kind])
        axes.fill_between(
            size, [f.lower for f in figures], [f.upper for f in figures], color=paint, alpha=0.15, linewidth=0
        )
        clear = [row.against_tumour is not None and row.against_tumour.p < 0.05 for row in own]
        for x, found, filled in zip(size, figures, clear, strict=True):
            face = paint if filled or name != "auc" else "white"
            axes.plot(x, found.value, "o", color=paint, markerfacecolor=face, markersize=5 if name == "auc" else 3)
        axes.set_xticks(sorted({row.source.region.size for row in rows if row.source.region.unit == unit}))
    if unit == "radius":
        axes.xaxis.set_major_formatter("{x:.2f}")
    axes.set_ylim(-0.02, 1.02)


def _draw_honest(axes: Axes, sweep: RingSweep, family: str) -> None:
    for choice in sweep.honest:
        if choice.family == family:
            axes.axhline(choice.auc.value, color=COLOURS[2], linewidth=1.2, linestyle=":", label="size chosen inside")


def _name_ticks(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_xticks(range(len(columns)), [literal(n) for n in columns], rotation=90, fontsize=SMALL_PT - 1)
    axes.set_yticks(range(len(rows)), [literal(n) for n in rows], fontsize=SMALL_PT - 1)
    axes.tick_params(length=0)
