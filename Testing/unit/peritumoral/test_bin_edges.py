"""Bin edges are pyradiomics' own, or one set for all regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from PeritumoralRadiomicsLib.preprocessing.bin_edges import MAX_GREY_LEVELS, region_bin_edges, shared_bin_edges
from RadiomicsCoreLib.errors import RegionError


def values_of(dtype):
    return arrays(dtype, st.integers(1, 30), elements=st.integers(-500, 500))


@given(
    st.sampled_from([np.int16, np.int32, np.float32, np.float64]).flatmap(values_of),
    st.sampled_from([{"binWidth": 25}, {"binWidth": 0.7}, {"binCount": 8}, {}]),
)
def test_the_edges_of_a_region_are_those_of_pyradiomics_bit_for_bit(values, setting):
    operations = pytest.importorskip("radiomics.imageoperations")
    theirs = np.asarray(operations.getBinEdges(values, **setting))
    ours = region_bin_edges(values, setting)
    assert np.array_equal(np.digitize(values, ours), np.digitize(values, theirs))
    assert np.array_equal(ours, theirs)


def test_shared_edges_are_those_of_the_union():
    rng = np.random.default_rng(1)
    tumour, ring = rng.normal(40, 10, 50), rng.normal(-60, 30, 80)
    union = np.concatenate([tumour, ring])
    for setting in ({"binWidth": 10}, {"binCount": 16}):
        edges = shared_bin_edges([tumour, ring], setting)
        assert np.array_equal(edges, region_bin_edges(union, setting))
        levels = np.digitize(union, edges)
        assert levels.min() == 1
        assert levels.max() < len(edges)


def test_a_bin_width_that_makes_too_many_levels_is_named_before_memory_is_spent():
    with pytest.raises(RegionError, match=r"binWidth 0.001 makes 100000 grey levels .* from 0 to 100"):
        region_bin_edges(np.array([0.0, 100.0]), {"binWidth": 0.001})
    with pytest.raises(RegionError, match="binCount"):
        region_bin_edges(np.array([0.0, 100.0]), {"binCount": MAX_GREY_LEVELS + 1})


def test_shared_edges_need_a_voxel():
    with pytest.raises(RegionError, match="no region has a voxel"):
        shared_bin_edges([np.array([])], {})
