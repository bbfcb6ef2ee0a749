"""The heat map of correlations: features that belong together stand together, and the strongest pairs are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.figures.style import GREY, SMALL_PT, TEXT_PT, TITLE_PT, literal, new_figure
from RadiomicsCoreLib.figures.text_width import shortened
from RadiomicsCoreLib.progress import Progress, no_progress

from .feature_correlation import FeatureCorrelation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LABELS = 40
MOST_CELLS = 600
"""Cells drawn along an axis: about three pixels each at the size of the figure, the fewest that an eye tells apart."""
MOST_CLUSTERED = 1500
"""Features along an axis that are clustered; linkage needs memory for each pair of them."""
_CELL_IN, _LARGEST_IN, _SMALLEST_IN = 0.24, 8.0, 2.4
_LINE_IN, _NAME_IN, _BAR_IN = 0.17, 3.0, 0.9
_LONGEST_NAME = 46


def correlation_figure(
    correlation: FeatureCorrelation, title: str = "", *, pairs: int = 10, progress: Progress = no_progress
) -> Figure:
    """Draw the heat map, from blue (r = -1) over white to red (r = 1); grey where r is not defined.

    Rows and columns are sorted by average linkage of their correlations (beyond 1,500 of them by the angle of the
    two leading components), so that what hangs together forms blocks. Features are named along the axes where there
    are at most 40; of more than 600 neighbours are drawn as one cell, with the strongest of their correlations.

    Args:
        correlation: from :func:`~DeepRadiomicsFusionLib.explanation.feature_correlation.correlate_features`.
        title: text above; the mean absolute r and the number of patients follow it.
        pairs: the strongest correlations, numbered in the map and listed below it.
        progress: told between the steps; 0 to 1.

    Returns:
        A matplotlib figure that belongs to no window.

    Reference:
        Friendly M. Corrgrams: exploratory displays for correlation matrices. Am Stat 2002;56:316-324 (the angular
        order).
    """
    progress(0.0, "sorting the rows of the heat map")
    rows = clustered_order(correlation.r)
    progress(0.4, "sorting the columns of the heat map")
    columns = clustered_order(correlation.r.T)
    progress(0.8, "drawing the heat map")
    figure, axes = _map(correlation, rows, columns)
    _draw_strongest(figure, axes, correlation, (rows, columns), pairs)
    line = f"mean |r| = {correlation.mean_absolute:.2f}, {correlation.patients} patients"
    text = f"{literal(title)}\n{line}" if title else line
    figure.suptitle(text, fontsize=TITLE_PT, x=0.02, ha="left")
    progress(1.0, "heat map drawn")
    return figure


def clustered_order(r: np.ndarray) -> np.ndarray:
    """Return an order of the rows in which rows that resemble one another are neighbours.

    Args:
        r: (n, m) correlations; rows and columns of NaN count as 0.

    Returns:
        (n,) a permutation.

    Example:
        >>> clustered_order(np.array([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1]])).tolist()
        [1, 0, 2]
    """
    values = np.nan_to_num(r)
    if len(values) < 3:
        return np.arange(len(values))
    if len(values) > MOST_CLUSTERED:
        return _angular_order(values)
    from scipy.cluster.hierarchy import leaves_list, linkage

    return leaves_list(linkage(values, "average"))


def _angular_order(values: np.ndarray) -> np.ndarray:
    # The smaller of the two Gram matrices: 20,000 features of one side meet a few thousand of the other.
    short = values.T @ values if values.shape[1] <= len(values) else values @ values.T
    _, vectors = np.linalg.eigh(short)
    leading = vectors[:, -2:] if len(short) == len(values) else values @ vectors[:, -2:]
    angle = np.arctan2(leading[:, 0], leading[:, -1])
    order = np.argsort(angle, kind="stable")
    # A circle has no beginning: it is cut where neighbours lie farthest apart.
    gaps = np.diff(angle[order], append=angle[order[0]] + 2 * np.pi)
    return np.roll(order, -(int(np.argmax(gaps)) + 1))


def strongest_pairs(r: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Return (row, column) of the largest absolute correlations, largest first.

    Example:
        >>> strongest_pairs(np.array([[0.1, -0.9], [0.5, np.nan]]), 2)
        [(0, 1), (1, 0)]
    """
    size = np.nan_to_num(np.abs(r)).ravel()
    count = min(count, int(np.count_nonzero(size)))
    if not count:
        return []
    best = np.argpartition(-size, count - 1)[:count]
    best = best[np.lexsort((best, -size[best]))]
    return [(int(place) // r.shape[1], int(place) % r.shape[1]) for place in best]


def _map(correlation: FeatureCorrelation, rows: np.ndarray, columns: np.ndarray) -> tuple[Figure, Axes]:
    from matplotlib import colormaps

    names = [[correlation.radiomic[k] for k in rows], [correlation.deep[k] for k in columns]]
    height, width = (_side_in(len(each)) for each in names)
    named = [len(each) <= MOST_LABELS for each in names]
    figure = new_figure(
        max(6.5, width + _BAR_IN + (_NAME_IN if named[0] else 0.5)), height + (_NAME_IN if named[1] else 0.5) + 0.6
    )
    axes = figure.subplots()
    colours = colormaps["RdBu_r"].with_extremes(bad="#9A9A9A")
    cells = strongest_of_neighbours(correlation.r[np.ix_(rows, columns)], MOST_CELLS)
    extent = (-0.5, len(columns) - 0.5, len(rows) - 0.5, -0.5)
    drawn = axes.imshow(cells, cmap=colours, vmin=-1, vmax=1, aspect="auto", interpolation="nearest", extent=extent)
    for axis, each, is_named, what in (
        (axes.yaxis, names[0], named[0], "radiomic features"),
        (axes.xaxis, names[1], named[1], "deep features"),
    ):
        labels = [literal(shortened(name, _LONGEST_NAME)) for name in each] if is_named else []
        axis.set_ticks(np.arange(len(labels)), labels, fontsize=7)
        axis.set_label_text(f"{len(each):,} {what}", fontsize=TEXT_PT)
    axes.tick_params(axis="x", rotation=90)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, ticks=(-1, -0.5, 0, 0.5, 1))
    bar.set_label("Pearson r", fontsize=TEXT_PT)
    bar.ax.tick_params(labelsize=SMALL_PT)
    return figure, axes


def strongest_of_neighbours(r: np.ndarray, most: int) -> np.ndarray:
    """Return at most ``most`` by ``most`` cells, each the correlation of largest size among its neighbours.

    A mean would hide a strong pair among weak ones, and a picture's own thinning drops most pairs unseen.

    Example:
        >>> strongest_of_neighbours(np.array([[0.1, -0.9], [0.5, 0.2]]), 1)
        array([[-0.9]])
    """
    starts = [np.unique(np.linspace(0, count, min(count, most), endpoint=False).astype(int)) for count in r.shape]
    high, low = np.fmax, np.fmin
    top = high.reduceat(high.reduceat(r, starts[0], axis=0), starts[1], axis=1)
    bottom = low.reduceat(low.reduceat(r, starts[0], axis=0), starts[1], axis=1)
    return np.where(np.abs(bottom) > np.abs(top), bottom, top)


def _draw_strongest(
    figure: Figure, axes: Axes, correlation: FeatureCorrelation, orders: tuple[np.ndarray, np.ndarray], count: int
) -> None:
    found = strongest_pairs(correlation.r, count)
    if not found:
        return
    place_of_row, place_of_column = (np.argsort(order) for order in orders)
    cells = np.array([(place_of_column[column], place_of_row[row]) for row, column in found], float)
    lines = []
    for number, ((row, column), cell, away) in enumerate(
        zip(found, cells, _places_of_numbers(cells, correlation.r.shape), strict=True), start=1
    ):
        _number(axes, number, cell, away)
        names = (shortened(name, _LONGEST_NAME) for name in (correlation.radiomic[row], correlation.deep[column]))
        lines.append(f"{number:>2}  r = {correlation.r[row, column]:+.2f}  " + "  with  ".join(names))
    text = "Strongest pairs\n" + "\n".join(lines)
    figure.supxlabel(literal(text), fontsize=SMALL_PT - 1, color=GREY, x=0.02, ha="left")
    figure.set_figheight(figure.get_figheight() + _LINE_IN * (len(lines) + 2))


def _places_of_numbers(cells: np.ndarray, shape: tuple[int, int]) -> list[np.ndarray]:
    """Return for each cell (column, row) where its number stands, in points from it, rightwards and upwards.

    Strong pairs are neighbours after the sorting: a number takes the nearest place that no other one has.
    """
    size = 72 * np.array([_side_in(shape[1]), _side_in(shape[0])])
    at = (cells + 0.5) / np.array(shape[::-1]) * size
    at[:, 1] = size[1] - at[:, 1]
    taken: list[np.ndarray] = []
    chosen = []
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    steps = [radius * np.array([np.cos(turn), np.sin(turn)]) for radius in range(16, 400, 9) for turn in turns]
    for cell in at:
        free = (
            step
            for step in steps
            if ((cell + step > 12) & (cell + step < size - 12)).all()
            and all(np.abs(cell + step - other).max() > 18 for other in taken)
            and np.abs(cell + step - at).max(axis=1).min() > 8
        )
        away = next(free, steps[0])
        taken.append(cell + away)
        chosen.append(away)
    return chosen


def _number(axes: Axes, number: int, cell: np.ndarray, away: np.ndarray) -> None:
    """Write a pair's number beside its cell, with a line that ends on it."""
    from matplotlib.patheffects import withStroke

    text = axes.annotate(
        str(number),
        (float(cell[0]), float(cell[1])),
        xytext=(float(away[0]), float(away[1])),
        textcoords="offset points",
        fontsize=SMALL_PT,
        ha="center",
        va="center",
        arrowprops={"arrowstyle": "-", "linewidth": 0.7, "color": "black", "shrinkA": 1, "shrinkB": 0},
    )
    text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _side_in(count: int) -> float:
    return min(_LARGEST_IN, max(_SMALLEST_IN, _CELL_IN * count))
