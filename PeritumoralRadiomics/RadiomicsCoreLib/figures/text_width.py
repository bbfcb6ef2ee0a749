"""How wide a text is drawn, and long names broken over lines to fit; for figures that place their texts themselves."""

from __future__ import annotations

from functools import lru_cache

from .style import TEXT_PT

POINTS_PER_INCH = 72.0


@lru_cache(maxsize=4096)
def text_width_in(text: str, size_pt: float = TEXT_PT) -> float:
    """Width of a text in inches, in matplotlib's default font."""
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    return float(TextPath((0, 0), text.replace("$", "S"), size=size_pt).get_extents().width) / POINTS_PER_INCH


def wrapped(text: str, width_in: float, size_pt: float = TEXT_PT) -> str:
    """Break a long name over lines, at spaces, dots, dashes or underscores where there are any."""
    if text_width_in(text, size_pt) <= width_in:
        return text
    lines, line = [], ""
    for piece in _pieces(text):
        if line and text_width_in(line + piece, size_pt) > width_in:
            lines.append(line.strip())
            line = ""
        line += piece
    return "\n".join([*lines, line.strip()])


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    for k, letter in enumerate(text):
        if letter in " ._-/=" or k - start >= 24:
            pieces.append(text[start : k + 1])
            start = k + 1
    return [*pieces, text[start:]] if start < len(text) else pieces
