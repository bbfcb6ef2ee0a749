"""Grey levels against pyradiomics' own binning, and their edges."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from PeritumoralRadiomicsLib.grey_levels.discretisation import bin_edges, digitise, region_levels
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings
from PeritumoralRadiomicsLib.maps.feature_maps import feature_maps
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_whole_numbers_at_the_ends_of_their_type_fall_into_the_bins_of_plain_arithmetic(dtype):
    limits = np.iinfo(dtype)
    small = range(0, 201, 3)
    # Edges half a unit apart are exact in double precision up to 2**52.
    lowest, highest = max(limits.min, -(2**50)), min(limits.max, 2**50)
    for plain in ([lowest + n for n in small], [highest - n for n in small]):
        for width in (1, 7, 25, 25.0, 0.5, 60):
            levels = region_levels(np.array(plain, dtype=dtype), FeatureSettings(bin_width=width))
            first = min(plain) // width
            assert levels.tolist() == [int(value // width - first) + 1 for value in plain], (plain[0], width)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16])
@pytest.mark.parametrize("profile", ["pyradiomics", "ibsi"])
@pytest.mark.parametrize("binning", [{"bin_count": 16}, {"bin_width": 25}])
def test_the_whole_range_of_a_small_type_has_the_levels_of_the_same_numbers_in_double_precision(
    dtype, profile, binning
):
    limits = np.iinfo(dtype)
    values = np.linspace(limits.min, limits.max, 256).round().astype(dtype)
    if dtype == np.int16 and "bin_width" in binning:
        binning = {"bin_width": 1000}
    settings = FeatureSettings(**binning, profile=profile)
    levels = region_levels(values, settings)
    assert np.array_equal(levels, region_levels(values.astype(np.float64), settings))
    assert levels.min() == 1 and np.all(np.diff(levels) >= 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16])
def test_given_edges_above_a_small_types_range_are_no_trouble(dtype):
    values = np.array([np.iinfo(dtype).min, 0, np.iinfo(dtype).max], dtype=dtype)
    edges = np.array([-40000.0, -100.0, 1.0, 40000.0])
    expected = [sum(edge <= int(value) for edge in edges) for value in values]
    assert region_levels(values, FeatureSettings(bin_width=25), edges).tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_maps_of_an_image_of_8_bits_are_those_of_the_same_numbers_in_double_precision(dtype):
    limits = np.iinfo(dtype)
    values = np.random.default_rng(2).integers(limits.min, limits.max + 1, (5, 6, 7)).astype(dtype)
    mask = sitk.GetImageFromArray(np.ones(values.shape, dtype=np.uint8))
    names = ["glcm_Contrast", "glszm_ZoneEntropy", "firstorder_Range", "firstorder_Entropy"]
    small, wide = (
        feature_maps(sitk.GetImageFromArray(array), mask, names, settings={"binWidth": 25})
        for array in (values, values.astype(np.float64))
    )
    for name in names:
        assert np.array_equal(sitk.GetArrayFromImage(small[name]), sitk.GetArrayFromImage(wide[name])), name
