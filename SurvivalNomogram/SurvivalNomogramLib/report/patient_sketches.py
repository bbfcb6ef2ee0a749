"""A patient on the nomogram, and the own curve over that of the risk group: as sketches, within milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.figures.pretty_numbers import pretty
from RadiomicsCoreLib.figures.sketch import (
    FAINT,
    GREY,
    HIGH,
    INK,
    LOW,
    MARK,
    SMALL_PX,
    Measure,
    Sketch,
    Stroke,
    Word,
    elided,
    rough_width,
)

from ..bundles.patient_reading import PatientReading, survival_curve
from ..groups.risk_groups import LOW as LOW_RISK
from ..nomogram.points import FULL_SCALE, Nomogram, VariableAxis

ROW_PX, FIRST_ROW_PX, TIER_PX = 40, 24, 11
"""Height of an axis with its labels; room over the first one; height of a further line of labels."""
NAMES_SHARE, MOST_NAMES_PX, MARGIN_PX, TICK_PX, GAP_PX = 0.3, 170, 14, 5, 8
PLOT_HEIGHT_PX, LEFT_PX, BELOW_PX = 210, 44, 40
_NOWHERE = -1e9
"""Where a label ends on a line that has none."""


@dataclass(frozen=True)
class GroupCurve:
    """The curve of a risk group of the cohort that the model was fitted or validated on.

    Attributes:
        group: its name.
        label: whose curve it is, for the legend.
        times, survival: (k,) a step function.
    """

    group: str
    label: str
    times: np.ndarray
    survival: np.ndarray


def nomogram_sketch(
    nomogram: Nomogram, reading: PatientReading | None, width: int = 380, measure: Measure = rough_width
) -> Sketch:
    """Draw a nomogram with a patient's points on it.

    Args:
        nomogram: its axes.
        reading: a patient of the same bundle; None, or without a prediction: the axes alone.
        width: pixels.
        measure: width of a text in the font that it is drawn in.
    """
    names = min(MOST_NAMES_PX, round(NAMES_SHARE * width))
    drawing = _Axes(names + GAP_PX, width - MARGIN_PX, names, measure)
    predicted = reading if reading is not None and reading.is_predicted else None
    drawing.add("Points", [(float(value), f"{value}") for value in range(0, 101, 20)], FULL_SCALE)
    for axis in nomogram.axes:
        mark = predicted.points.get(axis.name) if predicted is not None else None
        outside = predicted is not None and axis.name in predicted.outside
        note, is_names = "" if mark is None else f"{mark:.0f}", axis.term.is_categorical
        drawing.add(axis.name, _ticks(axis), FULL_SCALE, mark, note=note, warn=outside, levels=is_names)
    last = float(nomogram.total_ticks[-1])
    total = predicted.total_points if predicted is not None else None
    said = _said(predicted)
    drawing.add(
        "Total points", [(float(t), f"{t:g}") for t in nomogram.total_ticks], last, total, note=said["Total points"]
    )
    for outcome in nomogram.outcome_axes():
        if outcome.label == "Linear predictor":
            continue
        label = f"{outcome.label} (net)" if predicted is not None and predicted.is_incidence else outcome.label
        places = zip(outcome.values, outcome.total_points, strict=True)
        ticks = [(float(place), f"{value:g}") for value, place in places]
        drawing.add(label, ticks, last, total, note=said.get(outcome.label, ""))
    return drawing.sketch(width)


def curve_sketch(
    reading: PatientReading,
    groups: Sequence[GroupCurve] = (),
    width: int = 380,
    measure: Measure = rough_width,
) -> Sketch:
    """Draw a patient's predicted curve, its intervals at the horizons, and behind it the curves of the risk groups.

    The patient's own group is drawn heavier. With competing events the curve is the incidence of the event, which the
    groups' survival has nothing to do with: they are left out.

    Args:
        reading: with the prediction of a Cox model.
        groups: curves of the groups.
        width: pixels.
        measure: width of a text in the font that it is drawn in.

    Raises:
        InputError: no prediction, or a logistic model.
    """
    times, survival = survival_curve(reading)
    shown = [] if reading.is_incidence else [group for group in groups if len(group.times)]
    last = float(times[-1])
    plot = _Plot(width, last)
    unit = getattr(reading.bundle.model, "time_unit", "")
    title = f"Incidence of {reading.bundle.competing.event}" if reading.bundle.competing else "Survival"
    plot.frame(title, f"time ({unit})", measure)
    legend = []
    for group in shown:
        own = group.group == reading.group
        colour = LOW if group.group == LOW_RISK else HIGH
        kept = group.times <= last
        plot.steps(np.append(0.0, group.times[kept]), np.append(1.0, group.survival[kept]), colour, 2.5 if own else 1.0)
        legend.append((f"{group.group}{' (this patient’s)' if own else ''}, {group.label}", colour))
    plot.steps(times, survival, MARK, 2.0)
    for horizon in reading.horizons:
        plot.interval(horizon.time, horizon.lower, horizon.upper, horizon.probability)
    plot.legend([("this patient, predicted", MARK), *legend], measure)
    return plot.sketch()


def _ticks(axis: VariableAxis) -> list[tuple[float, str]]:
    """Places and labels of an axis."""
    texts = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in axis.values]
    return [(float(place), text) for place, text in zip(axis.points, texts, strict=True)]


def _said(reading: PatientReading | None) -> dict[str, str]:
    """What is written at the marks of the lower axes, by their labels."""
    if reading is None:
        return {"Total points": ""}
    said = {"Total points": f"{reading.total_points:.0f}"}
    if not reading.is_incidence:
        unit = getattr(reading.bundle.model, "time_unit", "").removesuffix("s")
        for horizon in reading.horizons:
            said[f"{horizon.time:g}-{unit} survival"] = f"{horizon.probability:.2f}"
        if np.isfinite(reading.median):
            said[f"Median survival ({unit}s)"] = f"{reading.median:.0f}"
    if np.isfinite(reading.probability):
        said["Probability"] = f"{reading.probability:.2f}"
    return said


class _Axes:
    """Axes one below the other, with names at the left."""

    def __init__(self, left: float, right: float, names: float, measure: Measure) -> None:
        self._left, self._right, self._names, self._measure = left, right, names, measure
        self._y = float(FIRST_ROW_PX)
        self._ends = [_NOWHERE]
        self._strokes: list[Stroke] = []
        self._words: list[Word] = []

    def add(
        self,
        name: str,
        ticks: Sequence[tuple[float, str]],
        last: float,
        mark: float | None = None,
        *,
        note: str = "",
        warn: bool = False,
        levels: bool = False,
    ) -> None:
        """Add an axis.

        Args:
            name: at its left.
            ticks: place and label of each.
            last: place at the right end.
            mark: the patient's place.
            note: over the mark.
            warn: the patient lies outside: the mark stands at the end, and an arrow says so.
            levels: the labels are names, of which none may be left out: those that would touch hang lower.
        """
        y, places = self._y, [self._x(place, last) for place, _ in ticks]
        shown = elided(name, self._names, SMALL_PX + 1, self._measure)
        self._words.append(Word(self._names, y + 4, shown, "right", SMALL_PX + 1))
        if places:
            self._strokes.append(Stroke(((min(places), y), (max(places), y)), INK))
        for x, (_, text) in sorted(zip(places, ticks, strict=True)):
            self._strokes.append(Stroke(((x, y), (x, y + TICK_PX)), GREY))
            self._label(x, y + TICK_PX + SMALL_PX, text, levels)
        if mark is not None:
            x = min(max(self._x(mark, last), self._left), self._right)
            self._strokes += [Stroke(((x, y - 6), (x, y + 6)), MARK, 4.0)]
            arrow = "" if not warn else " ▸" if mark > 0 else " ◂"
            self._words.append(Word(x, y - 9, note + arrow, self._align(x, note + arrow), SMALL_PX + 1, MARK, True))
        self._y += ROW_PX + (len(self._ends) - 1) * TIER_PX
        self._ends = [_NOWHERE]

    def _x(self, place: float, last: float) -> float:
        return self._left + place / last * (self._right - self._left)

    def _label(self, x: float, y: float, text: str, keep: bool) -> None:
        """Write a tick's label where it touches no other; one that must be kept hangs on the first free tier."""
        half = self._measure(text, SMALL_PX) / 2
        middle = min(max(x, self._left + half - GAP_PX), self._right + MARGIN_PX - half)
        free = (tier for tier, end in enumerate(self._ends) if middle - half > end + 4)
        tier = next(free, len(self._ends) if keep else None)
        if tier is None:
            return
        if tier == len(self._ends):
            self._ends.append(_NOWHERE)
        self._words.append(Word(middle, y + tier * TIER_PX, text, "middle", SMALL_PX, GREY))
        self._ends[tier] = middle + half

    def _align(self, x: float, text: str) -> str:
        half = self._measure(text, SMALL_PX + 1) / 2
        return "left" if x - half < self._left - GAP_PX else "right" if x + half > self._right + MARGIN_PX else "middle"

    def sketch(self, width: int) -> Sketch:
        """Return all axes."""
        return Sketch(width, round(self._y - ROW_PX + TICK_PX + SMALL_PX + 8), tuple(self._strokes), tuple(self._words))


class _Plot:
    """Step functions of time between 0 and 1."""

    def __init__(self, width: int, last: float) -> None:
        self._width, self._last = width, last
        self._right, self._top, self._bottom = width - MARGIN_PX, 24, PLOT_HEIGHT_PX - BELOW_PX
        self._height = PLOT_HEIGHT_PX
        self._strokes: list[Stroke] = []
        self._words: list[Word] = []

    def frame(self, title: str, x_title: str, measure: Measure) -> None:
        """Draw the axes."""
        self._words.append(Word(2, 14, title, "left", SMALL_PX + 1, bold=True))
        for level in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = self._y(level)
            self._strokes.append(Stroke(((LEFT_PX, y), (self._right, y)), INK if level == 0 else FAINT))
            self._words.append(Word(LEFT_PX - 5, y + 4, f"{level:g}", "right", SMALL_PX, GREY))
        self._strokes.append(Stroke(((LEFT_PX, self._y(1.0)), (LEFT_PX, self._y(0.0))), INK))
        end = _NOWHERE
        for tick in pretty(0, self._last, 5):
            x, half = self._x(tick), measure(f"{tick:g}", SMALL_PX) / 2
            if tick <= self._last and x - half > end + 4:
                self._strokes.append(Stroke(((x, self._bottom), (x, self._bottom + TICK_PX)), INK))
                self._words.append(Word(x, self._bottom + TICK_PX + SMALL_PX, f"{tick:g}", "middle", SMALL_PX, GREY))
                end = x + half
        self._words.append(Word((LEFT_PX + self._right) / 2, self._bottom + 30, x_title, "middle", SMALL_PX, GREY))

    def steps(self, times: np.ndarray, values: np.ndarray, colour: str, width: float) -> None:
        """Draw a step function."""
        points = [(self._x(float(times[0])), self._y(float(values[0])))]
        for time, value in zip(times[1:], values[1:], strict=True):
            x, y = self._x(float(time)), self._y(float(value))
            points += [(x, points[-1][1]), (x, y)]
        self._strokes.append(Stroke(tuple(points), colour, width))

    def interval(self, time: float, lower: float, upper: float, value: float) -> None:
        """Draw an interval at a time, with the value beside it."""
        x = self._x(time)
        if np.isfinite([lower, upper]).all():
            self._strokes.append(Stroke(((x, self._y(lower)), (x, self._y(upper))), MARK, 1.0, dashed=True))
            for end in (lower, upper):
                self._strokes.append(Stroke(((x - 4, self._y(end)), (x + 4, self._y(end))), MARK))
        self._words.append(Word(x + 6, self._y(value) - 5, f"{value:.0%}", "left", SMALL_PX + 1, MARK, True))

    def legend(self, rows: Iterable[tuple[str, str]], measure: Measure) -> None:
        """Write below the axis what each line is."""
        for text, colour in rows:
            y = self._height + 4
            self._strokes.append(Stroke(((LEFT_PX, y - 4), (LEFT_PX + 16, y - 4)), colour, 2.5))
            shown = elided(text, self._right - LEFT_PX - 22, SMALL_PX + 1, measure)
            self._words.append(Word(LEFT_PX + 22, y, shown, "left", SMALL_PX + 1))
            self._height += 16

    def sketch(self) -> Sketch:
        """Return the plot."""
        return Sketch(self._width, self._height, tuple(self._strokes), tuple(self._words))

    def _x(self, time: float) -> float:
        return LEFT_PX + time / self._last * (self._right - LEFT_PX)

    def _y(self, value: float) -> float:
        return self._bottom - value * (self._bottom - self._top)


def group_curves(rows: Iterable[Mapping[str, str]], label: str) -> tuple[GroupCurve, ...]:
    """Return the curves of a ``kaplan_meier_*.csv``, whose rows name ``group``, ``time`` and ``survival``.

    Example:
        >>> rows = [{"group": "low risk", "time": "3", "survival": "0.9"}]
        >>> group_curves(rows, "test")[0].survival.tolist()
        [0.9]
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        found.setdefault(row["group"], []).append((float(row["time"]), float(row["survival"])))
    return tuple(GroupCurve(group, label, *np.array(points, float).T.reshape(2, -1)) for group, points in found.items())
