"""To the Segment Editor and back."""

from __future__ import annotations

import contextlib
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from .nodes import volume_grid

TUMOUR_NAME = "Tumour"
_BUTTON = "PeritumoralRadiomicsBackButton"
_EDITOR = "SegmentEditor"  # the singleton tag that Slicer's module of that name looks for
_SHOWN: list[Any] = []


def drawing_place(volumeNode: Any, segmentationNode: Any, tumourSegment: str) -> tuple[Any, str]:
    """Return a segmentation and a segment to draw into, made where there is none.

    Raises:
        InputError: no volume, or one without voxels; nothing was made.
    """
    volume_grid(volumeNode)
    if segmentationNode is None:
        name = slicer.mrmlScene.GenerateUniqueName(f"{volumeNode.GetName()} segmentation")
        segmentationNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
        segmentationNode.CreateDefaultDisplayNodes()
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        segmentationNode.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    segmentation = segmentationNode.GetSegmentation()
    if not tumourSegment or segmentation.GetSegment(tumourSegment) is None:
        tumourSegment = segmentation.AddEmptySegment("", TUMOUR_NAME)
    return segmentationNode, tumourSegment


def open_segment_editor(volumeNode: Any, segmentationNode: Any, segment: str, back: str) -> bool:
    """Open the Segment Editor on a segment, with a button that leads back.

    Args:
        volumeNode, segmentationNode, segment: what to draw on and into.
        back: name of the module to come back to.

    Returns:
        Whether it is open; False without a main window.
    """
    if slicer.util.mainWindow() is None:
        return False
    slicer.util.selectModule("SegmentEditor")
    widget = slicer.modules.segmenteditor.widgetRepresentation()
    editor = widget.self().editor
    let_segments_overlap()
    editor.setSegmentationNode(segmentationNode)
    editor.setSourceVolumeNode(volumeNode)
    editor.setCurrentSegmentID(segment)
    _put_back_button(widget, back)
    return True


def let_segments_overlap() -> None:
    """Let the Segment Editor leave all other segments as they are when one is drawn.

    By default it erases from them what is painted, and rings lie on top of each other: painting one would cut the
    others. The user sees the choice as "Modify other segments: Allow overlap".
    """
    node = slicer.mrmlScene.GetSingletonNode(_EDITOR, "vtkMRMLSegmentEditorNode")
    if node is None:  # the editor was never opened; it takes this one then
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(_EDITOR)
        node = slicer.mrmlScene.AddNode(node)
    node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)


def remove_back_button() -> None:
    """Take the button away again, whichever way the user came back.

    The Segment Editor's panel is not asked for: asking would build it, each time that our module opens first.
    """
    while _SHOWN:
        button = _SHOWN.pop()
        with contextlib.suppress(RuntimeError, ValueError):  # Qt has taken it along with its window
            button.hide()
            button.deleteLater()


def _put_back_button(widget: Any, back: str) -> None:
    import qt

    remove_back_button()
    button = qt.QPushButton(_("Done: back to Peritumoral Radiomics"))
    button.name = _BUTTON
    button.toolTip = _("The segment is kept as it is drawn.")
    button.connect("clicked(bool)", lambda *_: slicer.util.selectModule(back))
    widget.layout().insertWidget(0, button)
    _SHOWN.append(button)
