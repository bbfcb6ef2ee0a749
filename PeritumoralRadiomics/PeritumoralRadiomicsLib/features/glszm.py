r"""Grey level size zone matrix: connected zones of one grey level, by level i and size j in voxels.

Voxels are connected through faces, edges and corners (26 neighbours; 8 in a plane). Formulas:
:mod:`.level_size`.

References: Thibault et al. 2009; IBSI reference manual, "Grey level size zone based features".
"""

from __future__ import annotations

import numpy as np

from ..grey_levels import level_size
from ..grey_levels.level_size import LevelSizes
from ..grey_levels.region import Region
from .family import Family

FAMILY = Family("glszm")

for _name, _ibsi, _function in (
    ("SmallAreaEmphasis", "5QRC", level_size.small_sizes),
    ("LargeAreaEmphasis", "48P8", level_size.large_sizes),
    ("GrayLevelNonUniformity", "JNSA", level_size.level_non_uniformity),
    ("GrayLevelNonUniformityNormalized", "Y1RO", level_size.level_non_uniformity_normalised),
    ("SizeZoneNonUniformity", "4JP3", level_size.size_non_uniformity),
    ("SizeZoneNonUniformityNormalized", "VB3A", level_size.size_non_uniformity_normalised),
    ("ZonePercentage", "P30P", level_size.percentage),
    ("GrayLevelVariance", "BYLV", level_size.level_variance),
    ("ZoneVariance", "3NSA", level_size.size_variance),
    ("ZoneEntropy", "GU8N", level_size.entropy),
    ("LowGrayLevelZoneEmphasis", "XMSY", level_size.low_levels),
    ("HighGrayLevelZoneEmphasis", "5GN9", level_size.high_levels),
    ("SmallAreaLowGrayLevelEmphasis", "5RAI", level_size.small_sizes_low_levels),
    ("SmallAreaHighGrayLevelEmphasis", "HW1V", level_size.small_sizes_high_levels),
    ("LargeAreaLowGrayLevelEmphasis", "YH51", level_size.large_sizes_low_levels),
    ("LargeAreaHighGrayLevelEmphasis", "J17V", level_size.large_sizes_high_levels),
):
    FAMILY.feature(_name, ibsi=_ibsi)(_function)


def size_zones(region: Region, rank: np.ndarray, levels: np.ndarray) -> LevelSizes:
    """Size zone matrix of a region.

    Args:
        region: the region's geometry.
        rank: shape (N,), intp: index of each voxel's grey level in ``levels``.
        levels: shape (L,), the grey levels that occur, ascending.
    """
    zone_rank, zone_size = zones(region, rank)
    longest = int(zone_size.max())
    codes, weight = np.unique(zone_rank * (longest + 1) + zone_size, return_counts=True)
    group = np.zeros(len(codes), dtype=np.intp)
    return LevelSizes(
        group, np.zeros(1, dtype=np.intp), 1, codes // (longest + 1), codes % (longest + 1), weight, levels
    )


def zones(region: Region, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level index and size of every zone.

    Runs along i are the nodes of a graph, contacts between runs of equal level in neighbouring rows its
    edges; the zones are the graph's connected components.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    level = region.lay_out(rank + 1, np.int16)
    continues = _continues(region, level)
    run = np.cumsum(region.inside & ~continues, dtype=np.int32) - 1
    first_voxel = np.flatnonzero(~continues[region.positions])
    contacts = [contact for step in _row_steps(region) for contact in _contacts(region, level, continues, step)]
    one, other = (np.concatenate([run[:0], *(run[ends] for ends in side)]) for side in _sides(contacts))
    number = len(first_voxel)
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(number, number))
    count, zone = connected_components(graph, directed=False)
    run_length = np.diff(np.append(first_voxel, region.count))
    zone_size = np.bincount(zone, weights=run_length, minlength=count).astype(np.intp)
    zone_rank = np.empty(count, dtype=np.intp)
    zone_rank[zone] = rank[first_voxel]
    return zone_rank, zone_size


def _continues(region: Region, level: np.ndarray) -> np.ndarray:
    """Places whose level is that of the place before: they continue its run along i."""
    continues = np.zeros(region.size, dtype=bool)
    if not _one_column(region):
        np.equal(level[1:], level[:-1], out=continues[1:])
        continues &= region.inside
    return continues


def _one_column(region: Region) -> bool:
    """Whether neighbours along i do not count (``force2D`` across i)."""
    return region.settings.force_2d and region.settings.force_2d_dimension == 2


def _row_steps(region: Region) -> list[int]:
    """Steps to the neighbouring rows ahead, one of each opposite pair."""
    return sorted({region.step((offset[0], offset[1], 0)) for offset in region.run_offsets if any(offset[:2])})


def _contacts(
    region: Region, level: np.ndarray, continues: np.ndarray, step: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Places of equal level in a row and in the row ``step`` ahead, as pairs (place, place ahead).

    A contact is left out if it follows from others: straight ahead, if the place before continues into
    both; diagonally, if there is also one straight ahead from either end.
    """
    straight = _equal(region, level, step)
    found = straight.copy()
    found[1:] &= ~(straight[:-1] & continues[1 : len(straight)])
    pairs = [(np.flatnonzero(found), step)]
    if not _one_column(region):
        right = _equal(region, level, step + 1)
        right &= ~(straight[: len(right)] | continues[1 : len(right) + 1])
        left = _equal(region, level, step - 1)
        left[: len(straight)] &= ~straight
        left &= ~continues[: len(left)]
        pairs += [(np.flatnonzero(right), step + 1), (np.flatnonzero(left), step - 1)]
    return [(places, places + ahead) for places, ahead in pairs]


def _equal(region: Region, level: np.ndarray, step: int) -> np.ndarray:
    """Places inside the region whose level is that of the place ``step`` ahead."""
    equal = level[:-step] == level[step:]
    equal &= region.inside[:-step]
    return equal


def _sides(contacts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [place for place, _ in contacts], [ahead for _, ahead in contacts]
