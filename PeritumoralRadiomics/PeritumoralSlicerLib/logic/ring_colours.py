"""Graded colours of rings, from the tumour border outwards, without matplotlib (Slicer has none)."""

from __future__ import annotations

import numpy as np

# Five stops of a scale from yellow over green to blue: told apart in grey print and by colour-blind readers, and
# bright enough on a dark scan.
_STOPS = np.array(
    [
        [0.98, 0.91, 0.15],
        [0.55, 0.85, 0.30],
        [0.15, 0.75, 0.60],
        [0.20, 0.62, 0.85],
        [0.45, 0.50, 0.95],
    ]
)
RIM_COLOUR = (0.95, 0.55, 0.15)


def ring_colours(count: int) -> list[tuple[float, float, float]]:
    """Return (red, green, blue), 0 to 1, for each of ``count`` rings, the innermost first.

    Example:
        >>> ring_colours(1)
        [(0.98, 0.91, 0.15)]
    """
    places = np.linspace(0, len(_STOPS) - 1, max(1, count))[:count]
    channels = [np.interp(places, range(len(_STOPS)), _STOPS[:, n]) for n in range(3)]
    return [(float(r), float(g), float(b)) for r, g, b in zip(*channels, strict=True)]
