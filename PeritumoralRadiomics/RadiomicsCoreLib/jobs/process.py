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
from .registry import load_job

EXIT_DONE, EXIT_FAILED, EXIT_CANCELLED = 0, 2, 130
_START = (
    "import os, sys; sys.path[:0] = sys.argv.pop(1).split(os.pathsep); "
    "from RadiomicsCoreLib.jobs.process import main; sys.exit(main(sys.argv[1:]))"
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
        return Line(
            values.get("fraction"), str(values["message"]), values.get("seconds_left"), values.get("status", "")
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def job_command(python: str, job_file: Path | str, out: Path | str) -> list[str]:
    """Return the words that start another Python on a job; it needs no path settings of its own.

    Args:
        python: the interpreter, ``PythonSlicer`` in 3D Slicer.
        job_file: the job.
        out: its output folder.
    """
    return [python, "-c", _START, os.pathsep.join(library_folders()), str(job_file), str(out)]


def library_folders() -> list[str]:
    """Return the folders of the path that hold our Libs: four in the source tree, one in an installed extension."""
    ours = ("RadiomicsCoreLib", "DeepRadiomicsFusionLib", "SurvivalNomogramLib", "RadiomicsStudyLib")
    here = str(Path(__file__).resolve().parents[2])
    found = [folder for folder in sys.path if folder and any((Path(folder) / name).is_dir() for name in ours)]
    return list(dict.fromkeys([here, *found]))


def free_cores() -> int:
    """Return how many cores a job may use: one stays free for the window."""
    return max(1, (os.cpu_count() or 2) - 1)


def main(argv: Sequence[str]) -> int:
    """Run the job file ``argv[0]`` into the folder ``argv[1]``; see :func:`run_with_lines`."""
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(free_cores())
    return run_with_lines(argv[0], argv[1])


def run_with_lines(job_file: Path | str, out: Path | str, write: Callable[[str], Any] | None = None) -> int:
    """Run a job and tell each step as a JSON line.

    Args:
        job_file: the job, or the output folder of one.
        out: output folder.
        write: takes the lines; None: standard output.

    Returns:
        0 done or partly done (the last line says which), 2 nothing done (it says why), 130 stopped.
    """
    put = write or _to_standard_output
    clock = _Clock()

    def tell(fraction: float, message: str) -> None:
        values = {"fraction": round(fraction, 4), "message": message, "seconds_left": clock.left(fraction)}
        put(json.dumps(values))

    try:
        result = load_job(job_file).run(out, tell)
    except Cancelled as stop:
        put(json.dumps({"status": "stopped", "message": str(stop)}))
        return EXIT_CANCELLED
    except RadiomicsError as error:
        put(json.dumps({"status": "failed", "message": str(error)}))
        return EXIT_FAILED
    why = "; ".join([f"{case.case_id}: {case.reason}" for case in result.failed_cases[:3]] + list(result.failures[:3]))
    put(json.dumps({"status": result.status.value, "message": why}))
    return EXIT_FAILED if result.status == "nothing" else EXIT_DONE


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
