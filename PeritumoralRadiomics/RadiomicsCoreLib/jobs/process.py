"""A job in a process of its own: ``job.yaml`` goes in, a JSON line a step comes out.

3D Slicer keeps its window alive this way: it writes the job file, starts its own Python on it in a process that can be
ended at any time, and reads the result's files when that process is done.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Cancelled, RadiomicsError
from ..progress import Progress
from ..settings.rules import is_number
from .cores import free_cores
from .registry import load_job
from .result import JobStatus

EXIT_DONE, EXIT_PARTLY, EXIT_FAILED, EXIT_CANCELLED = 0, 1, 2, 130
OUT_OF_MEMORY = "not enough memory; crop or resample the image, or use fewer workers"
_EXIT_CODES = {JobStatus.DONE: EXIT_DONE, JobStatus.PARTLY: EXIT_PARTLY, JobStatus.NOTHING: EXIT_FAILED}
FAILED = ("failed", "nothing", "stopped")
"""Status of a last line after which there is no result to read."""
_NAMES = ("fraction", "message", "seconds_left", "status")
_START = (
    "import importlib, os, sys; sys.path[:0] = sys.argv.pop(1).split(os.pathsep); "
    "sys.exit(importlib.import_module(sys.argv.pop(1)).main(sys.argv[1:]))"
)


@dataclass(frozen=True)
class Line:
    """One line of a job's process.

    Attributes:
        fraction: of the work done, 0 to 1; None on the last line.
        message: what is going on; on the last line why it failed, "" if it did not.
        seconds_left: estimate; None where there is none yet.
        status: "done", "partly", "nothing", "failed" or "stopped" on the last line; "" before.
    """

    fraction: float | None
    message: str
    seconds_left: float | None = None
    status: str = ""


def read_line(text: str) -> Line | None:
    """Return what a line of a job's process says; None for any other line, such as a warning of a library.

    Example:
        >>> read_line('{"fraction": 0.5, "message": "half", "seconds_left": 3.0}')
        Line(fraction=0.5, message='half', seconds_left=3.0, status='')
    """
    if not text.startswith("{"):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        return None
    fraction, message, left, status = (values.get(name) for name in _NAMES)
    known = isinstance(message, str) and all(value is None or is_number(value) for value in (fraction, left))
    return Line(fraction, message, left, status or "") if known and (fraction is not None or status) else None


def job_command(python: str, job_file: Path | str, out: Path | str, *more: Path | str) -> list[str]:
    """Return the words that start another Python on a job; it needs no path settings of its own.

    Args:
        python: the interpreter, ``PythonSlicer`` in 3D Slicer.
        job_file: the job.
        out: its output folder.
        more: job files and output folders of jobs that come after it, in turn.
    """
    return program_command(python, __name__, job_file, out, *more)


def program_command(python: str, module: str, *words: Path | str) -> list[str]:
    """Return the words that start another Python on the ``main(argv)`` of a module of ours.

    Args:
        python: the interpreter.
        module: by its full name; its ``main`` returns the exit code, and tells its steps by :func:`tell_step`.
        words: that it is given.
    """
    return [python, "-c", _START, os.pathsep.join(library_folders()), module, *map(str, words)]


def tell_step(fraction: float, message: str) -> None:
    """Tell a step of a program as a job tells it: a JSON line on standard output."""
    _to_standard_output(json.dumps({"fraction": round(fraction, 4), "message": message, "seconds_left": None}))


def tell_end(status: str, message: str = "") -> None:
    """Tell how a program ended, ``done`` or ``failed``, and why."""
    _to_standard_output(json.dumps({"status": status, "message": message}))


def library_folders() -> list[str]:
    """Return the folders of the path that hold our Libs: four in the source tree, one in an installed extension."""
    ours = ("RadiomicsCoreLib", "DeepRadiomicsFusionLib", "SurvivalNomogramLib", "RadiomicsStudyLib")
    here = str(Path(__file__).resolve().parents[2])
    found = [folder for folder in sys.path if folder and any((Path(folder) / name).is_dir() for name in ours)]
    return list(dict.fromkeys([here, *found]))


def main(argv: Sequence[str]) -> int:
    """Run the job file ``argv[0]`` into the folder ``argv[1]``, and so on in pairs; see :func:`run_steps`."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(free_cores())
    return run_steps(list(zip(argv[::2], argv[1::2], strict=True)))


def run_with_lines(job_file: Path | str, out: Path | str, write: Callable[[str], Any] | None = None) -> int:
    """Run one job and tell each step as a JSON line; arguments and what it returns as :func:`run_steps`."""
    return run_steps([(job_file, out)], write)


def run_steps(steps: Sequence[tuple[Path | str, Path | str]], write: Callable[[str], Any] | None = None) -> int:
    """Run jobs one after the other, each of which may read what those before it wrote; tell each step as a JSON line.

    Args:
        steps: job file (or the output folder of a job) and output folder of each. A job of which nothing could be
            done ends them all.
        write: takes the lines; None: standard output.

    Returns:
        0 done, 1 partly done, 2 nothing done, 130 stopped; the last line says why.
    """
    put = write or _to_standard_output
    clock, code = _Clock(), EXIT_DONE
    reasons: list[str] = []
    for number, (job_file, out) in enumerate(steps):

        def tell(fraction: float, message: str, number: int = number) -> None:
            done = (number + fraction) / len(steps)
            stated = getattr(message, "seconds_left", None) if len(steps) == 1 else None
            left = stated or clock.left(done)
            put(json.dumps({"fraction": round(done, 4), "message": message, "seconds_left": left}))

        one, status, why = _run_one(job_file, out, tell)
        if one not in (EXIT_DONE, EXIT_PARTLY):
            put(json.dumps({"status": status, "message": why}))
            return one
        code = max(code, one)
        reasons += [why] if why else []
    status = (JobStatus.PARTLY if code else JobStatus.DONE).value
    put(json.dumps({"status": status, "message": "; ".join(reasons)}))
    return code


def _run_one(job_file: Path | str, out: Path | str, tell: Progress) -> tuple[int, str, str]:
    """Run a job; return exit code, status and why it failed."""
    try:
        result = load_job(job_file).run(out, tell)
    except Cancelled as stop:
        return EXIT_CANCELLED, "stopped", str(stop)
    except (RadiomicsError, MemoryError) as error:
        return EXIT_FAILED, "failed", str(error) if isinstance(error, RadiomicsError) else OUT_OF_MEMORY
    why = "; ".join([f"{case.case_id}: {case.reason}" for case in result.failed_cases[:3]] + list(result.failures[:3]))
    return _EXIT_CODES[result.status], result.status.value, why


class _Clock:
    """Seconds left, from the pace so far; None before a twentieth is done: a guess from less is worth nothing."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def left(self, fraction: float) -> float | None:
        if fraction < 0.05:
            return None
        spent = time.monotonic() - self._started
        return round(spent * (1 - fraction) / fraction, 1)


def _to_standard_output(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
