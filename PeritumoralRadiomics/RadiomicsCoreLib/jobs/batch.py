"""Runs many cases side by side, writes each atomically, resumes, and never lets one case stop the others.

Every case gets a folder ``<out>/cases/<case>`` that appears whole or not at all. Its ``status.json`` holds
the status, the reason of a failure and a fingerprint of inputs and settings; a later run with the same
fingerprint reuses the case instead of computing it again.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..errors import Cancelled, InputError, RadiomicsError
from ..files.private_paths import without_folders
from ..files.safe_names import one_line, safe_folder_name
from ..files.tables import read_json, write_json
from ..progress import Progress, no_progress
from .folder_lock import only_run_in

LOG = logging.getLogger(__name__)
STATUS_FILE = "status.json"
TRACEBACK_FILE = "traceback.txt"
LOG_FILE = "log.txt"
WORKER_MEMORY_GB = 1.5


class CaseStatus(StrEnum):
    """How a case ended."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class CaseOutcome:
    """How one case of a batch ended.

    Attributes:
        case_id: the case's id, as in the cohort table.
        status: done or failed. A failed case may still have written what it could.
        reason: why it failed, one line; empty if it did not.
        fingerprint: hash of inputs and settings.
        seconds: time the case took when it was computed.
        warnings: lines that the user should read.
        reused: an earlier run's result was taken.
    """

    case_id: str
    status: CaseStatus
    fingerprint: str
    reason: str = ""
    seconds: float = 0.0
    warnings: tuple[str, ...] = field(default_factory=tuple)
    reused: bool = False


@dataclass(frozen=True)
class CaseWork:
    """What the work on a case reports back: failures of parts (empty: all went well) and warnings."""

    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseTask:
    """One case to do: ``work(folder)`` writes the case's files into ``folder`` and must be picklable.

    Attributes:
        case_id: the case's id.
        fingerprint: called in the worker; hash of inputs and settings.
        work: does the case; raises a RadiomicsError with a one-line reason if it cannot.
        cohort_folder: reasons and warnings name files by their way from here; None: by their names alone.
    """

    case_id: str
    fingerprint: Callable[[], str]
    work: Callable[[Path], CaseWork]
    cohort_folder: Path | None = None


def run_batch(
    tasks: Sequence[CaseTask],
    out: Path,
    *,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> list[CaseOutcome]:
    """Do every task and return how each ended, in the order of the tasks.

    Args:
        tasks: the cases; ids are unique.
        out: output folder; ``out/cases`` is made.
        jobs: processes at a time; None: all cores, as far as the free memory holds 1.5 GB for each.
        progress: told after each case, with the time left.

    Raises:
        Cancelled: from ``progress`` or Ctrl-C; finished cases stay.
        InputError: two tasks with one id, an output folder that cannot be written or that another run is
            writing into.
    """
    _refuse_repeated_ids(tasks)
    cases_folder = _make_cases_folder(out)
    jobs = min(usable_jobs(jobs), max(1, len(tasks)))
    with only_run_in(cases_folder):
        _remove_partial_folders(cases_folder)  # what a power cut left
        return _run_and_tell(tasks, out, cases_folder, jobs, progress)


def _run_and_tell(
    tasks: Sequence[CaseTask], out: Path, cases_folder: Path, jobs: int, progress: Progress
) -> list[CaseOutcome]:
    outcomes: dict[str, CaseOutcome] = {}
    started = time.monotonic()
    try:
        for outcome in _run_all(tasks, cases_folder, jobs):
            outcomes[outcome.case_id] = outcome
            _log(out, outcome)
            progress(len(outcomes) / len(tasks), _progress_line(outcome, len(outcomes), len(tasks), started))
    except KeyboardInterrupt:
        raise Cancelled(f"stopped after {len(outcomes)} of {len(tasks)} cases; run again to go on") from None
    finally:
        _remove_partial_folders(cases_folder)
    return [outcomes[task.case_id] for task in tasks]


def case_folder(out: Path, case_id: str) -> Path:
    """Folder of one case's results below the output folder; never outside it, whatever the id says."""
    return Path(out) / "cases" / safe_folder_name(case_id)


def usable_jobs(jobs: int | None) -> int:
    """Return how many processes to run: what the user asks for, or all cores that the memory can feed.

    Raises:
        InputError: fewer than one.
    """
    if jobs is not None:
        if jobs < 1:
            raise InputError(f"jobs is {jobs}; give a whole number of 1 or more")
        return jobs
    import joblib

    return max(1, min(joblib.cpu_count(), int(_free_memory_gb() // WORKER_MEMORY_GB)))


def threads_per_case(jobs: int | None, cases: int) -> int:
    """Return how many threads a case may use: the cores that no other case of the batch is using.

    Args:
        jobs: as in :func:`run_batch`.
        cases: number of cases.

    Example:
        >>> threads_per_case(jobs=1000, cases=1000)
        1
    """
    import joblib

    return max(1, joblib.cpu_count() // min(usable_jobs(jobs), max(1, cases)))


def _free_memory_gb() -> float:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (AttributeError, ValueError, OSError):  # Windows and macOS do not tell: take the cores
        return float("inf") if os.cpu_count() is None else WORKER_MEMORY_GB * (os.cpu_count() or 1)


def _refuse_repeated_ids(tasks: Sequence[CaseTask]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.case_id in seen:
            raise InputError(f"case id {task.case_id!r} stands twice; give every case its own id")
        seen.add(task.case_id)


def _make_cases_folder(out: Path) -> Path:
    make_output_folder(out)
    return make_output_folder(Path(out) / "cases")


def make_output_folder(out: Path) -> Path:
    """Make a folder, or check that one that is there can be written into, before any work is done.

    Raises:
        InputError: it cannot be made or written.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass  # a folder that is there may still be write-protected, or its disk full
    except OSError as error:
        raise InputError(f"output folder {str(out)!r} cannot be written: {error.strerror}; choose another") from None
    return folder


def _run_all(tasks: Sequence[CaseTask], cases_folder: Path, jobs: int) -> Iterator[CaseOutcome]:
    if jobs == 1:
        for task in tasks:
            yield _do_case(task, cases_folder)
        return
    waiting = {task.case_id: task for task in tasks}
    while waiting:
        try:
            for outcome in _run_parallel(list(waiting.values()), cases_folder, jobs):
                del waiting[outcome.case_id]
                yield outcome
        except _worker_died_error() as error:
            LOG.warning("a worker process died: %s", error)
            # Whoever was at work then may be the killer: each suspect is tried alone.
            for task in [task for task in waiting.values() if _was_started(task, cases_folder)]:
                del waiting[task.case_id]
                yield _do_alone(task, cases_folder)


def _worker_died_error() -> type[Exception]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return TerminatedWorkerError


def _run_parallel(tasks: Sequence[CaseTask], cases_folder: Path, jobs: int) -> Iterator[CaseOutcome]:
    import joblib

    # One case, one core: libraries that start threads of their own only get in each other's way.
    with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        parallel = joblib.Parallel(return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
        here = Path.cwd()
        yield from parallel(joblib.delayed(_do_case_in_worker)(task, cases_folder, here) for task in tasks)


def _do_case_in_worker(task: CaseTask, cases_folder: Path, working_folder: Path) -> CaseOutcome:
    # A worker that is left from an earlier batch still stands where that one was started.
    os.chdir(working_folder)
    # Ctrl-C reaches every process of the terminal; the main one stops the workers, they need not say so too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return _do_case(task, cases_folder)


def _do_alone(task: CaseTask, cases_folder: Path) -> CaseOutcome:
    """Do a case in a process of its own; if that dies again, the case is the reason."""
    try:
        return next(iter(_run_parallel([task], cases_folder, jobs=2)))
    except _worker_died_error():
        reason = "its process died, most likely for lack of memory; crop or resample the image, or use fewer jobs"
        outcome = CaseOutcome(task.case_id, CaseStatus.FAILED, "", reason)
        _publish(_new_partial_folder(task, cases_folder), outcome, cases_folder)
        return outcome


def _do_case(task: CaseTask, cases_folder: Path) -> CaseOutcome:
    started = time.monotonic()
    fingerprint = task.fingerprint()
    earlier = read_outcome(cases_folder / safe_folder_name(task.case_id))
    if earlier is not None and earlier.status is CaseStatus.DONE and earlier.fingerprint == fingerprint:
        return _as_reused(earlier)
    partial = _new_partial_folder(task, cases_folder)
    outcome = _work(task, fingerprint, partial, started)
    _publish(partial, outcome, cases_folder)
    return outcome


def _work(task: CaseTask, fingerprint: str, partial: Path, started: float) -> CaseOutcome:
    try:
        done = task.work(partial)
        status, reason, warnings = CaseStatus.DONE, "; ".join(done.failures), done.warnings
        if done.failures:
            status = CaseStatus.FAILED
    except RadiomicsError as error:
        status, reason, warnings = CaseStatus.FAILED, str(error), ()
    except MemoryError:
        status, warnings = CaseStatus.FAILED, ()
        reason = "not enough memory; crop or resample the image, or use fewer jobs"
    except Exception as error:  # a bug of ours or of a library must not stop the other cases
        (partial / TRACEBACK_FILE).write_text(_told(traceback.format_exc(), task, partial), encoding="utf-8")
        status, warnings = CaseStatus.FAILED, ()
        reason = f"unexpected {type(error).__name__}: {one_line(str(error))} (report it with {TRACEBACK_FILE})"
    seconds = round(time.monotonic() - started, 3)
    told = tuple(_told(line, task, partial) for line in warnings)
    return CaseOutcome(task.case_id, status, fingerprint, _told(reason, task, partial), seconds, told)


def _told(text: str, task: CaseTask, partial: Path) -> str:
    """A text for files that are passed on: no folder of this machine stands in it."""
    return without_folders(text, [partial, *([task.cohort_folder] if task.cohort_folder is not None else [])])


def _partial_name(task: CaseTask) -> str:
    return f".{safe_folder_name(task.case_id)}.partial-"


def _new_partial_folder(task: CaseTask, cases_folder: Path) -> Path:
    folder = cases_folder / f"{_partial_name(task)}{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    return folder


def _was_started(task: CaseTask, cases_folder: Path) -> bool:
    prefix = _partial_name(task)
    return any(folder.name.startswith(prefix) for folder in cases_folder.iterdir())


def _publish(partial: Path, outcome: CaseOutcome, cases_folder: Path) -> None:
    """Put the case's folder in its place in one step; the status is the last thing written into it."""
    write_json(partial / STATUS_FILE, asdict(outcome) | {"status": outcome.status.value})
    final = cases_folder / safe_folder_name(outcome.case_id)
    if final.exists():
        shutil.rmtree(final)
    os.replace(partial, final)


def read_outcome(folder: Path) -> CaseOutcome | None:
    """Return how the case in this folder ended, or None if nothing whole is there."""
    try:
        stored: dict[str, Any] = read_json(Path(folder) / STATUS_FILE)
        return CaseOutcome(**{**stored, "status": CaseStatus(stored["status"]), "warnings": tuple(stored["warnings"])})
    except (OSError, RadiomicsError, ValueError, KeyError, TypeError):
        return None


def _as_reused(outcome: CaseOutcome) -> CaseOutcome:
    return CaseOutcome(**{**asdict(outcome), "status": outcome.status, "reused": True})


def _remove_partial_folders(cases_folder: Path) -> None:
    for folder in cases_folder.glob(".*.partial-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _log(out: Path, outcome: CaseOutcome) -> None:
    """Append how a case ended to ``log.txt``, with the time; over several runs it tells the whole story."""
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    how = "reused" if outcome.reused else f"{outcome.status.value} in {outcome.seconds:.1f} s"
    case_id = one_line(outcome.case_id)
    lines = [f"{when} {case_id} {how}{': ' if outcome.reason else ''}{one_line(outcome.reason)}"]
    lines += [f"{when} {case_id} warning: {one_line(line)}" for line in outcome.warnings if not outcome.reused]
    with (Path(out) / LOG_FILE).open("a", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write("\n".join(lines) + "\n")


def _progress_line(outcome: CaseOutcome, done: int, total: int, started: float) -> str:
    left = (time.monotonic() - started) / done * (total - done)
    how = "reused" if outcome.reused else outcome.status.value
    line = f"{done}/{total} {one_line(outcome.case_id)} {how}"
    if outcome.reason:
        line += f": {one_line(outcome.reason)}"
    return line + (f", {duration_text(left)} left" if done < total else "")


def duration_text(seconds: float) -> str:
    """Return a time span as people say it.

    Example:
        >>> duration_text(75)
        '1 min 15 s'
    """
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def failures(outcomes: Iterable[CaseOutcome]) -> list[CaseOutcome]:
    """Return the outcomes of the cases that failed."""
    return [outcome for outcome in outcomes if outcome.status is CaseStatus.FAILED]
