"""Pictures of contributions: which inputs matter overall, and what moved one patient's prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.legends import legend_below
from RadiomicsCoreLib.figures.style import literal, new_figure
from RadiomicsCoreLib.figures.text_width import shortened

from .shapley import Contributions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RAISES, LOWERS = "#D55E00", "#0072B2"  # Okabe and Ito: told apart by the colour-blind and in print
_WIDTH_IN, _BAR_IN, _FRAME_IN = 7.0, 0.34, 1.3
_LONGEST_LABEL = 44


def overall_figure(contributions: Contributions, *, most: int = 20) -> Figure:
    """Draw the mean absolute contribution of each input over the patients, and every patient as a point.

    Args:
        contributions: from :func:`~DeepRadiomicsFusionLib.explanation.shapley.shapley_values`.
        most: inputs drawn; the rest is summed up in one bar.

    Returns:
        A matplotlib figure that belongs to no window. Points are the patients' signed contributions, coloured by
        whether the patient's value of that input is above or below the patients' median.
    """
    _check_most(most)
    order = np.argsort(-contributions.overall, kind="stable")
    shown, rest = order[:most], order[most:]
    figure, axes = _bars(len(shown) + bool(len(rest)))
    places = np.arange(len(shown))
    axes.barh(places, contributions.overall[shown], color="#D9D9D9", height=0.72, zorder=1)
    _draw_patients(axes, contributions, shown)
    labels = [_short(contributions.names[place]) for place in shown]
    if len(rest):
        axes.barh(len(shown), contributions.overall[rest].sum(), color="#EFEFEF", height=0.72)
        labels.append(f"{len(rest)} others together")
    _finish(axes, labels, "contribution to the prediction (bars: mean absolute value)")
    legend_below(figure, axes)
    axes.set_title(f"What the model uses, {len(contributions.case_ids)} patients", fontsize=10, loc="left")
    return figure


def patient_figure(contributions: Contributions, case_id: str, *, most: int = 12) -> Figure:
    """Draw how the inputs move one patient's prediction away from the mean of the background, step by step.

    Args:
        contributions: from :func:`~DeepRadiomicsFusionLib.explanation.shapley.shapley_values`.
        case_id: of the patient.
        most: inputs drawn; the rest is one step.

    Returns:
        A matplotlib figure that belongs to no window. Bars start at the mean prediction at the top and end at the
        patient's at the bottom.

    Raises:
        InputError: no such patient.
    """
    _check_most(most)
    if case_id not in contributions.case_ids:
        raise InputError(f"there are no contributions of case {case_id!r}; there are {len(contributions.case_ids)}")
    place = contributions.case_ids.index(case_id)
    values, inputs = contributions.values[place], contributions.inputs[place]
    order = np.argsort(-np.abs(values), kind="stable")
    shown, rest = order[:most], order[most:]
    steps = [float(values[n]) for n in shown] + ([float(values[rest].sum())] if len(rest) else [])
    labels = [f"{_short(contributions.names[n])} = {inputs[n]:.3g}" for n in shown]
    labels += [f"{len(rest)} others together"] if len(rest) else []
    figure, axes = _bars(len(steps))
    starts = contributions.base + np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    colours = [RAISES if step > 0 else LOWERS for step in steps]
    axes.barh(np.arange(len(steps)), steps, left=starts, color=colours, height=0.72)
    _write_steps(axes, starts, steps)
    end = float(contributions.predictions[place])
    for value in (contributions.base, end):
        axes.axvline(value, color="#555555", linewidth=0.9, linestyle=(0, (3, 2)), zorder=0)
    _finish(axes, labels, "prediction")
    axes.set_title(f"{literal(case_id)}: from the mean {contributions.base:.3g} to {end:.3g}", fontsize=10, loc="left")
    return figure


def _check_most(most: int) -> None:
    if most < 1:
        raise InputError(f"most is {most}; give 1 or more")


def _bars(count: int) -> tuple[Figure, Axes]:
    figure = new_figure(_WIDTH_IN, _FRAME_IN + _BAR_IN * count)
    axes = figure.subplots()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _draw_patients(axes: Axes, contributions: Contributions, shown: np.ndarray) -> None:
    """One point a patient, spread over the bar in the order of the patients, so that none hides another."""
    count = len(contributions.case_ids)
    spread = (np.arange(count) * 0.618) % 1 * 0.5 - 0.25
    for row, place in enumerate(shown):
        inputs = contributions.inputs[:, place]
        high = inputs > np.median(inputs)
        for chosen, colour, label in ((high, RAISES, "value above the median"), (~high, LOWERS, "at or below it")):
            axes.scatter(
                contributions.values[chosen, place],
                row + spread[chosen],
                s=9,
                color=colour,
                alpha=0.75,
                linewidths=0,
                zorder=2,
                label=label if row == 0 else None,
            )
    axes.axvline(0, color="#555555", linewidth=0.8, zorder=1)


def _write_steps(axes: Axes, starts: np.ndarray, steps: list[float]) -> None:
    from matplotlib.patheffects import withStroke

    low = min(*starts, *(starts + steps))
    high = max(*starts, *(starts + steps))
    room = max(high - low, 1e-12)
    axes.set_xlim(low - 0.16 * room, high + 0.16 * room)
    for row, (start, step) in enumerate(zip(starts, steps, strict=True)):
        end = start + step
        side = 1 if step > 0 else -1
        align = "left" if side > 0 else "right"
        text = axes.text(end + side * 0.012 * room, row, f"{step:+.3g}", va="center", ha=align, size=8)
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])  # readable on the dashed line


def _finish(axes: Axes, labels: list[str], x_label: str) -> None:
    axes.set_yticks(np.arange(len(labels)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(x_label, fontsize=9)


def _short(name: str) -> str:
    """A name without formulas, its middle left out where it is long."""
    return literal(shortened(name, _LONGEST_LABEL))
