"""The nomogram as a publication figure: lines with ticks, laid out so that no two labels touch.

The drawing uses inches as coordinates: the width of every label is known before it is placed. Names of
levels that would collide hang from their ticks like flags, each on its own tier; numbers are thinned out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.figures.style import (
    COLOURS,
    FAINT,
    GREY,
    SMALL_PT,
    TEXT_PT,
    literal,
    new_figure,
)
from RadiomicsCoreLib.figures.text_width import POINTS_PER_INCH, text_width_in, wrapped

from .points import Nomogram, NomogramPrediction, VariableAxis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 10.0
MARGIN_IN = 0.25
LABEL_COLUMN_IN = 2.9
TICK_IN = 0.07
TIER_IN = 0.16
ROW_GAP_IN = 0.20
LABEL_GAP_IN = 0.06
FLAG_GAP_IN = 0.03
FEW_VALUES = 4
DENSEST_TICKS_IN = 0.045
LINE_IN = 1.25 * TEXT_PT / POINTS_PER_INCH
MARK = COLOURS[1]


@dataclass
class _Label:
    """A tick's label: where its tick is, the middle of the text, and its tier below the line (0: the first).

    A flag is a label that starts at its tick and hangs from it by a line, for levels that stand close together.
    """

    text: str
    tick: float
    x: float
    tier: int = 0
    is_flag: bool = False

    @property
    def half(self) -> float:
        return text_width_in(self.text, SMALL_PT) / 2

    @property
    def start(self) -> float:
        return self.x - self.half

    @property
    def end(self) -> float:
        return self.x + self.half


@dataclass
class _Row:
    """One line of the nomogram: name, ticks in inches, labels, and a patient's mark on it."""

    name: str
    ticks: np.ndarray
    labels: list[_Label]
    minor: np.ndarray = field(default_factory=lambda: np.empty(0))
    mark: float | None = None
    note: str = ""

    @property
    def above(self) -> float:
        return max(TICK_IN, self._name_height() / 2)

    @property
    def below(self) -> float:
        tiers = max((label.tier for label in self.labels), default=0)
        return max(TICK_IN + (tiers + 1) * TIER_IN, self._name_height() / 2)

    def _name_height(self) -> float:
        return LINE_IN * (self.name.count("\n") + 1)


def nomogram_figure(
    nomogram: Nomogram,
    *,
    labels: Mapping[str, str] | None = None,
    patient: Mapping[str, object] | None = None,
    width_in: float = WIDTH_IN,
) -> Figure:
    """Draw a nomogram.

    Args:
        nomogram: the nomogram.
        labels: column, or ``column=level``, -> text to print instead.
        patient: covariate -> value; marked on every axis, with the prediction beside the outcome axes.
        width_in: width in inches; the height follows from the number of axes.

    Returns:
        A figure; save it with :func:`RadiomicsCoreLib.figures.style.save_figure`.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70.0, 52, 66, 58, 61, 49]})
        >>> table = read_survival_table(frame, time="t", event="e")
        >>> from SurvivalNomogramLib.models.cox import fit_cox
        >>> from SurvivalNomogramLib.nomogram.points import make_nomogram
        >>> figure = nomogram_figure(make_nomogram(fit_cox(table), table.frame, [10]), patient={"age": 60.0})
        >>> figure.savefig("nomogram.png")
    """
    names = dict(labels or {})
    prediction = nomogram.predict(patient) if patient is not None else None
    left = MARGIN_IN + _label_column(nomogram, names)
    right = width_in - MARGIN_IN - 0.15
    upper = _variable_rows(nomogram, names, prediction, left, right)
    lower = _outcome_rows(nomogram, prediction, left, right)
    rows = upper + lower
    height = 2 * MARGIN_IN + sum(row.above + row.below for row in rows) + ROW_GAP_IN * len(rows)
    figure = new_figure(width_in, height, arranged=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width_in)
    axes.set_ylim(0, height)
    axes.axis("off")
    places = _places(rows, height)
    _grid(axes, upper[0], places[0], places[len(upper) - 1])
    _grid(axes, lower[0], places[len(upper)], places[-1])
    for row, y in zip(rows, places, strict=True):
        _draw_row(axes, row, y, left)
    if prediction is not None:
        _draw_patient(axes, upper, places[: len(upper)], lower, places[len(upper) :])
    return figure


def _label_column(nomogram: Nomogram, names: Mapping[str, str]) -> float:
    texts = [names.get(axis.name, axis.name) for axis in nomogram.axes]
    texts += ["Total points", *(axis.label for axis in nomogram.outcome_axes())]
    return min(LABEL_COLUMN_IN, max(text_width_in(text, TEXT_PT) for text in texts)) + 0.2


def _places(rows: Sequence[_Row], height: float) -> list[float]:
    places, y = [], height - MARGIN_IN
    for row in rows:
        y -= row.above
        places.append(y)
        y -= row.below + ROW_GAP_IN
    return places


def _variable_rows(
    nomogram: Nomogram,
    names: Mapping[str, str],
    prediction: NomogramPrediction | None,
    left: float,
    right: float,
) -> list[_Row]:
    def x_of(points: np.ndarray) -> np.ndarray:
        return left + np.asarray(points) / 100.0 * (right - left)

    limits = (left - 0.1, right + 0.15)
    scale = np.arange(0, 101, 10.0)
    rows = [_numeric_row("Points", scale, x_of(scale), limits, minor=x_of(np.arange(0, 101, 2.0)))]
    for axis in nomogram.axes:
        name = wrapped(names.get(axis.name, axis.name), LABEL_COLUMN_IN)
        if axis.term.is_categorical:
            row = _category_row(name, axis, x_of(axis.points), names, limits)
        else:
            row = _numeric_row(name, np.array(axis.values, float), x_of(axis.points), limits)
        if prediction is not None:
            row.mark = float(x_of(np.clip(prediction.points[axis.name], 0, 100)))
            row.note = f"{prediction.points[axis.name]:.0f}"
        rows.append(row)
    return rows


def _outcome_rows(nomogram: Nomogram, prediction: NomogramPrediction | None, left: float, right: float) -> list[_Row]:
    last = float(nomogram.total_ticks[-1])

    def x_of(points: np.ndarray) -> np.ndarray:
        return left + np.asarray(points) / last * (right - left)

    limits = (left - 0.1, right + 0.15)
    rows = [_numeric_row("Total points", nomogram.total_ticks, x_of(nomogram.total_ticks), limits)]
    for axis in nomogram.outcome_axes():
        name = wrapped(axis.label, LABEL_COLUMN_IN)
        rows.append(_numeric_row(name, axis.values, x_of(axis.total_points), limits))
    if prediction is not None:
        mark = float(x_of(np.clip(prediction.total_points, 0, last)))
        for row, note in zip(rows, _outcome_notes(nomogram, prediction), strict=True):
            row.mark, row.note = mark, note
    return rows


def _outcome_notes(nomogram: Nomogram, prediction: NomogramPrediction) -> list[str]:
    notes = [f"{prediction.total_points:.0f}"]
    survival = iter(prediction.survival.values())
    for axis in nomogram.outcome_axes():
        if axis.label == "Linear predictor":
            notes.append(f"{prediction.linear_predictor:.2f}")
        elif axis.label == "Probability":
            notes.append(f"{prediction.probability:.2f}")
        elif axis.label.startswith("Median"):
            known = np.isfinite(prediction.median_survival)
            notes.append(f"{prediction.median_survival:.0f}" if known else "not reached")
        else:
            notes.append(f"{next(survival):.2f}")
    return notes


def _numeric_row(
    name: str,
    values: np.ndarray,
    x: np.ndarray,
    limits: tuple[float, float],
    minor: np.ndarray | None = None,
) -> _Row:
    order = np.argsort(x, kind="stable")
    labels = [_Label(f"{values[k]:.10g}", float(x[k]), float(x[k])) for k in order]
    if len(labels) <= FEW_VALUES:
        labels = _placed(labels, limits)
        ticks = x[order]
    else:
        labels = thinned(labels)
        # Ticks that would run into a black bar are drawn only where they carry a number.
        is_dense = np.diff(x[order]).min() < DENSEST_TICKS_IN
        ticks = np.array([label.tick for label in labels]) if is_dense else x[order]
    return _Row(name, ticks, labels, np.empty(0) if minor is None else minor)


def thinned(labels: list[_Label]) -> list[_Label]:
    """Labels of which no two touch: every k-th on an even scale, one after the other on an uneven one."""
    gaps = np.diff([label.tick for label in labels])
    if len(gaps) and np.ptp(gaps) < 1e-6:
        for step in range(1, len(labels)):
            kept = labels[::step]
            if all(_are_apart(a, b) for a, b in pairwise(kept)):
                return kept
        return labels[:1]
    kept = labels[:1]
    for label in labels[1:]:
        if _are_apart(kept[-1], label):
            kept.append(label)
    return kept


def _are_apart(left: _Label, right: _Label) -> bool:
    return left.end + LABEL_GAP_IN <= right.start


def _category_row(
    name: str, axis: VariableAxis, x: np.ndarray, names: Mapping[str, str], limits: tuple[float, float]
) -> _Row:
    labels = []
    for k in np.argsort(x, kind="stable"):
        level = str(axis.values[k])
        labels.append(_Label(names.get(f"{axis.name}={level}", level), float(x[k]), float(x[k])))
    return _Row(name, np.sort(x), _placed(labels, limits))


def _placed(labels: list[_Label], limits: tuple[float, float]) -> list[_Label]:
    """Labels below their ticks if they fit side by side, otherwise as flags; no level is ever left out."""
    for label in labels:
        low = limits[0] + label.half
        label.x = float(np.clip(label.tick, low, max(low, limits[1] - label.half)))
    if all(_are_apart(a, b) for a, b in pairwise(labels)):
        return labels
    # From the right: a flag hangs lower than all flags whose lines it would cross.
    hung: list[_Label] = []
    for label in sorted(labels, key=lambda label: -label.tick):
        _hang(label, hung, limits[1])
        hung.append(label)
    return labels


def _hang(label: _Label, hung: Sequence[_Label], limit: float) -> None:
    fits = label.tick + 2 * label.half <= limit
    label.x = label.tick + FLAG_GAP_IN + label.half if fits else label.tick - FLAG_GAP_IN - label.half
    label.is_flag = True
    crossed = [
        other.tier
        for other in hung
        if label.start - LABEL_GAP_IN < other.tick < label.end + LABEL_GAP_IN
        or not (_are_apart(label, other) or _are_apart(other, label))
    ]
    label.tier = max(crossed, default=-1) + 1


def _grid(axes: Axes, scale: _Row, top: float, bottom: float) -> None:
    for x in scale.ticks:
        axes.plot([x, x], [top, bottom], color=FAINT, linewidth=0.6, zorder=0)


def _draw_row(axes: Axes, row: _Row, y: float, left: float) -> None:
    axes.text(left - 0.2, y, literal(row.name), ha="right", va="center", fontsize=TEXT_PT, linespacing=1.1)
    if not len(row.ticks):
        return
    axes.plot([row.ticks.min(), row.ticks.max()], [y, y], color="black", linewidth=1.0, solid_capstyle="butt")
    for x in row.ticks:
        axes.plot([x, x], [y, y - TICK_IN], color="black", linewidth=0.8)
    for x in row.minor:
        axes.plot([x, x], [y, y - TICK_IN / 2], color=GREY, linewidth=0.5)
    for label in row.labels:
        _draw_label(axes, label, y)


def _draw_label(axes: Axes, label: _Label, y: float) -> None:
    top = y - TICK_IN - 0.02 - label.tier * TIER_IN
    if label.is_flag:
        bottom = top - TIER_IN / 2
        axes.plot([label.tick, label.tick], [y - TICK_IN, bottom], color=GREY, linewidth=0.5, zorder=0.5)
    style = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
    axes.text(label.x, top, literal(label.text), ha="center", va="top", fontsize=SMALL_PT, bbox=style)


def _draw_patient(
    axes: Axes,
    upper: Sequence[_Row],
    upper_places: Sequence[float],
    lower: Sequence[_Row],
    lower_places: Sequence[float],
) -> None:
    for row, y in zip(upper, upper_places, strict=True):
        if row.mark is not None:
            axes.plot([row.mark, row.mark], [y, upper_places[0]], color=MARK, linewidth=0.6, alpha=0.5)
            _draw_mark(axes, row, y)
    mark = lower[0].mark
    if mark is not None:
        axes.plot([mark, mark], [lower_places[0], lower_places[-1]], color=MARK, linewidth=0.8, alpha=0.6)
    for row, y in zip(lower, lower_places, strict=True):
        _draw_mark(axes, row, y)


def _draw_mark(axes: Axes, row: _Row, y: float) -> None:
    if row.mark is None:
        return
    axes.plot([row.mark], [y], marker="o", markersize=5, color=MARK, zorder=5)
    axes.text(
        row.mark + 0.07,
        y + 0.03,
        row.note,
        ha="left",
        va="bottom",
        fontsize=SMALL_PT,
        color=MARK,
        fontweight="bold",
        zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3, "alpha": 0.85},
    )
