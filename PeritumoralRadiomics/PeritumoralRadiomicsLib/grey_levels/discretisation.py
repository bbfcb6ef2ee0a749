"""From intensities to grey levels 1, 2, 3, …: fixed bin width, fixed bin count, or given bin edges.

Reference: IBSI reference manual, "Intensity discretisation" (fixed bin size Q3RU, fixed bin number K15C).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .settings import MAXIMUM_GREY_LEVELS, FeatureSettings


def region_levels(values: np.ndarray, settings: FeatureSettings, edges: np.ndarray | None = None) -> np.ndarray:
    """Grey level of every voxel of a region.

    Args:
        values: shape (N,), intensities inside the region.
        settings: ``bin_width`` or ``bin_count`` and the profile decide the bins.
        edges: shape (n + 1,), ascending: half-open bins used instead.

    Returns:
        Shape (N,), int64; the lowest bin is level 1.

    Raises:
        InputError: the values are not finite, lie outside the given edges, or would need too many levels.

    Example:
        >>> region_levels(np.array([0.0, 24.9, 25.0, 80.0]), FeatureSettings(bin_width=25)).tolist()
        [1, 1, 2, 4]
    """
    values = _wide(values)
    if not np.isfinite(values.sum(dtype=np.float64)):
        bad = int(np.size(values) - np.isfinite(values).sum())
        raise InputError(f"{bad} voxels of the region are NaN or infinite; mask them out or repair the image")
    if edges is not None:
        return _levels_of_given_bins(values, np.asarray(edges, dtype=np.float64))
    if settings.profile == "ibsi":
        return _ibsi_levels(values, settings)
    return digitise(values, bin_edges(values, settings))


def bin_edges(values: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """Bin edges as pyradiomics defines them.

    Fixed width ``w``: edges are multiples of ``w``, from the last one not above the minimum; so equal
    intensities fall into equal bins in every region, up to the number of the first bin.
    Fixed count: equal bins from minimum to maximum, the last one widened so that the maximum falls into it.
    """
    values = _wide(values)
    if settings.bin_count is not None:
        edges = np.histogram(values, settings.bin_count)[1]
        edges[-1] += 1
        return edges
    width = settings.bin_width
    low, high = values.min(), values.max()
    check_number_of_levels((float(high) - float(low)) / width + 1, f"binWidth {width}", low, high)
    edges = np.arange(low - (low % width), high + 2 * width, width)
    return edges if len(edges) > 1 else np.array([edges[0] - 0.5, edges[0] + 0.5])


def digitise(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The same as ``np.digitize`` for evenly spaced edges, by arithmetic instead of search.

    The guess from the spacing can be off by one where rounding matters; two comparisons with the edges
    themselves put that right, so the result is exact.
    """
    values = _wide(values)
    if len(edges) < 3:
        return np.digitize(values, edges)
    step = float(edges[1]) - float(edges[0])
    guess = ((values - float(edges[0])) / step).astype(np.int64)
    np.clip(guess, 0, len(edges) - 2, out=guess)
    guess -= values < edges[guess]
    guess += values >= edges[guess + 1]
    return guess + 1


def _wide(values: np.ndarray) -> np.ndarray:
    """Return whole numbers as int64: bin edges lie up to two bins above the highest, where a small type overflows.

    float32 stays: its edges are rounded to float32, as in pyradiomics.
    """
    if values.dtype.kind in "iub" and values.dtype != np.uint64:
        return values.astype(np.int64, copy=False)
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)


def check_number_of_levels(levels: float, setting: str, low: Any, high: Any) -> None:
    """Refuse, before memory is spent, a binning that makes the texture matrices too large."""
    if levels > MAXIMUM_GREY_LEVELS:
        raise InputError(
            f"{setting} makes about {levels:.10g} grey levels between {low:g} and {high:g}, "
            f"the limit is {MAXIMUM_GREY_LEVELS}; use a larger binWidth or a binCount"
        )


def _levels_of_given_bins(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
        raise InputError("bin edges must be a list of at least two ascending numbers")
    if len(edges) - 1 > MAXIMUM_GREY_LEVELS:
        raise InputError(f"{len(edges) - 1} bins are above the limit of {MAXIMUM_GREY_LEVELS} grey levels")
    low, high = values.min(), values.max()
    if low < edges[0] or high >= edges[-1]:
        raise InputError(
            f"intensities from {low:g} to {high:g} do not fit into the bins from {edges[0]:g} to {edges[-1]:g}; "
            "widen the bin edges or clip the image"
        )
    return np.digitize(values, edges)


def _ibsi_levels(values: np.ndarray, settings: FeatureSettings) -> np.ndarray:
    """IBSI: bins start at the region's minimum, or at the lower end of the resegmentation range."""
    low, high = float(values.min()), float(values.max())
    if settings.bin_count is not None:
        if high == low:
            return np.ones(len(values), dtype=np.int64)
        levels = np.floor(settings.bin_count * (values - low) / (high - low)).astype(np.int64) + 1
        return np.minimum(levels, settings.bin_count)
    if settings.first_bin is not None and low < settings.first_bin:
        raise InputError(
            f"the region's lowest intensity {low:g} is below resegmentRange, whose lower end {settings.first_bin:g} is "
            "the first bin's; leave such voxels out of the region"
        )
    low = low if settings.first_bin is None else settings.first_bin
    check_number_of_levels((high - low) / settings.bin_width + 1, f"binWidth {settings.bin_width}", low, high)
    return np.floor((values - low) / settings.bin_width).astype(np.int64) + 1
