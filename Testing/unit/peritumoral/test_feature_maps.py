"""Feature maps against pyradiomics' voxel-based extraction, and their manners."""

from __future__ import annotations

import logging
import time
import warnings

import numpy as np
import pytest
import SimpleITK as sitk

import PeritumoralRadiomicsLib.maps.feature_maps as feature_maps_module
from PeritumoralRadiomicsLib.engines.native_engine import INTENSITY_FAMILIES
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings
from PeritumoralRadiomicsLib.maps.feature_maps import estimate_seconds, feature_map, feature_maps
from PeritumoralRadiomicsLib.maps.neighbourhoods import Neighbourhoods
from RadiomicsCoreLib.errors import Cancelled, GeometryError, InputError, RegionError


@pytest.fixture(scope="module")
def image():
    random = np.random.default_rng(11)
    smooth = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(random.normal(0, 300, (11, 13, 12))), 1.0)
    smooth.SetSpacing((0.8, 0.9, 2.0))
    return smooth


def mask_like(image, inside):
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    mask.CopyInformation(image)
    return mask


@pytest.fixture(scope="module")
def block(image):
    inside = np.zeros(image.GetSize()[::-1], dtype=bool)
    inside[0:4, 3:9, 4:9] = True
    return mask_like(image, inside)


@pytest.fixture(scope="module")
def ragged(image):
    inside = np.random.default_rng(5).random(image.GetSize()[::-1]) < 0.35
    inside[:, :4] = False
    return mask_like(image, inside)


def pyradiomics_maps(image, mask, class_name, setting):
    """Feature name to map, on the image's grid, NaN outside."""
    radiomics = pytest.importorskip("radiomics")
    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(
        additionalInfo=False, initValue=float("nan"), **setting
    )
    extractor.disableAllImageTypes()
    extractor.disableAllFeatures()
    extractor.enableImageTypeByName("Original")
    extractor.enableFeaturesByName(**{class_name: []})
    with warnings.catch_warnings():
        # pyradiomics takes means over empty directions, on purpose.
        warnings.simplefilter("ignore")
        maps = extractor.execute(image, mask, voxelBased=True)
    return {
        name.removeprefix("original_"): sitk.GetArrayFromImage(
            sitk.Resample(values, image, sitk.Transform(), sitk.sitkNearestNeighbor, float("nan"))
        )
        for name, values in maps.items()
        if name.startswith("original_")
    }


def our_maps(image, mask, class_name, setting):
    setting = dict(setting)
    radius, masked = setting.pop("kernelRadius"), setting.pop("maskedKernel", True)
    names = [f"{class_name}_{name}" for name in INTENSITY_FAMILIES[class_name].names()]
    maps = feature_maps(image, mask, names, kernel_radius=radius, masked_kernel=masked, settings=setting)
    return {name: sitk.GetArrayFromImage(values) for name, values in maps.items()}


SETTINGS = {
    "radius 1": {"kernelRadius": 1},
    "radius 2": {"kernelRadius": 2},
    "radius 2, many levels": {"kernelRadius": 2, "binWidth": 5},
    "in plane": {"kernelRadius": 2, "force2D": True},
    "in plane across j": {"kernelRadius": 1, "force2D": True, "force2Ddimension": 1},
    "also outside the region": {"kernelRadius": 1, "maskedKernel": False},
    "also outside the region, in plane": {"kernelRadius": 2, "maskedKernel": False, "force2D": True},
    "bin count": {"kernelRadius": 1, "binCount": 8},
    "distances 1 and 2": {"kernelRadius": 2, "distances": [1, 2]},
    "weighted": {"kernelRadius": 1, "weightingNorm": "euclidean"},
    "one order of pairs": {"kernelRadius": 1, "symmetricalGLCM": False},
    "dependence within 1 level": {"kernelRadius": 1, "gldm_a": 1},
    "shifted": {"kernelRadius": 1, "voxelArrayShift": 500},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_maps_equal_pyradiomics_with_setting(image, block, name):
    setting = {"binWidth": 25, **SETTINGS[name]}
    for class_name in INTENSITY_FAMILIES:
        ours, theirs = our_maps(image, block, class_name, setting), pyradiomics_maps(image, block, class_name, setting)
        assert list(ours) == list(theirs)
        for feature, values in ours.items():
            if feature == "glcm_Correlation" and name == "one order of pairs":
                # Where i has one level, pyradiomics gives 1 or 0 as its variance is rounded to 0 or not; ours is 1.
                continue
            np.testing.assert_allclose(values, theirs[feature], rtol=1e-7, atol=1e-10, err_msg=feature)


@pytest.mark.parametrize("class_name", INTENSITY_FAMILIES)
def test_maps_of_a_ragged_region_equal_pyradiomics(image, ragged, class_name):
    setting = {"binWidth": 25, "kernelRadius": 1}
    ours, theirs = our_maps(image, ragged, class_name, setting), pyradiomics_maps(image, ragged, class_name, setting)
    for feature, values in ours.items():
        compared = np.ones(values.shape, dtype=bool)
        if feature == "glcm_JointAverage":
            # pyradiomics gives NaN where any direction is empty; the other features leave that direction out.
            compared = np.isfinite(theirs[feature])
        if feature == "glcm_MCC":
            # pyradiomics computes none at all as soon as one neighbourhood has an empty direction.
            continue
        np.testing.assert_allclose(values[compared], theirs[feature][compared], rtol=1e-7, atol=1e-10, err_msg=feature)


def test_map_of_an_inner_voxel_is_the_feature_of_its_neighbourhood_as_a_region(image):
    from PeritumoralRadiomicsLib.engines.native_engine import GreyLevels
    from PeritumoralRadiomicsLib.features.glcm import FAMILY
    from PeritumoralRadiomicsLib.grey_levels.cooccurrence import cooccurrence
    from PeritumoralRadiomicsLib.grey_levels.discretisation import region_levels
    from PeritumoralRadiomicsLib.grey_levels.region import Region
    from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings

    everywhere = mask_like(image, np.ones(image.GetSize()[::-1], dtype=bool))
    name = "glcm_MCC"
    value = sitk.GetArrayFromImage(feature_map(image, everywhere, name, kernel_radius=2, settings={"binWidth": 25}))
    settings = FeatureSettings(bin_width=25)
    array = sitk.GetArrayFromImage(image)
    levels = region_levels(array.ravel(), settings).reshape(array.shape)
    hood = levels[3:8, 4:9, 5:10]
    region = Region(np.ones(hood.shape, dtype=bool), (1, 1, 1), settings)
    grey = GreyLevels(region, hood.ravel())
    table = cooccurrence(region, grey.rank, grey.present, grey.highest)
    assert value[5, 6, 7] == pytest.approx(FAMILY.compute(table, ["MCC"])["MCC"][0], rel=1e-9)


def test_map_is_nan_outside_and_on_the_images_grid(image, block):
    result = feature_map(image, block, "firstorder_Mean", settings={"binWidth": 25})
    assert result.GetSize() == image.GetSize()
    assert result.GetSpacing() == image.GetSpacing()
    inside = sitk.GetArrayFromImage(block) == 1
    values = sitk.GetArrayFromImage(result)
    assert np.isfinite(values[inside]).all()
    assert np.isnan(values[~inside]).all()


def test_number_of_threads_does_not_change_values(image, ragged):
    names = ["glcm_Contrast", "glszm_ZoneEntropy"]
    one = feature_maps(image, ragged, names, settings={"binWidth": 25}, threads=1)
    three = feature_maps(image, ragged, names, settings={"binWidth": 25}, threads=3)
    for name in names:
        np.testing.assert_array_equal(sitk.GetArrayFromImage(one[name]), sitk.GetArrayFromImage(three[name]))


def test_progress_rises_to_one_and_cancel_stops_at_once():
    large = sitk.GetImageFromArray(np.random.default_rng(1).normal(size=(20, 30, 30)))
    everywhere = mask_like(large, np.ones((20, 30, 30), dtype=bool))
    seen = []
    feature_map(large, everywhere, "firstorder_Mean", settings={"binWidth": 1}, progress=lambda f, m: seen.append(f))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) > 10
    calls = []

    def stop(fraction, message):
        calls.append(fraction)
        raise Cancelled

    with pytest.raises(Cancelled):
        feature_map(large, everywhere, "glcm_Contrast", kernel_radius=2, settings={"binWidth": 1}, progress=stop)
    assert len(calls) == 1


def test_estimate_is_positive_and_grows_with_the_region(image):
    large = sitk.GetImageFromArray(np.random.default_rng(1).normal(size=(20, 30, 30)))
    some, all_of_it = np.zeros((20, 30, 30), dtype=bool), np.ones((20, 30, 30), dtype=bool)
    some[:4, :10, :10] = True
    few, many = (
        estimate_seconds(large, mask_like(large, inside), ["glcm_Contrast"], settings={"binWidth": 1})
        for inside in (some, all_of_it)
    )
    assert 0 < few < many


@pytest.mark.parametrize("feature", ["glcm_MCC", "glrlm_RunEntropy", "glszm_ZoneEntropy"])
def test_the_estimate_itself_is_quick_for_large_neighbourhoods(feature):
    size = (24, 24, 24)
    large = sitk.GetImageFromArray(np.random.default_rng(1).normal(0, 200, size))
    start = time.process_time()
    seconds = estimate_seconds(large, mask_like(large, np.ones(size, dtype=bool)), [feature], kernel_radius=8)
    assert time.process_time() - start < 1.0  # 0.1 s, and room for what a busy machine adds
    assert seconds > 2.0


def test_the_estimate_takes_all_of_a_sample_that_is_quick_and_little_of_one_that_is_not(image, block, monkeypatch):
    taken = []

    def seconds(job, number):
        taken.append(number)
        return number * a_voxel

    monkeypatch.setattr(feature_maps_module, "_seconds_of_sample", seconds)
    for a_voxel, most in ((1e-6, 100), (1.0, 2)):
        taken.clear()
        found = estimate_seconds(image, block, ["firstorder_Mean"], threads=1, sample_voxels=100)
        assert taken[-1] == most
        assert found == pytest.approx(a_voxel * np.count_nonzero(sitk.GetArrayViewFromImage(block)))


def test_bad_requests_are_refused_in_one_line(image, block):
    empty = mask_like(image, np.zeros(image.GetSize()[::-1], dtype=bool))
    small = sitk.Image(3, 3, 3, sitk.sitkUInt8) + 1
    for error, word, call in (
        (InputError, "glcm_Contrst|Contrst", lambda: feature_map(image, block, "glcm_Contrst")),
        (InputError, "shape_MeshVolume", lambda: feature_map(image, block, "shape_MeshVolume")),
        (InputError, "no feature", lambda: feature_maps(image, block, [])),
        (InputError, "kernel_radius", lambda: feature_map(image, block, "glcm_Contrast", kernel_radius=0)),
        (InputError, "distances", lambda: feature_map(image, block, "glcm_Contrast", settings={"distances": [3]})),
        (InputError, "binWidth", lambda: feature_map(image, block, "glcm_Contrast", settings={"binWidth": 0})),
        (RegionError, "empty", lambda: feature_map(image, empty, "glcm_Contrast")),
        (GeometryError, "grid", lambda: feature_map(image, small, "glcm_Contrast")),
    ):
        with pytest.raises(error, match=word) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_zones_of_every_neighbourhood_are_those_that_a_labelling_of_each_level_finds(radius):
    from scipy.ndimage import label

    random = np.random.default_rng(radius)
    size = 2 * radius + 1
    ranks = random.integers(0, 3, (size, size, size, 40)).astype(np.uint16)
    ranks[..., 0] = 1  # one zone that fills the box
    ranks[::2, ..., 1], ranks[1::2, ..., 1] = 1, 2
    hoods = Neighbourhoods(ranks, np.array([4, 9]), (1, 1, 1), FeatureSettings())
    table = hoods.size_zones()
    found = sorted(zip(table.owner[table.group], table.i, table.j, table.weight, strict=True))
    expected = {}
    for box in range(ranks.shape[3]):
        for rank, level in ((1, 4.0), (2, 9.0)):
            zones, _ = label(ranks[..., box] == rank, np.ones((3, 3, 3)))
            for voxels in np.bincount(zones.ravel())[1:]:
                key = (box, level, float(voxels))
                expected[key] = expected.get(key, 0) + 1
    assert found == sorted((*key, float(count)) for key, count in expected.items())
