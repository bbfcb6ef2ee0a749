"""``peritumoral run``: any job again, from its job.yaml."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.jobs.process import run_with_lines
from RadiomicsCoreLib.jobs.registry import load_job

from ..words.verb import run_and_show

EXAMPLES = """examples:
  peritumoral run out/job.yaml -o again
  peritumoral extract cohort.csv --rings 3 --preset wu2021 --print-job > mine.yaml; peritumoral run mine.yaml -o out

Paths in a job file begin in the file's own folder.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "run",
        help="repeat a job from its job.yaml",
        description="Do what a job file asks for: same inputs, same values.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("job", type=Path, help="job file, or the output folder of a job")
    parser.add_argument("-o", "--out", type=Path, help="output folder (default: the job file's own)")
    parser.add_argument("--progress", choices=("bar", "json"), default="bar", help="json: a line a step, for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the job and run it."""
    source = arguments.job
    out = arguments.out or (source if source.is_dir() else source.parent)
    if arguments.progress == "json":
        return run_with_lines(source, out)
    job = load_job(source)
    return run_and_show(job, out, job.verb)
