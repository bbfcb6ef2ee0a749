"""What every job over a cohort writes besides its results: fingerprints of cases and ``study.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..cohort.table import Case, Cohort
from ..files.provenance import environment_record, hash_files, hash_settings
from ..files.tables import read_json, write_json
from .batch import CaseOutcome, case_folder


def case_fingerprint(case: Case, phases: Sequence[str], settings: Mapping[str, Any]) -> str:
    """Hash of a case's files and of what is done to it: the same hash, the same result."""
    chosen = {phase: case.images[phase] for phase in phases if phase in case.images}
    contents = hash_files([path for files in chosen.values() for path in files.paths])
    return hash_settings([settings, {phase: asdict(files) for phase, files in chosen.items()}, list(phases), contents])


def case_json(out: Path, case_id: str, name: str) -> Any:
    """Return a JSON file of a case's folder; None if the case did not get so far."""
    path = case_folder(out, case_id) / name
    return read_json(path) if path.is_file() else None


def write_study(
    job: str,
    cohort: Cohort,
    settings: Mapping[str, Any],
    out: Path,
    outcomes: Sequence[CaseOutcome],
    *,
    seed: int | None = None,
    notes: Sequence[str] = (),
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``study.json``: settings, versions, seed, the cohort's hash, how each case ended, and what is added."""
    record = environment_record(
        {
            "job": job,
            "settings": dict(settings),
            "settings_hash": hash_settings(settings),
            "seed": seed,
            "notes": list(notes),
            "cohort": {
                "file": cohort.path.name,
                "sha256": hash_files([cohort.path]),
                "cases": len(cohort.cases),
                "phases": list(cohort.phases),
            },
            "cases": {
                outcome.case_id: {
                    "status": outcome.status.value,
                    "reason": outcome.reason,
                    "fingerprint": outcome.fingerprint,
                    "warnings": list(outcome.warnings),
                }
                for outcome in outcomes
            },
            **(more or {}),
        }
    )
    path = out / "study.json"
    write_json(path, record)
    return path
