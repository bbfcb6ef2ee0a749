"""A process in the background: its lines as they come, its end, and an end by force of it and all its children.

``slicer.util.launchConsoleProcess(blocking=False)`` came with Slicer 5.11 and starts the process in Slicer's own
process group, where its children cannot be found again. This does the same with the standard library, in a group of
its own, and so in every version of Slicer alike.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from RadiomicsCoreLib.jobs.cores import free_cores

POLL_MS = 100
GRACE_S = 2.0


def python_program() -> str:
    """Return the Python that runs scripts with Slicer's packages, or this one where there is no Slicer."""
    return shutil.which("PythonSlicer") or sys.executable


class BackgroundProcess:
    """A process that does not block the window. Callbacks come on the main thread, from Qt's event loop.

    Args:
        words: program and arguments.
        onLine: called with every line that it writes to standard output or standard error.
        onEnd: called once, after the last line, with its exit code. Not called after :meth:`cancel`.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, words: Sequence[str], onLine: Callable[[str], None], onEnd: Callable[[int], None]) -> None:
        self._onLine = onLine
        self._onEnd = onEnd
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | _environment(),
            encoding="utf-8",
            errors="replace",
            **_own_group(),
        )
        threading.Thread(target=self._read, daemon=True).start()
        self._ended = False
        self._poll_soon()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cancel(self) -> None:
        """End it and all its children, by force if they do not end by themselves. No callback comes any more."""
        self._ended = True
        end_process_tree(self._process)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self._lines.put(line.rstrip("\r\n"))
        self._process.wait()
        self._lines.put(None)

    def _poll_soon(self) -> None:
        import qt

        # Single shots, as a timer object of our own could be destroyed in the midst of its signal; the function holds
        # this object until it is called.
        qt.QTimer.singleShot(POLL_MS, lambda: self._poll())

    def _poll(self) -> None:
        while not self._ended:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                self._poll_soon()
                return
            if line is None:
                self._ended = True
                self._onEnd(self._process.returncode)
            else:
                self._onLine(line)


def end_process_tree(process: subprocess.Popen[Any]) -> None:
    """End a process that was started in a group of its own, and all its children.

    They are asked first, and killed after two seconds.
    """
    if os.name == "nt":
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(process.pid)],
            capture_output=True,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        process.wait()
        return
    # The group outlives its leader: children are reached even if the process itself has ended.
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: int) -> None:
    # Nobody is left in it; macOS says so with the second.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _own_group() -> dict[str, Any]:
    if os.name == "nt":
        names = ("CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP")
        return {"creationflags": sum(getattr(subprocess, name) for name in names)}
    return {"start_new_session": True}


def _environment() -> dict[str, str]:
    cores = str(free_cores())
    return {
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": cores,
        "OMP_NUM_THREADS": cores,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
    }
