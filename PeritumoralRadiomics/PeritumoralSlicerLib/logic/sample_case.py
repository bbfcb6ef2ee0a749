"""A sample case in Slicer's Sample Data module that is made on this computer; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer
import slicer.util

from RadiomicsCoreLib.images.geometry import mask_box
from RadiomicsSlicerLib.layouts import look_at_segment, show_soft_tissue
from RadiomicsSlicerLib.segments import add_segment
from RadiomicsSlicerLib.volumes.images import add_image

CATEGORY = "Peritumoral Radiomics"
NAME = "PeritumoralSample"
_COLOURS = {"Tumour": (0.85, 0.30, 0.25), "Liver": (0.65, 0.50, 0.40)}

Scan = tuple[sitk.Image, Mapping[str, sitk.Image]]


def register_sample(thumbnail: Path, makeScan: Callable[[], Scan]) -> None:
    """Offer the sample case; called once Slicer has started.

    Args:
        thumbnail: a picture, about 260 x 280 pixels.
        makeScan: makes the image and its masks by name.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=NAME,
        thumbnailFileName=str(thumbnail),
        uris=[],
        fileNames=[],
        customDownloader=lambda source: load_sample(makeScan),
    )


def load_sample(makeScan: Callable[[], Scan]) -> tuple[Any, Any]:
    """Put the sample case into the scene.

    Returns:
        The volume and the segmentation.
    """
    image, masks = makeScan()
    volume = add_image(image, NAME)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{NAME} segmentation")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name, mask in masks.items():
        box = mask_box(mask)
        inside = sitk.GetArrayViewFromImage(mask)[box.slices] != 0
        colour = _COLOURS.get(name, (0.5, 0.5, 0.5))
        add_segment(segmentation, inside, box, volume, name=name, colour=colour, segment_id=name)
    display = segmentation.GetDisplayNode()
    display.SetOpacity2DFill(0.25)
    show_soft_tissue(volume)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    look_at_segment(segmentation, "Tumour", volume)
    return volume, segmentation
