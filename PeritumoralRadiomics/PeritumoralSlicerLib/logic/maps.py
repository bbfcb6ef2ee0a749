"""Maps of a feature as coloured overlays: a volume node that lies voxel on voxel on the scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer

from PeritumoralRadiomicsLib.maps.feature_maps import estimate_seconds, feature_map, map_features
from PeritumoralRadiomicsLib.maps.map_settings import map_image, map_setting, map_settings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox, whole_box
from RadiomicsCoreLib.jobs.cores import free_cores
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsSlicerLib.nodes import add_volume, volume_grid, volume_image
from RadiomicsSlicerLib.segments import find_segment, segment_mask, segment_name
from RadiomicsSlicerLib.tables import keep_record, record_of

COLOURS = "Radiomics map"
# From violet over orange to yellow: even steps to the eye, none of them a grey of the scan.
_STOPS = np.array(
    [
        [0.05, 0.03, 0.53],
        [0.42, 0.00, 0.66],
        [0.69, 0.16, 0.56],
        [0.88, 0.39, 0.38],
        [0.99, 0.65, 0.21],
        [0.94, 0.98, 0.13],
    ]
)
_COLOUR_COUNT = 256
_TITLE_FONT_SIZE, _LABEL_FONT_SIZE = 14, 12
_SHOWN_PERCENTILES = (1, 99)  # a few outliers would take all the contrast


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
    """Put a map that was computed into the scene. See :func:`put_map`."""
    return put_map(
        sitk.GetArrayFromImage(made),
        request.box,
        volumeNode,
        name=f"{request.feature} of {request.segment}",
        record=request.record(),
        sources={"segmentation": segmentationNode},
        mapNode=mapNode,
    )


def put_map(
    values: np.ndarray,
    box: IndexBox,
    volumeNode: Any,
    *,
    name: str,
    record: dict[str, Any],
    sources: dict[str, Any],
    mapNode: Any = None,
) -> Any:
    """Put the values of a map into the scene, coloured inside its region and transparent outside.

    Args:
        values: (k, j, i), NaN outside the region.
        box: where they lie on the volume's grid.
        volumeNode: the scan; the map follows the same parent transform.
        name: of a new node.
        record: how it was made, plain values; kept with the node.
        sources: role to node that it was made from; kept as references.
        mapNode: a map to replace, with its place in the views; None: a new one.

    Returns:
        A vtkMRMLScalarVolumeNode with a display node and a colour legend. Voxels outside the region hold a value
        below all others, which the display hides; it is ``record["outside"]``.

    Raises:
        RegionError: no voxel has a value.
    """
    inside = np.isfinite(values)
    if not inside.any():
        raise RegionError(f"{name} has no value at any voxel; choose another feature or a larger region")
    low, high = float(values[inside].min()), float(values[inside].max())
    shown = np.percentile(values[inside], _SHOWN_PERCENTILES)
    outside = float(np.float32(low - max(high - low, 1.0)))
    filled = np.where(inside, values, outside).astype(np.float32)
    node = add_volume(sitk.GetImageFromArray(filled), box, volumeNode, name, mapNode)
    _show(node, record.get("feature", name), (low, high), (float(shown[0]), float(shown[1])))
    keep_record(node, {**record, "outside": outside}, {"volume": volumeNode, **sources})
    return node


def map_values(mapNode: Any) -> np.ndarray:
    """Return the values of a map, (k, j, i), NaN outside its region."""
    values = slicer.util.arrayFromVolume(mapNode).astype(float)
    values[values == record_of(mapNode)["outside"]] = np.nan
    return values


def _show(node: Any, title: str, values: tuple[float, float], shown: tuple[float, float]) -> None:
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_colour_table().GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(shown[0], shown[1] if shown[1] > shown[0] else shown[0] + 1.0)
    display.SetInterpolate(False)  # a voxel's colour is its value
    display.AutoThresholdOff()
    # The hidden value lies far below: half a range of room keeps rounding to float32 from hiding the lowest voxel.
    room = max(values[1] - values[0], 1.0) / 2
    display.SetThreshold(values[0] - room, values[1] + room)
    display.ApplyThresholdOn()
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(node)
    legend.SetTitleText(title)
    legend.SetLabelFormat("%.3g")
    legend.GetTitleTextProperty().SetFontSize(_TITLE_FONT_SIZE)
    legend.GetLabelTextProperty().SetFontSize(_LABEL_FONT_SIZE)
    # Slicer's default is Courier, whose digits are wider than the title's letters of the same size.
    legend.GetLabelTextProperty().SetFontFamilyToArial()


def _colour_table() -> Any:
    """Return the colour table of all maps of this scene; it is saved with them."""
    found = slicer.mrmlScene.GetFirstNode(COLOURS, "vtkMRMLColorTableNode")
    if found is not None:
        return found
    places = np.linspace(0, len(_STOPS) - 1, _COLOUR_COUNT)
    channels = [np.interp(places, range(len(_STOPS)), _STOPS[:, n]) for n in range(3)]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", COLOURS)
    node.SetTypeToUser()
    node.SetNumberOfColors(_COLOUR_COUNT)
    for number, (red, green, blue) in enumerate(zip(*channels, strict=True)):
        node.SetColor(number, str(number), float(red), float(green), float(blue))
    return node
