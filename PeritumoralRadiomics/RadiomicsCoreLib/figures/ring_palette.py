"""The colours of tumour, rings and rims, in every figure and in Slicer: the farther out a ring, the bluer it is.

Without matplotlib, which Slicer's Python may lack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

Colour = tuple[float, float, float]
TUMOUR_COLOUR: Colour = (1.0, 0.30, 0.30)
RIM_COLOUR: Colour = (0.95, 0.55, 0.15)
# From yellow over green to blue: told apart in grey print and by colour-blind readers, and bright enough on a dark
# scan (viridis' own dark end is not).
_STOPS = np.array(
    [
        [0.98, 0.91, 0.15],
        [0.55, 0.85, 0.30],
        [0.15, 0.75, 0.60],
        [0.20, 0.62, 0.85],
        [0.45, 0.50, 0.95],
    ]
)
_NUMBER = r"([0-9]+(?:p[0-9]+)?)"
_IN_MM = re.compile(rf"ring_{_NUMBER}_{_NUMBER}mm\Z")
_IN_RADII = re.compile(rf"ring_(?:([rf]){_NUMBER}_)?([rf]){_NUMBER}\Z")


def ring_palette(names: Iterable[str]) -> dict[str, Colour]:
    """Return (red, green, blue), 0 to 1, of each ring, graded by distance from the tumour whatever their order.

    Args:
        names: of rings, ``ring_0_3mm`` or ``ring_r2``. Rings in millimetres come before rings in shares of the
            radius, whose distance differs from tumour to tumour; a name without a distance comes last.

    Example:
        >>> ring_palette(["ring_3_6mm", "ring_0_3mm"])["ring_0_3mm"] == ring_colours(2)[0]
        True
    """
    ordered = sorted(dict.fromkeys(names), key=ring_distance)
    return dict(zip(ordered, ring_colours(len(ordered)), strict=True))


def ring_distance(name: str) -> tuple[int, float, float]:
    """Return by what rings are sorted: kind of unit, outer border, inner border.

    Example:
        >>> sorted(["ring_10_12mm", "ring_3_6mm", "ring_0_6mm", "ring_r1"], key=ring_distance)
        ['ring_0_6mm', 'ring_3_6mm', 'ring_10_12mm', 'ring_r1']
    """
    if found := _IN_MM.match(name):
        inner, outer = (float(word.replace("p", ".")) for word in found.groups())
        return 0, outer, inner
    if found := _IN_RADII.match(name):
        start, inside, end, outside = found.groups()
        return 1, _share(end, outside), _share(start, inside) if start else 0.0
    return 2, math.inf, math.inf


def ring_colours(count: int) -> list[Colour]:
    """Return the colours of ``count`` rings, the innermost first.

    Example:
        >>> ring_colours(1)
        [(0.98, 0.91, 0.15)]
    """
    places = np.linspace(0, len(_STOPS) - 1, max(1, count))[:count]
    channels = [np.interp(places, range(len(_STOPS)), _STOPS[:, n]) for n in range(3)]
    return [(float(r), float(g), float(b)) for r, g, b in zip(*channels, strict=True)]


def region_palette(names: Sequence[str]) -> dict[str, Colour]:
    """Return the colours of a case's regions, from the inside outwards; unions are drawn as what they join.

    Example:
        >>> list(region_palette(["intratumour", "ring_0_3mm", "intra_ring_0_3mm"]))
        ['intratumour', 'ring_0_3mm']
    """
    tumour = {name: TUMOUR_COLOUR for name in names if name == "intratumour"}
    rims = {name: RIM_COLOUR for name in names if name.startswith("rim_")}
    rings = [name for name in names if name not in tumour | rims and not name.startswith("intra_")]
    return tumour | rims | ring_palette(rings)


def _share(letter: str, digits: str) -> float:
    """``r2`` is two sixths of the mean radius, ``f0p25`` a quarter of it."""
    value = float(digits.replace("p", "."))
    return value / 6 if letter == "r" else value
