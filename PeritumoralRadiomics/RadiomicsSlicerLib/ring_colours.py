"""Graded colours of rings, from the tumour border outwards, without matplotlib (Slicer has none)."""

from __future__ import annotations

import numpy as np

# Five stops of a scale from yellow over green to blue: told apart in grey print and by colour-blind readers.
_STOPS = np.array(
    [
        [0.93, 0.90, 0.11],
        [0.55, 0.84, 0.29],
        [0.19, 0.68, 0.50],
        [0.15, 0.51, 0.56],
        [0.23, 0.32, 0.55],
    ]
)
RIM_COLOUR = (0.95, 0.55, 0.15)


def ring_colours(count: int) -> list[tuple[float, float, float]]:
    """Return (red, green, blue), 0 to 1, for each of ``count`` rings, the innermost first.

    Example:
        >>> ring_colours(1)
        [(0.93, 0.9, 0.11)]
    """
    places = np.linspace(0, len(_STOPS) - 1, max(1, count))[:count]
    channels = [np.interp(places, range(len(_STOPS)), _STOPS[:, n]) for n in range(3)]
    return [(float(r), float(g), float(b)) for r, g, b in zip(*channels, strict=True)]
