"""How wide a text is drawn, and long names broken over lines to fit; for figures that place their texts themselves."""

from __future__ import annotations

from functools import lru_cache

from .style import TEXT_PT

POINTS_PER_INCH = 72.0
_MEASURED_PT = 100.0


@lru_cache(maxsize=4096)
def text_width_in(text: str, size_pt: float = TEXT_PT) -> float:
    """Width of a text in inches, in matplotlib's default font; of several lines that of the widest."""
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.ft2font import LoadFlags

    # The font's own advances: outlines of every letter (TextPath) take a hundred times as long.
    font = get_font(findfont(FontProperties()))
    font.set_size(_MEASURED_PT, POINTS_PER_INCH)
    widest = 0.0
    for line in text.split("\n"):
        font.set_text(line, 0.0, flags=LoadFlags.NO_HINTING)
        widest = max(widest, float(font.get_width_height()[0]))
    return widest / 64 * size_pt / _MEASURED_PT / POINTS_PER_INCH


def wrapped(text: str, width_in: float, size_pt: float = TEXT_PT) -> str:
    """Break a long name over lines, at spaces, dots, dashes, underscores or joined words if there are any."""
    if text_width_in(text, size_pt) <= width_in:
        return text
    if "\n" in text:
        return "\n".join(wrapped(line, width_in, size_pt) for line in text.split("\n"))
    lines, line = [], ""
    for piece in _pieces(text):
        if line and text_width_in(line + piece, size_pt) > width_in:
            lines.append(line.strip())
            line = ""
        line += piece
    return "\n".join([*lines, line.strip()])


def shortened(name: str, letters: int) -> str:
    """A name with its middle left out where it is longer than ``letters``: region and feature stand at its ends.

    Example:
        >>> shortened("ct.ring_0_3mm.wavelet-LLH_glcm_Idm", 17)
        'ct.ring_…glcm_Idm'
    """
    if len(name) <= letters:
        return name
    half = (letters - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    for k, letter in enumerate(text):
        after = text[k + 1 : k + 2]
        joins_words = letter.islower() and after.isupper()  # LongRunEmphasis
        in_number = letter in ".-" and text[k - 1 : k].isdigit() and after.isdigit()  # 0.43 (0.36-0.50)
        if (letter in " ._-/=" and not in_number) or joins_words or k - start >= 24:
            pieces.append(text[start : k + 1])
            start = k + 1
    return [*pieces, text[start:]] if start < len(text) else pieces
