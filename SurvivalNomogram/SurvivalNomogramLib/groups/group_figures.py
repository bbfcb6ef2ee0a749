"""Figures of groups: Kaplan-Meier with numbers at risk, cumulative incidence, forest plot, box plots of risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.legends import LINE_IN, arranged, legend_below
from RadiomicsCoreLib.figures.pretty_numbers import pretty
from RadiomicsCoreLib.figures.style import (
    GREY,
    LIGHT_GREY,
    SMALL_PT,
    TEXT_PT,
    TITLE_PT,
    colour,
    dashes,
    literal,
    new_figure,
    p_text,
    plain_axes,
    style_axes,
)
from RadiomicsCoreLib.figures.text_width import text_width_in, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..estimation.competing_risks import CompetingRisks
    from ..estimation.kaplan_meier import GroupComparison, SurvivalCurve
    from .subgroups import SubgroupRow

CURVE_WIDTH_IN, CURVE_HEIGHT_IN = 5.6, 3.4
RISK_ROW_IN = 0.2
NAME_GAP_IN = 0.26
FOREST_ROW_IN = 0.24


def kaplan_meier_figure(
    groups: GroupComparison | Mapping[str, SurvivalCurve],
    *,
    time_unit: str = "days",
    y_label: str = "Survival",
    title: str = "",
    with_interval: bool = True,
) -> Figure:
    """Survival curves with intervals, censoring ticks and a table of numbers at risk.

    Args:
        groups: compared groups (log-rank p and hazard ratio are printed) or plain curves by name.
        time_unit: of the times.
        y_label: what survival means, e.g. "Overall survival".
        title: printed above.
        with_interval: shade the confidence bands.
    """
    curves = groups if isinstance(groups, Mapping) else groups.curves
    if not curves:
        raise InputError("there is no curve to draw")
    names = {name: wrapped(name, 1.6, SMALL_PT) for name in curves}
    table_in = RISK_ROW_IN * (sum(name.count("\n") + 1 for name in names.values()) + 1) + 0.1
    left_in = max(0.75, max(text_width_in(line, SMALL_PT) for n in names.values() for line in n.split("\n")) + 0.5)
    width = left_in + CURVE_WIDTH_IN - 0.7
    head = _Head(groups, title, left_in, width)
    height = CURVE_HEIGHT_IN + table_in + 0.62 + head.height_in
    figure = new_figure(width, height, arranged=False)
    span = (width - left_in - 0.25) / width
    axes = figure.add_axes((left_in / width, (table_in + 0.55) / height, span, CURVE_HEIGHT_IN / height))
    style_axes(axes, x_label=f"Time ({time_unit})", y_label=y_label)
    end = max(curve.last_time for curve in curves.values())
    ticks = pretty(0, end, 5)
    for k, (name, curve) in enumerate(curves.items()):
        _draw_curve(axes, curve, k, name, with_interval)
    axes.set_xlim(0, max(ticks[-1], end))
    axes.set_xticks(ticks)
    axes.set_ylim(0, 1.03)
    head.draw(figure, axes)
    below = figure.add_axes((left_in / width, 0.1 / height, span, table_in / height))
    _risk_table(below, curves, names, ticks, axes.get_xlim(), NAME_GAP_IN / (span * width))
    return figure


class _Head:
    """What stands above the curves: title, legend, comparison. Inside the axes they would lie on some cohort's curves.

    Args:
        groups: what is drawn.
        title: "" for none.
        left_in, width_in: where the axes begin, and the figure's width.
    """

    def __init__(
        self, groups: GroupComparison | Mapping[str, SurvivalCurve], title: str, left_in: float, width_in: float
    ) -> None:
        self.title, self.left_in, self.width_in = title, left_in, width_in
        if isinstance(groups, Mapping):
            names, self.line = list(groups), ""
        else:
            names = _with_hazard_ratios(groups)
            self.line = f"log-rank {p_text(groups.p_value)}; hazard ratios (HR) with 95 % CI"
        self.columns, self.labels = arranged(names, width_in - left_in - 0.15)
        rows = [self.labels[k :: self.columns] for k in range(self.columns)]
        self.legend_in = LINE_IN * max(sum(text.count("\n") + 1 for text in column) for column in rows) + 0.1

    @property
    def height_in(self) -> float:
        return (0.3 if self.title else 0.08) + self.legend_in + (LINE_IN if self.line else 0.0)

    def draw(self, figure: Figure, axes: Axes) -> None:
        """Write it from the top downwards."""
        height = figure.get_figheight()
        left, y = self.left_in / self.width_in, height - 0.08
        if self.title:
            figure.text(0.12 / self.width_in, y / height, literal(self.title), fontsize=TITLE_PT, ha="left", va="top")
            y -= 0.24
        handles = axes.get_legend_handles_labels()[0]
        figure.legend(
            handles,
            [literal(label) for label in self.labels],
            loc="upper left",
            bbox_to_anchor=(left, y / height),
            borderaxespad=0,
            borderpad=0.1,
            ncols=self.columns,
            fontsize=SMALL_PT,
            frameon=False,
            handlelength=1.8,
            columnspacing=1.2,
        )
        figure.text(left, (y - self.legend_in + 0.05) / height, self.line, fontsize=SMALL_PT, color=GREY, va="top")


def _draw_curve(axes: Axes, curve: SurvivalCurve, k: int, name: str, with_interval: bool) -> None:
    shade = colour(k)
    times = np.concatenate(([0.0], curve.times))
    survival = np.concatenate(([1.0], curve.survival))
    style: dict[str, Any] = {"color": shade, "linestyle": dashes(k), "linewidth": 1.5}
    axes.step(times, survival, where="post", label=literal(name), **style)
    if with_interval:
        low, high = np.concatenate(([1.0], curve.lower)), np.concatenate(([1.0], curve.upper))
        axes.fill_between(times, low, high, step="post", color=shade, alpha=0.13, linewidth=0)
    after = np.append(curve.at_risk[1:], 0)
    censored = curve.at_risk - curve.events - after > 0
    axes.plot(curve.times[censored], curve.survival[censored], "|", color=shade, markersize=5, markeredgewidth=0.8)


def _with_hazard_ratios(groups: GroupComparison) -> list[str]:
    """The groups' names, each with its hazard ratio: a line a pair would need as much room as the curves."""
    names = []
    for name in groups.curves:
        ratio, low, high = groups.hazard_ratios.get(name, (np.nan, np.nan, np.nan))
        value = f"HR {ratio:.2f} ({low:.2f}-{high:.2f})" if np.isfinite(ratio) else "HR not estimable"
        names.append(f"{name} (reference)" if name == groups.reference else f"{name}: {value}")
    return names


def _risk_table(
    axes: Axes,
    curves: Mapping[str, SurvivalCurve],
    names: Mapping[str, str],
    ticks: np.ndarray,
    limits: tuple[float, float],
    gap: float,
) -> None:
    axes.set_xlim(limits)
    lines = [1, *(names[name].count("\n") + 1 for name in curves)]
    middles = np.cumsum(lines) - np.array(lines) / 2
    axes.set_ylim(sum(lines) + 0.1, -0.1)
    axes.axis("off")
    transform = axes.get_yaxis_transform()
    axes.text(-gap, middles[0], "At risk", transform=transform, ha="right", va="center", fontsize=SMALL_PT, color=GREY)
    for k, (name, curve) in enumerate(curves.items()):
        axes.text(
            -gap,
            middles[k + 1],
            literal(names[name]),
            transform=transform,
            ha="right",
            va="center",
            fontsize=SMALL_PT,
            color=colour(k),
        )
        for tick, number in zip(ticks, curve.number_at_risk(ticks), strict=True):
            axes.text(tick, middles[k + 1], f"{int(number)}", ha="center", va="center", fontsize=SMALL_PT)


def cumulative_incidence_figure(risks: CompetingRisks, *, time_unit: str = "days", title: str = "") -> Figure:
    """Cumulative incidence of every cause, and dashed what 1 - Kaplan-Meier would overstate.

    Args:
        risks: of :func:`SurvivalNomogramLib.estimation.competing_risks.cumulative_incidence`.
        time_unit: of the times.
        title: printed above.
    """
    figure = new_figure(CURVE_WIDTH_IN, CURVE_HEIGHT_IN + 0.6)
    axes = plain_axes(figure, x_label=f"Time ({time_unit})", y_label="Cumulative incidence", title=title)
    for k, (name, curve) in enumerate(risks.incidence.items()):
        times = np.concatenate(([0.0], curve.times, [curve.last_time]))
        values = np.concatenate(([0.0], curve.incidence, curve.incidence[-1:]))
        axes.step(times, values, where="post", color=colour(k), linewidth=1.5, label=literal(name))
        naive = risks.naive[name]
        axes.step(
            np.concatenate(([0.0], naive.times)),
            1 - np.concatenate(([1.0], naive.survival)),
            where="post",
            color=colour(k),
            linewidth=0.9,
            linestyle="--",
            label=literal(f"{name}, 1 - Kaplan-Meier"),
        )
    axes.set_xlim(left=0)
    axes.set_ylim(0, None)
    legend_below(figure, axes)
    return figure


def forest_figure(
    rows: Sequence[SubgroupRow], *, effect: str = "Hazard ratio", title: str = "", width_in: float = 9.0
) -> Figure:
    """Forest plot: hazard ratio with interval in each subgroup, numbers beside it, interaction p.

    Args:
        rows: lines of :func:`SurvivalNomogramLib.groups.subgroups.subgroup_analysis`.
        effect: what the axis shows, with the direction if wanted.
        title: printed above.
        width_in: width in inches.
    """
    if not rows:
        raise InputError("there is no subgroup to draw")
    lines = _forest_lines(rows)
    height = FOREST_ROW_IN * (len(lines) + 1) + (1.05 if title else 0.75)
    figure = new_figure(width_in, height, arranged=False)
    bottom, tall = 0.6 / height, FOREST_ROW_IN * (len(lines) + 1) / height
    axes = figure.add_axes((0.41, bottom, 0.29, tall))
    style_axes(axes, x_label=effect)
    if title:
        figure.text(0.02, 1 - 0.12 / height, title, ha="left", va="top", fontsize=TEXT_PT + 1)
    ratios = [v for row in rows for v in (row.hazard_ratio, row.lower, row.upper) if np.isfinite(v)]
    low, high = _forest_limits(ratios)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(lines) + 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    _forest_ticks(axes, low, high)
    axes.axvline(1.0, color=LIGHT_GREY, linewidth=1, zorder=0)
    for column, text in ((0.02, "Subgroup"), (0.33, "n (events)"), (0.72, "HR (95 % CI)"), (0.90, "p")):
        _forest_text(figure, axes, column, 0, text, bold=True)
    for k, line in enumerate(lines, start=1):
        _draw_forest_line(figure, axes, k, line, (low, high))
    return figure


def _forest_lines(rows: Sequence[SubgroupRow]) -> list[tuple[str, SubgroupRow | None, str]]:
    """Text of the first column, the row (None for a heading), text of the last column."""
    lines: list[tuple[str, SubgroupRow | None, str]] = []
    for k, row in enumerate(rows):
        if not row.level:
            lines.append((row.variable, row, p_text(row.p_value).removeprefix("p ").removeprefix("= ")))
            continue
        if k == 0 or rows[k - 1].variable != row.variable:
            lines.append((row.variable, None, f"interaction {p_text(row.interaction_p)}"))
        lines.append((f"    {row.level}", row, p_text(row.p_value).removeprefix("p ").removeprefix("= ")))
    return lines


def _draw_forest_line(
    figure: Figure,
    axes: Axes,
    y: int,
    line: tuple[str, SubgroupRow | None, str],
    limits: tuple[float, float],
) -> None:
    name, row, last = line
    _forest_text(figure, axes, 0.02, y, _shortened(name, 0.30 * figure.get_figwidth()), bold=row is None)
    if row is None:
        _forest_text(figure, axes, 0.72, y, last)
        return
    _forest_text(figure, axes, 0.33, y, f"{row.n} ({row.events})")
    if not np.isfinite(row.hazard_ratio):
        _forest_text(figure, axes, 0.72, y, f"not estimable: {row.reason}")
        return
    _forest_text(figure, axes, 0.72, y, f"{row.hazard_ratio:.2f} ({row.lower:.2f}-{row.upper:.2f})")
    _forest_text(figure, axes, 0.90, y, last)
    low, high = (float(np.clip(value, *limits)) for value in (row.lower, row.upper))
    axes.plot([low, high], [y, y], color="black", linewidth=1)
    for value, end, marker in ((row.lower, low, "<"), (row.upper, high, ">")):
        if value != end:  # the interval runs on beyond the axis
            axes.plot([end], [y], marker=marker, color="black", markersize=4, clip_on=False)
    marker = "D" if not row.level else "s"
    if limits[0] <= row.hazard_ratio <= limits[1]:
        axes.plot([row.hazard_ratio], [y], marker=marker, color=colour(0), markersize=5)


def _forest_text(figure: Figure, axes: Axes, x: float, y: float, text: str, *, bold: bool = False) -> None:
    from matplotlib.transforms import blended_transform_factory

    transform = blended_transform_factory(figure.transFigure, axes.transData)
    axes.text(
        x,
        y,
        literal(text),
        transform=transform,
        ha="left",
        va="center",
        fontsize=SMALL_PT,
        fontweight="bold" if bold else "normal",
    )


def _shortened(text: str, width_in: float) -> str:
    while text_width_in(text, SMALL_PT) > width_in and len(text) > 4:
        text = text[:-2].rstrip("…") + "…"
    return text


def _forest_limits(ratios: Sequence[float]) -> tuple[float, float]:
    if not ratios:
        return 0.1, 10.0
    low, high = max(min(ratios), 0.05), min(max(ratios), 20.0)
    return min(low / 1.15, 0.8), max(high * 1.15, 1.25)


def _forest_ticks(axes: Axes, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    wide = high / low > 30
    candidates = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 20) if not wide else (0.05, 0.2, 1, 5, 20)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in candidates if low <= tick <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def risk_box_figure(
    risk: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    cutoff: float | None = None,
    y_label: str = "Risk (linear predictor)",
    p_value: float | None = None,
    title: str = "",
    seed: int = 0,
) -> Figure:
    """Box plots of the risk score by group, every patient shown.

    Args:
        risk: (n,).
        groups: name -> (n,) bool, the patients of each box, e.g. event by cohort.
        cutoff: locked cut-off, drawn as a line.
        y_label: of the risk.
        p_value: printed above; of the caller's test.
        title: printed above.
        seed: of the sideways scatter of the points.
    """
    risk = np.asarray(risk, float)
    samples = {name: risk[np.asarray(inside, bool)] for name, inside in groups.items()}
    samples = {name: sample for name, sample in samples.items() if len(sample)}
    if not samples:
        raise InputError("there is no patient to draw")
    figure = new_figure(max(3.2, 1.1 * len(samples) + 1.2), 3.8)
    axes = plain_axes(figure, y_label=y_label)
    generator = np.random.default_rng(seed)
    for k, sample in enumerate(samples.values()):
        axes.boxplot(
            [sample],
            positions=[k],
            widths=0.55,
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": "white", "edgecolor": colour(k)},
            medianprops={"color": colour(k), "linewidth": 1.6},
            whiskerprops={"color": colour(k)},
            capprops={"color": colour(k)},
        )
        spread = k + generator.uniform(-0.18, 0.18, len(sample))
        axes.plot(spread, sample, ".", color=colour(k), markersize=3.5, alpha=0.5, markeredgewidth=0)
    axes.set_xlim(-0.6, len(samples) - 0.4)
    axes.set_xticks(range(len(samples)))
    axes.set_xticklabels(
        [f"{literal(wrapped(name, 0.95, SMALL_PT))}\n(n = {len(s)})" for name, s in samples.items()], fontsize=SMALL_PT
    )
    if cutoff is not None:
        axes.axhline(cutoff, color=GREY, linestyle="--", linewidth=1, label=f"cut-off {cutoff:.3g}")
    if title:
        figure.suptitle(literal(title), fontsize=TITLE_PT, x=0.02, ha="left")
    if p_value is not None:
        axes.set_title(p_text(p_value), fontsize=SMALL_PT, color=GREY, loc="left")
    legend_below(figure, axes)
    return figure
