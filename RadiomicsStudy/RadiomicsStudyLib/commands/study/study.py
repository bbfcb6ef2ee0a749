"""``peritumoral study``: a recipe on a cohort, from the images to the report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.registry import job_class
from RadiomicsCoreLib.jobs.result import JobResult

from ...study_run.estimate import estimate, time_text
from ...study_run.layout import StageRow, read_stages
from ...study_run.plan import StudyPlan
from ...words.console import print_lines, print_table
from ...words.job_words import settings_from
from ...words.verb import JobVerb

EXAMPLES = """examples:
  peritumoral study liu2025 cohort.csv -o out --dry-run
  peritumoral study liu2025 cohort.csv --set rings=3,6 --set time=days --set event=death --workers 4 -o out
  peritumoral study mine.yaml cohort.csv --stage radiomics -o out

Run again into the same folder, only what a changed setting touches is done again. See: peritumoral recipes.
"""


class StudyVerb(JobVerb):
    """The verb of the job ``study``, which can also say what it would do."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the job's options and ``--dry-run``."""
        super().add_options(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would run, how long and how much disk")

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the study, or show its plan."""
        if not arguments.dry_run:
            return super().run(arguments)
        if arguments.out is None:
            raise InputError("say where it would write: -o FOLDER")
        kind: Any = job_class(self.name)
        job = kind.from_dict(settings_from(kind, arguments))
        job.check()
        show_plan(job.plan(arguments.out), job.stage, len(read_cohort(job.cohort).cases))
        return 0


def show_plan(plan: StudyPlan, only: tuple[str, ...], cases: int) -> None:
    """Print every stage with what would become of it, and the sum of time and disk."""
    earlier = {row.name: row for row in read_stages(plan.out)}
    wanted, again = plan.wanted(only), set[str]()
    rows, seconds, megabytes = [], 0.0, 0.0
    for stage in plan.stages:
        state, guess = "left out", ""
        if stage.name in wanted:
            state = _state(plan, stage, earlier.get(stage.name), again)
        if state == "run":
            again.add(stage.name)
            cost = estimate(plan.job(stage), cases, plan.folder(stage.name), earlier.get(stage.name))
            guess = f"{'' if cost.is_measured else '~'}{time_text(cost.seconds)}"
            seconds, megabytes = seconds + cost.seconds, megabytes + cost.megabytes
        rows.append((stage.name, stage.verb, state, guess, ", ".join(stage.needs), "; ".join(stage.paper)))
    print_table("what would be done", ("stage", "verb", "state", "time", "needs", "paper"), rows)
    print_lines(
        [
            f"{len(again)} of {len(plan.stages)} stages would run on {cases} cases: about {time_text(seconds)} with "
            "one worker (a guess, good to a factor of three; ~ was never run here) and "
            f"{megabytes:.0f} MB in {plan.out.name}"
        ]
    )


def _state(plan: StudyPlan, stage: Any, earlier: StageRow | None, again: set[str]) -> str:
    if set(stage.needs) & again or earlier is None:
        return "run"
    try:
        holds = plan.holds(stage, earlier, plan.fingerprint(plan.job(stage)))
    except RadiomicsError:
        return "run"
    return "as before" if holds else "run"


def show(job: Job, result: JobResult) -> None:
    """Print how every stage ended."""
    rows = [
        (row.name, row.verb, row.state, time_text(row.seconds) if row.seconds else "", row.why)
        for row in read_stages(Path(result.folder))
    ]
    print_table("stages", ("stage", "verb", "state", "time", "why"), rows)


VERB = StudyVerb(
    name="study",
    help="run a recipe on a cohort, from the images to the report",
    description="Run a recipe on a cohort: every stage is a job with a folder of its own.",
    doing="study",
    examples=EXAMPLES,
    show=show,
)
