"""Figures of scores: AUC of every model in every part, and the distribution of a value over many end points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.figures.legends import legend_below
from RadiomicsCoreLib.figures.style import LIGHT_GREY, SMALL_PT, colour, literal, new_figure, p_text, plain_axes
from RadiomicsCoreLib.figures.text_width import text_width_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN = 0.22
Row = Mapping[str, Any]


def area_figure(rows: Sequence[Row], title: str = "") -> Figure:
    """AUC of every model in every part with its interval, and the p value of its test; a block a part."""
    parts = list(dict.fromkeys(str(row["part"]) for row in rows))
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    left = max(text_width_in(name, SMALL_PT) for name in [*models, *parts]) + 0.3
    figure = new_figure(left + 4.6, ROW_IN * (len(rows) + 1.5 * len(parts)) + 0.9)
    axes = plain_axes(figure, x_label="AUC (95 % interval)", title=title)
    y = 0.0
    ticks, names = [], []
    for part in parts:
        ticks.append(y)
        names.append(part)
        for row in (one for one in rows if one["part"] == part):
            y += 1
            shade = colour(models.index(str(row["model"])))
            axes.plot([row["auc_lower"], row["auc_upper"]], [y, y], color=shade, linewidth=1.4)
            axes.plot(row["auc"], y, "s", color=shade, markersize=5)
            said = f"{row['auc']:.2f} ({row['auc_lower']:.2f}-{row['auc_upper']:.2f})"
            said += f"  {p_text(row['p_value'])}" if row.get("p_value") is not None else ""
            axes.text(1.02, y, said, va="center", fontsize=SMALL_PT, transform=axes.get_yaxis_transform())
            ticks.append(y)
            names.append(str(row["model"]))
        y += 1.5
    axes.axvline(0.5, color=LIGHT_GREY, linewidth=0.8, linestyle="--")
    axes.set_yticks(ticks, [literal(name) for name in names], fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(y - 0.5, -0.8)
    axes.set_xlim(min(0.3, *(row["auc_lower"] - 0.02 for row in rows)), 1.0)
    return figure


def distribution_figure(rows: Sequence[Row], value: str, by: str, group: str) -> Figure:
    """A value of many runs as points, a column a group, a colour a model; bars are medians (zhang2024's Fig. 3).

    Args:
        rows: with the three columns.
        value: column of the value.
        by: column of the models.
        group: column of the groups.
    """
    import numpy as np

    groups = list(dict.fromkeys(str(row[group]) for row in rows))
    models = list(dict.fromkeys(str(row[by]) for row in rows))
    figure = new_figure(1.2 + 0.42 * len(models) * len(groups) + 0.4 * len(groups), 3.4)
    axes = plain_axes(figure, y_label=value)
    ticks = []
    for g, name in enumerate(groups):
        start = g * (len(models) + 1)
        ticks.append(start + (len(models) - 1) / 2)
        for m, model in enumerate(models):
            own = [float(row[value]) for row in rows if str(row[group]) == name and str(row[by]) == model]
            if own:
                places = start + m + np.linspace(-0.15, 0.15, len(own)) * (len(own) > 1)
                label = literal(model) if g == 0 else None
                axes.plot(places, own, "o", color=colour(m), markersize=4, alpha=0.8, label=label)
                axes.plot([start + m - 0.3, start + m + 0.3], [np.median(own)] * 2, color=colour(m), linewidth=2)
    axes.set_xticks(ticks, [literal(name) for name in groups], fontsize=SMALL_PT)
    axes.tick_params(axis="x", length=0)
    legend_below(figure, axes)
    return figure
