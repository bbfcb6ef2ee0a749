"""Kinds of regions, and the name of the one that all others are grown from."""

from __future__ import annotations

from enum import Enum

TUMOUR = "intratumour"


class RegionKind(Enum):
    """What a region is."""

    TUMOUR = "tumour"
    RING = "ring"
    UNION = "union"
    RIM = "rim"
