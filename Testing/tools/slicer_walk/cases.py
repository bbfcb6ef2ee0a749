"""What a walk works on: the sample case, a real patient, a second tumour."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import slicer.util

PATIENT = Path("sts") / "STS_023"
ROOT = Path(__file__).resolve().parents[3]


def load_sample_case() -> tuple[Any, Any]:
    """Put the sample case of the module into the scene; return volume and segmentation."""
    import PeritumoralRadiomics
    from PeritumoralSlicerLib.logic.sample_case import load_sample

    return load_sample(PeritumoralRadiomics._sampleScan)


def patient_folder() -> Path | None:
    """Return the folder of the real patient; None where the shared data are not."""
    shared = Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    return shared / PATIENT if (shared / PATIENT).is_dir() else None


def load_patient(folder: Path) -> tuple[Any, Any]:
    """Put the CT of a patient and its tumour into the scene; return volume and segmentation."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(folder / "CT.nii.gz"))
    mask = sitk.ReadImage(str(folder / "CT_tumour.nii.gz")) != 0
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    volume = slicer.util.addVolumeFromArray(sitk.GetArrayFromImage(image), np.diag([-1, -1, 1, 1]) @ matrix, "CT")
    volume.GetDisplayNode().AutoWindowLevelOff()
    volume.GetDisplayNode().SetWindowLevel(400, 40)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    tumour = segmentation.GetSegmentation().AddEmptySegment("Tumour", "Tumour", (0.9, 0.25, 0.25))
    slicer.util.updateSegmentBinaryLabelmapFromArray(sitk.GetArrayFromImage(mask), segmentation, tumour, volume)
    segmentation.GetDisplayNode().SetSegmentOpacity2DFill(tumour, 0.25)
    segmentation.GetDisplayNode().SetSliceIntersectionThickness(2)
    return volume, segmentation


def add_second_tumour(volume: Any, segmentation: Any, distance_mm: float = 5.0) -> str:
    """Draw a second tumour beside the first one, as a ball of half its width.

    Args:
        volume, segmentation: of the case, with the segment Tumour.
        distance_mm: between the two along the volume's first axis.

    Returns:
        The id of the segment.
    """
    first = voxels(segmentation, "Tumour", volume)
    spacing = np.array(volume.GetSpacing())[::-1]
    found = np.argwhere(first)
    low, high = found.min(axis=0), found.max(axis=0)
    radius = (high - low + 1)[2] * spacing[2] / 4
    centre = (low + high) / 2
    centre[2] = high[2] + (distance_mm + radius) / spacing[2]
    places = np.ogrid[tuple(slice(n) for n in first.shape)]
    squared = sum(((place - c) * mm) ** 2 for place, c, mm in zip(places, centre, spacing, strict=True))
    mask = (squared <= radius**2) & ~first
    segment = segmentation.GetSegmentation().AddEmptySegment("Second", "Second tumour", (0.8, 0.2, 0.6))
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, segment, volume)
    return segment


def voxels(segmentation: Any, segment: str, volume: Any) -> np.ndarray:
    """Return a segment on the grid of a volume, bool (k, j, i)."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment, volume) != 0


def segments_named(segmentation: Any, beginning: str) -> list[str]:
    """Return the ids of the segments whose ids begin so."""
    known = segmentation.GetSegmentation()
    ids = [known.GetNthSegmentID(number) for number in range(known.GetNumberOfSegments())]
    return [segment for segment in ids if segment.startswith(beginning)]
