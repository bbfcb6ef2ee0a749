"""One walk through the application: its checks, its pictures, its gaps, and its end where it cannot go on."""

from __future__ import annotations

import faulthandler
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from .dialogs import Dialogs
from .error_log import ErrorLog
from .heartbeat import Heartbeat
from .views import draw_all

PATIENCE_S = 20
"""For what the window does by itself: a broken panel ends the walk within a minute."""
JOB_PATIENCE_S = 600
"""For a job that runs in a process of its own, while it runs."""
SEEN = 20
"""So many pixels of a line are drawn at least where it is seen."""
HUNG_S = 60
"""Without any sign of life from the main thread, the application is ended."""


class WalkEnded(Exception):
    """Something did not come to be that all further steps need."""


class Walk:
    """One walk. Use it as a context.

    Args:
        folder: for pictures and ``walk.txt``, which grows while the walk goes on.
        grab: saves a picture of the window to a path.
        end_if_hung: end the whole process if the window gives no sign of life for a minute; ``hung.txt`` says where.

    Attributes:
        lines: of ``walk.txt``, checks and gaps.
        dialogs: in place of Slicer's.
        failed: the checks that failed, and the errors that nobody expected.
    """

    def __init__(self, folder: Path, grab: Callable[[str], Any], *, end_if_hung: bool = False) -> None:
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._grab = grab
        self._end_if_hung = end_if_hung
        self._pictures = 0
        self._open = ExitStack()
        self.lines: list[str] = []
        self.failed: list[str] = []
        self.dialogs = Dialogs()

    def __enter__(self) -> Walk:
        (self.folder / "walk.txt").write_text("", encoding="utf-8")
        if self._end_if_hung:
            self._hung = self._open.enter_context((self.folder / "hung.txt").open("w"))
            self._open.callback(faulthandler.cancel_dump_traceback_later)
        self._alive()
        self.log = ErrorLog()
        self._open.enter_context(self.log.watching())
        self._open.enter_context(self.dialogs.in_place())
        self._heart = Heartbeat(self._on_beat)
        self._open.callback(self._heart.stop)
        return self

    def __exit__(self, *_: Any) -> None:
        self._open.close()

    def note(self, line: str) -> None:
        """Write a line to ``walk.txt`` at once."""
        plain = line.encode("ascii", "backslashreplace").decode()  # Slicer's console cuts off anything else
        self.lines.append(plain)
        with (self.folder / "walk.txt").open("a", encoding="ascii") as stream:
            stream.write(f"{plain}\n")
        sys.stdout.write(f"{plain}\n")
        sys.stdout.flush()

    def check(self, words: str, passed: Any) -> bool:
        """Note a check, and return whether it passed."""
        self.note(f"{'ok    ' if passed else 'FAILED'} {words}")
        if not passed:
            self.failed.append(words)
        return bool(passed)

    def need(self, words: str, passed: Any) -> None:
        """Note a check that all further steps need. Raises WalkEnded."""
        if not self.check(words, passed):
            raise WalkEnded(words)

    def until(self, words: str, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
        """Let the window live until something is so. Raises WalkEnded if it does not come to be."""
        self.need(words, self.waited(condition, seconds))

    def until_seen(self, words: str, count: Callable[[], int], least: int = SEEN) -> None:
        """Let the window live until so many pixels are drawn. Raises WalkEnded if they do not come to be."""
        self.need(words, self.waited(lambda: self.looked(count) >= least, PATIENCE_S, every=0.3))

    def seen(self, words: str, count: Callable[[], int], least: int = SEEN) -> None:
        """Note the check that so many pixels are drawn."""
        found = self.looked(count)
        self.check(f"{words} ({found} pixels)", found >= least)

    def unseen(self, words: str, count: Callable[[], int]) -> None:
        """Note the check that no pixels are drawn."""
        found = self.looked(count)
        self.check(f"{words} ({found} pixels)", found == 0)

    def looked(self, count: Callable[[], int]) -> int:
        """Count pixels; the time that it takes is none of the panel's."""
        with self._heart.paused():
            return count()

    def job(self, words: str, running: Callable[[], Any]) -> None:
        """Let the window live while a job runs. Raises WalkEnded if it does not end."""
        self.until(words, lambda: not running(), JOB_PATIENCE_S)

    @contextmanager
    def hidden(self, segmentation: Any) -> Iterator[None]:
        """Hide a segmentation for a moment, so that what else is drawn can be counted."""
        display = segmentation.GetDisplayNode()
        visible = display.GetVisibility()
        with self._heart.paused():
            display.SetVisibility(False)
        try:
            yield
        finally:
            with self._heart.paused():
                display.SetVisibility(visible)

    def waited(self, condition: Callable[[], Any], seconds: float, every: float = 0.0) -> bool:
        """Let the window live until something is so, at most so many seconds; return whether it is.

        Args:
            condition: is asked again and again.
            seconds: at most.
            every: seconds between two askings.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            self.live(every)
        return True

    def live(self, seconds: float) -> None:
        """Let the window live for so many seconds."""
        end = time.monotonic() + seconds
        while True:
            slicer.app.processEvents()
            time.sleep(0.002)
            if time.monotonic() >= end:
                return

    def picture(self, name: str) -> None:
        """Draw all views, and take a picture of the window."""
        slicer.app.processEvents()
        self._pictures += 1
        with self._heart.paused():
            draw_all()
            self._grab(str(self.folder / f"{self._pictures:02d}_{name}.png"))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Walk a part: how long the window stood still at most is noted, and whatever went wrong unseen."""
        self.note(f"part   {name}")
        slicer.app.processEvents()
        self._heart.reset()
        try:
            yield
            slicer.app.processEvents()
        finally:
            self.note(f"gap    {self._heart.longest_gap():.3f} s at most in: {name}")
            messages, questions = self.dialogs.take()
            for text in (*messages, *questions, *self.log.news()):
                self.failed.append(text)
                self.note(f"FAILED nobody expected this in {name}: {text.strip()}")

    def _on_beat(self) -> None:
        self._alive()
        self.dialogs.close_what_waits()

    def _alive(self) -> None:
        # A thread of C++: it ends a process whose main thread hangs, with the place where it does.
        if self._end_if_hung:
            faulthandler.dump_traceback_later(HUNG_S, exit=True, file=self._hung)
