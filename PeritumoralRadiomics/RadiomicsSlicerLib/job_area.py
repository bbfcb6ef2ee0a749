"""The part of a panel that shows a job in the background: progress, a line of words, a log, Cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

from slicer.i18n import tr as _

from RadiomicsCoreLib.jobs.process import FAILED, read_line

from .background import BackgroundProcess, python_program
from .runs.time_words import in_words


class JobArea:
    """Runs one job at a time and shows it.

    Args:
        bar, label, cancelButton: a QProgressBar, a QLabel and a QPushButton.
        log: a QPlainTextEdit for lines that are no progress; None: they are left out.
        onIdle: called when a job has ended, however.
        cancelled: gives what is said of a job that the user cancelled.
        onStep: called after each step of the job.
    """

    def __init__(
        self,
        bar: Any,
        label: Any,
        cancelButton: Any,
        log: Any,
        onIdle: Callable[[], None],
        *,
        cancelled: Callable[[], str] | None = None,
        onStep: Callable[[], None] | None = None,
    ) -> None:
        self._bar, self._label, self._cancelButton, self._log = bar, label, cancelButton, log
        self._onIdle, self._onStep = onIdle, onStep
        self._process: BackgroundProcess | None = None
        self._failure = ""
        self._onDone: Callable[[], None] = lambda: None
        self._onStopped: Callable[[], None] = lambda: None
        cancelButton.connect("clicked(bool)", lambda *_: self.stop((cancelled or cancelled_words)()))
        self._show(running=False)
        self._say("")

    @property
    def running(self) -> bool:
        """Whether a job is on its way."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """Process id of the job that is on its way."""
        return self._process.pid if self._process else None

    def start(
        self,
        words: Sequence[str],
        onDone: Callable[[], None],
        onStopped: Callable[[], None],
    ) -> None:
        """Start a process.

        Args:
            words: program and arguments; of its lines, those of :mod:`RadiomicsCoreLib.jobs.process` are shown.
            onDone: called when the process has ended by itself, done or failed.
            onStopped: called when it was ended from outside.

        Raises:
            OSError: it cannot be started.
        """
        if self._process is not None:
            raise RuntimeError("a job is running already; wait for it or cancel it")
        if self._log is not None:
            self._log.setPlainText("")
        self._failure, self._onDone, self._onStopped = "", onDone, onStopped
        self._process = BackgroundProcess(words, self._onLine, self._onEnd)
        self._say(_("Starting…"))
        self._show(running=True)

    def runInFolder(
        self, folder: Path, export: Callable[[Path], Any], onDone: Callable[[Any], None], *, keep: bool = False
    ) -> None:
        """Write a job to a folder, run it, and hand it back; the folder is gone afterwards, however it ends.

        Args:
            folder: which is not there yet.
            export: writes the job there and returns it, a :class:`~PeritumoralSlicerLib.logic.jobs.FolderJob` or a
                :class:`~.runs.job_run.JobRun`.
            onDone: called with the job when its process has ended by itself; if that failed, ``failure`` says why.
            keep: the folder is the user's own: it stays, and what is finished in it is used the next time.

        Raises:
            RadiomicsError: as of ``export``.
        """

        def clear() -> None:
            if not keep:
                rmtree(folder, ignore_errors=True)

        def done() -> None:
            try:
                onDone(replace(job, failure=self._failure))
            finally:
                clear()

        try:
            job = export(folder)
            self.start(job.command(python_program()), done, clear)
        except Exception:
            clear()
            raise

    def stop(self, reason: str) -> None:
        """End the job, if there is one, and say why."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.cancel()
        self._say(reason)
        self._end(self._onStopped)

    def _onLine(self, line: str) -> None:
        found = read_line(line)
        if found is not None and found.fraction is not None:
            self._bar.value = round(100 * found.fraction)
            known = found.message.endswith(" left")  # a cohort's job says it itself, of the step that it is at
            left = "" if known else _time_left(found.seconds_left)
            self._say(" \u00b7 ".join(filter(None, (found.message, left))))
            if self._onStep is not None:
                self._onStep()
        if found is not None and found.status in FAILED:
            self._failure = found.message
        words = line if found is None else found.message
        if self._log is not None and words:
            self._log.appendPlainText(words)

    def _onEnd(self, code: int) -> None:
        self._process = None
        self._say("")
        self._end(self._onDone)

    def _end(self, then: Callable[[], None]) -> None:
        self._show(running=False)
        try:
            then()
        finally:
            self._onIdle()

    def _say(self, text: str) -> None:
        self._label.text = text
        self._label.visible = bool(text)

    def _show(self, running: bool) -> None:
        self._bar.visible = running
        self._bar.value = 0
        self._cancelButton.visible = running
        self._cancelButton.enabled = running


def _time_left(seconds: float | None) -> str:
    """Return how long it takes yet, in words; nothing of a moment."""
    return _("about {time} left").format(time=in_words(seconds)) if seconds is not None and seconds >= 2 else ""


def cancelled_words() -> str:
    """Return what is said of a job that the user cancelled."""
    return _("Cancelled; nothing was kept.")
