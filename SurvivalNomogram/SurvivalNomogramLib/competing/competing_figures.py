"""Calibration plot of a predicted cumulative incidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import LIGHT_GREY, SMALL_PT, colour, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .competing_calibration import CompetingCalibration

SQUARE_IN = 4.4


def incidence_calibration_figure(
    calibrations: Sequence[CompetingCalibration], *, time_unit: str = "days", title: str = ""
) -> Figure:
    """Observed against predicted cumulative incidence, a panel a horizon.

    Circles with bars are groups (Aalen-Johansen with its 95 % interval), the line is the smooth curve. The axes end
    where the predictions and the intervals do: incidences of rare events would crowd in a corner of [0, 1].

    Args:
        calibrations: one a horizon.
        time_unit: of the horizons.
        title: printed above the first panel.

    Raises:
        InputError: no calibration is given.
    """
    if not calibrations:
        raise InputError("no calibration is given; there is nothing to draw")
    figure = new_figure(SQUARE_IN * len(calibrations), SQUARE_IN + 0.4 + (0.3 if title else 0.0))
    for k, calibration in enumerate(calibrations):
        axes = figure.add_subplot(1, len(calibrations), k + 1)
        style_axes(
            axes,
            x_label=f"Predicted {calibration.horizon:g}-{time_unit.removesuffix('s')} incidence\n"
            f"O/E {calibration.observed_to_expected:.2f}, slope {calibration.slope:.2f}, ICI {calibration.ici:.3f}",
            y_label="Observed cumulative incidence" if k == 0 else "",
            title=title if k == 0 else "",
        )
        _panel(axes, calibration, colour(k))
    return figure


def _panel(axes: Axes, calibration: CompetingCalibration, shade: str) -> None:
    groups = calibration.groups
    known = np.isfinite(groups.observed)
    predicted, observed = groups.predicted[known], groups.observed[known]
    bars = np.vstack((observed - groups.lower[known], groups.upper[known] - observed))
    drawn = (predicted, groups.upper[known], calibration.grid, calibration.curve[np.isfinite(calibration.curve)])
    end = min(1.0, 1.08 * max(float(part.max()) for part in drawn if len(part)))
    axes.plot([0, end], [0, end], color=LIGHT_GREY, linewidth=0.8, linestyle="--", zorder=0)
    axes.errorbar(
        predicted,
        observed,
        yerr=bars,
        fmt="o",
        color=shade,
        markersize=5,
        linewidth=1,
        capsize=2,
        label="groups (95 % CI)",
    )
    axes.plot(calibration.grid, calibration.curve, color=shade, linewidth=1.4, label="smooth")
    axes.set_xlim(0, end)
    axes.set_ylim(0, end)
    axes.set_aspect("equal")
    # Below the axes: intervals of rare events reach every corner.
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, columnspacing=1.0, fontsize=SMALL_PT, frameon=False
    )
