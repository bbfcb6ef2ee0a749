"""Which voxels of a region count (resegmentation) and whether they are enough to compute features of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import RegionError


def check_region(inside: np.ndarray, setting: Mapping[str, Any], min_voxels: int) -> None:
    """Check pyradiomics' demands on a region (``minimumROIDimensions``, ``minimumROISize``) and our own.

    Args:
        inside: bool (k, j, i), True in the region.
        setting: pyradiomics' settings.
        min_voxels: least number of voxels.

    Raises:
        RegionError: the region has no voxel, one voxel, too few voxels or too few dimensions.
    """
    count = int(np.count_nonzero(inside))
    if count == 0:
        raise RegionError("the region has no voxel on the preprocessed grid")
    if count < min_voxels:
        raise RegionError(f"{_voxels(count)}, fewer than min_voxels {min_voxels}")
    least = setting.get("minimumROISize")
    if least is not None and count <= least:  # pyradiomics refuses the minimum itself too
        raise RegionError(f"{_voxels(count)}, not more than minimumROISize {least}")
    extents = [np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    dimensions = sum(int(hits[-1] > hits[0]) for hits in extents)
    wanted = max(1, setting.get("minimumROIDimensions", 2))
    if dimensions < wanted:
        raise RegionError(f"the region extends in {dimensions} dimensions, minimumROIDimensions is {wanted}")


def resegment(values: np.ndarray, inside: np.ndarray, setting: Mapping[str, Any]) -> np.ndarray:
    """Return the voxels of a region whose intensities lie in ``resegmentRange``, limits included.

    Args:
        values: preprocessed intensities (k, j, i).
        inside: bool (k, j, i).
        setting: ``resegmentRange`` (one lower or two limits; None: all voxels) and ``resegmentMode``:
            ``absolute`` intensities, ``relative`` to the region's maximum, or ``sigma`` from its mean.

    Raises:
        RegionError: one voxel or none is left.
    """
    limits = setting.get("resegmentRange")
    if limits is None:
        return inside
    region = values[inside]
    limits = sorted(limits)
    mode = setting.get("resegmentMode", "absolute")
    if mode == "relative":
        limits = [np.max(region) * limit for limit in limits]
    elif mode == "sigma":
        limits = [np.mean(region) + np.std(region) * limit for limit in limits]
    keep = region >= limits[0]
    if len(limits) == 2:
        keep &= region <= limits[1]
    if np.count_nonzero(keep) <= 1:
        raise RegionError(
            f"resegmentRange {setting['resegmentRange']} ({mode}) leaves {np.count_nonzero(keep)} "
            f"of {region.size} voxels"
        )
    kept = inside.copy()
    kept[inside] = keep
    return kept


def _voxels(count: int) -> str:
    return f"the region has {count} voxel{'' if count == 1 else 's'}"
