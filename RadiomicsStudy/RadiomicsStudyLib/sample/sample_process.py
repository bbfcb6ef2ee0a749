"""A sample cohort made in a process of its own, with a JSON line a patient, as a job tells its steps."""

from __future__ import annotations

from collections.abc import Sequence

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.jobs.process import EXIT_DONE, EXIT_FAILED, tell_end, tell_step

from .sample_cohort import make_sample_cohort


def main(argv: Sequence[str]) -> int:
    """Make the cohort in the folder ``argv[0]``, of ``argv[1]`` patients; return the exit code."""
    try:
        make_sample_cohort(argv[0], patients=int(argv[1]), progress=tell_step)
    except RadiomicsError as error:
        tell_end("failed", str(error))
        return EXIT_FAILED
    tell_end("done")
    return EXIT_DONE
