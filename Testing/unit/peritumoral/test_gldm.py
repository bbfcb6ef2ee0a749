"""Dependences against counting every voxel's neighbours."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.engines.native_engine import GreyLevels
from PeritumoralRadiomicsLib.features.gldm import dependences
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings


def neighbours(voxel, shape, own):
    """All voxels whose infinity-norm distance is one of the distances, in the plane with force2D."""
    reach = max(own.distances)
    for step in product(range(-reach, reach + 1), repeat=3):
        if max(map(abs, step)) not in own.distances or (own.force_2d and step[own.force_2d_dimension]):
            continue
        other = tuple(v + s for v, s in zip(voxel, step, strict=True))
        if all(0 <= o < n for o, n in zip(other, shape, strict=True)):
            yield other


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 4), st.integers(2, 5), st.integers(1, 5)),
    st.floats(0.2, 1),
    st.integers(1, 5),
    st.builds(
        FeatureSettings,
        distances=st.sampled_from([(1,), (2,), (1, 2)]),
        gldm_alpha=st.integers(0, 2),
        force_2d=st.booleans(),
        force_2d_dimension=st.integers(0, 2),
    ),
)
def test_dependences_equal_counting_every_voxels_neighbours(seed, shape, filled, highest, own):
    random = np.random.default_rng(seed)
    mask = random.random(shape) < filled
    mask.flat[:2] = True
    levels = np.where(mask, random.integers(1, highest + 1, shape), 0)
    region = Region(mask, (1, 1, 1), own)
    grey = GreyLevels(region, levels[mask])
    table = dependences(region, grey.rank, grey.present)
    expected = Counter()
    for voxel in zip(*np.nonzero(mask), strict=True):
        close = [levels[o] for o in neighbours(voxel, shape, own) if levels[o]]
        size = 1 + sum(abs(int(level) - int(levels[voxel])) <= own.gldm_alpha for level in close)
        expected[int(levels[voxel]), size] += 1
    got = zip(zip(table.i, table.j, strict=True), table.weight, strict=True)
    assert dict(got) == dict(expected)
