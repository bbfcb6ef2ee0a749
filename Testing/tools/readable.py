"""What a program can see of a figure: texts that are cut off, that cover one another, that lie on the data."""

from __future__ import annotations

import itertools
from typing import Any
from weakref import WeakSet

from matplotlib.figure import Figure

_DRAWN: WeakSet[Figure] = WeakSet()


def texts_of(figure: Figure) -> list[tuple[str, Any]]:
    """Every text that is seen, with its box in pixels (that of the letters, without a background patch)."""
    renderer = drawn(figure)
    artists = list(figure.texts)
    for legend in legends_of(figure):
        artists += [*legend.get_texts(), legend.get_title()]
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        artists += axes.texts
        if axes.axison:
            artists += [axes.xaxis.label, axes.yaxis.label]
            artists += shown_tick_labels(axes.xaxis) + shown_tick_labels(axes.yaxis)
        artists += [axes.title, *(getattr(axes, f"_{side}_title") for side in ("left", "right"))]
    seen = [artist for artist in artists if artist.get_visible() and artist.get_text().strip()]
    return [(artist.get_text(), artist.get_window_extent(renderer)) for artist in seen]


def legends_of(figure: Figure) -> list[Any]:
    """Legends of the figure and of its axes."""
    return [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend() is not None)]


def shown_tick_labels(axis: Any) -> list[Any]:
    """Labels of the ticks that lie on the axis."""
    low, high = sorted(axis.get_view_interval())
    # Neither limit belongs to a tick of a log axis that lies a rounding error beyond it.
    return [tick.label1 for tick in axis.get_major_ticks() if low - 1e-9 <= tick.get_loc() <= high + 1e-9]


def drawn(figure: Figure) -> Any:
    """Draw a figure as often as ``save_figure`` does, which arranges its parts, and return the renderer.

    Not once more for every look: constrained layout comes nearer its goal with each drawing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not isinstance(figure.canvas, FigureCanvasAgg):
        FigureCanvasAgg(figure)
    if figure not in _DRAWN:
        figure.draw_without_rendering()
        figure.canvas.draw()
        _DRAWN.add(figure)
    return figure.canvas.get_renderer()  # type: ignore[attr-defined]


def assert_nothing_cut(figure: Figure) -> None:
    """Every text and every legend lies inside the picture."""
    width, height = figure.get_size_inches() * figure.dpi
    boxes = texts_of(figure)
    assert boxes
    boxes += [("a legend", legend.get_window_extent()) for legend in legends_of(figure)]
    for text, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text!r} is cut off"


def assert_no_text_covers_another(figure: Figure) -> None:
    """No two texts overlap."""
    for (first, a), (second, b) in itertools.combinations(texts_of(figure), 2):
        wide, tall = common(a, b)
        # Boxes of glyphs include empty margins of a pixel or two.
        assert wide <= 1.5 or tall <= 2.5, f"{first!r} covers {second!r}"


def assert_data_are_free(figure: Figure) -> None:
    """No text and no legend lies within the axes, where the curves are."""
    boxes = texts_of(figure) + [("a legend", legend.get_window_extent()) for legend in legends_of(figure)]
    for axes in figure.axes:
        if not (axes.axison and axes.get_visible()):
            continue
        for text, box in boxes:
            wide, tall = common(box, axes.get_window_extent())
            assert wide <= 1.5 or tall <= 2.5, f"{text!r} lies on the data"


def assert_readable(figure: Figure, *, overlaps: bool = True) -> None:
    """Nothing is cut off and, unless ``overlaps`` is False, no text covers another."""
    assert_nothing_cut(figure)
    if overlaps:
        assert_no_text_covers_another(figure)


def common(a: Any, b: Any) -> tuple[float, float]:
    """Width and height of what two boxes share; negative where they are apart."""
    return min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
