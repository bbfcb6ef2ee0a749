"""In which unit an image's numbers are, by a stated rule: it decides bins, and what counts as air.

The rule, in order:

1. ``HU``: at least 1 % of the voxels lie below -50 and none above 32767. No MR or PET has so many negative values.
2. ``SUV``: nothing lies below -0.5, the highest 0.1 % begin below 200, and the phase is called PET (``pet``, ``pt``,
   ``suv``, ``fdg`` within its name).
3. otherwise the unit is unknown: MR, PET in Bq/ml, anything scaled by somebody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import numpy as np
import SimpleITK as sitk

_SHARE_BELOW = 0.01
_BELOW_HU = -50.0
_PET = re.compile(r"(?<![a-z])(pet|pt|suv|fdg)", re.IGNORECASE)
_MOST_VOXELS = 2_000_000


class IntensityUnit(StrEnum):
    """Unit of an image's numbers."""

    HU = "HU"
    SUV = "SUV"
    UNKNOWN = "unknown"


def unit_of(image: sitk.Image, phase: str = "") -> IntensityUnit:
    """Return the unit that an image's numbers are in.

    Args:
        image: 3D scalar image.
        phase: name of the phase, such as ``pet`` or ``fdg_pet``.

    Example:
        >>> unit_of(sitk.Image(8, 8, 8, sitk.sitkInt16) - 1000)
        <IntensityUnit.HU: 'HU'>
    """
    return unit_of_values(sitk.GetArrayViewFromImage(image), phase)


def unit_of_values(voxels: np.ndarray, phase: str = "") -> IntensityUnit:
    """Return the unit of an image's numbers, given as an array (k, j, i); see :func:`unit_of`."""
    values = _sample(voxels)
    if not values.size:
        return IntensityUnit.UNKNOWN
    if np.count_nonzero(values < _BELOW_HU) >= _SHARE_BELOW * values.size and values.max() <= 32767:
        return IntensityUnit.HU
    if _PET.search(phase) and values.min() >= -0.5 and np.quantile(values, 0.999) < 200:
        return IntensityUnit.SUV
    return IntensityUnit.UNKNOWN


def common_unit(units: Iterable[IntensityUnit]) -> IntensityUnit:
    """Return the unit that all of a phase's images share; unknown where they differ or there is none."""
    found = set(units)
    return found.pop() if len(found) == 1 else IntensityUnit.UNKNOWN


def _sample(values: np.ndarray) -> np.ndarray:
    """Every n-th voxel of a large image, so that the rule costs milliseconds; finite ones only."""
    step = max(1, round((values.size / _MOST_VOXELS) ** (1 / 3)))
    some = values[::step, ::step, ::step]
    return some[np.isfinite(some)] if values.dtype.kind == "f" else some.ravel()
