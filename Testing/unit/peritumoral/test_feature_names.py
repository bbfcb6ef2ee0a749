"""The names of features are pyradiomics' own."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.settings.feature_names import (
    DEFAULT_FEATURES,
    DEPRECATED_FEATURES,
    IMAGE_NAMES,
    image_names,
    intensity_names,
    shape_names,
)


@pytest.fixture(scope="module")
def radiomics():
    with warnings.catch_warnings():  # pyradiomics' import touches deprecated parts of numpy and scipy
        warnings.simplefilter("ignore")
        return pytest.importorskip("radiomics")


@pytest.mark.parametrize("name", DEFAULT_FEATURES)
def test_every_class_has_the_features_of_pyradiomics_in_its_order(radiomics, name):
    theirs = radiomics.getFeatureClasses()[name].getFeatureNames()
    assert list(DEFAULT_FEATURES[name]) == [feature for feature, deprecated in theirs.items() if not deprecated]
    assert list(DEPRECATED_FEATURES.get(name, ())) == [feature for feature, old in theirs.items() if old]


def test_every_image_type_of_pyradiomics_is_known(radiomics):
    assert set(IMAGE_NAMES) == set(radiomics.getImageTypes())


@pytest.mark.parametrize(
    ("image_type", "setting"),
    [
        ("Original", {}),
        ("LoG", {"sigma": [1.0, 2, 2.5]}),
        ("Wavelet", {}),
        ("Wavelet", {"level": 3, "start_level": 1}),
        ("Wavelet", {"force2D": True, "level": 2}),
        ("Square", {}),
        ("SquareRoot", {}),
        ("Logarithm", {}),
        ("Exponential", {}),
        ("Gradient", {}),
    ],
)
def test_image_names_are_those_that_pyradiomics_yields(radiomics, image_type, setting):
    values = np.random.default_rng(0).uniform(1, 50, (12, 12, 12))
    image = sitk.GetImageFromArray(values)
    from radiomics import imageoperations

    made = getattr(imageoperations, f"get{image_type}Image")(image, None, **setting)
    assert image_names(image_type, setting) == [name for _, name, _ in made]


def test_lbp_3d_makes_one_image_a_level_and_the_kurtosis():
    assert image_names("LBP3D", {"lbp3DLevels": 3}) == ["lbp-3D-m1", "lbp-3D-m2", "lbp-3D-m3", "lbp-3D-k"]


def test_shape_in_2d_is_named_only_with_force2d():
    classes = {"shape2D": None, "firstorder": ("Mean",)}
    assert shape_names(classes, {}) == []
    assert len(shape_names(classes, {"force2D": True})) == 9
    assert intensity_names("square", classes) == ["square_firstorder_Mean"]
