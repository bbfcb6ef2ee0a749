"""Runs the stages of a study: what holds is kept, what fails says why, what needs it is skipped."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from RadiomicsCoreLib.errors import Cancelled, RadiomicsError
from RadiomicsCoreLib.files.private_paths import without_folders
from RadiomicsCoreLib.files.safe_names import one_line
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.result import JobResult, JobStatus
from RadiomicsCoreLib.progress import Progress, part_of

from ..recipes.expansion import Stage
from .layout import TRACEBACK_FILE, StageRow, StageState, read_stages, write_stages
from .plan import StudyPlan, refuse_foreign_folder

NOT_ASKED = "not asked for"
OUT_OF_MEMORY = "not enough memory; crop or resample the images, or use fewer workers"
_KEPT = ("cases", "perturbed_")
"""Folders that know themselves whether their cases still hold."""


@dataclass
class StudyRun:
    """The stages of one run, and how they stand.

    Attributes:
        plan: what to do.
        only: stages that are asked for; none: all.
    """

    plan: StudyPlan
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.lacking: dict[str, str] = {}
        self.earlier: Mapping[str, StageRow] = {row.name: row for row in read_stages(self.plan.out)}
        wanted = self.plan.wanted(self.only)
        self.rows = [self._row(stage, stage.name in wanted) for stage in self.plan.stages]

    def run(self, progress: Progress) -> list[StageRow]:
        """Do the stages; return how each ended.

        Raises:
            Cancelled: from ``progress``; what is done stays, and the stage that was running is begun again later.
        """
        write_stages(self.plan.out, self.rows)
        count = max(1, len(self.rows))
        for number, stage in enumerate(self.plan.stages):
            if self.rows[number].state == StageState.WAITING:
                step = part_of(progress, number / count, (number + 1) / count)
                self._set(number, self._do(number, stage, step))
        progress(1.0, self.summary())
        return self.rows

    def summary(self) -> str:
        """One line: how many stages ended how."""
        states = [row.state for row in self.rows]
        return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))

    def _row(self, stage: Stage, is_wanted: bool) -> StageRow:
        row = StageRow(stage.name, stage.verb, stage.title, stage.name, needs=stage.needs, paper=stage.paper)
        known = self.earlier.get(stage.name)
        if is_wanted:
            return row
        if known is not None and known.has_results:
            return replace(known, state=StageState.REUSED.value, title=row.title, needs=row.needs, paper=row.paper)
        return replace(row, state=StageState.SKIPPED.value, why=NOT_ASKED)

    def _set(self, number: int, row: StageRow) -> None:
        self.rows[number] = row
        write_stages(self.plan.out, self.rows)

    def _do(self, number: int, stage: Stage, progress: Progress) -> StageRow:
        row = self.rows[number]
        states = {one.name: one for one in self.rows}
        missing = [name for name in stage.needs if not states[name].has_results]
        if missing:
            reduced = stage.without(missing)
            if reduced is None:
                why = f"needs {', '.join(missing)}, which {_stood(states[missing[0]])}"
                return replace(row, state=StageState.SKIPPED.value, why=why)
            stage, self.lacking[stage.name] = reduced, f"without {', '.join(missing)}"
        known, folder = self.earlier.get(stage.name), self.plan.folder(stage.name)
        try:
            job = self.plan.job(stage)
            fingerprint = self.plan.fingerprint(job)
            if known is not None and self.plan.holds(stage, known, fingerprint):
                progress(1.0, f"{stage.title}: as before")
                reused = replace(row, state=StageState.REUSED.value, seconds=known.seconds, why=known.why)
                return replace(reused, fingerprint=fingerprint)
            refuse_foreign_folder(folder, known)
        except RadiomicsError as error:
            return replace(row, state=StageState.FAILED.value, why=self._told(str(error)))
        # A split that was made once is never dealt anew in silence: its job looks at the one that is there.
        if (known is None or known.fingerprint != fingerprint) and stage.verb != "split":
            _clear(folder)
        row = replace(row, fingerprint=fingerprint)
        self._set(number, replace(row, state=StageState.RUNNING.value))
        return self._run(row, job, progress)

    def _run(self, row: StageRow, job: Job, progress: Progress) -> StageRow:
        started, folder = time.monotonic(), self.plan.folder(row.name)

        def tell(fraction: float, message: str) -> None:
            progress(fraction, f"{row.title}: {message}")

        why = ""
        state = StageState.FAILED
        try:
            state, why = _ended(job.run(folder, tell))
        except (Cancelled, KeyboardInterrupt):
            # It goes on where it stood: the folder holds what the same fingerprint has begun.
            self._set([one.name for one in self.rows].index(row.name), row)
            raise
        except RadiomicsError as error:
            why = str(error)
        except MemoryError:
            why = OUT_OF_MEMORY
        except Exception as error:  # a fault of ours must not take the other stages' work away
            folder.mkdir(parents=True, exist_ok=True)
            (folder / TRACEBACK_FILE).write_text(self._told(traceback.format_exc()), encoding="utf-8")
            why = f"unexpected {type(error).__name__}: {one_line(str(error))} (report it with {TRACEBACK_FILE})"
        seconds = round(time.monotonic() - started, 2)
        why = "; ".join(line for line in (self.lacking.get(row.name), self._told(why)) if line)
        return replace(row, state=state.value, why=why, seconds=seconds)

    def _told(self, text: str) -> str:
        return without_folders(text, [self.plan.out, self.plan.cohort.parent, Path.cwd()])


def _ended(result: JobResult) -> tuple[StageState, str]:
    failed = result.failed_cases
    lines = [f"{case.case_id}: {case.reason}" for case in failed[:3]] + list(result.failures[:3])
    more = len(failed) + len(result.failures) - len(lines)
    why = "; ".join(lines) + (f" and {more} more" if more > 0 else "")
    return (StageState.FAILED if result.status is JobStatus.NOTHING else StageState.DONE), why


def _stood(row: StageRow) -> str:
    return "was skipped" if row.state == StageState.SKIPPED else row.state


def _clear(folder: Path) -> None:
    """Take away what another setting has made; finished cases stay, which know whether they still hold."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_dir() and path.name.startswith(_KEPT):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
