"""Regions as one DICOM SEG: a segment each; rings may overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.ring_palette import TUMOUR_COLOUR, Colour, ring_palette

from ..regions.kinds import TUMOUR
from .source import MAKER, SCHEME, SourceScan, short_code

if TYPE_CHECKING:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.sr.coding import Code

SERIES_NUMBER = 8100


def make_segmentation(scan: SourceScan, masks: Mapping[str, sitk.Image]) -> Segmentation:
    """Return regions as a DICOM SEG object of the scan's study.

    Args:
        scan: what they were drawn on.
        masks: by region name, on the scan's grid, 1 inside.

    Raises:
        InputError: no region holds a voxel.

    Reference:
        DICOM PS3.3 A.51 (Segmentation IOD); codes of SNOMED CT, rings under our own scheme.
    """
    import highdicom as hd
    from pydicom.uid import generate_uid

    arrays = {name: sitk.GetArrayViewFromImage(mask).astype(np.uint8) for name, mask in masks.items()}
    inside = {name: array for name, array in arrays.items() if array.any()}
    if not inside:
        raise InputError("no region holds a voxel; there is nothing to write")
    colours = ring_palette(name for name in inside if name != TUMOUR) | {TUMOUR: TUMOUR_COLOUR}
    return hd.seg.Segmentation(
        source_images=list(scan.headers),
        pixel_array=np.stack(list(inside.values()), axis=-1),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, name, colours[name]) for number, name in enumerate(inside, start=1)],
        series_instance_uid=generate_uid(),
        series_number=SERIES_NUMBER,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        series_description="Tumour and peritumoral rings",
        content_label="REGIONS",
        **scan.label_of_maker,
    )


def _description(number: int, name: str, colour: Colour) -> SegmentDescription:
    import highdicom as hd
    from highdicom.color import CIELabColor
    from pydicom.sr.coding import Code

    tumour = name == TUMOUR
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=Code("49755003", "SCT", "Morphologically Abnormal Structure"),
        segmented_property_type=region_code(name),
        algorithm_type="MANUAL" if tumour else "AUTOMATIC",
        algorithm_identification=None if tumour else _algorithm(),
        tracking_uid=hd.UID(),
        tracking_id=name[:64],
        display_color=CIELabColor(*_lab(colour)),
    )


def region_code(name: str) -> Code:
    """Return the code of what a region is: a neoplasm, or a region of our own scheme."""
    from pydicom.sr.coding import Code

    if name == TUMOUR:
        return Code("108369006", "SCT", "Neoplasm")
    return Code(short_code(name), SCHEME, f"Peritumoral region {name}"[:64])


def _algorithm() -> AlgorithmIdentificationSequence:
    import highdicom as hd
    from pydicom.sr.coding import Code

    family = Code("123104", "DCM", "Morphological Operations")
    return hd.AlgorithmIdentificationSequence(name=MAKER, family=family, version=__version__)


def _lab(colour: Colour) -> tuple[float, float, float]:
    from skimage.color import rgb2lab

    lightness, a, b = rgb2lab(np.array(colour, float).reshape(1, 1, 3))[0, 0]
    return float(lightness), float(a), float(b)
