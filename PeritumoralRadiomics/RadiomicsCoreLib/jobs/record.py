"""``study.json`` and ``job.yaml`` of an output folder: all that is needed to know, and to repeat, a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..errors import InputError
from ..files.provenance import STUDY_FILE, environment_record, hash_files, hash_settings
from ..files.tables import write_json
from ..settings.records import plain_values, relative_to
from ..settings.text import read_values, yaml_text

if TYPE_CHECKING:
    from .result import JobResult

JOB_FILE = "job.yaml"


class Recorded(Protocol):
    """What the record needs of a :class:`.job.Job`, which is built on this file."""

    verb: ClassVar[str]

    def to_dict(self, *, folder: Path | None = None) -> dict[str, object]:
        """Every setting as plain values, paths relative to ``folder``."""

    def decisive(self) -> dict[str, object]:
        """The settings that decide the numbers."""


def write_record(job: Recorded, result: JobResult, more: Mapping[str, object]) -> Path:
    """Write ``study.json``: the job's settings and their hash, versions, seed, inputs with hashes, cases, notes.

    Args:
        job: what was done.
        result: how it ended.
        more: what the job adds; its names go before those here.
    """
    settings = job.to_dict(folder=result.folder)
    record = environment_record(
        {
            "job": job.verb,
            "status": result.status.value,
            "settings": settings,
            "settings_hash": hash_settings(job.decisive()),
            "seed": getattr(job, "seed", None),
            "inputs": inputs_of(job, result.folder),
            "notes": list(result.notes),
            "warnings": list(result.warnings),
            "failures": list(result.failures),
            "cases": {
                outcome.case_id: {
                    "status": outcome.status.value,
                    "reason": outcome.reason,
                    "fingerprint": outcome.fingerprint,
                    "warnings": list(outcome.warnings),
                }
                for outcome in result.cases
            },
            **more,
        }
    )
    path = result.folder / STUDY_FILE
    write_json(path, record)
    return path


def inputs_of(job: Recorded, folder: Path) -> dict[str, dict[str, str]]:
    """Return the inputs of a job: setting -> path relative to ``folder``, and the SHA-256 of its content."""
    relative = relative_to(folder)
    return {
        name: {"path": relative(path), "sha256": hash_files([path])}
        for name, path in _leaves(plain_values(job, lambda path: path), "")
        if isinstance(path, Path) and path.exists()
    }


def _leaves(values: object, name: str) -> Iterator[tuple[str, object]]:
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _leaves(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list):
        for k, value in enumerate(values):
            yield from _leaves(value, f"{name}[{k}]")
    else:
        yield name, values


def write_job_file(job: Recorded, folder: Path) -> Path:
    """Write ``job.yaml``, with paths relative to its folder, so that ``peritumoral run`` repeats the job."""
    path = folder / JOB_FILE
    path.write_text(job_text(job, folder), encoding="utf-8")
    return path


def job_text(job: Recorded, folder: Path | None = None) -> str:
    """Return a job as YAML: the verb, then every setting.

    Args:
        job: what to write.
        folder: where the file will lie; paths are relative to it. None: paths as they are.
    """
    return yaml_text({"verb": job.verb, **job.to_dict(folder=folder)})


def read_job_file(path: Path | str) -> tuple[dict[str, Any], Path]:
    """Return the values of a job file, and the folder that its paths begin in.

    Raises:
        InputError: the file cannot be read, or is no job; one line, with the place where it is YAML's.
    """
    path = Path(path)
    path = path / JOB_FILE if path.is_dir() else path
    values = read_values(path, "job file")
    if not isinstance(values, dict) or not isinstance(values.get("verb"), str):
        raise InputError(f"job file {str(path)!r} names no verb; its first line is 'verb: extract', for example")
    return values, path.parent
