"""Extraction and maps in a process of their own: nodes to a job folder, and its result back to nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PeritumoralRadiomicsLib.jobs.job_folder import (
    job_command,
    read_map,
    read_notes,
    read_result,
    write_job,
    write_map_job,
)
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsSlicerLib.nodes import required, volume_image

from .features import extraction_notes, feature_table, gather_regions, resolve_engine
from .maps import MapRequest, put_requested_map


@dataclass(frozen=True, eq=False)
class FolderJob:
    """A job on its way. It holds the nodes themselves: a new scene may give their ids to others.

    Attributes:
        folder: where it is.
        volumeNode, segmentationNode: what it was made from.
        map: the map that it makes; None: it extracts features.
    """

    folder: Path
    volumeNode: Any
    segmentationNode: Any
    map: MapRequest | None = None

    def command(self, python: str) -> list[str]:
        """Return the words that run it with an interpreter, for example Slicer's ``PythonSlicer``."""
        return job_command(python, self.folder)


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
    write_job(
        folder,
        volume_image(volumeNode),
        {region.name: region.image() for region in regions},
        settings,
        resolve_engine(engine),
        notes=extraction_notes(regions, settings, volumeNode),
    )
    return FolderJob(Path(folder), volumeNode, segmentationNode)


def export_map_job(folder: Path | str, request: MapRequest, volumeNode: Any, segmentationNode: Any) -> FolderJob:
    """Write a map that was asked for to a folder; the scene is not changed.

    Raises:
        InputError: the folder cannot be written.
    """
    write_map_job(
        folder,
        request.image,
        request.mask,
        request.feature,
        kernel_radius=request.kernel_radius,
        setting=request.setting,
        notes=request.record(),
    )
    return FolderJob(Path(folder), volumeNode, segmentationNode, request)


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
    if job.map is not None:
        return put_requested_map(read_map(job.folder), job.map, job.volumeNode, job.segmentationNode, node)
    result, notes = read_result(job.folder), read_notes(job.folder)
    return feature_table(result, notes, job.volumeNode, job.segmentationNode, node)
