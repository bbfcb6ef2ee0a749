"""Run length matrices against a walk along every straight line."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.engines.native_engine import GreyLevels
from PeritumoralRadiomicsLib.features.glrlm import run_lengths
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings


def lines(shape, offset):
    """Every straight line of voxels along the offset, from border to border."""

    def within(voxel):
        return all(0 <= v < n for v, n in zip(voxel, shape, strict=True))

    for voxel in product(*(range(n) for n in shape)):
        if within(tuple(v - d for v, d in zip(voxel, offset, strict=True))):
            continue
        line = []
        while within(voxel):
            line.append(voxel)
            voxel = tuple(v + d for v, d in zip(voxel, offset, strict=True))
        yield line


def slow_runs(levels, offset):
    """{(level, length): count}; empty if no line meets the region twice."""
    counts, met_twice = Counter(), False
    for line in lines(levels.shape, offset):
        values = [int(levels[voxel]) for voxel in line]
        met_twice |= sum(value > 0 for value in values) > 1
        start = 0
        for end in range(1, len(values) + 1):
            if end == len(values) or values[end] != values[start]:
                if values[start]:
                    counts[values[start], end - start] += 1
                start = end
    return counts if met_twice else Counter()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 5), st.integers(2, 6), st.integers(1, 6)),
    st.floats(0.1, 1),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 2),
)
def test_runs_equal_a_walk_along_every_line(seed, shape, filled, highest, in_plane, axis):
    random = np.random.default_rng(seed)
    mask = random.random(shape) < filled
    mask.flat[:2] = True
    own = FeatureSettings(force_2d=in_plane, force_2d_dimension=axis)
    region = Region(mask, (1, 1, 1), own)
    levels = np.where(mask, random.integers(1, highest + 1, shape), 0)[region.box]
    grey = GreyLevels(region, levels[region.mask])
    table = run_lengths(region, grey.rank, grey.present)
    expected = [runs for offset in region.run_offsets if (runs := slow_runs(levels, offset))]
    assert table.count == len(expected)
    for g, runs in enumerate(expected):
        chosen = table.group == g
        got = zip(zip(table.i[chosen], table.j[chosen], strict=True), table.weight[chosen], strict=True)
        assert dict(got) == dict(runs)
