"""Data frames as the files that a job reads, and the jobs on them, for tests that make their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeAlias

from DeepRadiomicsFusionLib.jobs.apply import ApplyJob
from DeepRadiomicsFusionLib.jobs.fuse import FuseJob
from RadiomicsCoreLib.files.tables import write_csv
from RadiomicsCoreLib.jobs.result import JobResult
from RadiomicsCoreLib.progress import Progress, no_progress

if TYPE_CHECKING:
    import pandas as pd

    Table: TypeAlias = pd.DataFrame | Path | str

NOWHERE = Path("cohort.csv")


def table_file(table: Table, near: Path) -> Path:
    """Return the path of a table; a data frame is written into a folder of its own beside ``near``."""
    if isinstance(table, str | Path):
        return Path(table)
    frame = table if "case_id" in table.columns else table.rename_axis("case_id").reset_index()
    path = Path(mkdtemp(prefix="table_", dir=near.parent)) / "table.csv"
    write_csv(path, frame)
    return path


def table_files(tables: Mapping[str, Table], near: Path) -> dict[str, Path]:
    """Return name to path, for several tables."""
    return {name: table_file(table, near) for name, table in tables.items()}


def fuse_tables(
    features: Mapping[str, Table],
    cohort: Table,
    endpoint: str,
    out: Path,
    job: FuseJob,
    *,
    readings: Sequence[Table] = (),
    progress: Progress = no_progress,
    **options: Any,
) -> JobResult:
    """Run a fusion, whose tables are named here, into a folder."""
    again = tuple(table_file(table, out) for table in readings)
    named: dict[str, Any] = {
        "features": table_files(features, out),
        "cohort": table_file(cohort, out),
        "endpoint": endpoint,
    }
    return replace(job, readings=again, **named, **options).run(out, progress)


def apply_to_tables(
    bundle: Path, features: Mapping[str, Table], out: Path, *, cohort: Table | None = None, **options: Any
) -> JobResult:
    """Apply a bundle of classifiers to tables."""
    outcome = None if cohort is None else table_file(cohort, out)
    return ApplyJob(bundle=bundle, features=table_files(features, out), cohort=outcome, **options).run(out)
