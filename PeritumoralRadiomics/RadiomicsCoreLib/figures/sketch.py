"""A drawing as lines and words in pixels: small enough to be made anew while a slider moves, and without matplotlib.

The window paints it, and a page holds it as SVG: both show the same. Colours are names of roles (:data:`ROLES`), so
that a dark window and white paper each give them their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

INK, GREY, FAINT, MARK, LOW, HIGH = "ink", "grey", "faint", "mark", "low", "high"
ROLES: Mapping[str, str] = {
    INK: "#000000",
    GREY: "#555555",
    FAINT: "#d8d8d8",
    MARK: "#D55E00",
    LOW: "#0072B2",
    HIGH: "#CC79A7",
}
"""Role to its colour on white paper."""
LARGE_PX, TEXT_PX, SMALL_PX = 15, 12, 10
"""Sizes of words, pixels."""
Measure = Callable[[str, int], float]
"""Width of a text of a size, both in pixels."""


@dataclass(frozen=True)
class Stroke:
    """A line from point to point.

    Attributes:
        points: (x, y) from the left and the top.
        colour: a role.
        width: pixels.
        dashed: in dashes.
    """

    points: tuple[tuple[float, float], ...]
    colour: str = INK
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Word:
    """A text on its base line.

    Attributes:
        x, y: of the base line; of its left end, middle or right end as ``align`` says.
        text: one line.
        align: "left", "middle" or "right".
        size: pixels.
        bold: in bold.
    """

    x: float
    y: float
    text: str
    align: str = "left"
    size: int = TEXT_PX
    colour: str = INK
    bold: bool = False


@dataclass(frozen=True)
class Sketch:
    """A drawing: strokes first, words over them; sizes in pixels."""

    width: int
    height: int
    strokes: tuple[Stroke, ...] = ()
    words: tuple[Word, ...] = ()


def rough_width(text: str, size: int) -> float:
    """Guess the width of a text in a sans-serif font: a bit too wide rather than too narrow.

    Example:
        >>> rough_width("100", 10)
        18.0
    """
    return 0.6 * size * len(text)


def elided(text: str, width: float, size: int, measure: Measure = rough_width) -> str:
    """Return a text with its middle left out where it is too wide: the ends of a feature's name tell it apart.

    Example:
        >>> elided("ct.ring_0_6mm.original_glcm_Idm", 110, 10)
        'ct.ring_…_glcm_Idm'
    """
    if measure(text, size) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        shorter = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
        if measure(shorter, size) <= width:
            return shorter
    return text[:1]


def as_svg(sketch: Sketch, roles: Mapping[str, str] = ROLES) -> str:
    """Return a sketch as an SVG element for a page.

    Args:
        sketch: the drawing.
        roles: role to colour.

    Example:
        >>> print(as_svg(Sketch(9, 9, (Stroke(((0, 1), (8, 1))),), (Word(1, 8, "a < b"),))))
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" width="9" height="9" font-family="sans-serif">
        <polyline points="0,1 8,1" fill="none" stroke="#000000" stroke-width="1"/>
        <text x="1" y="8" font-size="12" fill="#000000">a &lt; b</text>
        </svg>
    """
    anchors = {"left": "", "middle": ' text-anchor="middle"', "right": ' text-anchor="end"'}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sketch.width} {sketch.height}" '
        f'width="{sketch.width}" height="{sketch.height}" font-family="sans-serif">'
    ]
    for stroke in sketch.strokes:
        points = " ".join(f"{x:g},{y:g}" for x, y in ((round(x, 1), round(y, 1)) for x, y in stroke.points))
        dashes = ' stroke-dasharray="5 4"' if stroke.dashed else ""
        colour = roles[stroke.colour]
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{stroke.width:g}"{dashes}/>'
        )
    for word in sketch.words:
        weight = ' font-weight="bold"' if word.bold else ""
        lines.append(
            f'<text x="{round(word.x, 1):g}" y="{round(word.y, 1):g}"{anchors[word.align]} font-size="{word.size}"'
            f'{weight} fill="{roles[word.colour]}">{escape(word.text)}</text>'
        )
    return "\n".join([*lines, "</svg>"])
