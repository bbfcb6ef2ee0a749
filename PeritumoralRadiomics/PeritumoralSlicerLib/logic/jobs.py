"""Extraction and maps in a process of their own: nodes to a job file, and its result's files back to nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.result_file import read_result
from PeritumoralRadiomicsLib.jobs.maps import MAP_FILE, MapsJob
from PeritumoralRadiomicsLib.jobs.measure import RESULT_FILE, MeasureJob
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.measure_settings import MeasureSettings
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.process import job_command
from RadiomicsCoreLib.jobs.record import JOB_FILE, write_job_file
from RadiomicsSlicerLib.nodes import required, volume_image

from .features import extraction_notes, feature_table, gather_regions, resolve_engine
from .maps import MapRequest, put_requested_map

_IMAGE_FILE, _OUT = "image.mha", "out"


@dataclass(frozen=True, eq=False)
class FolderJob:
    """A job on its way. It holds the nodes themselves: a new scene may give their ids to others.

    Attributes:
        folder: where it is.
        volumeNode, segmentationNode: what it was made from.
        notes: what is kept with a table of features.
        map: the map that it makes; None: it extracts features.
        failure: why its process failed, from its last line; "": it did not, or has not ended.
    """

    folder: Path
    volumeNode: Any
    segmentationNode: Any
    notes: Mapping[str, Any] = field(default_factory=dict)
    map: MapRequest | None = None
    failure: str = ""

    @property
    def out(self) -> Path:
        """The output folder of its process."""
        return self.folder / _OUT

    def command(self, python: str) -> list[str]:
        """Return the words that run it with an interpreter, for example Slicer's ``PythonSlicer``."""
        return job_command(python, self.folder / JOB_FILE, self.out)


def export_job(
    folder: Path | str,
    segmentationNode: Any,
    segments: str | Sequence[str] | None,
    volumeNode: Any,
    settings: ExtractionSettings,
    *,
    engine: str | None = None,
    union: bool = False,
) -> FolderJob:
    """Write volume, regions and settings to a folder; the scene is not changed.

    Raises:
        InputError: a missing node or segment, or a folder that cannot be written.
        RegionError, GeometryError: as :func:`~PeritumoralSlicerLib.logic.features.gather_regions`.
    """
    regions = gather_regions(segmentationNode, segments, volumeNode, union=union)
    files = {region.name: Path(folder) / f"region_{number}.mha" for number, region in enumerate(regions)}
    job = MeasureJob(
        image=Path(folder) / _IMAGE_FILE,
        regions=files,
        measure=MeasureSettings(full=settings),
        engine=resolve_engine(engine),
    )
    # Whole, and not a crop: normalisation and resampling grids depend on all of it.
    _write(Path(folder), job, volume_image(volumeNode), {files[region.name]: region.image() for region in regions})
    return FolderJob(Path(folder), volumeNode, segmentationNode, extraction_notes(regions, settings, volumeNode))


def export_map_job(
    folder: Path | str, request: MapRequest, volumeNode: Any, segmentationNode: Any, *, estimate_only: bool = False
) -> FolderJob:
    """Write a map that was asked for to a folder; the scene is not changed.

    Args:
        folder: made if it is not there.
        request: the map.
        volumeNode, segmentationNode: what it was asked of.
        estimate_only: only state how long the map will take.

    Raises:
        InputError: the folder cannot be written.
    """
    mask = Path(folder) / "region.mha"
    job = MapsJob(
        image=Path(folder) / _IMAGE_FILE,
        mask=mask,
        feature=request.feature,
        kernel_radius=request.kernel_radius,
        # The image is prepared already: what is left of the settings are those of the features.
        measure=MeasureSettings(full=ExtractionSettings(setting=request.setting)),
        estimate_only=estimate_only,
    )
    _write(Path(folder), job, request.image, {mask: request.mask})
    return FolderJob(Path(folder), volumeNode, segmentationNode, map=request)


def _write(folder: Path, job: Job, image: sitk.Image, masks: Mapping[Path, sitk.Image]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(image, str(folder / _IMAGE_FILE))
        for path, mask in masks.items():
            sitk.WriteImage(mask, str(path), useCompression=True)
        write_job_file(job, folder)
    except (OSError, RuntimeError):
        raise InputError(f"{folder} cannot be written; check free space and permissions of {folder.parent}") from None


def import_result(job: FolderJob, node: Any = None) -> Any:
    """Bring the result of a job that is done into the scene: a table of features, or a map.

    Args:
        job: from :func:`export_job` or :func:`export_map_job`.
        node: a table, or a map, to fill anew; None: a new one.

    Raises:
        InputError: the job was stopped, or its nodes were deleted or their scene closed meanwhile.
        RadiomicsError: the job failed; with its message.
    """
    required(job.volumeNode, "the volume")
    required(job.segmentationNode, "the segmentation")
    if node is not None:
        required(node, "the node for the result")
    if job.failure:
        raise RadiomicsError(job.failure)
    path = job.out / (RESULT_FILE if job.map is None else MAP_FILE)
    # The record is the last thing that a job writes.
    if not path.is_file() or not (job.out / JOB_FILE).is_file():
        raise InputError(f"{job.folder} has no result: the job was stopped or ended by force; run it again")
    if job.map is not None:
        made = sitk.ReadImage(str(path))
        return put_requested_map(made, job.map, job.volumeNode, job.segmentationNode, node)
    return feature_table(read_result(path), job.notes, job.volumeNode, job.segmentationNode, node)
