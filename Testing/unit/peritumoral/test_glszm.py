"""Size zones against flooding every zone voxel by voxel."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.engines.native_engine import GreyLevels
from PeritumoralRadiomicsLib.features.glszm import size_zones, zones
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings


def slow_zones(levels, still_axis):
    """Sorted (level, size) of all zones; neighbours share a face, an edge or a corner."""
    steps = [s for s in product((-1, 0, 1), repeat=3) if any(s) and (still_axis is None or s[still_axis] == 0)]
    left = {voxel for voxel in product(*(range(n) for n in levels.shape)) if levels[voxel]}
    found = []
    while left:
        start = left.pop()
        flood, size = [start], 0
        while flood:
            voxel = flood.pop()
            size += 1
            for step in steps:
                other = tuple(v + s for v, s in zip(voxel, step, strict=True))
                if other in left and levels[other] == levels[start]:
                    left.remove(other)
                    flood.append(other)
        found.append((int(levels[start]), size))
    return sorted(found)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(2, 7)),
    st.floats(0.2, 1),
    st.integers(1, 4),
    st.sampled_from([None, 0, 1, 2]),
)
def test_zones_equal_a_flood_of_every_zone(seed, shape, filled, highest, still_axis):
    random = np.random.default_rng(seed)
    mask = random.random(shape) < filled
    mask.flat[0] = True
    levels = np.where(mask, random.integers(1, highest + 1, shape), 0)
    own = FeatureSettings(force_2d=still_axis is not None, force_2d_dimension=still_axis or 0)
    region = Region(mask, (1, 1, 1), own)
    grey = GreyLevels(region, levels[mask])
    rank, size = zones(region, grey.rank)
    assert sorted(zip(grey.present[rank], size, strict=True)) == slow_zones(levels, still_axis)


def test_table_counts_equal_zones_once():
    levels = np.zeros((1, 3, 9), dtype=int)
    levels[0, 1] = [1, 1, 2, 1, 1, 2, 3, 3, 3]
    mask = levels > 0
    region = Region(mask, (1, 1, 1), FeatureSettings())
    grey = GreyLevels(region, levels[mask])
    table = size_zones(region, grey.rank, grey.present)
    assert list(zip(table.i, table.j, table.weight, strict=True)) == [(1, 2, 2), (2, 1, 2), (3, 3, 1)]
