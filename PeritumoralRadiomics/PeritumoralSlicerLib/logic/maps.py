"""Maps of a feature as coloured overlays: a volume node that lies voxel on voxel on the scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import SimpleITK as sitk

from PeritumoralRadiomicsLib.maps.feature_maps import estimate_seconds, feature_map, map_features
from PeritumoralRadiomicsLib.maps.map_settings import map_image, map_setting, map_settings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.geometry import IndexBox, whole_box
from RadiomicsCoreLib.jobs.cores import free_cores
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsSlicerLib.nodes import volume_grid, volume_image
from RadiomicsSlicerLib.segments import find_segment, segment_mask, segment_name
from RadiomicsSlicerLib.volumes.overlays import put_map


@dataclass(frozen=True, eq=False)
class MapRequest:
    """A map to make: what to compute, and where the result belongs.

    Attributes:
        image: the scan around the region.
        mask: the region on the same crop.
        feature: class and name, ``glcm_Contrast``.
        kernel_radius: voxels to each side of the neighbourhood's centre.
        setting: pyradiomics' setting names.
        box: where the crop lies on the volume's grid.
        segment: name of the segment.
        warnings: of reading the segment.
        note: what of the settings does not hold for a map; empty if all does.
        limits: lowest and highest intensity that the image keeps; None: all.
    """

    image: sitk.Image
    mask: sitk.Image
    feature: str
    kernel_radius: int
    setting: dict[str, Any]
    box: IndexBox
    segment: str
    warnings: tuple[str, ...]
    note: str = ""
    limits: tuple[float, float] | None = None

    def compute(self, progress: Progress = no_progress) -> sitk.Image:
        """Make the map. Raises as :func:`~PeritumoralRadiomicsLib.maps.feature_maps.feature_map`."""
        return feature_map(
            self.image,
            self.mask,
            self.feature,
            kernel_radius=self.kernel_radius,
            settings=self.setting,
            threads=free_cores(),
            progress=progress,
        )

    def seconds(self) -> float:
        """Estimate how long :meth:`compute` will take."""
        return estimate_seconds(
            self.image,
            self.mask,
            [self.feature],
            kernel_radius=self.kernel_radius,
            settings=self.setting,
            threads=free_cores(),
        )

    def record(self) -> dict[str, Any]:
        """Return what is kept with the map, plain values."""
        return {
            "kind": "map",
            "feature": self.feature,
            "kernel_radius": self.kernel_radius,
            "setting": self.setting,
            "segment": self.segment,
            "intensity_limits": self.limits,
            "note": self.note,
            "warnings": list(self.warnings),
        }


def request_map(
    volumeNode: Any,
    segmentationNode: Any,
    segment: str,
    feature: str,
    kernel_radius: int,
    settings: ExtractionSettings,
) -> MapRequest:
    """Gather what a map needs; the scene is not changed.

    Args:
        volumeNode: the scan.
        segmentationNode, segment: the region; a segment by id or name.
        feature: ``glcm_Contrast``; ``original_glcm_Contrast`` is the same.
        kernel_radius: voxels to each side of the neighbourhood's centre, >= 1.
        settings: see :func:`~PeritumoralRadiomicsLib.maps.map_settings.map_settings`.

    Raises:
        InputError: a missing node or segment, a feature that has no map, or settings with a window for each phase.
        RegionError, GeometryError: as :func:`~RadiomicsSlicerLib.segments.segment_mask`.
    """
    feature = feature.removeprefix("original_")
    if feature not in map_features():
        raise InputError(
            f"feature {feature!r} has no map; choose a first-order or texture feature of the original image, "
            "for example glcm_Contrast"
        )
    settings, note = map_settings(settings)
    grid = volume_grid(volumeNode)
    placed = segment_mask(segmentationNode, segment, volumeNode)
    box = grid.grown(placed.box, max(1, kernel_radius) * max(grid.spacing))
    return MapRequest(
        image=_prepared_image(volumeNode, box, settings),
        mask=placed.image(box),
        feature=feature,
        kernel_radius=kernel_radius,
        setting=map_setting(settings),
        box=box,
        segment=segment_name(segmentationNode, find_segment(segmentationNode, segment)),
        warnings=placed.warnings,
        note=note,
        limits=settings.intensity_limits(),
    )


def _prepared_image(volumeNode: Any, box: IndexBox, settings: ExtractionSettings) -> sitk.Image:
    """Return the scan in a box as the settings want its intensities."""
    if settings.setting.get("normalize"):  # by mean and deviation of the whole scan
        return map_image(volume_image(volumeNode), box, settings)
    image = volume_image(volumeNode, box)
    return map_image(image, whole_box(image), settings)


def put_requested_map(
    made: sitk.Image, request: MapRequest, volumeNode: Any, segmentationNode: Any, mapNode: Any = None
) -> Any:
    """Put a map that was computed into the scene. See :func:`~RadiomicsSlicerLib.volumes.overlays.put_map`."""
    return put_map(
        sitk.GetArrayFromImage(made),
        request.box,
        volumeNode,
        name=f"{request.feature} of {request.segment}",
        record=request.record(),
        sources={"segmentation": segmentationNode},
        mapNode=mapNode,
    )
