"""Which voxels are air outside the patient, by a stated rule for CT, PET and other images.

A ring near the skin would take in air, whose intensities say nothing of a tumour's surroundings. Air is what is darker
than a threshold and reaches the edge of its slice through voxels that are dark too:

* CT (HU): below -500, after a median over 3 x 3 pixels. Lung reaches the edge of an image that was cut out of a larger
  one; air that reaches it is taken for lung, and kept, unless its median is below -930 HU (lung of an emphysema lies
  above, air outside at -1000).
* PET (SUV): below 0.1 after the same median: what is left of scatter outside the patient. Lung has 0.3 and more.
* other units (MR): below a tenth of the tumour's median.

The slices are looked at one by one, so that airways and bowel, which open to the outside at the ends of a stack of
slices only, stay inside the patient. Where more than a twentieth of the tumour itself would count as air, the rule does
not fit the image: nothing is cut, and a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.images.geometry import IndexBox

from ..settings.intensity_unit import IntensityUnit, unit_of

AIR_BELOW_HU = -500.0
OUTSIDE_BELOW_HU = -930.0
AIR_BELOW_SUV = 0.1
AIR_SHARE_OF_TUMOUR = 0.1
MOST_OF_TUMOUR = 0.05


@dataclass(frozen=True)
class OutsideAir:
    """Air outside the patient within a box.

    Attributes:
        air: bool (k, j, i) on the box.
        note: why the rule was not used; "" if it was.
    """

    air: np.ndarray
    note: str = ""


def outside_air(
    image: sitk.Image, tumour: np.ndarray, box: IndexBox, phase: str = "", unit: IntensityUnit | None = None
) -> OutsideAir:
    """Find the air outside the patient.

    Args:
        image: whole slices at least: air is told from lung by whether it reaches the edge of a slice.
        tumour: bool (k, j, i) on the box.
        box: part of the grid that is asked for.
        unit: of the image, where it is known already; None: it is told by the rule.
        phase: name of the phase; see :func:`~PeritumoralRadiomicsLib.settings.intensity_unit.unit_of`.

    Example:
        >>> values = np.full((3, 20, 20), -1000.0); values[:, 5:15, 5:15] = 40.0
        >>> tumour = np.zeros((3, 20, 20), bool); tumour[1, 9:11, 9:11] = True
        >>> found = outside_air(sitk.GetImageFromArray(values), tumour, IndexBox((0, 0, 0), (20, 20, 3)))
        >>> bool(found.air[1, 0, 0]), bool(found.air[1, 10, 10])
        (True, False)
    """
    unit = unit or unit_of(image, phase)
    i, j, k = box.slices[::-1]
    whole = sitk.GetArrayViewFromImage(image)
    inside = whole[box.slices][tumour]
    threshold = _threshold(unit, inside)
    if not (whole[box.slices] < threshold).any():  # the usual case: no dark voxel near the tumour
        return OutsideAir(np.zeros(tumour.shape, bool))
    air = np.zeros(tumour.shape, bool)
    for n, slice_index in enumerate(range(k.start, k.stop)):
        if (whole[slice_index, j, i] < threshold).any():
            air[n] = _outside_of_slice(whole[slice_index], threshold, unit)[j, i]
    if np.count_nonzero(air & tumour) > MOST_OF_TUMOUR * np.count_nonzero(tumour):
        share = np.count_nonzero(air & tumour) / np.count_nonzero(tumour)
        note = f"air outside the patient was not looked for: {share:.0%} of the tumour itself would be air by the rule"
        return OutsideAir(np.zeros(tumour.shape, bool), note)
    return OutsideAir(air & ~tumour)


def _threshold(unit: IntensityUnit, inside: np.ndarray) -> float:
    if unit is IntensityUnit.HU:
        return AIR_BELOW_HU
    if unit is IntensityUnit.SUV:
        return AIR_BELOW_SUV
    finite = inside[np.isfinite(inside)] if inside.dtype.kind == "f" else inside
    # Without a tumour above zero there is no scale to be dark on.
    return AIR_SHARE_OF_TUMOUR * max(0.0, float(np.median(finite))) if finite.size else 0.0


def _outside_of_slice(values: np.ndarray, threshold: float, unit: IntensityUnit) -> np.ndarray:
    """Dark pixels of one slice (j, i) that are connected to its edge."""
    slice_image = sitk.GetImageFromArray(np.nan_to_num(values.astype(np.float32), nan=threshold + 1))
    dark = sitk.Less(sitk.Median(slice_image, [1, 1]), float(threshold))
    pieces = sitk.GetArrayFromImage(sitk.ConnectedComponent(dark))
    at_edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    outside = [piece for piece in at_edge if piece and _is_outside(values[pieces == piece], unit)]
    # The median rounds off corners of the skin: a pixel that is not dark itself is the patient.
    return np.isin(pieces, outside) & (values < threshold)


def _is_outside(values: np.ndarray, unit: IntensityUnit) -> bool:
    return unit is not IntensityUnit.HU or bool(np.median(values) < OUTSIDE_BELOW_HU)
