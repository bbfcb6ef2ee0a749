"""Geometries of regions that have been computed already, as many as fit into a given amount of memory."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from .region import Region
from .settings import FeatureSettings

_ROUNDS = 4
"""A region that was not asked for while all others could have been so many times belongs to an earlier case."""


class RememberedRegions:
    """Regions by mask, spacing and settings; may be used from several threads.

    Extraction asks for the same regions in the same order for every filtered image. Where not all fit, giving up the
    one that was used longest ago would give up each just before it is wanted again; therefore the one that was used
    last makes room, and the others stay, unless the one used longest ago is no longer asked for.

    Args:
        most_bytes: memory that the regions may take together, by :attr:`.Region.nbytes`; the region asked for last
            is kept even if it is larger.

    Example:
        >>> regions = RememberedRegions(10**6)
        >>> mask = np.ones((2, 3, 4), dtype=bool)
        >>> regions.get(mask, (1, 1, 1), FeatureSettings()) is regions.get(mask.copy(), (1, 1, 1), FeatureSettings())
        True
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[Any, ...], Region] = OrderedDict()  # the one used last is the last
        self._used: dict[tuple[Any, ...], int] = {}
        self._calls = 0
        self._lock = Lock()

    def get(self, mask: np.ndarray, spacing: Sequence[float], settings: FeatureSettings) -> Region:
        """The geometry of a mask, remembered or computed. Raises as :class:`.Region`."""
        digest = hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()
        key = (digest, mask.shape, tuple(spacing), settings)
        with self._lock:
            region = self._kept.pop(key, None) or Region(mask, spacing, settings)
            self._kept[key] = region
            self._calls += 1
            self._used[key] = self._calls
            self._make_room()
        return region

    def _make_room(self) -> None:
        while len(self._kept) > 1 and sum(region.nbytes for region in self._kept.values()) > self._most_bytes:
            *_, used_before, _ = self._kept
            longest_ago = next(iter(self._kept))
            forgotten = self._calls - self._used[longest_ago] > _ROUNDS * len(self._kept)
            key = longest_ago if forgotten else used_before
            del self._kept[key], self._used[key]
