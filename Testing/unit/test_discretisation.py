"""Grey levels against pyradiomics' own binning, and their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from PeritumoralRadiomicsLib.features.discretisation import bin_edges, digitise, region_levels
from PeritumoralRadiomicsLib.features.settings import FeatureSettings
from RadiomicsCoreLib.errors import InputError

intensities = arrays(
    st.sampled_from([np.float64, np.float32, np.int16]), st.integers(1, 50), elements=st.integers(-1000, 1000)
)


@settings(max_examples=150, deadline=None)
@given(intensities, st.sampled_from([25, 1, 3.7, 0.5, 100.0]), st.sampled_from([1, 0.1, 1 / 3]))
def test_levels_equal_pyradiomics(values, width, scale):
    operations = pytest.importorskip("radiomics.imageoperations")
    values = values if values.dtype == np.int16 else values * values.dtype.type(scale)
    expected = operations.binImage(values, np.ones(len(values), dtype=bool), binWidth=width)[0]
    assert region_levels(values, FeatureSettings(bin_width=width)).tolist() == expected.tolist()


@settings(max_examples=60, deadline=None)
@given(intensities, st.integers(1, 40))
def test_levels_of_a_bin_count_equal_pyradiomics(values, count):
    operations = pytest.importorskip("radiomics.imageoperations")
    expected = operations.binImage(values, np.ones(len(values), dtype=bool), binCount=count)[0]
    assert region_levels(values, FeatureSettings(bin_count=count)).tolist() == expected.tolist()


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(0.01, 50), st.integers(2, 60), st.integers(0, 10**6))
def test_digitising_by_arithmetic_equals_searching(first, width, count, seed):
    edges = np.arange(first, first + count * width, width)
    random = np.random.default_rng(seed)
    inner = random.uniform(edges[0], edges[-1], 50)
    values = np.concatenate([edges[:-1], np.nextafter(edges[1:], -np.inf), inner[inner < edges[-1]]])
    assert digitise(values, edges).tolist() == np.digitize(values, edges).tolist()


def test_fixed_width_bins_are_multiples_of_the_width():
    edges = bin_edges(np.array([54.0, 166.0]), FeatureSettings(bin_width=25))
    assert edges.tolist() == [50, 75, 100, 125, 150, 175, 200]


def test_given_edges_must_hold_all_intensities_and_ascend():
    values = np.array([0.0, 10.0])
    own = FeatureSettings()
    assert region_levels(values, own, np.array([-5.0, 5.0, 15.0])).tolist() == [1, 2]
    for edges in ([0.0, 10.0], [1.0, 20.0], [0.0, 20.0, 15.0], [3.0]):
        with pytest.raises(InputError):
            region_levels(values, own, np.array(edges))
