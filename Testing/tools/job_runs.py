"""Runs a job from plain values, data frames among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from RadiomicsCoreLib.files.tables import write_csv
from RadiomicsCoreLib.jobs.registry import job_from
from RadiomicsCoreLib.jobs.result import JobResult
from RadiomicsCoreLib.progress import Progress, no_progress


def run_job(verb: str, out: Path, progress: Progress = no_progress, **settings: Any) -> JobResult:
    """Run a job into a folder; a data frame among its settings becomes a CSV file beside that folder."""
    return job_from({"verb": verb, **_files(settings, out)}).run(out, progress)


def _files(values: Any, stem: Path) -> Any:
    if hasattr(values, "columns") and hasattr(values, "to_dict"):
        path = stem.with_name(f"{stem.name}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, values)
        return str(path)
    if isinstance(values, dict):
        return {name: _files(value, stem.with_name(f"{stem.name}_{name}")) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_files(value, stem.with_name(f"{stem.name}_{k}")) for k, value in enumerate(values)]
    return str(values) if isinstance(values, Path) else values
