"""The part of a panel that shows a job in the background: progress, a line of words, a log, Cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

from slicer.i18n import tr as _

from PeritumoralRadiomicsLib.jobs.job_folder import read_progress

from .background import BackgroundProcess, python_program

ReadProgress = Callable[[str], "tuple[float, str] | None"]


class JobArea:
    """Runs one job at a time and shows it.

    Args:
        bar, label, cancelButton: a QProgressBar, a QLabel and a QPushButton.
        log: a QPlainTextEdit for lines that are no progress; None: they are left out.
        onIdle: called when a job has ended, however.
    """

    def __init__(self, bar: Any, label: Any, cancelButton: Any, log: Any, onIdle: Callable[[], None]) -> None:
        self._bar, self._label, self._cancelButton, self._log = bar, label, cancelButton, log
        self._onIdle = onIdle
        self._process: BackgroundProcess | None = None
        self._readProgress: ReadProgress = lambda line: None
        self._onDone: Callable[[], None] = lambda: None
        self._onStopped: Callable[[], None] = lambda: None
        cancelButton.connect("clicked(bool)", lambda *_: self.stop(cancelled_words()))
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
        readProgress: ReadProgress,
        onDone: Callable[[], None],
        onStopped: Callable[[], None],
    ) -> None:
        """Start a process.

        Args:
            words: program and arguments.
            readProgress: fraction and message of a line; None if it is no progress.
            onDone: called when the process has ended by itself, done or failed.
            onStopped: called when it was ended from outside.

        Raises:
            OSError: it cannot be started.
        """
        if self._process is not None:
            raise RuntimeError("a job is running already; wait for it or cancel it")
        if self._log is not None:
            self._log.setPlainText("")
        self._readProgress, self._onDone, self._onStopped = readProgress, onDone, onStopped
        self._process = BackgroundProcess(words, self._onLine, self._onEnd)
        self._say(_("Starting…"))
        self._show(running=True)

    def runInFolder(self, folder: Path, export: Callable[[Path], Any], onDone: Callable[[Any], None]) -> None:
        """Write a job to a folder, run it, and hand it back; the folder is gone afterwards, however it ends.

        Args:
            folder: which is not there yet.
            export: writes the job there and returns it, a :class:`~PeritumoralSlicerLib.logic.jobs.FolderJob`.
            onDone: called with the job when its process has ended by itself, done or failed.

        Raises:
            RadiomicsError: as of ``export``.
        """

        def clear() -> None:
            rmtree(folder, ignore_errors=True)

        def done() -> None:
            try:
                onDone(job)
            finally:
                clear()

        try:
            job = export(folder)
            self.start(job.command(python_program()), read_progress, done, clear)
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
        found = self._readProgress(line)
        if found is not None:
            self._bar.value = round(100 * found[0])
            self._say(found[1])
        if self._log is not None and (found[1] if found else line):
            self._log.appendPlainText(found[1] if found else line)

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


def cancelled_words() -> str:
    """Return what is said of a job that the user cancelled."""
    return _("Cancelled; nothing was kept.")
