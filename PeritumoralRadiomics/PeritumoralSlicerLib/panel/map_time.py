"""Asks for the time that a map will take without blocking the window: one question at a time, the newest one wins."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from shutil import rmtree
from typing import Any

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.jobs.process import read_line
from RadiomicsSlicerLib.background import BackgroundProcess, python_program

from ..logic.jobs import export_map_job


class MapTime:
    """Runs map jobs that only state their time, in a process.

    Args:
        newFolder: returns the path of a folder that is not there yet.
        onAnswer: called with the occasion and the seconds; None if the time could not be found out.
    """

    def __init__(self, newFolder: Callable[[], Path], onAnswer: Callable[[Any, float | None], None]) -> None:
        self._newFolder, self._onAnswer = newFolder, onAnswer
        self._process: BackgroundProcess | None = None
        self._folder: Path | None = None
        self._occasion: Hashable = None
        self._seconds: float | None = None
        self._next: tuple[Hashable, Any] | None = None

    @property
    def running(self) -> bool:
        """Whether an answer is on its way."""
        return self._process is not None

    def ask(self, occasion: Hashable, request: Any) -> None:
        """Ask how long a map takes; an earlier question that is still open gets no answer.

        Args:
            occasion: comes back with the answer.
            request: a :class:`~PeritumoralSlicerLib.logic.maps.MapRequest`.

        Raises:
            RadiomicsError: the question cannot be written.
        """
        if self._process is not None:
            # Not ended by force for this: on Windows that would hold up the window longer than the probe takes.
            self._next = (occasion, request)
            return
        folder = self._newFolder()
        try:
            job = export_map_job(folder, request, None, None, estimate_only=True)
            self._process = BackgroundProcess(job.command(python_program()), self._onLine, self._onEnd)
        except Exception:
            rmtree(folder, ignore_errors=True)
            raise
        self._folder, self._occasion, self._seconds = folder, occasion, None

    def stop(self) -> None:
        """End what runs; there will be no answer."""
        process, self._process, self._next = self._process, None, None
        if process is not None:
            process.cancel()
            self._clear()

    def _onLine(self, line: str) -> None:
        found = read_line(line)
        if found is not None and found.seconds_left is not None and self._seconds is None:
            self._seconds = found.seconds_left

    def _onEnd(self, code: int) -> None:
        self._process = None
        self._clear()
        if self._next is None:
            self._onAnswer(self._occasion, self._seconds)
            return
        (occasion, request), self._next = self._next, None
        try:
            self.ask(occasion, request)
        except (RadiomicsError, OSError):
            self._onAnswer(occasion, None)

    def _clear(self) -> None:
        if self._folder is not None:
            rmtree(self._folder, ignore_errors=True)
