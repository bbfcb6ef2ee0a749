"""Jobs of a panel run where they are asked for, as the console and scripts do it: the window waits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.registry import load_job
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from .job_run import JobRun

Result = TypeVar("Result")


def run_here(
    export: Callable[[Path], JobRun], bring_in: Callable[[JobRun], Result], progress: Progress = no_progress
) -> Result:
    """Write jobs into a folder of their own, run them, and bring their result in; the folder is gone afterwards.

    Args:
        export: writes the jobs into the folder.
        bring_in: reads their results.
        progress: told on the way; raising ``Cancelled`` stops.

    Raises:
        RadiomicsError: a job could not be done.
    """
    with tempfile.TemporaryDirectory(prefix="peritumoral-") as folder:
        run = export(Path(folder))
        for number, step in enumerate(run.steps):
            part = part_of(progress, number / len(run.steps), (number + 1) / len(run.steps))
            done = load_job(run.job_file(step)).run(run.out(step), part)
            if done.cases and len(done.failed_cases) == len(done.cases):
                raise InputError(done.failed_cases[0].reason)
        return bring_in(run)
