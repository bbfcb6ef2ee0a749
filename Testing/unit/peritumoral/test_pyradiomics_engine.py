"""The pyradiomics engine: the same bits, no traces left in pyradiomics or in logging."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.preprocessing.bin_edges import shared_bin_edges
from PeritumoralRadiomicsLib.preprocessing.filtered_image import FilteredImage
from PeritumoralRadiomicsLib.settings.feature_names import DEFAULT_FEATURES, DEPRECATED_FEATURES
from RadiomicsCoreLib.errors import DependencyError, RegionError

TEXTURES = dict.fromkeys(("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))


@pytest.fixture(scope="module")
def engine():
    pytest.importorskip("radiomics")
    from PeritumoralRadiomicsLib.engines.pyradiomics_engine import PyradiomicsEngine

    return PyradiomicsEngine()


@pytest.fixture
def image():
    return sitk.GetImageFromArray(np.random.default_rng(4).normal(100, 50, (14, 18, 20)))


@pytest.fixture
def mask():
    array = np.zeros((14, 18, 20), np.uint8)
    array[4:9, 5:13, 6:15] = 1
    array[4, 5, 6] = 0
    return sitk.GetImageFromArray(array)


def their_values(image, mask, setting, classes=TEXTURES):
    import radiomics

    values = {}
    box = (6, 14, 5, 12, 4, 8)
    with warnings.catch_warnings():  # pyradiomics divides by zero where its documentation defines the result
        warnings.simplefilter("ignore")
        from radiomics import imageoperations

        cut, inside = imageoperations.cropToTumorMask(image, mask, np.array(box))
        for name in classes:
            found = radiomics.getFeatureClasses()[name](cut, inside, **setting).execute()
            values |= {f"original_{name}_{feature}": float(value) for feature, value in found.items()}
    return values


@pytest.mark.parametrize(
    "setting",
    [
        {"binWidth": 25},
        {"binCount": 12},
        {"binWidth": 10, "distances": [1, 2], "symmetricalGLCM": False, "gldm_a": 1},
        {"binWidth": 25, "weightingNorm": "euclidean", "voxelArrayShift": 300},
        {"binWidth": 25, "force2D": True, "force2Ddimension": 0},
    ],
)
def test_features_have_the_bits_of_pyradiomics_classes(engine, image, mask, setting):
    ours = engine.intensity_features(FilteredImage("original", image, setting), mask, TEXTURES)
    assert ours == their_values(image, mask, setting)


def test_shape_features_have_the_bits_of_pyradiomics(engine, mask):
    mask.SetSpacing((0.7, 0.8, 3.0))
    assert engine.shape_features(mask, {"shape": None}, {}) == their_values(mask, mask, {}, ("shape",))


def test_shape_in_2d_needs_force2d_and_one_slice(engine, mask):
    assert engine.shape_features(mask, {"shape2D": None}, {}) == {}
    with pytest.raises(RegionError, match="cannot compute shape2D: Size of the mask in dimension"):
        engine.shape_features(mask, {"shape2D": None}, {"force2D": True})
    one = sitk.GetImageFromArray(sitk.GetArrayFromImage(mask)[5:6])
    assert engine.shape_features(one, {"shape2D": None}, {"force2D": True})["original_shape2D_PixelSurface"] == 72


def test_given_bin_edges_make_levels_absolute(engine, image, mask):
    edges = np.arange(-400.0, 700.0, 25.0)
    filtered = FilteredImage("original", image, {"binWidth": 25})
    shared = engine.intensity_features(filtered, mask, TEXTURES, edges)
    own = engine.intensity_features(filtered, mask, TEXTURES)
    values = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) != 0]
    shift = np.digitize(values.min(), edges) - 1  # both sets of edges are multiples of 25: only the start differs
    assert shared["original_glcm_JointAverage"] == pytest.approx(own["original_glcm_JointAverage"] + shift)
    assert shared["original_firstorder_Entropy"] == own["original_firstorder_Entropy"]
    assert shared["original_glcm_Contrast"] == pytest.approx(own["original_glcm_Contrast"])


def test_given_bin_edges_decide_entropy_and_uniformity_too(engine, image, mask):
    values = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) != 0]
    middle = float(np.median(values))
    edges = np.array([values.min() - 1, middle, values.max() + 1])
    found = engine.intensity_features(FilteredImage("original", image), mask, {"firstorder": None}, edges)
    share = np.count_nonzero(values < middle) / values.size
    assert found["original_firstorder_Uniformity"] == pytest.approx(share**2 + (1 - share) ** 2)
    with pytest.raises(RegionError, match="leave the given bin edges"):
        engine.intensity_features(FilteredImage("original", image), mask, {"firstorder": None}, edges + 1000)


def test_shared_edges_of_one_region_are_its_own(engine, image, mask):
    setting = {"binCount": 16}
    values = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) != 0]
    filtered = FilteredImage("original", image, setting)
    edges = shared_bin_edges([values], setting)
    own = engine.intensity_features(filtered, mask, TEXTURES)
    assert engine.intensity_features(filtered, mask, TEXTURES, edges) == own


def test_pyradiomics_is_left_as_it_was(engine, image, mask, caplog, capfd):
    import radiomics

    log = logging.getLogger("radiomics")
    before = (list(log.handlers), log.propagate, radiomics.imageoperations.binImage)
    names = {"glcm": DEPRECATED_FEATURES["glcm"]}
    with caplog.at_level(logging.WARNING):
        engine.intensity_features(FilteredImage("original", image), mask, names)
        for _ in engine.filtered_images(image, {"LoG": {"sigma": [1.0]}}, {}):
            assert (log.handlers, log.propagate) == before[:2]
    assert (list(log.handlers), log.propagate, radiomics.imageoperations.binImage) == before
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_every_default_filter_but_lbp_3d_is_made(engine, image):
    types = {name: {} for name in ("Original", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential")}
    types |= {"Gradient": {}, "LoG": {"sigma": [1.0, 30.0]}, "LBP2D": {}}
    names = [filtered.name for filtered in engine.filtered_images(image, types, {"binWidth": 25})]
    assert len(names) == 1 + 8 + 4 + 1 + 1 + 1
    assert "log-sigma-30-0-mm-3D" not in names  # too wide for the image; extraction says so


def test_lbp_3d_that_pyradiomics_cannot_make_says_so(engine, image):
    try:
        made = list(engine.filtered_images(image, {"LBP3D": {}}, {}))
    except DependencyError as error:
        assert "LBP3D" in str(error)
    else:
        assert len(made) == 3


def test_the_image_types_own_setting_travels_with_the_image(engine, image):
    (filtered,) = engine.filtered_images(image, {"LoG": {"sigma": [1.0], "binWidth": 5}}, {"binWidth": 25})
    assert filtered.setting["binWidth"] == 5


def test_a_constant_region_has_the_documented_values(engine, mask):
    flat = sitk.GetImageFromArray(np.full((14, 18, 20), 7.0))
    found = engine.intensity_features(FilteredImage("original", flat, {"binWidth": 25}), mask, TEXTURES)
    expected = {
        "firstorder_Variance": 0,
        "firstorder_Skewness": 0,
        "firstorder_Kurtosis": 0,
        "firstorder_Uniformity": 1,
        "glcm_Correlation": 1,
        "glcm_MCC": 1,
        "glcm_JointEnergy": 1,
        "ngtdm_Coarseness": 1e6,
        "glszm_ZonePercentage": 1 / 359,
    }
    assert {name: found[f"original_{name}"] for name in expected} == pytest.approx(expected)
    assert all(np.isfinite(value) for value in found.values())


def test_too_many_grey_levels_are_refused_before_memory_is_spent(engine, image, mask):
    with pytest.raises(RegionError, match=r"binWidth 0\.0001 makes"):
        engine.intensity_features(FilteredImage("original", image, {"binWidth": 0.0001}), mask, TEXTURES)


def test_all_classes_are_those_of_the_table(engine, image, mask):
    found = engine.intensity_features(FilteredImage("original", image), mask, TEXTURES)
    assert list(found) == [f"original_{name}_{item}" for name in TEXTURES for item in DEFAULT_FEATURES[name]]
