"""Regions that are too small, and resegmentation, as pyradiomics defines it."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.preprocessing.region_checks import check_region, resegment
from RadiomicsCoreLib.errors import RegionError


def region(shape):
    inside = np.zeros((6, 6, 6), bool)
    inside[tuple(slice(1, 1 + n) for n in shape)] = True
    return inside


@pytest.mark.parametrize(
    ("shape", "setting", "min_voxels", "message"),
    [
        ((0, 0, 0), {}, 2, "no voxel"),
        ((1, 1, 1), {}, 2, "the region has 1 voxel, fewer than min_voxels 2"),
        ((1, 1, 4), {}, 2, "extends in 1 dimensions, minimumROIDimensions is 2"),
        ((1, 2, 4), {"minimumROIDimensions": 3}, 2, "minimumROIDimensions is 3"),
        ((2, 2, 2), {"minimumROISize": 8}, 2, "not more than minimumROISize 8"),
        ((2, 2, 2), {}, 9, "8 voxels, fewer than min_voxels 9"),
        ((1, 1, 1), {"minimumROIDimensions": 1}, 1, "extends in 0 dimensions"),
    ],
)
def test_a_region_that_is_too_small_is_refused_with_the_reason(shape, setting, min_voxels, message):
    with pytest.raises(RegionError, match=message):
        check_region(region(shape), setting, min_voxels)


def test_regions_that_pyradiomics_takes_are_taken():
    check_region(region((1, 2, 2)), {}, 2)
    check_region(region((2, 1, 1)), {"minimumROIDimensions": 1}, 2)


@pytest.mark.parametrize(
    "setting",
    [
        {"resegmentRange": [0, 60]},
        {"resegmentRange": [60, 0]},
        {"resegmentRange": [20]},
        {"resegmentRange": [0.2, 0.9], "resegmentMode": "relative"},
        {"resegmentRange": [-1, 1], "resegmentMode": "sigma"},
    ],
)
def test_resegmentation_keeps_the_voxels_that_pyradiomics_keeps(setting):
    operations = pytest.importorskip("radiomics.imageoperations")
    values = np.random.default_rng(5).normal(30, 30, (6, 6, 6))
    inside = region((4, 4, 5))
    image, mask = sitk.GetImageFromArray(values), sitk.GetImageFromArray(inside.astype(np.uint8))
    theirs = sitk.GetArrayFromImage(operations.resegmentMask(image, mask, **setting)) == 1
    assert np.array_equal(resegment(values, inside, setting), theirs)
    assert resegment(values, inside, {}) is inside


def test_resegmentation_that_leaves_nothing_says_so():
    with pytest.raises(RegionError, match=r"leaves 0 of 8 voxels"):
        resegment(np.zeros((6, 6, 6)), region((2, 2, 2)), {"resegmentRange": [100, 200]})
