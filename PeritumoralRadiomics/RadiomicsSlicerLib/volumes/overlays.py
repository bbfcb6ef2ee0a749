"""Coloured overlays: values of a region's voxels as a volume that lies voxel on voxel on the scan, with a legend."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer

from RadiomicsCoreLib.errors import RegionError
from RadiomicsCoreLib.images.geometry import IndexBox

from ..nodes import add_volume
from ..tables import keep_record, record_of

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
