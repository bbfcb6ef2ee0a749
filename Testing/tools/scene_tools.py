"""What the tests on Slicer's scene share; needs a scene (``slicer_core_app.bring_up``)."""

from __future__ import annotations

from typing import Any

import numpy as np


def draw_segment(case: Any, name: str, mask: np.ndarray) -> str:
    """Add a mask (k, j, i) on the grid of ``case.volume`` as a segment of ``case.segmentation``; its id is its name.

    It is drawn the way Slicer's own utilities do.
    """
    import slicer

    segment = case.segmentation.GetSegmentation().AddEmptySegment(name, name)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), case.segmentation, segment, case.volume)
    return segment


def scene_as_text() -> str:
    """Return what would be saved of the scene, with all segments' voxels, to tell whether anything changed."""
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    slicer.mrmlScene.SetSaveToXMLString(1)
    slicer.mrmlScene.Commit()
    slicer.mrmlScene.SetSaveToXMLString(0)  # or no file would be written any more
    parts = [slicer.mrmlScene.GetSceneXMLString()]
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        segmentation = node.GetSegmentation()
        parts.append(segmentation.GetSourceRepresentationName())
        for number in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(number)
            labelmap = segment.GetRepresentation("Binary labelmap")
            parts.append(f"{segment.GetName()} {segment.GetLabelValue()}")
            if labelmap is not None and not labelmap.IsEmpty():
                scalars = vtk_to_numpy(labelmap.GetPointData().GetScalars())
                parts.append(f"{labelmap.GetExtent()} {hash(scalars.tobytes())}")
    return "\n".join(parts)
