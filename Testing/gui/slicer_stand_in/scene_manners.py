"""What the application does to a scene, and ``slicer-core`` alone does not.

- Removing a model removes its display nodes, too.
- Removing a node that has no scene is a fault: the application prints errors.
- Saving replaces the labelmaps of segmentations by copies: another object with another MTime. (Loading makes new
  nodes by itself.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import slicer
from faults import Faults

_LABELMAP = "Binary labelmap"


@contextlib.contextmanager
def manners_of_the_application(scene: Any, faults: Faults) -> Iterator[None]:
    """Give a scene these manners, and take them away again."""
    plain_remove, plain_write = scene.RemoveNode, scene.WriteToMRB

    def remove(node: Any) -> None:
        if node is not None and node.GetScene() is None:
            faults.note(f"RemoveNode: {node.GetClassName()} {node.GetName()!r} has no scene")
            return
        displays = displays_of(node)
        plain_remove(node)
        for display in displays:
            if display.GetScene() is not None:
                plain_remove(display)

    def write(*given: Any) -> bool:
        done = plain_write(*given)
        replace_labelmaps(scene)
        return done

    # VTK's objects take attributes of their own, before those of their class.
    scene.RemoveNode, scene.WriteToMRB = remove, write
    try:
        yield
    finally:
        del scene.RemoveNode, scene.WriteToMRB


def displays_of(node: Any) -> list[Any]:
    """Return the display nodes that go with a node."""
    if node is None or not node.IsA("vtkMRMLModelNode"):
        return []
    return [node.GetNthDisplayNode(number) for number in range(node.GetNumberOfDisplayNodes())]


def replace_labelmaps(scene: Any) -> None:
    """Put a copy in place of every labelmap; segments that shared one share its copy."""
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")):
        segmentation = scene.GetNthNodeByClass(number, "vtkMRMLSegmentationNode").GetSegmentation()
        copies: dict[Any, Any] = {}
        for place in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(place)
            labelmap = segment.GetRepresentation(_LABELMAP)
            if labelmap is None:
                continue
            if labelmap not in copies:
                copies[labelmap] = slicer.vtkOrientedImageData()
                copies[labelmap].DeepCopy(labelmap)
            segment.AddRepresentation(_LABELMAP, copies[labelmap])
        if copies:
            segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)
