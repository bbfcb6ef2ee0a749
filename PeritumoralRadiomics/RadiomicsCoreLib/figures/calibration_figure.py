"""The figure of calibration: observed over predicted shares, a panel a model or horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .legends import legend_below
from .style import GREY, LIGHT_GREY, SMALL_PT, TITLE_PT, colour, literal, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE_IN = 4.4


@dataclass(frozen=True)
class CalibrationLine:
    """One more line or row of marks of a panel.

    Attributes:
        predicted, observed: (k,) points.
        label: in the legend; "": none.
        grey: in grey and behind what is measured, as what is corrected; else in the panels' colour.
        linestyle, marker: as matplotlib names them.
        linewidth: in points.
    """

    predicted: np.ndarray
    observed: np.ndarray
    label: str = ""
    grey: bool = False
    linestyle: str = "-"
    marker: str = ""
    linewidth: float = 1.4


@dataclass(frozen=True)
class CalibrationPanel:
    """What one panel shows.

    Attributes:
        predicted, observed: (g,) of groups; groups with a NaN are left out.
        lower, upper: (g,) ends of the groups' intervals; NaN where there is none.
        lines: drawn beside the groups.
        text: figures printed above the panel, one line each: a model may be off in any direction, so that no corner is
            free of curves.
        x_label, y_label: of the axes.
        span: both axes' ends.
    """

    predicted: np.ndarray
    observed: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    lines: tuple[CalibrationLine, ...] = ()
    text: tuple[str, ...] = ()
    x_label: str = "Predicted probability"
    y_label: str = "Observed share"
    span: tuple[float, float] = (-0.02, 1.02)


def calibration_figure(panels: Sequence[CalibrationPanel], *, title: str = "") -> Figure:
    """Observed against predicted shares; groups with bars, lines beside them, one legend for all panels.

    Args:
        panels: from left to right.
        title: printed above the first panel.

    Raises:
        InputError: there is no panel.
    """
    if not panels:
        raise InputError("there is no calibration to draw")
    figure = new_figure(SIDE_IN * len(panels), SIDE_IN + (0.3 if title else 0.0))
    row = list(figure.subplots(1, len(panels), squeeze=False)[0])
    for axes, panel in zip(row, panels, strict=True):
        style_axes(axes, x_label=panel.x_label, y_label=panel.y_label)
        _draw(axes, panel)
    if title:
        figure.suptitle(literal(title), fontsize=TITLE_PT, x=0.02, ha="left")
    labels = list(dict.fromkeys(label for axes in row for label in axes.get_legend_handles_labels()[1]))
    # What is measured before what is corrected, groups before curves.
    places = sorted(range(len(labels)), key=lambda k: ("corrected" in labels[k], not labels[k].startswith("groups")))
    legend_below(figure, row, order=places)
    return figure


def _draw(axes: Axes, panel: CalibrationPanel) -> None:
    shade = colour(0)  # the same in all panels: they share a legend
    axes.plot([0, 1], [0, 1], color=LIGHT_GREY, linewidth=0.8, linestyle="--", zorder=0)
    known = np.isfinite(panel.observed)
    low = np.where(np.isfinite(panel.lower), panel.lower, panel.observed)
    high = np.where(np.isfinite(panel.upper), panel.upper, panel.observed)
    bars = np.clip(np.vstack((panel.observed - low, high - panel.observed)), 0, None)
    axes.errorbar(
        panel.predicted[known],
        panel.observed[known],
        yerr=bars[:, known],
        fmt="o",
        color=shade,
        markersize=5,
        linewidth=1,
        capsize=2,
        label="groups (95 % CI)",
    )
    for line in panel.lines:
        axes.plot(
            line.predicted,
            line.observed,
            color=GREY if line.grey else shade,
            linestyle=line.linestyle,
            linewidth=line.linewidth,
            marker=line.marker,
            label=line.label or "_",
        )
    axes.set(xlim=panel.span, ylim=panel.span, aspect="equal")
    axes.set_title("\n".join(panel.text), fontsize=SMALL_PT, color=GREY, loc="left")
