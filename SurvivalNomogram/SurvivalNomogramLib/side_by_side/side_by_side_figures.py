"""Figures of several models on several cohorts: one panel a cohort, one colour a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.figures.legends import LINE_IN, legend_below
from RadiomicsCoreLib.figures.style import (
    GREY,
    LIGHT_GREY,
    SMALL_PT,
    TEXT_PT,
    TITLE_PT,
    colour,
    dashes,
    interval_text,
    literal,
    new_figure,
    p_text,
    plain_axes,
    style_axes,
)
from RadiomicsCoreLib.figures.text_width import text_width_in
from RadiomicsCoreLib.jobs.output import JobOutput

from ..estimation.kaplan_meier import GroupComparison
from ..groups.risk_groups import HIGH
from ..report.cox_report import FITTED_HERE, is_fitted_label
from ..validation.calibration import Calibration, calibrate
from ..validation.decision_curve import DecisionCurve, decision_curve_survival
from ..validation.time_dependent_roc import TimeDependentRoc
from .compared_models import ComparedModels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_IN = 3.0
ROW_IN = 0.22
_MOST_TERMS = 25


def part_title(label: str) -> str:
    """Return the title of a cohort's panel; fitted patients are told.

    Example:
        >>> part_title("train"), part_title("test")
        ('train, fitted on these patients', 'test')
    """
    return f"{label}, {FITTED_HERE}" if is_fitted_label(label) else label


def concordance_figure(rows: Sequence[Mapping[str, Any]], title: str = "Harrell's C") -> Figure:
    """C of every model in every cohort, with its interval; a block a cohort."""
    labels = list(dict.fromkeys(str(row["cohort"]) for row in rows))
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    left = max(text_width_in(name, SMALL_PT) for name in [*models, *map(part_title, labels)]) + 0.3
    figure = new_figure(left + 4.4, ROW_IN * (len(rows) + 1.5 * len(labels)) + 0.9)
    axes = plain_axes(figure, x_label="C-index (95 % interval)", title=title)
    y, ticks, names = 0.0, [], []
    for label in labels:
        ticks.append(y)
        names.append(part_title(label))
        for row in (one for one in rows if one["cohort"] == label):
            y += 1
            shade = colour(models.index(str(row["model"])))
            axes.plot([row["lower"], row["upper"]], [y, y], color=shade, linewidth=1.4)
            axes.plot(row["c"], y, "s", color=shade, markersize=5)
            p = row.get("p_value")
            said = interval_text(row["c"], row["lower"], row["upper"]) + (f"  {p_text(p)}" if p is not None else "")
            axes.text(1.02, y, said, va="center", fontsize=SMALL_PT, transform=axes.get_yaxis_transform())
            ticks.append(y)
            names.append(str(row["model"]))
        y += 1.5
    axes.axvline(0.5, color=LIGHT_GREY, linewidth=0.8, linestyle="--")
    axes.set_yticks(ticks, [literal(name) for name in names], fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(y - 0.5, -0.8)
    axes.set_xlim(min(0.4, *(row["lower"] - 0.02 for row in rows)), 1.0)
    return figure


def _panels(columns: int, rows: int = 1, height_in: float = PANEL_IN) -> tuple[Figure, np.ndarray]:
    figure = new_figure(PANEL_IN * columns, height_in * rows)
    return figure, figure.subplots(rows, columns, squeeze=False)


def roc_panels(curves: Mapping[str, Mapping[str, TimeDependentRoc]], title: str) -> Figure:
    """ROC curves of every model at one horizon, a panel a cohort."""
    models = list(dict.fromkeys(name for found in curves.values() for name in found))
    most = max(len(found) for found in curves.values())
    figure, grid = _panels(len(curves), height_in=PANEL_IN + LINE_IN * (most + 1))
    for axes, (label, found) in zip(grid[0], curves.items(), strict=True):
        style_axes(axes, x_label="1 - specificity", y_label="Sensitivity" if axes is grid[0][0] else "")
        axes.plot([0, 1], [0, 1], color=LIGHT_GREY, linewidth=0.8, linestyle="--")
        lines = [f"{name} {interval_text(c.auc, c.lower, c.upper)}" for name, c in found.items()]
        for name, curve in found.items():
            k = models.index(name)
            style: dict[str, Any] = {"color": colour(k), "linestyle": dashes(k), "linewidth": 1.5}
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=literal(name), **style)
        axes.set_aspect("equal")
        axes.set_title(literal("\n".join([part_title(label), *lines])), fontsize=SMALL_PT, loc="left")
    figure.suptitle(literal(title), fontsize=TITLE_PT, x=0.02, ha="left")
    legend_below(figure, list(grid[0]))
    return figure


def survival_panels(groups: Mapping[tuple[str, str], GroupComparison], time_unit: str) -> Figure:
    """Kaplan-Meier curves of the locked risk groups: a row a model, a column a cohort."""
    labels = list(dict.fromkeys(label for label, _ in groups))
    models = list(dict.fromkeys(name for _, name in groups))
    figure, grid = _panels(len(labels), len(models), PANEL_IN * 0.85)
    for i, name in enumerate(models):
        for j, label in enumerate(labels):
            axes = grid[i][j]
            found = groups.get((label, name))
            if found is None:
                axes.axis("off")
                continue
            style_axes(axes, x_label=f"Time ({time_unit})" if i == len(models) - 1 else "")
            axes.set_ylabel(literal(name) if j == 0 else "", fontsize=TEXT_PT)
            _curves(axes, found)
            ratio, lower, upper = found.hazard_ratios.get(HIGH, (np.nan, np.nan, np.nan))
            hazard = f"HR {interval_text(ratio, lower, upper)}" if np.isfinite(ratio) else "HR not estimable"
            said = f"{hazard}, log-rank {p_text(found.p_value)}"
            head = [part_title(label)] if i == 0 else []
            axes.set_title(literal("\n".join([*head, said])), fontsize=SMALL_PT, loc="left")
    legend_below(figure, [axes for row in grid for axes in row if axes.axison])
    return figure


def _curves(axes: Axes, found: GroupComparison) -> None:
    for k, (level, curve) in enumerate(found.curves.items()):
        times, survival = np.concatenate(([0.0], curve.times)), np.concatenate(([1.0], curve.survival))
        axes.step(times, survival, where="post", color=colour(k), linewidth=1.4, label=literal(level))
        low, high = np.concatenate(([1.0], curve.lower)), np.concatenate(([1.0], curve.upper))
        axes.fill_between(times, low, high, step="post", color=colour(k), alpha=0.13, linewidth=0)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.03)


def calibration_panels(found: Mapping[str, Mapping[str, Calibration]], horizon: float, time_unit: str) -> Figure:
    """Observed against predicted survival of every model at one horizon, a panel a cohort."""
    models = list(dict.fromkeys(name for one in found.values() for name in one))
    figure, grid = _panels(len(found), height_in=PANEL_IN + 0.2)
    for axes, (label, calibrations) in zip(grid[0], found.items(), strict=True):
        first = axes is grid[0][0]
        style_axes(axes, x_label="Predicted survival", y_label="Observed survival" if first else "")
        axes.plot([0, 1], [0, 1], color=LIGHT_GREY, linewidth=0.8, linestyle="--")
        for name, one in calibrations.items():
            k = models.index(name)
            axes.plot(one.grid, one.curve, color=colour(k), linestyle=dashes(k), linewidth=1.4, label=literal(name))
            known = np.isfinite(one.groups.observed)
            axes.plot(one.groups.predicted[known], one.groups.observed[known], "o", color=colour(k), markersize=4)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_aspect("equal")
        axes.set_title(literal(part_title(label)), fontsize=SMALL_PT, loc="left")
    figure.suptitle(f"Calibration at {horizon:g} {time_unit}", fontsize=TITLE_PT, x=0.02, ha="left")
    legend_below(figure, list(grid[0]))
    return figure


def benefit_panels(found: Mapping[str, DecisionCurve], horizon: float, time_unit: str) -> Figure:
    """Net benefit of every model at one horizon, a panel a cohort."""
    figure, grid = _panels(len(found), height_in=PANEL_IN)
    for axes, (label, curve) in zip(grid[0], found.items(), strict=True):
        style_axes(axes, x_label="Threshold probability", y_label="Net benefit" if axes is grid[0][0] else "")
        models = [name for name in curve.net_benefit if name not in ("all", "none")]
        axes.plot(curve.thresholds, curve.net_benefit["all"], color=GREY, linewidth=1, label="treat all")
        axes.axhline(0, color="black", linewidth=1, label="treat none")
        for k, name in enumerate(models):
            style: dict[str, Any] = {"color": colour(k), "linestyle": dashes(k), "linewidth": 1.4}
            axes.plot(curve.thresholds, curve.net_benefit[name], label=literal(name), **style)
        top = max(float(np.nanmax(curve.net_benefit[name])) for name in [*models, "all"])
        axes.set_ylim(-0.15 * max(top, 0.02), 1.1 * max(top, 0.02))
        axes.set_xlim(0, 1)
        axes.set_title(literal(part_title(label)), fontsize=SMALL_PT, loc="left")
    figure.suptitle(f"Decision curves at {horizon:g} {time_unit}", fontsize=TITLE_PT, x=0.02, ha="left")
    legend_below(figure, list(grid[0]))
    return figure


def coefficient_bars(rows: Sequence[Mapping[str, Any]], name: str) -> Figure:
    """Coefficients of a model per standard deviation, the largest first."""
    own = sorted(rows, key=lambda row: -abs(row["per_sd"]))[:_MOST_TERMS]
    left = max(text_width_in(str(row["term"]), SMALL_PT) for row in own) + 0.3
    figure = new_figure(left + 3.6, ROW_IN * len(own) + 0.9)
    axes = plain_axes(figure, x_label="Coefficient of one standard deviation", title=name)
    values = [row["per_sd"] for row in own]
    shades = [colour(1) if value > 0 else colour(0) for value in values]
    axes.barh(range(len(own)), values, color=shades, height=0.65)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(own)), [literal(str(row["term"])) for row in own], fontsize=SMALL_PT)
    axes.set_ylim(len(own) - 0.4, -0.6)
    return figure


def calibrations_at(
    compared: ComparedModels, horizon: float, groups: int, output: JobOutput
) -> dict[str, dict[str, Calibration]]:
    """Return cohort -> model -> calibration; what the data do not allow is noted."""
    from RadiomicsCoreLib.errors import RadiomicsError

    found: dict[str, dict[str, Calibration]] = {}
    for label, models in compared.parts.items():
        for name, one in models.items():
            try:
                predicted = one.cox.survival_at(one.frame, horizon)[:, 0]
                made = calibrate(one.time, one.event, predicted, horizon, groups=groups)
            except RadiomicsError as error:
                output.notes.append(f"{label}, {name}: no calibration at {horizon:g}: {error}")
                continue
            found.setdefault(label, {})[name] = made
    return found


def benefits_at(compared: ComparedModels, horizon: float, output: JobOutput) -> dict[str, DecisionCurve]:
    """Return cohort -> decision curves of all models; what the data do not allow is noted."""
    from RadiomicsCoreLib.errors import RadiomicsError

    found = {}
    for label, models in compared.parts.items():
        any_one = next(iter(models.values()))
        try:
            risks = {name: 1 - one.cox.survival_at(one.frame, horizon)[:, 0] for name, one in models.items()}
            found[label] = decision_curve_survival(any_one.time, any_one.event, risks, horizon)
        except RadiomicsError as error:
            output.notes.append(f"{label}: no decision curve at {horizon:g}: {error}")
    return found
