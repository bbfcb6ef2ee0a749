r"""Grey level dependence matrix: voxels by level i and number j of voxels that depend on each other.

A neighbour depends on a voxel if their levels differ by at most ``gldm_a``; j counts the voxel itself and
its dependent neighbours. Formulas: :mod:`.level_size`.

References: Sun and Wee 1983, doi 10.1016/0734-189X(83)90032-4; IBSI reference manual, "Neighbouring grey
level dependence based features".
"""

from __future__ import annotations

import numpy as np

from ..grey_levels import level_size
from ..grey_levels.level_size import LevelSizes
from ..grey_levels.region import Region
from .family import Family

FAMILY = Family("gldm")

for _name, _ibsi, _function in (
    ("SmallDependenceEmphasis", "SODN", level_size.small_sizes),
    ("LargeDependenceEmphasis", "IMOQ", level_size.large_sizes),
    ("GrayLevelNonUniformity", "FP8K", level_size.level_non_uniformity),
    ("DependenceNonUniformity", "Z87G", level_size.size_non_uniformity),
    ("DependenceNonUniformityNormalized", "OKJI", level_size.size_non_uniformity_normalised),
    ("GrayLevelVariance", "1PFV", level_size.level_variance),
    ("DependenceVariance", "DNX2", level_size.size_variance),
    ("DependenceEntropy", "FCBV", level_size.entropy),
    ("LowGrayLevelEmphasis", "TL9H", level_size.low_levels),
    ("HighGrayLevelEmphasis", "OAE7", level_size.high_levels),
    ("SmallDependenceLowGrayLevelEmphasis", "EQ3F", level_size.small_sizes_low_levels),
    ("SmallDependenceHighGrayLevelEmphasis", "JA6D", level_size.small_sizes_high_levels),
    ("LargeDependenceLowGrayLevelEmphasis", "NBZI", level_size.large_sizes_low_levels),
    ("LargeDependenceHighGrayLevelEmphasis", "9QMG", level_size.large_sizes_high_levels),
):
    FAMILY.feature(_name, ibsi=_ibsi)(_function)

FAMILY.feature("GrayLevelNonUniformityNormalized", ibsi="5SPA", default=False)(
    level_size.level_non_uniformity_normalised
)


@FAMILY.feature("DependencePercentage", ibsi="6XV8", default=False)
def dependence_percentage(t: LevelSizes) -> np.ndarray:
    """Dependences per voxel: always 1, since every voxel has one."""
    return t.average(np.ones(t.count))


def dependences(region: Region, rank: np.ndarray, levels: np.ndarray) -> LevelSizes:
    """Dependence matrix of a region.

    Args:
        region: the region's geometry.
        rank: shape (N,), intp: index of each voxel's grey level in ``levels``.
        levels: shape (L,), the grey levels that occur, ascending.
    """
    most = 2 * len(region.neighbour_offsets) + 1
    size = dependence_sizes(region, levels[rank])[region.positions]
    counts = np.bincount(rank * (most + 1) + size, minlength=len(levels) * (most + 1)).reshape(len(levels), most + 1)
    rows, sizes = np.nonzero(counts)
    group = np.zeros(len(rows), dtype=np.intp)
    return LevelSizes(group, np.zeros(1, dtype=np.intp), 1, rows, sizes, counts[rows, sizes], levels)


def dependence_sizes(region: Region, level: np.ndarray) -> np.ndarray:
    """1 + number of dependent neighbours of every place of the region's long array."""
    laid_out = region.lay_out(level, np.int16)
    size = np.ones(region.size, dtype=np.uint8 if len(region.neighbour_offsets) < 120 else np.uint32)
    for offset in region.neighbour_offsets:
        step = region.step(offset)
        if region.settings.gldm_alpha == 0:
            depends = laid_out[:-step] == laid_out[step:]
        else:
            depends = np.abs(laid_out[:-step] - laid_out[step:]) <= region.settings.gldm_alpha
            depends &= region.inside[step:]
        depends &= region.inside[:-step]
        np.add(size[:-step], depends, out=size[:-step])
        np.add(size[step:], depends, out=size[step:])
    return size
