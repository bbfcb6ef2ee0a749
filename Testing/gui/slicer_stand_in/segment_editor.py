"""``slicer.modules.segmenteditor``: an empty panel, and an editor that remembers what it was given and can paint.

It paints as Slicer's does: in its mode at the start, the voxels that one segment gains, all other segments lose.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pythonqt
import slicer
import slicer.util
from PySide6 import QtWidgets
from scipy import ndimage

_SINGLETON = "SegmentEditor"


class SegmentEditor:
    """The module's panel and its editor.

    Attributes:
        panel: the widget that ``widgetRepresentation`` returns.
        given: volume, segmentation and segment that were chosen.
    """

    def __init__(self) -> None:
        self.panel = pythonqt.mannered(QtWidgets.QWidget)()
        QtWidgets.QVBoxLayout(self.panel)
        self.given: dict[str, Any] = {}
        self._effect: Any = None
        self._module_widget = types.SimpleNamespace(editor=self)
        self.panel.self = lambda: self._module_widget

    def widgetRepresentation(self) -> Any:
        return self.panel

    def selectParameterNode(self) -> None:
        """Make the node that holds the editor's settings; Slicer does so when the module opens."""
        node = slicer.mrmlScene.GetSingletonNode(_SINGLETON, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(_SINGLETON)
            node = slicer.mrmlScene.AddNode(node)
        self._module_widget.parameterSetNode = node

    def mrmlSegmentEditorNode(self) -> Any:
        return slicer.mrmlScene.GetSingletonNode(_SINGLETON, "vtkMRMLSegmentEditorNode")

    def setSegmentationNode(self, node: Any) -> None:
        self.given["segmentation"] = node

    def setSourceVolumeNode(self, node: Any) -> None:
        self.given["volume"] = node

    def setCurrentSegmentID(self, segment: str) -> None:
        self.given["segment"] = segment

    def setActiveEffectByName(self, name: str) -> None:
        self._effect = Margin(self) if name == "Margin" else None

    def activeEffect(self) -> Any:
        return self._effect

    def paint(self, mask: np.ndarray) -> None:
        """Add voxels (k, j, i) of the volume to the chosen segment, in the editor's mode."""
        node, volume, segment = (self.given[name] for name in ("segmentation", "volume", "segment"))
        mode = self.mrmlSegmentEditorNode().GetOverwriteMode()
        for other in list(node.GetSegmentation().GetSegmentIDs()):
            if other != segment and _loses(mode, node, other):
                kept = slicer.util.arrayFromSegmentBinaryLabelmap(node, other, volume) & ~mask.astype(bool)
                slicer.util.updateSegmentBinaryLabelmapFromArray(kept.astype(np.uint8), node, other, volume)
        grown = (slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume) != 0) | mask.astype(bool)
        slicer.util.updateSegmentBinaryLabelmapFromArray(grown.astype(np.uint8), node, segment, volume)


class Margin:
    """The effect that grows the chosen segment."""

    def __init__(self, editor: SegmentEditor) -> None:
        self._editor = editor
        self._margin_mm = 3.0

    def setParameter(self, name: str, value: float) -> None:
        if name != "MarginSizeMm":
            raise ValueError(f"this stand-in has no parameter {name}")
        self._margin_mm = float(value)

    def self(self) -> Any:
        return self

    def onApply(self) -> None:
        node, volume, segment = (self._editor.given[name] for name in ("segmentation", "volume", "segment"))
        inside = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, volume) != 0
        distance = ndimage.distance_transform_edt(~inside, sampling=volume.GetSpacing()[::-1])
        self._editor.paint(distance <= self._margin_mm)


def _loses(mode: int, segmentationNode: Any, segment: str) -> bool:
    modes = slicer.vtkMRMLSegmentEditorNode
    if mode == modes.OverwriteVisibleSegments:
        return bool(segmentationNode.GetDisplayNode().GetSegmentVisibility(segment))
    return mode == modes.OverwriteAllSegments
