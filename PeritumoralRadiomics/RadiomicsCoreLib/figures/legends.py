"""Legends below the axes, where they cover no curve, with room for every entry however many and long they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .style import SMALL_PT, literal
from .text_width import text_width_in, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

HANDLE_IN, COLUMN_GAP_IN, EDGE_IN = 0.42, 0.24, 0.15
LINE_IN = 0.175


def legend_below(
    figure: Figure, axes: Axes | Sequence[Axes], *, title: str = "", order: Sequence[int] | None = None
) -> Legend | None:
    """Put the entries of one or more axes below them and make the figure taller by what they take.

    Inside the axes a legend hides curves wherever it stands as soon as there are enough of them.

    Args:
        figure: in constrained layout, as :func:`~RadiomicsCoreLib.figures.style.new_figure` makes it.
        axes: whose labelled artists are listed, a label once.
        title: above the entries.
        order: places of the entries in the legend; None: as drawn.

    Returns:
        The legend; None where nothing has a label.
    """
    several = [axes] if not isinstance(axes, Sequence) else axes
    found: dict[str, Any] = {}
    for each in several:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if not found:
        return None
    labels = [list(found)[k] for k in order] if order is not None else list(found)
    width = figure.get_figwidth() - 2 * EDGE_IN
    columns, lines = arranged(labels, width)
    rows = [lines[k::columns] for k in range(columns)]  # for the height, any way of filling columns will do
    tall = max(sum(text.count("\n") + 1 for text in column) for column in rows) + bool(title)
    legend = figure.legend(
        [found[label] for label in labels],
        lines,
        loc="outside lower center",
        ncols=columns,
        fontsize=SMALL_PT,
        title=literal(title) or None,
        title_fontsize=SMALL_PT,
        frameon=False,
        handlelength=1.8,
        columnspacing=1.2,
    )
    figure.set_figheight(figure.get_figheight() + LINE_IN * tall + 0.1)
    return legend


def arranged(labels: Sequence[str], width_in: float) -> tuple[int, list[str]]:
    """Return how many columns labels fit into, and the labels, broken over lines where one is too wide for any.

    Example:
        >>> arranged(["a", "b", "c"], 1.0)
        (1, ['a', 'b', 'c'])
    """
    most = width_in - HANDLE_IN - COLUMN_GAP_IN
    lines = [wrapped(label, most) for label in labels]
    widest = max(text_width_in(line, SMALL_PT) for text in lines for line in text.split("\n"))
    columns = int(width_in / (widest + HANDLE_IN + COLUMN_GAP_IN))
    return max(1, min(len(labels), columns)), lines
