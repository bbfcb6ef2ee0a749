"""The one runner of jobs over cases: fingerprints, a process a case, resumption, outcomes into the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..cohort.table import Case, Cohort
from ..files.provenance import hash_files, hash_settings
from ..files.tables import read_json
from ..progress import Progress
from .batch import CaseOutcome, CaseTask, CaseWork, case_folder, run_batch
from .output import JobOutput

DoCase = Callable[[Case, Sequence[str], Path], CaseWork]
"""Does one case: its row, the phases to do, the folder for its files. Must be picklable."""


def run_cases(
    output: JobOutput,
    cohort: Cohort,
    do_case: DoCase,
    settings: Mapping[str, object],
    *,
    workers: int | None,
    progress: Progress,
    phases: Sequence[str] | None = None,
    also: Callable[[Case], object] | None = None,
) -> tuple[CaseOutcome, ...]:
    """Do every case of a cohort into ``<folder>/cases/<case_id>``; a failing case never stops the others.

    Cases of an earlier run into the same folder are reused where files and settings are the same.

    Args:
        output: of the job; it gets outcomes and the cohort's record.
        cohort: the table.
        do_case: does one case.
        settings: plain values that decide the result, for the fingerprint.
        workers: cases at a time; None: all cores as far as memory allows.
        progress: told after each case.
        phases: phases to do; None: all of the cohort.
        also: what else of a case decides its result, such as a value in its row; plain values. Must be picklable.

    Raises:
        InputError: the folder cannot be written, or another run writes into it.
        Cancelled: from ``progress`` or Ctrl-C; what is finished stays and is reused.
    """
    wanted = tuple(phases or cohort.phases)
    tasks = [
        CaseTask(
            case.case_id,
            partial(case_fingerprint, case, case.phases(wanted), settings, also),
            partial(do_case, case, case.phases(wanted)),
            cohort.path.parent,
        )
        for case in cohort.cases
    ]
    outcomes = tuple(run_batch(tasks, output.folder, jobs=workers, progress=progress))
    output.cases = (*output.cases, *outcomes)
    output.record["cohort"] = {
        "file": cohort.path.name,
        "sha256": hash_files([cohort.path]),
        "cases": len(cohort.cases),
        "phases": list(cohort.phases),
    }
    return outcomes


def case_fingerprint(
    case: Case, phases: Sequence[str], settings: Mapping[str, object], also: Callable[[Case], object] | None = None
) -> str:
    """Hash of a case's files and of what is done to it: the same hash, the same result.

    Files count by name and content, not by folder: a cohort named by another path to the same files is reused.
    """
    chosen = {phase: case.images[phase] for phase in phases if phase in case.images}
    contents = hash_files([path for files in chosen.values() for path in files.paths])
    named = {phase: _without_folders(asdict(files)) for phase, files in chosen.items()}
    return hash_settings([settings, named, list(phases), contents, *([also(case)] if also else [])])


def case_json(out: Path, case_id: str, name: str) -> Any:
    """Return a JSON file of a case's folder; None if the case did not get so far."""
    path = case_folder(out, case_id) / name
    return read_json(path) if path.is_file() else None


def _without_folders(values: object) -> object:
    if isinstance(values, Mapping):
        return {name: _without_folders(value) for name, value in values.items()}
    return values.name if isinstance(values, Path) else values
