"""A verb of the command line: words to a job, the job run with a progress bar, and what came of it shown."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.record import job_text
from RadiomicsCoreLib.jobs.registry import job_class
from RadiomicsCoreLib.jobs.result import JobResult, JobStatus

from .console import print_failures, print_files, print_lines, progress_bar
from .job_words import add_words, settings_from

EXIT_CODES = {JobStatus.DONE: 0, JobStatus.PARTLY: 1, JobStatus.NOTHING: 2}


@dataclass(frozen=True)
class JobVerb:
    """A verb that runs a job.

    Attributes:
        name: the verb of the job; its underscores are hyphens in words.
        help: one line for the list of verbs.
        description: for the verb's own help.
        examples: shown below its options.
        doing: title of the progress bar.
        show: prints what a reader wants to see at once, before notes and files; None: nothing.
    """

    name: str
    help: str
    description: str
    examples: str
    doing: str
    show: Callable[[Job, JobResult], None] | None = None

    @property
    def word(self) -> str:
        """The verb as a word of the command line."""
        return self.name.replace("_", "-")

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of the job, the output folder and ``--print-job``."""
        add_words(parser, job_class(self.name))
        parser.add_argument("-o", "--out", type=Path, help="output folder")
        parser.add_argument("--print-job", action="store_true", help="print the job as YAML and do nothing")
        parser.set_defaults(run=self.run)

    def run(self, arguments: argparse.Namespace) -> int:
        """Build the job, run it, show its result; return the exit code."""
        kind = job_class(self.name)
        job = kind.from_dict(settings_from(kind, arguments))
        if arguments.print_job:
            print_lines([job_text(job).rstrip()])
            return 0
        return run_and_show(job, arguments.out, self.doing, self.show)


def run_and_show(job: Job, out: Path | None, doing: str, show: Callable[[Job, JobResult], None] | None = None) -> int:
    """Run a job with a progress bar, and print its result; return the exit code.

    Raises:
        InputError: no output folder, or what the job refuses.
    """
    from RadiomicsCoreLib.errors import InputError

    if out is None:
        raise InputError("say where to write: -o FOLDER")
    with progress_bar(doing) as progress:
        result = job.run(out, progress)
    if show:
        show(job, result)
    return show_result(result)


def _show_warnings(result: JobResult) -> None:
    if not result.warnings:
        return
    cases = sum(bool(case.warnings) for case in result.cases)
    where = f" in {cases} of {len(result.cases)} cases" if result.cases else ""
    print_lines(
        [f"{len(result.warnings)} warning{'s' if len(result.warnings) > 1 else ''}{where} (all in study.json):"]
    )
    print_lines(f"  {count} x {kind}" for kind, count in result.most_frequent_warnings())


def show_result(result: JobResult) -> int:
    """Print how the cases ended, what a reader should know, the files, and what failed; return the exit code."""
    if result.cases:
        done, reused = len(result.cases) - len(result.failed_cases), sum(case.reused for case in result.cases)
        print_lines([f"{done} of {len(result.cases)} cases done, {reused} of them reused"])
    print_lines(f"note: {note}" for note in result.notes)
    if not result.cases:  # those of cases are in the tables, and may be thousands
        print_lines(f"warning: {line}" for line in result.warnings)
    print_files({**result.files, **{k: v for k, v in result.tables.items() if v not in result.files.values()}})
    _show_warnings(result)
    print_failures((outcome.case_id, outcome.reason) for outcome in result.failed_cases)
    print_lines(f"failed {failure}" for failure in result.failures)
    return EXIT_CODES[result.status]
