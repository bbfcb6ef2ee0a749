r"""Grey level run length matrix: straight runs of voxels of one grey level, by level i and length j.

:math:`P_{ij}` counts the runs along one direction; a feature is the mean over the directions. Formulas:
:mod:`.level_size`.

References: Galloway 1975, doi 10.1016/S0146-664X(75)80008-6; IBSI reference manual, "Grey level run length
based features".
"""

from __future__ import annotations

import numpy as np

from ..grey_levels import level_size
from ..grey_levels.level_size import LevelSizes
from ..grey_levels.neighbours import Offset, lengths_mm
from ..grey_levels.region import Region
from .family import Family

FAMILY = Family("glrlm")

for _name, _ibsi, _function in (
    ("ShortRunEmphasis", "22OV", level_size.small_sizes),
    ("LongRunEmphasis", "W4KF", level_size.large_sizes),
    ("GrayLevelNonUniformity", "R5YN", level_size.level_non_uniformity),
    ("GrayLevelNonUniformityNormalized", "OVBL", level_size.level_non_uniformity_normalised),
    ("RunLengthNonUniformity", "W92Y", level_size.size_non_uniformity),
    ("RunLengthNonUniformityNormalized", "IC23", level_size.size_non_uniformity_normalised),
    ("RunPercentage", "9ZK5", level_size.percentage),
    ("GrayLevelVariance", "8CE5", level_size.level_variance),
    ("RunVariance", "SXLW", level_size.size_variance),
    ("RunEntropy", "HJ9O", level_size.entropy),
    ("LowGrayLevelRunEmphasis", "V3SW", level_size.low_levels),
    ("HighGrayLevelRunEmphasis", "G3QZ", level_size.high_levels),
    ("ShortRunLowGrayLevelEmphasis", "HTZT", level_size.small_sizes_low_levels),
    ("ShortRunHighGrayLevelEmphasis", "GD3A", level_size.small_sizes_high_levels),
    ("LongRunLowGrayLevelEmphasis", "IVPO", level_size.large_sizes_low_levels),
    ("LongRunHighGrayLevelEmphasis", "3KUM", level_size.large_sizes_high_levels),
):
    FAMILY.feature(_name, ibsi=_ibsi)(_function)


def run_lengths(region: Region, rank: np.ndarray, levels: np.ndarray) -> LevelSizes:
    """Run length matrices of a region, one a direction (one in all with ``weightingNorm``).

    A direction in which no straight line meets the region twice (the third dimension of a flat region)
    is left out: all its runs have length 1 and say nothing.

    Args:
        region: the region's geometry.
        rank: shape (N,), intp: index of each voxel's grey level in ``levels``.
        levels: shape (L,), the grey levels that occur, ascending.
    """
    used = [offset for offset in region.run_offsets if region.has_two_on_a_line(offset)]
    rank = rank.astype(np.uint16)  # a quarter of the memory to walk through; levels are far fewer than 65536
    counts = [direction_runs(region, offset, rank, len(levels)) for offset in used]
    if region.settings.weighting_norm is not None and counts:
        counts = [_merge(region, used, counts)]
    entries = [np.nonzero(count) for count in counts]
    group = np.repeat(np.arange(len(counts)), [len(rows) for rows, _ in entries])
    rows = np.concatenate([rows for rows, _ in entries] or [np.zeros(0, dtype=np.intp)])
    lengths = np.concatenate([columns for _, columns in entries] or [np.zeros(0, dtype=np.intp)]) + 1
    weights = np.concatenate([count[e] for count, e in zip(counts, entries, strict=True)] or [np.zeros(0)])
    return LevelSizes(group, np.zeros(len(counts), dtype=np.intp), 1, rows, lengths, weights, levels)


def direction_runs(region: Region, offset: Offset, rank: np.ndarray, size: int) -> np.ndarray:
    """Number of runs by level (row) and length - 1 (column), shape (L, longest)."""
    lines = region.lines(offset)
    along = rank[lines.order]
    ends_here = np.empty(len(along), dtype=bool)
    np.not_equal(along[1:], along[:-1], out=ends_here[:-1])
    ends_here[lines.breaks] = True
    ends_here[-1] = True
    ends = np.flatnonzero(ends_here)
    lengths = np.diff(ends, prepend=-1)
    longest = int(lengths.max())
    code = along[ends].astype(np.intp)
    code *= longest
    code += lengths
    code -= 1
    return np.bincount(code, minlength=size * longest).reshape(size, longest)


def _merge(region: Region, used: list[Offset], counts: list[np.ndarray]) -> np.ndarray:
    """One matrix: the directions' counts weighted by the direction's length in mm."""
    merged = np.zeros((len(counts[0]), max(count.shape[1] for count in counts)))
    for offset, count in zip(used, counts, strict=True):
        weight = lengths_mm(offset, region.spacing, region.settings.weighting_norm)
        merged[:, : count.shape[1]] += weight * count
    return merged
