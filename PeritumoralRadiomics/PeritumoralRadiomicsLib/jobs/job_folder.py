"""An extraction or a feature map as a folder: written by one program, run by another, read back by the first.

3D Slicer keeps its window alive this way: it writes the folder, starts its own Python on it in a process that can
be ended at any time, and reads the result when that process is done. The folder holds ``job.json``, the image
(whole for an extraction: normalisation and resampling grids depend on all of it), one mask a region, and then
``result.json``.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from RadiomicsCoreLib.errors import Cancelled, InputError, RadiomicsError
from RadiomicsCoreLib.files.tables import read_json, write_json
from RadiomicsCoreLib.progress import Progress, no_progress

from ..engines.extraction import ExtractionResult, ImageGeometry, extract_features
from ..engines.missing_packages import explained_missing_packages
from ..maps.feature_maps import feature_map
from ..settings.extraction_settings import ExtractionSettings

EXIT_DONE, EXIT_FAILED, EXIT_CANCELLED = 0, 1, 130
JOB_FILE, RESULT_FILE, CANCEL_FILE = "job.json", "result.json", "cancel"
_IMAGE_FILE, _MAP_FILE = "image.mha", "map.mha"
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from PeritumoralRadiomicsLib.jobs.job_folder import main; sys.exit(main(sys.argv[1:]))"
)


class JobKind(StrEnum):
    """What a folder asks for."""

    FEATURES = "features"
    MAP = "map"


def write_job(
    folder: Path | str,
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    settings: ExtractionSettings,
    engine: str,
    *,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write an extraction that :func:`run_job` can do.

    Args:
        folder: made if it is not there; files of an earlier job in it are replaced.
        image, regions, settings, engine: as in :func:`~PeritumoralRadiomicsLib.engines.extraction.extract_features`.
        notes: plain values to keep with the job, for the program that reads the result.

    Raises:
        InputError: the folder cannot be written.
    """
    asked = {"settings": settings.to_dict(), "engine": engine}
    _write(Path(folder), JobKind.FEATURES, image, regions, asked, notes)


def write_map_job(
    folder: Path | str,
    image: sitk.Image,
    region_mask: sitk.Image,
    feature_name: str,
    *,
    kernel_radius: int,
    setting: Mapping[str, Any],
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a feature map that :func:`run_job` can make.

    Args:
        folder, notes: as in :func:`write_job`.
        image, region_mask, feature_name, kernel_radius, setting: as in
            :func:`~PeritumoralRadiomicsLib.maps.feature_maps.feature_map`.

    Raises:
        InputError: the folder cannot be written.
    """
    asked = {"feature": feature_name, "kernel_radius": kernel_radius, "setting": dict(setting)}
    _write(Path(folder), JobKind.MAP, image, {"region": region_mask}, asked, notes)


def _write(
    folder: Path,
    kind: JobKind,
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    asked: Mapping[str, Any],
    notes: Mapping[str, Any] | None,
) -> None:
    files = {name: f"region_{number}.mha" for number, name in enumerate(regions)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in (RESULT_FILE, CANCEL_FILE, _MAP_FILE):
            (folder / stale).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}; choose another folder") from None
    _write_image(image, folder / _IMAGE_FILE, compress=False)
    for name, file in files.items():
        _write_image(regions[name], folder / file, compress=True)
    write_json(folder / JOB_FILE, {"kind": kind, "regions": files, **asked, "notes": notes or {}})


def run_job(folder: Path | str, progress: Progress = no_progress) -> None:
    """Do the work that a folder asks for and write its result, or its error, there.

    Args:
        folder: from :func:`write_job` or :func:`write_map_job`.
        progress: called as the work goes on. A file ``cancel`` in the folder stops it too.

    Raises:
        RadiomicsError: as of the extraction; the message is in the folder as well.
        Cancelled: stopped; there is no result.
    """
    folder = Path(folder)
    job = read_json(folder / JOB_FILE)

    def report(fraction: float, message: str) -> None:
        if (folder / CANCEL_FILE).exists():
            raise Cancelled("stopped; nothing was kept")
        progress(fraction, message)

    try:
        report(0.0, "reading the image")
        image = sitk.ReadImage(str(folder / _IMAGE_FILE))
        regions = {name: sitk.ReadImage(str(folder / file)) for name, file in job["regions"].items()}
        with explained_missing_packages("these settings"):
            result = _RUNNERS[JobKind(job["kind"])](folder, job, image, regions, report)
    except RadiomicsError as error:
        write_json(folder / RESULT_FILE, {"error": str(error)})
        raise
    write_json(folder / RESULT_FILE, result)


def _run_features(
    folder: Path, job: Mapping[str, Any], image: sitk.Image, regions: dict[str, sitk.Image], progress: Progress
) -> dict[str, Any]:
    settings = ExtractionSettings.from_dict(job["settings"])
    found = extract_features(image, regions, settings, engine=job["engine"], threads=free_cores(), progress=progress)
    return asdict(found)


def _run_map(
    folder: Path, job: Mapping[str, Any], image: sitk.Image, regions: dict[str, sitk.Image], progress: Progress
) -> dict[str, Any]:
    (mask,) = regions.values()
    made = feature_map(
        image,
        mask,
        job["feature"],
        kernel_radius=job["kernel_radius"],
        settings=job["setting"],
        threads=free_cores(),
        progress=progress,
    )
    _write_image(made, folder / _MAP_FILE, compress=False)
    return {"map": _MAP_FILE}


_RUNNERS: dict[JobKind, Callable[..., dict[str, Any]]] = {
    JobKind.FEATURES: _run_features,
    JobKind.MAP: _run_map,
}


def free_cores() -> int:
    """Return how many cores a job may use: one stays free for the window."""
    return max(1, (os.cpu_count() or 2) - 1)


def read_result(folder: Path | str) -> ExtractionResult:
    """Return the result of an extraction that is done, every number as it was computed.

    Raises:
        RadiomicsError: the job failed; with its message.
        InputError: the job was not done, or ended by force.
    """
    values = _result(Path(folder))
    geometry = values.pop("geometry")
    values["features"] = {region: _with_nan(row) for region, row in values["features"].items()}
    values["warnings"] = tuple(values["warnings"])
    return ExtractionResult(**values, geometry=_geometry(geometry))


def read_map(folder: Path | str) -> sitk.Image:
    """Return the feature map of a job that is done. Raises as :func:`read_result`."""
    return sitk.ReadImage(str(Path(folder) / _result(Path(folder))["map"]))


def _result(folder: Path) -> dict[str, Any]:
    path = folder / RESULT_FILE
    if not path.exists():
        raise InputError(f"{folder} has no result: the job was stopped or ended by force; run it again")
    values = read_json(path)
    if "error" in values:
        raise RadiomicsError(values["error"])
    return values


def read_notes(folder: Path | str) -> dict[str, Any]:
    """Return the notes that were kept with a job. Raises InputError if there is no job."""
    return read_json(Path(folder) / JOB_FILE)["notes"]


def cancel_job(folder: Path | str) -> None:
    """Ask a running job to stop at its next step."""
    (Path(folder) / CANCEL_FILE).touch()


def job_command(python: str, folder: Path | str) -> list[str]:
    """Return the words that start another Python on a job; it needs no path settings of its own.

    Args:
        python: the interpreter, ``PythonSlicer`` in 3D Slicer.
        folder: from :func:`write_job`.
    """
    return [python, "-c", _START, str(Path(__file__).resolve().parents[1]), str(folder)]


def read_progress(line: str) -> tuple[float, str] | None:
    """Return fraction and message of a line that a job process wrote; None for any other line.

    Example:
        >>> read_progress('{"fraction": 0.5, "message": "half"}')
        (0.5, 'half')
    """
    if not line.startswith('{"fraction"'):
        return None
    try:
        values = json.loads(line)
        return float(values["fraction"]), str(values["message"])
    except (ValueError, KeyError, TypeError):
        return None


def main(argv: Sequence[str]) -> int:
    """Run the job in a folder; progress goes to standard output as lines for :func:`read_progress`.

    Args:
        argv: the folder.

    Returns:
        0 done, 1 failed (the reason is one line on standard error), 130 stopped.
    """
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(free_cores())
    try:
        run_job(argv[0], _print_progress)
    except Cancelled as stop:
        sys.stderr.write(f"{stop}\n")
        return EXIT_CANCELLED
    except RadiomicsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED
    return EXIT_DONE


def _print_progress(fraction: float, message: str) -> None:
    sys.stdout.write(json.dumps({"fraction": round(fraction, 4), "message": message}) + "\n")
    sys.stdout.flush()


def _write_image(image: sitk.Image, path: Path, *, compress: bool) -> None:
    try:
        sitk.WriteImage(image, str(path), useCompression=compress)
    except RuntimeError:
        raise InputError(f"{path} cannot be written; check free space and permissions of {path.parent}") from None


def _with_nan(row: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in row.items()}


def _geometry(values: Mapping[str, Any] | None) -> ImageGeometry | None:
    if values is None:
        return None
    grid = {name: tuple(values[name]) for name in ("size", "spacing", "origin", "direction")}
    return ImageGeometry(**grid, pixel_type=values["pixel_type"])
