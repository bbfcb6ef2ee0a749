"""What a study would do: the job of every stage, its fingerprint, and whether an earlier run's files still hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.provenance import hash_settings
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.record import JOB_FILE, inputs_of
from RadiomicsCoreLib.jobs.registry import job_class, job_from
from RadiomicsCoreLib.settings.options import settings_of
from RadiomicsCoreLib.settings.records import merged
from RadiomicsCoreLib.settings.rules import check_known

from ..recipes.expansion import Stage, with_paths
from ..recipes.recipe import COHORT, OUT
from .layout import StageRow

READS_IMAGES = ("extract", "deep_features", "train", "explain", "apply", "ct_findings")
"""Verbs whose numbers depend on the images that the cohort names, not on the table alone."""


@dataclass(frozen=True)
class StudyPlan:
    """A recipe's stages, where they read and write, and what the user says for all of them.

    Attributes:
        stages: in the order of the work.
        given: the user's cohort table, which the stage that splits it reads.
        cohort: the cohort table that all other stages read.
        out: the study's folder.
        common: name of a setting -> value for every stage that has it: ``workers``, ``device``, ``seed``, ``formats``.
    """

    stages: tuple[Stage, ...]
    given: Path
    cohort: Path
    out: Path
    common: Mapping[str, Any]

    def folder(self, name: str) -> Path:
        """Folder of a stage."""
        return self.out / name

    def job(self, stage: Stage) -> Job:
        """Return the job of a stage. Raises InputError where it cannot be built."""
        places = {name: str(self.folder(name)) for name in (one.name for one in self.stages)}
        cohort = self.given if stage.verb == "split" else self.cohort
        paths = {**places, COHORT: str(cohort), OUT: str(self.out)}
        values = merged(with_paths(stage.settings, paths), _common(stage.verb, stage.settings, self.common))
        return job_from({**values, "verb": stage.verb})

    def fingerprint(self, job: Job) -> str:
        """Return the hash of a job's decisive settings and of the contents of all that it reads."""
        read = {name: item["sha256"] for name, item in inputs_of(job, self.out).items()}
        images = _stamps(self.given) if job.verb in READS_IMAGES else []
        return hash_settings([__version__, job.verb, job.decisive(), read, images])

    def holds(self, stage: Stage, earlier: StageRow | None, fingerprint: str) -> bool:
        """Whether an earlier run of a stage is what would be made now, and still there."""
        whole = earlier is not None and earlier.has_results and earlier.fingerprint == fingerprint
        return whole and (self.folder(stage.name) / JOB_FILE).is_file()

    def wanted(self, names: tuple[str, ...]) -> set[str]:
        """Return the stages that are asked for, and those that they need; all where none is named.

        Raises:
            InputError: no such stage; the message names the nearest one.
        """
        needs = {stage.name: stage.needs for stage in self.stages}
        for name in names:
            check_known("stage", name, needs)
        waiting, found = list(names or needs), set[str]()
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += needs[name]
        return found


def _common(verb: str, given: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the user gives for all stages, of those that a job has."""
    values: dict[str, Any] = {}
    for setting in settings_of(job_class(verb)):
        name = setting.path[-1]
        # A seed of perturbed contours belongs to a job that perturbs only.
        if common.get(name) is None or (setting.path[0] == "perturbation" and not given.get("perturb")):
            continue
        inner = values
        for part in setting.path[:-1]:
            inner = inner.setdefault(part, {})
        inner[name] = common[name]
    return values


def _stamps(cohort: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of every image and mask: the contents are looked at case by case, by the stage itself."""
    found = []
    for case in read_cohort(cohort).cases:
        for files in case.images.values():
            for path in files.paths:
                try:
                    known = path.stat()
                except OSError:
                    continue
                found.append((path.name, known.st_size, known.st_mtime_ns))
    return found


def refuse_foreign_folder(folder: Path, earlier: StageRow | None) -> None:
    """Raise InputError where a stage's folder holds what no earlier run of it has written."""
    if earlier is None and folder.is_dir() and any(folder.iterdir()) and not (folder / JOB_FILE).is_file():
        raise InputError(f"{folder.name}: the folder is there and is no stage's; move it away, or choose another -o")
