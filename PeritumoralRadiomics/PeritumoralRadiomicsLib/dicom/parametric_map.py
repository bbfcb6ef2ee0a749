"""A feature map as a DICOM Parametric Map of 32 or 64 bit numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError

from .measurements import feature_code
from .source import SourceScan

if TYPE_CHECKING:
    from highdicom.pm import ParametricMap

SERIES_NUMBER = 8200


def make_parametric_map(scan: SourceScan, values: sitk.Image, feature: str, number: int = 0) -> ParametricMap:
    """Return a map of a feature as a DICOM object of the scan's study.

    Args:
        scan: what it was computed from.
        values: one number a voxel, on the scan's grid; NaN where there is none.
        feature: its name.
        number: of the map among those of the study; it goes into the series number.

    Raises:
        InputError: no voxel has a value.

    Reference:
        DICOM PS3.3 A.75 (Parametric Map IOD).
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    array = sitk.GetArrayFromImage(values).astype(np.float64)
    known = array[np.isfinite(array)]
    if not known.size:
        raise InputError(f"the map {feature!r} has no value; there is nothing to write")
    low, high = float(known.min()), float(known.max())
    mapping = hd.pm.RealWorldValueMapping(
        lut_label="feature",
        lut_explanation=feature[:64],
        unit=codes.UCUM.NoUnits,
        value_range=(low, high),
        slope=1.0,
        intercept=0.0,
        quantity_definition=feature_code(feature),
    )
    return hd.pm.ParametricMap(
        source_images=list(scan.headers),
        pixel_array=array,
        series_instance_uid=hd.UID(),
        series_number=SERIES_NUMBER + number,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[hd.VOILUTTransformation((low + high) / 2, max(high - low, 1e-6))],
        series_description=f"Map of {feature}"[:64],
        content_label="FEATURE_MAP",
        **scan.label_of_maker,
    )
