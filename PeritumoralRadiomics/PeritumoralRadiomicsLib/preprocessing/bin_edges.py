"""Edges of the grey-level bins: pyradiomics' own of one region, or one set shared by all regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import RegionError

MAX_GREY_LEVELS = 2048
"""More levels than this would need gigabytes for the co-occurrence matrices (13 directions, levels squared)."""


FEW_LEVELS = 8
"""Textures of fewer levels are warned of: of 8 levels a co-occurrence matrix has 36 different entries. pyradiomics'
documentation recommends 16 to 128."""


def few_levels_warning(levels: Mapping[str, int], setting: Mapping[str, Any]) -> str:
    """Say that some regions' textures rest on too few grey levels.

    Args:
        levels: region to its levels, of those that have too few; at least one.
        setting: as in :func:`bin_edges`.

    Example:
        >>> few_levels_warning({"intratumour": 1, "ring_0_3mm": 2}, {"binWidth": 25})
        'few grey levels at binWidth 25 (intratumour 1, ring_0_3mm 2): textures say little; choose a smaller binWidth'
    """
    count = setting.get("binCount")
    how = f"binWidth {setting.get('binWidth', 25):g}" if count is None else f"binCount {count}"
    remedy = "a smaller binWidth" if count is None else "a larger binCount"
    listed = ", ".join(f"{region} {number}" for region, number in levels.items())
    return f"few grey levels at {how} ({listed}): textures say little; choose {remedy}"


def bin_edges(lowest: np.generic, highest: np.generic, setting: Mapping[str, Any]) -> np.ndarray:
    """Return pyradiomics' bin edges for intensities from ``lowest`` to ``highest``.

    With ``binWidth`` W (default 25) the edges are multiples of W, half-open, the last bin above ``highest``.
    With ``binCount`` N the range is cut into N equal bins and the last edge is raised by 1.
    The arithmetic is that of ``radiomics.imageoperations.getBinEdges``, in the type of ``lowest``.

    Args:
        lowest, highest: numpy scalars, in the image's unit and type.
        setting: ``binWidth`` or ``binCount``, as in pyradiomics.

    Returns:
        Ascending edges, shape (bins + 1,).

    Raises:
        RegionError: the bins are too small: more than ``MAX_GREY_LEVELS``.

    Example:
        >>> [int(edge) for edge in bin_edges(np.float64(54), np.float64(166), {"binWidth": 25})]
        [50, 75, 100, 125, 150, 175, 200]
    """
    count = setting.get("binCount")
    if count is not None:
        _check_count(count, "binCount", count, lowest, highest)
        edges = np.histogram_bin_edges(np.array([lowest, highest]), count).astype(float)
        edges[-1] += 1
        return edges
    width = setting.get("binWidth", 25)
    _check_count((float(highest) - float(lowest)) / width, "binWidth", width, lowest, highest)
    edges = np.arange(lowest - (lowest % width), highest + 2 * width, width)
    if len(edges) == 1:
        return np.array([edges[0] - 0.5, edges[0] + 0.5])
    return edges


def region_bin_edges(values: np.ndarray, setting: Mapping[str, Any]) -> np.ndarray:
    """Return pyradiomics' bin edges of one region.

    Args:
        values: intensities of the region's voxels, at least one, finite.
        setting: as in :func:`bin_edges`.

    Raises:
        RegionError: more than ``MAX_GREY_LEVELS`` bins.
    """
    return bin_edges(values.min(), values.max(), setting)


def shared_bin_edges(regions: Iterable[np.ndarray], setting: Mapping[str, Any]) -> np.ndarray:
    """Return one set of bin edges for several regions: that of their union.

    Args:
        regions: intensities of each region's voxels; at least one region with at least one voxel.
        setting: as in :func:`bin_edges`.

    Raises:
        RegionError: no voxel at all, or more than ``MAX_GREY_LEVELS`` bins.
    """
    limits = [limit for values in regions if values.size for limit in (values.min(), values.max())]
    if not limits:
        raise RegionError("no region has a voxel to make shared bin edges from")
    return bin_edges(min(limits), max(limits), setting)


def _check_count(count: float, name: str, value: float, lowest: np.generic, highest: np.generic) -> None:
    if count > MAX_GREY_LEVELS:
        raise RegionError(
            f"{name} {value:g} makes {count:.0f} grey levels of intensities from {float(lowest):g} to "
            f"{float(highest):g}, at most {MAX_GREY_LEVELS} are allowed; choose a larger binWidth, or a binCount"
        )
