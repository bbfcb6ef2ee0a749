"""The native engine against pyradiomics: every feature, filter and setting that changes values."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.native_engine import FAMILIES, NativeEngine
from PeritumoralRadiomicsLib.preprocessing.filtered_image import FilteredImage
from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError

ALL_CLASSES = dict.fromkeys(("firstorder", "shape", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))


def as_images(array, mask, spacing=(1.0, 1.0, 1.0)):
    array = array.astype(np.uint8) if array.dtype == bool else array
    image, mask_image = sitk.GetImageFromArray(array), sitk.GetImageFromArray(mask.astype(np.uint8))
    for each in (image, mask_image):
        each.SetSpacing(spacing)
    return image, mask_image


def pyradiomics_features(image, mask, image_types=None, setting=None, classes=ALL_CLASSES):
    """What pyradiomics itself makes of an image and a mask."""
    radiomics = pytest.importorskip("radiomics")
    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, **(setting or {}))
    extractor.disableAllImageTypes()
    extractor.disableAllFeatures()
    for name, own in (image_types or {"Original": {}}).items():
        extractor.enableImageTypeByName(name, customArgs=dict(own))
    extractor.enableFeaturesByName(**{name: list(wanted or []) for name, wanted in classes.items()})
    with warnings.catch_warnings():
        # pyradiomics divides by zero where a direction is empty, and ignores the NaN afterwards.
        warnings.simplefilter("ignore")
        values = extractor.execute(image, mask)
    return {name: float(value) for name, value in values.items() if not name.startswith("diagnostics")}


def native_features(image, mask, image_types=None, setting=None, classes=ALL_CLASSES, engine=None):
    engine = engine or NativeEngine()
    features = engine.shape_features(mask, classes, setting or {})
    for filtered in engine.filtered_images(image, image_types or {"Original": {}}, setting or {}):
        features.update(engine.intensity_features(filtered, mask, classes))
    return features


def assert_equal(ours, theirs, relative=1e-8):
    assert list(ours) == list(theirs)
    different = {
        name: (ours[name], theirs[name])
        for name in ours
        if not np.isclose(ours[name], theirs[name], rtol=relative, atol=1e-12, equal_nan=True)
    }
    assert not different


@pytest.fixture(scope="module")
def textured():
    """A smooth random image with a region of three pieces, one of them touching the border."""
    random = np.random.default_rng(7)
    array = sitk.GetArrayFromImage(
        sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(random.normal(0, 400, (14, 22, 19))), 1.2)
    )
    mask = np.zeros(array.shape, dtype=bool)
    mask[0:5, 2:9, 0:7] = True
    mask[7:13, 8:20, 5:16] = random.random((6, 12, 11)) < 0.8
    mask[11, 2, 2] = True
    return as_images(array, mask, spacing=(0.8, 0.9, 2.5))


SETTINGS = {
    "default": {},
    "narrow bins": {"binWidth": 3.7},
    "bin count": {"binCount": 16},
    "one bin": {"binWidth": 100000},
    "in plane": {"force2D": True},
    "in plane across j": {"force2D": True, "force2Ddimension": 1},
    "in plane across i": {"force2D": True, "force2Ddimension": 2},
    "distances 1 and 2": {"distances": [1, 2]},
    "distance 3": {"distances": [3]},
    "distances 1 to 3 in plane across i, weighted": {
        "distances": [1, 2, 3],
        "force2D": True,
        "force2Ddimension": 2,
        "weightingNorm": "euclidean",
    },
    "one bin by count": {"binCount": 1},
    "dependence within 3 levels, distances 1 and 2": {"gldm_a": 3, "binWidth": 5, "distances": [1, 2]},
    "euclidean weights": {"weightingNorm": "euclidean"},
    "manhattan weights": {"weightingNorm": "manhattan"},
    "infinity weights": {"weightingNorm": "infinity"},
    "no weights": {"weightingNorm": "no_weighting"},
    "one order of pairs": {"symmetricalGLCM": False},
    "one order of pairs, weighted": {"symmetricalGLCM": False, "weightingNorm": "euclidean"},
    "dependence within 2 levels": {"gldm_a": 2, "binWidth": 5},
    "shifted intensities": {"voxelArrayShift": 1000},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_features_equal_pyradiomics_with_setting(textured, name):
    image, mask = textured
    setting = {"binWidth": 20, **SETTINGS[name]}
    assert_equal(native_features(image, mask, setting=setting), pyradiomics_features(image, mask, setting=setting))


FILTER_SETTINGS = {
    "Original": {},
    "Square": {},
    "SquareRoot": {},
    "Logarithm": {},
    "Exponential": {"binWidth": 1},
    "Gradient": {},
    "Gradient per voxel": {"gradientUseSpacing": False},
    "LoG": {"sigma": [1.0, 2.5, 3]},
    "LoG narrow and wide": {"sigma": [0.05, 0.3, 8.0, 12]},
    "Wavelet": {},
    "Wavelet of two levels": {"wavelet": "db2", "level": 2, "start_level": 1},
    "Wavelet longer than the image": {"wavelet": "dmey", "force2D": True, "force2Ddimension": 2},
    "Wavelet in plane": {"wavelet": "haar", "force2D": True},
    "LBP2D": {"binWidth": 1},
    "LBP2D across j, all patterns": {"binWidth": 5, "lbp2DMethod": "default", "force2D": True, "force2Ddimension": 1},
    "LBP2D across i, all patterns": {"binWidth": 5, "lbp2DMethod": "default", "force2D": True, "force2Ddimension": 2},
    "LBP2D across i, rotated": {"binWidth": 5, "lbp2DMethod": "ror", "force2D": True, "force2Ddimension": 2},
    "LBP2D with radius 2": {"binWidth": 1, "lbp2DRadius": 2, "lbp2DSamples": 6, "lbp2DMethod": "default"},
}


@pytest.mark.parametrize("name", FILTER_SETTINGS)
def test_filtered_features_equal_pyradiomics(textured, name):
    image, mask = textured
    image_types = {name.split()[0]: FILTER_SETTINGS[name]}
    classes = {"firstorder": None, "glcm": None, "glrlm": None, "glszm": None, "gldm": None, "ngtdm": None}
    ours = native_features(image, mask, image_types, {"binWidth": 20}, classes)
    assert_equal(ours, pyradiomics_features(image, mask, image_types, {"binWidth": 20}, classes), relative=1e-6)


MASKS = {
    "one slice": (slice(3, 4), slice(2, 12), slice(3, 15)),
    "one row": (slice(3, 4), slice(2, 3), slice(3, 15)),
    "one column across slices": (slice(2, 12), slice(4, 5), slice(6, 7)),
    "two voxels": (slice(2, 3), slice(4, 6), slice(6, 7)),
    "whole image": (slice(None), slice(None), slice(None)),
}


@pytest.mark.parametrize("name", MASKS)
def test_features_equal_pyradiomics_in_mask_of(textured, name):
    image = textured[0]
    mask = np.zeros(image.GetSize()[::-1], dtype=bool)
    mask[MASKS[name]] = True
    mask_image = as_images(mask, mask, image.GetSpacing())[1]
    setting = {"binWidth": 20, "minimumROIDimensions": 1}
    ours = native_features(image, mask_image, setting=setting)
    assert_equal(ours, pyradiomics_features(image, mask_image, setting=setting))


def test_scattered_voxels_without_neighbours_equal_pyradiomics(textured):
    image = textured[0]
    mask = np.zeros(image.GetSize()[::-1], dtype=bool)
    mask[1::4, 1::4, 1::4] = True
    mask_image = as_images(mask, mask, image.GetSpacing())[1]
    ours = native_features(image, mask_image, setting={"binWidth": 20})
    assert_equal(ours, pyradiomics_features(image, mask_image, setting={"binWidth": 20}))
    assert np.isnan(ours["original_glcm_Contrast"])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flat_shape_equals_pyradiomics(axis):
    random = np.random.default_rng(axis)
    mask = np.zeros((12, 13, 14), dtype=bool)
    plane = [slice(1, -1)] * 3
    plane[axis] = slice(5, 6)
    mask[tuple(plane)] = random.random(mask[tuple(plane)].shape) < 0.6
    image, mask_image = as_images(mask.astype(float), mask, (0.7, 1.1, 1.9))
    setting = {"force2D": True, "force2Ddimension": axis}
    named = ["MeshSurface", "PixelSurface", "Perimeter", "PerimeterSurfaceRatio", "Sphericity"]
    named += ["SphericalDisproportion", "MaximumDiameter", "MajorAxisLength", "MinorAxisLength", "Elongation"]
    for wanted in (None, named):
        ours = native_features(image, mask_image, setting=setting, classes={"shape2D": wanted}, image_types={})
        assert_equal(ours, flat_shape_of_pyradiomics(image, mask_image, setting, wanted))


def flat_shape_of_pyradiomics(image, mask, setting, wanted):
    """Straight from the class: its extractor looks at the wrong axis of the box and leaves slices across j out."""
    shape2d = pytest.importorskip("radiomics.shape2D")
    box = tuple(slice(int(low), int(high) + 1) for low, high in box_of(sitk.GetArrayFromImage(mask)))
    computer = shape2d.RadiomicsShape2D(image[box], mask[box], **setting)
    for name in wanted or ():
        computer.enableFeatureByName(name)
    return {f"original_shape2D_{name}": float(value) for name, value in computer.execute().items()}


def box_of(mask):
    """Lowest and highest index (i, j, k) of the voxels of a mask (k, j, i)."""
    inside = np.argwhere(mask)[:, ::-1]
    return list(zip(inside.min(axis=0), inside.max(axis=0), strict=True))


def test_features_off_by_default_are_computed_when_named(textured):
    image, mask = textured
    classes = {
        "firstorder": ["StandardDeviation", "Variance"],
        "shape": ["Compactness1", "Compactness2", "SphericalDisproportion"],
    }
    ours = native_features(image, mask, classes=classes)
    assert_equal(ours, pyradiomics_features(image, mask, classes=classes))


def test_features_that_pyradiomics_only_names_equal_the_feature_they_repeat(textured):
    image, mask = textured
    classes = {
        "firstorder": ["Uniformity"],
        "glcm": ["Dissimilarity", "DifferenceAverage", "Homogeneity1", "Id", "Homogeneity2", "Idm"],
        "gldm": ["GrayLevelNonUniformityNormalized", "DependencePercentage"],
    }
    classes["glcm"] += ["SumVariance", "ClusterTendency"]
    f = {name.removeprefix("original_"): value for name, value in native_features(image, mask, classes=classes).items()}
    assert f["glcm_Dissimilarity"] == f["glcm_DifferenceAverage"]
    assert f["glcm_Homogeneity1"] == f["glcm_Id"]
    assert f["glcm_Homogeneity2"] == f["glcm_Idm"]
    assert f["glcm_SumVariance"] == f["glcm_ClusterTendency"]
    assert f["gldm_GrayLevelNonUniformityNormalized"] == pytest.approx(f["firstorder_Uniformity"], rel=1e-12)
    assert f["gldm_DependencePercentage"] == 1


def test_every_pyradiomics_feature_has_an_entry():
    radiomics = pytest.importorskip("radiomics")
    for name, feature_class in radiomics.getFeatureClasses().items():
        theirs = feature_class.getFeatureNames()
        ours = {feature.name: not feature.default for feature in FAMILIES[name].features.values()}
        assert ours == theirs


def test_every_texture_feature_has_a_formula_in_its_docstring():
    for family in FAMILIES.values():
        for feature in family.features.values():
            assert feature.function.__doc__, f"{family.name} {feature.name}"


def test_given_bin_edges_number_the_levels_from_the_first_edge(textured):
    image, mask = textured
    edges = np.arange(-1000.0, 1000.0, 20.0)
    filtered = FilteredImage("original", image, {"binWidth": 20})
    engine = NativeEngine()
    own = engine.intensity_features(filtered, mask, {"glcm": None})
    shared = engine.intensity_features(filtered, mask, {"glcm": None}, bin_edges=edges)
    assert shared["original_glcm_Contrast"] == pytest.approx(own["original_glcm_Contrast"], rel=1e-12)
    lowest = sitk.GetArrayFromImage(image)[sitk.GetArrayFromImage(mask) == 1].min()
    assert shared["original_glcm_JointAverage"] - own["original_glcm_JointAverage"] == pytest.approx(
        np.floor((lowest + 1000) / 20)
    )


def refuse(call, error, *words):
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def features_of(array, mask, setting=None, classes=None):
    image, mask_image = as_images(array, mask)
    return NativeEngine().intensity_features(
        FilteredImage("original", image, setting or {}), mask_image, classes or {"firstorder": None, "glcm": None}
    )


CUBE = np.arange(64.0).reshape(4, 4, 4)
FULL = np.ones((4, 4, 4), dtype=bool)


def test_bad_settings_are_refused_by_name_and_value():
    for setting, words in (
        ({"binWidth": 0}, ("binWidth", "0")),
        ({"binWidth": -5}, ("binWidth", "-5")),
        ({"binCount": 0}, ("binCount", "0")),
        ({"binCount": 2.5}, ("binCount", "2.5")),
        ({"distances": [0]}, ("distances", "0")),
        ({"distances": []}, ("distances",)),
        ({"weightingNorm": "taxi"}, ("weightingNorm", "taxi", "manhattan")),
        ({"force2Ddimension": 3}, ("force2Ddimension", "3")),
        ({"gldm_a": -1}, ("gldm_a", "-1")),
        ({"profile": "ibsy"}, ("profile", "ibsy")),
    ):
        refuse(lambda setting=setting: features_of(CUBE, FULL, setting), InputError, *words)


def test_a_hundred_thousand_grey_levels_are_refused_before_memory_is_spent():
    import tracemalloc

    tracemalloc.start()
    refuse(lambda: features_of(CUBE * 1e5, FULL, {"binWidth": 25}), InputError, "binWidth 25", "grey levels", "5000")
    refuse(lambda: features_of(CUBE, FULL, {"binCount": 100000}), InputError, "binCount 100000", "5000")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5e6


def test_nan_in_the_region_is_refused_with_the_number_of_voxels():
    array = CUBE.copy()
    array[1, 1, 1:3] = np.nan
    refuse(lambda: features_of(array, FULL), InputError, "2 voxels", "NaN")
    outside = FULL.copy()
    outside[1, 1] = False
    assert np.isfinite(list(features_of(array, outside).values())).all()


def test_empty_single_voxel_and_mismatched_masks_are_refused():
    empty = np.zeros_like(FULL)
    refuse(lambda: features_of(CUBE, empty), RegionError, "empty")
    single = empty.copy()
    single[1, 2, 3] = True
    refuse(lambda: features_of(CUBE, single), RegionError, "single voxel")
    refuse(lambda: features_of(CUBE, np.ones((5, 4, 4), dtype=bool)), GeometryError, "(5, 4, 4)", "(4, 4, 4)")


def test_unknown_classes_features_and_image_types_are_refused():
    refuse(lambda: features_of(CUBE, FULL, classes={"glmc": None}), InputError, "glmc", "glcm")
    refuse(lambda: features_of(CUBE, FULL, classes={"glcm": ["Contrst"]}), InputError, "Contrst", "Contrast")
    image = sitk.GetImageFromArray(CUBE)
    refuse(lambda: list(NativeEngine().filtered_images(image, {"Sobel": {}}, {})), InputError, "Sobel", "Gradient")


def test_constant_region_gives_finite_values_and_no_spread():
    values = features_of(np.full((4, 4, 4), 0.1), FULL, {"binWidth": 25}, dict.fromkeys(ALL_CLASSES))
    assert np.isfinite(list(values.values())).all()
    for name in ("Variance", "Skewness", "Kurtosis", "Entropy", "MeanAbsoluteDeviation", "Range"):
        assert values[f"original_firstorder_{name}"] == pytest.approx(0, abs=1e-12)
    assert values["original_firstorder_Mean"] == 0.1
    assert values["original_glcm_Correlation"] == 1
    assert values["original_ngtdm_Coarseness"] == 1e6


def test_remembered_regions_do_not_change_values(textured):
    image, mask = textured
    engine = NativeEngine(remembered_bytes=1)
    other = as_images(np.zeros(image.GetSize()[::-1]), np.ones(image.GetSize()[::-1], dtype=bool), image.GetSpacing())[
        1
    ]
    first = native_features(image, mask, engine=engine)
    native_features(image, other, engine=engine)
    assert native_features(image, mask, engine=engine) == first
