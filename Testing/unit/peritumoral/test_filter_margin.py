"""The margins are wide enough: a crop gives the filtered values of a much larger image."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.preprocessing.filter_margin import filter_margin, margins_of, widest
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.images.geometry import IndexBox, crop

SPACING = (0.9, 1.1, 1.5)


@pytest.mark.parametrize(
    ("image_type", "setting", "tolerance"),
    [
        ("Original", {}, 0),
        ("Gradient", {}, 0),
        ("Wavelet", {}, 0),
        ("Wavelet", {"wavelet": "db4", "level": 2}, 0),
        ("Wavelet", {"start_level": 1, "level": 2}, 0),
        ("LoG", {"sigma": [1.0, 1.5]}, 2e-7),
        ("LoG", {"sigma": [1.0, 1.5], "resampledPixelSpacing": SPACING}, 1e-5),
    ],
)
def test_the_crop_has_the_values_of_the_whole(image_type, setting, tolerance):
    operations = pytest.importorskip("radiomics.imageoperations")
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 100, (61, 70, 75)))
    image.SetSpacing(SPACING)
    region = IndexBox((33, 31, 28), (5, 6, 4))
    kept = region.grown(filter_margin(image_type, setting, SPACING), image.GetSize())
    inside = region.shifted([-start for start in kept.start])
    make = getattr(operations, f"get{image_type}Image")
    whole = list(make(image, None, **setting))
    part = list(make(crop(image, kept), None, **setting))
    for (big, name, _), (small, _, _) in zip(whole, part, strict=True):
        theirs = sitk.GetArrayViewFromImage(big)[region.slices]
        ours = sitk.GetArrayViewFromImage(small)[inside.slices]
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max(), name


def test_filters_that_scale_by_the_maximum_get_pyradiomics_pad_distance():
    assert filter_margin("Square", {}, SPACING) == (5, 5, 5)
    assert filter_margin("Exponential", {"padDistance": 12}, SPACING) == (12, 12, 12)


def test_the_widest_margin_serves_all_image_types():
    setting = {"resampledPixelSpacing": [1, 1, 5]}
    settings = ExtractionSettings(image_types={"Original": {}, "LoG": {"sigma": [3.0]}}, setting=setting)
    margins = margins_of(settings, (1.0, 1.0, 5.0))
    assert margins == {"Original": (10, 10, 10), "LoG": (24, 24, 5)}
    assert widest(margins) == (24, 24, 10)


@pytest.mark.parametrize("setting", [{}, {"resampledPixelSpacing": [0, 0, 0]}, {"resampledPixelSpacing": None}])
def test_an_image_that_is_not_resampled_gets_a_margin_as_good_as_the_whole(setting):
    assert filter_margin("LoG", {"sigma": [3.0], **setting}, (1.0, 1.0, 5.0)) == (39, 39, 8)


def test_laplacians_of_an_image_that_is_not_resampled_equal_pyradiomics_on_the_whole_image():
    extractors = pytest.importorskip("radiomics.featureextractor")
    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    noise = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 400, (100, 100, 100)))
    image = sitk.SmoothingRecursiveGaussian(noise, 1.2)
    inside = np.zeros((100, 100, 100), dtype=np.uint8)
    inside[45:55, 45:56, 46:54] = 1
    mask = sitk.GetImageFromArray(inside)
    types, setting = {"LoG": {"sigma": [3.0]}}, {"binWidth": 10}
    extractor = extractors.RadiomicsFeatureExtractor(additionalInfo=False, **setting)
    extractor.disableAllImageTypes()
    extractor.enableImageTypeByName("LoG", customArgs=types["LoG"])
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=[], glcm=[])
    theirs = extractor.execute(image, mask)
    settings = ExtractionSettings(image_types=types, setting=setting, feature_classes={"firstorder": (), "glcm": ()})
    ours = extract_features(image, {"a": mask}, settings).features["a"]
    assert len(ours) == len(theirs) == 42
    assert ours == pytest.approx({name: float(value) for name, value in theirs.items()}, rel=1e-6)
