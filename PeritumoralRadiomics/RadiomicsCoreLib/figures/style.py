"""What all figures share: size, fonts, colours, saving. Figures are plain objects, no pyplot, no global state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
PNG_DPI = 200
TEXT_PT, SMALL_PT, TITLE_PT = 9.0, 8.0, 10.5

# Okabe and Ito's palette: told apart by the colour-blind and in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8B6914", "#000000")
GREY, LIGHT_GREY, FAINT = "#555555", "#BBBBBB", "#E8E8E8"


def new_figure(width_in: float, height_in: float, *, arranged: bool = True) -> Figure:
    """A blank figure with a raster canvas of its own.

    Args:
        width_in, height_in: size in inches.
        arranged: let matplotlib arrange the axes, with room at the edges so that no label is cut off; False leaves
            them where they are put.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), facecolor="white")
    FigureCanvasAgg(figure)
    if arranged:
        figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.1)
    return figure


def plain_axes(figure: Figure, *, x_label: str = "", y_label: str = "", title: str = "") -> Axes:
    """One set of axes that fills the figure, in the house style."""
    return style_axes(figure.add_subplot(), x_label=x_label, y_label=y_label, title=title)


def style_axes(axes: Axes, *, x_label: str = "", y_label: str = "", title: str = "") -> Axes:
    """Open box, quiet ticks, one size of text."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=SMALL_PT)
    axes.set_xlabel(x_label, fontsize=TEXT_PT)
    axes.set_ylabel(y_label, fontsize=TEXT_PT)
    if title:
        axes.set_title(literal(title), fontsize=TITLE_PT, loc="left")
    return axes


def colour(index: int) -> str:
    """The palette's colours in turn."""
    return COLOURS[index % len(COLOURS)]


def dashes(index: int) -> str:
    """The line style that tells apart lines of one colour, where there are more lines than colours.

    Example:
        >>> dashes(0), dashes(8)
        ('-', '--')
    """
    return ("-", "--", ":", "-.")[index // len(COLOURS) % 4]


def literal(text: str) -> str:
    """A text in which matplotlib sees no formula, whatever dollar signs it holds."""
    return text.replace("$", r"\$")


def p_text(p_value: float) -> str:
    """A p value as journals print it.

    Example:
        >>> p_text(0.00004), p_text(0.0312), p_text(0.25)
        ('p < 0.001', 'p = 0.031', 'p = 0.25')
    """
    if p_value != p_value:
        return "p not available"
    if p_value < 0.001:
        return "p < 0.001"
    return f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def interval_text(value: float, lower: float, upper: float, digits: int = 2) -> str:
    """A figure with its interval, or without one where there is none.

    Example:
        >>> interval_text(0.712, 0.65, 0.77), interval_text(0.712, float("nan"), float("nan"))
        ('0.71 (0.65-0.77)', '0.71')
    """
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({lower:.{digits}f}-{upper:.{digits}f})"


def save_figure(figure: Figure, stem: Path | str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Save a figure as ``stem.svg``, ``stem.pdf``, ``stem.png`` and return the paths.

    The same figure gives the same bytes; text can be edited in the PDF.

    Raises:
        InputError: an unknown format, or a folder that cannot be written.
    """
    import matplotlib

    stem = Path(stem)
    paths = []
    # Letters as shapes in SVG: another machine's font would move labels onto each other. PDF keeps text.
    settings: Any = {"svg.fonttype": "path", "svg.hashsalt": "peritumoral", "pdf.fonttype": 42}
    with matplotlib.rc_context(settings):
        for form in formats:
            if form not in FORMATS:
                raise InputError(f"figure format {form!r} is unknown; choose from {', '.join(FORMATS)}")
            path = stem.with_name(f"{stem.name}.{form}")
            metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": None}[form]
            try:
                # Constrained layout comes near its goal with each drawing: after one, a title above axes of equal
                # scales may still be cut off.
                figure.draw_without_rendering()
                figure.savefig(path, dpi=PNG_DPI, metadata=metadata)
            except OSError as error:
                raise InputError(f"figure {str(path)!r} cannot be written: {error.strerror}") from None
            paths.append(path)
    return paths
