"""Maps of a feature as coloured overlays: a volume node that lies voxel on voxel on the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer

from RadiomicsCoreLib.errors import RegionError
from RadiomicsCoreLib.geometry import IndexBox

from .nodes import add_volume
from .tables import keep_record, record_of

COLOURS = "vtkMRMLColorTableNodeIron"


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
    outside = float(np.float32(low - max(high - low, 1.0)))
    filled = np.where(inside, values, outside).astype(np.float32)
    node = add_volume(sitk.GetImageFromArray(filled), box, volumeNode, name, mapNode)
    _show(node, low, high)
    keep_record(node, {**record, "kind": "map", "outside": outside}, {"volume": volumeNode, **sources})
    return node


def map_values(mapNode: Any) -> np.ndarray:
    """Return the values of a map, (k, j, i), NaN outside its region."""
    values = slicer.util.arrayFromVolume(mapNode).astype(float)
    values[values == record_of(mapNode)["outside"]] = np.nan
    return values


def _show(node: Any, low: float, high: float) -> None:
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(COLOURS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high if high > low else low + 1.0)
    display.SetInterpolate(False)  # a voxel's colour is its value
    display.AutoThresholdOff()
    # The hidden value lies far below: half a range of room keeps rounding to float32 from hiding the lowest voxel.
    display.SetThreshold(low - max(high - low, 1.0) / 2, high + max(high - low, 1.0) / 2)
    display.ApplyThresholdOn()
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(node)
    legend.SetTitleText(node.GetName())
    legend.SetLabelFormat("%.3g")
