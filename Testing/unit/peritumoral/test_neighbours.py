"""Neighbour offsets against pyradiomics' angles, and lines of voxels against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.grey_levels.neighbours import lengths_mm, offsets
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings
from RadiomicsCoreLib.errors import RegionError

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(2, 6))
distances = st.sampled_from([(1,), (2,), (1, 2), (3, 1)])


@settings(max_examples=80, deadline=None)
@given(shapes, distances, st.booleans(), st.integers(0, 2))
def test_offsets_and_their_order_equal_pyradiomics(shape, wanted, in_plane, axis):
    c_matrices = pytest.importorskip("radiomics").cMatrices
    own = FeatureSettings(distances=wanted, force_2d=in_plane, force_2d_dimension=axis)
    ours = offsets(shape, wanted, own)
    if not ours:
        return
    theirs = c_matrices.generate_angles(np.array(shape), np.array(wanted), False, in_plane, axis)
    assert ours == [tuple(int(step) for step in angle) for angle in theirs]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), shapes, st.floats(0.1, 1), distances)
def test_lines_visit_every_voxel_and_break_where_the_next_is_no_neighbour(seed, shape, filled, wanted):
    mask = np.random.default_rng(seed).random(shape) < filled
    mask.flat[0] = True
    region = Region(mask, (1, 1, 1), FeatureSettings(distances=wanted))
    index = np.argwhere(region.mask)
    for offset in region.neighbour_offsets + region.run_offsets:
        lines = region.lines(offset)
        assert sorted(lines.order) == list(range(region.count))
        joined = np.all(np.diff(index[lines.order], axis=0) == offset, axis=1)
        assert np.flatnonzero(~joined).tolist() == lines.breaks.tolist()
        voxels = {tuple(voxel) for voxel in index}
        pairs = sum(tuple(voxel + offset) in voxels for voxel in index)
        assert joined.sum() == pairs


def test_lengths_follow_the_norm():
    assert lengths_mm((1, -1, 0), (3.0, 4.0, 1.0), "euclidean") == pytest.approx(5)
    assert lengths_mm((1, -1, 0), (3.0, 4.0, 1.0), "manhattan") == pytest.approx(7)
    assert lengths_mm((1, -1, 0), (3.0, 4.0, 1.0), "infinity") == pytest.approx(4)
    assert lengths_mm((1, -1, 0), (3.0, 4.0, 1.0), None) == 1


def test_an_empty_mask_is_refused():
    with pytest.raises(RegionError, match="empty"):
        Region(np.zeros((3, 3, 3), dtype=bool), (1, 1, 1), FeatureSettings())
