"""``study``: a recipe on a cohort, from the images to the report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from RadiomicsCoreLib.cohort.columns import SPLIT_COLUMN
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.files.tables import read_cells
from RadiomicsCoreLib.jobs.folder_lock import only_run_in
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.jobs.result import JobResult
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.text import load_yaml, yaml_text

from ..recipes.catalogue import PUBLISHED, find_recipe
from ..recipes.check import check_recipe
from ..recipes.expansion import SPLIT_STAGE, expand, expanded_values
from ..recipes.recipe import Recipe
from ..study_run.layout import RECIPE_FILE, STAGES_FILE, StageRow, StageState
from ..study_run.plan import StudyPlan
from ..study_run.runner import StudyRun

RECIPE = Literal["wu2021", "song2021", "yang2023", "zhang2024", "liu2025"] | Path
assert RECIPE.__args__[0].__args__ == PUBLISHED


def read_value(text: str) -> tuple[str, Any]:
    """Return name and value of ``NAME=VALUE``; a list by commas or as YAML.

    Raises:
        InputError: another form.

    Example:
        >>> read_value("rings=3,6"), read_value("time=days"), read_value("rings=[3]"), read_value("clinical=[]")
        (('rings', [3, 6]), ('time', 'days'), ('rings', [3]), ('clinical', []))
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise InputError(f"{text!r} is not of the form NAME=VALUE, such as rings=3,6")
    try:
        listed = "," in value and not value.lstrip().startswith(("[", "{"))
        return name.strip(), load_yaml(f"[{value}]" if listed else value)
    except ValueError as error:
        raise InputError(f"{text!r}: the value cannot be read: {error}") from None


@dataclass(frozen=True, kw_only=True)
class StudyJob(Job):
    """Run a recipe on a cohort: every stage is a job with a folder of its own; then the report.

    What the folder holds is told in :mod:`RadiomicsStudyLib.study_run.layout`. Run again into the same folder, stages
    whose settings and inputs are the same are kept; a changed setting does again only what depends on it. A stage that
    fails says why; those that need it are skipped, and what there is stays.

    Attributes:
        recipe: one of the published studies, or a recipe file.
        cohort: the cohort table.
        values: values of the recipe, changed.
        stage: stages to do, with those that they need; empty: all.
        workers, device, seed, formats: for every stage that has such a setting; None, and all formats: as it has it.
        report: write ``report.html`` at the end.

    Raises:
        InputError: a recipe that is none, or cannot run on this cohort.
    """

    verb = "study"
    result_free = Job.result_free | {"device", "report"}

    recipe: RECIPE = option(f"{', '.join(PUBLISHED)}, or a recipe file", positional=True, read=str)
    cohort: Path = option("cohort table (CSV)", positional=True)
    values: Mapping[str, Any] = option(
        "a value of the recipe, changed (repeatable): rings=3,6",
        factory=dict,
        word="--set",
        read=read_value,
        metavar="NAME=VALUE",
        repeated=True,
    )
    stage: tuple[str, ...] = option("stages to do, with those that they need (default: all)", ())
    workers: int | None = option("cases or processes at a time, in every stage", None)
    device: Literal["auto", "cpu", "cuda", "mps"] | None = option("where networks run, in every stage", None)
    seed: int | None = option("of every stage", None)
    formats: tuple[str, ...] = option("of the figures, in every stage", FORMATS, choices=FORMATS)
    report: bool = option("write no report", True, off="--no-report")

    def read_recipe(self) -> Recipe:
        """Return the recipe with the user's values. Raises InputError."""
        return find_recipe(self.recipe).changed(self.values)

    def check(self) -> None:
        """Refuse a recipe that cannot run on this cohort, before anything is written."""
        findings = check_recipe(self.read_recipe(), self.cohort)
        if findings:
            more = f" (and {len(findings) - 1} more: peritumoral recipe check)" if len(findings) > 1 else ""
            raise InputError(findings[0].message + more)

    def plan(self, out: Path) -> StudyPlan:
        """Return what would be done. Raises InputError as :func:`.expansion.expand`."""
        recipe = self.read_recipe()
        cohort = source = self.cohort.absolute()
        header, _ = read_cells(cohort)
        is_split_here = recipe.split is not None and SPLIT_COLUMN not in header
        if is_split_here:
            source = out.absolute() / SPLIT_STAGE / "cohort.csv"
        stages = expand(recipe, with_split=is_split_here)
        common: dict[str, Any] = {"workers": self.workers, "device": self.device, "seed": self.seed}
        if self.formats != FORMATS:  # else as every stage has it
            common["formats"] = list(self.formats)
        return StudyPlan(tuple(stages), cohort, source, out.absolute(), common)

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Run the stages."""
        recipe = self.read_recipe()
        plan = self.plan(output.folder)
        path = output.folder / RECIPE_FILE
        path.write_text(yaml_text(expanded_values(recipe, plan.stages)), encoding="utf-8")
        output.record |= {
            "recipe": {
                "name": recipe.name,
                "title": recipe.title,
                "source": recipe.source,
                "left_open": list(recipe.left_open),
                "phases": list(recipe.phases),
                "columns": dict(recipe.columns),
                "values": dict(recipe.values),
            },
            "cohort": Path(os.path.relpath(self.cohort.absolute(), output.folder.absolute())).as_posix(),
        }
        with only_run_in(output.folder):
            rows = StudyRun(plan, self.stage).run(part_of(progress, 0.0, 0.98))
        output.files |= {"stages": output.folder / STAGES_FILE, "recipe": path}
        _tell(output, rows)
        if not any(row.has_results for row in rows):
            first = next((row for row in rows if row.state == StageState.FAILED), rows[0] if rows else None)
            raise InputError(f"no stage could be done; {first.name}: {first.why}" if first else "there is no stage")

    def run(self, out: Path | str, progress: Progress = no_progress) -> JobResult:
        """Run the stages, record the study, then write the report, which reads the folder.

        Raises:
            RadiomicsError: no stage could be done.
        """
        result = super().run(out, progress)
        if not self.report:
            return result
        progress(0.99, "report")
        try:
            from ..report.write_report import write_report

            result.files["report"] = write_report(result.folder)
        except Exception as error:  # the study itself is done; a report can be made again at any time
            line = f"the report could not be written: {type(error).__name__}: {error}"
            result = replace(result, warnings=(*result.warnings, line))
        progress(1.0, "study done")
        return result


def _tell(output: JobOutput, rows: list[StageRow]) -> None:
    for row in rows:
        if row.state == StageState.FAILED:
            output.failures.append(f"{row.name}: {row.why}")
        elif row.state == StageState.SKIPPED:
            output.notes.append(f"{row.name} was skipped: {row.why}")
        elif row.why:
            output.failures.append(f"{row.name}, in part: {row.why}")
    counts = [f"{sum(row.state == state for row in rows)} {state.value}" for state in StageState]
    output.notes.append(f"stages: {', '.join(line for line in counts if not line.startswith('0 '))}")
