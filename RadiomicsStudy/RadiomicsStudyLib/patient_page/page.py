"""One page about one patient, A5 across: the tumour with its regions, and what the model says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.figures.style import GREY, SMALL_PT, TEXT_PT, TITLE_PT, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN = 8.3, 5.8
_MOST_LINES, _MOST_NOTES = 14, 4


def patient_page(name: str, said: Mapping[str, Any], picture: Path | None, notes: Sequence[str]) -> Figure:
    """Draw the page.

    Args:
        name: of the patient.
        said: what the model says, by name.
        picture: of the tumour; None: none.
        notes: what a reader should know; the first few are printed.
    """
    figure = new_figure(WIDTH_IN, HEIGHT_IN, arranged=False)
    figure.text(0.04, 0.95, literal(name), fontsize=TITLE_PT + 2, va="top")
    if picture is not None:
        from matplotlib.image import imread

        axes = figure.add_axes((0.03, 0.24, 0.56, 0.62))
        axes.imshow(imread(picture))
        axes.axis("off")
    lines = [f"{key}: {_text(value)}" for key, value in said.items()][:_MOST_LINES]
    figure.text(0.62, 0.85, literal("\n".join(lines)), fontsize=TEXT_PT, va="top", linespacing=1.6)
    told = [part for note in notes[:_MOST_NOTES] for part in wrap(note, 125)][: 2 * _MOST_NOTES]
    told.append("Research use only; no medical device.")
    figure.text(0.04, 0.03, literal("\n".join(told)), fontsize=SMALL_PT - 1, color=GREY, va="bottom")
    return figure


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
