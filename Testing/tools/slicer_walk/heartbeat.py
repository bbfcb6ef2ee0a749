"""A timer of ten milliseconds: the longest gap between two beats is how long the window stood still."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

BEAT_MS = 10


class Heartbeat:
    """Beats while the window lives.

    Args:
        on_beat: called with every beat.
    """

    def __init__(self, on_beat: Callable[[], None] = lambda: None) -> None:
        import qt

        self._on_beat = on_beat
        self._last = time.monotonic()
        self._longest = 0.0
        self._is_paused = False
        self._timer: Any = qt.QTimer()
        self._timer.setInterval(BEAT_MS)
        self._timer.connect("timeout()", self._beat)
        self._timer.start()

    def reset(self) -> None:
        """Begin to measure anew."""
        self._last, self._longest = time.monotonic(), 0.0

    def longest_gap(self) -> float:
        """Return the longest time without a beat since :meth:`reset`, seconds; the time since the last one counts."""
        return max(self._longest, time.monotonic() - self._last)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out what the walk itself does: drawing for a picture is no fault of the panel."""
        self._longest, self._is_paused = self.longest_gap(), True
        try:
            yield
        finally:
            self._last, self._is_paused = time.monotonic(), False

    def stop(self) -> None:
        """Beat no more."""
        self._timer.stop()

    def _beat(self) -> None:
        now = time.monotonic()
        if not self._is_paused:  # drawing lets events pass, this one among them
            self._longest = max(self._longest, now - self._last)
        self._last = now
        self._on_beat()
