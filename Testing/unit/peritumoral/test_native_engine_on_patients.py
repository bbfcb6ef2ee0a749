"""The native engine against pyradiomics on real patients, and what must not change a feature."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from real_cases import read_case, tumour_and_rings

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine
from PeritumoralRadiomicsLib.preprocessing.filtered_image import FilteredImage
from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings

ALL_CLASSES = dict.fromkeys(("firstorder", "shape", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))
LIU_2025 = {"Original": {}, "Wavelet": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}}
POINTWISE = {name: {} for name in ("Square", "SquareRoot", "Logarithm", "Exponential", "Gradient")}


def resampled(image, mask, spacing):
    """Image and mask on cubic voxels (the tests compare engines on one image, whatever its grid)."""
    size = [round(n * s / spacing) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]

    def on_grid(source, interpolator):
        return sitk.Resample(
            source,
            size,
            sitk.Transform(),
            interpolator,
            image.GetOrigin(),
            [spacing] * 3,
            image.GetDirection(),
            0.0,
            source.GetPixelID(),
        )

    return on_grid(image, sitk.sitkBSpline), on_grid(mask, sitk.sitkNearestNeighbor)


def assert_same_features(image, masks, image_types, setting):
    engine = NativeEngine()
    ours = engine.features_of_regions(
        engine.filtered_images(image, image_types, setting), masks, ALL_CLASSES, threads=2
    )
    for name, mask in masks.items():
        features = {**engine.shape_features(mask, ALL_CLASSES, setting), **ours[name]}
        theirs = pyradiomics_features(image, mask, image_types, setting)
        assert list(features) == list(theirs)
        for feature, value in theirs.items():
            relative = 1e-8 if feature.startswith("original_") else 1e-6
            assert features[feature] == pytest.approx(value, rel=relative, abs=1e-10, nan_ok=True), (name, feature)


def pyradiomics_features(image, mask, image_types, setting):
    radiomics = pytest.importorskip("radiomics")
    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(additionalInfo=False, **setting)
    extractor.disableAllImageTypes()
    extractor.disableAllFeatures()
    for name, own in image_types.items():
        extractor.enableImageTypeByName(name, customArgs=dict(own))
    extractor.enableFeaturesByName(**{name: [] for name in ALL_CLASSES})
    with warnings.catch_warnings():
        # pyradiomics divides by zero where a direction is empty, and ignores the NaN afterwards.
        warnings.simplefilter("ignore")
        values = extractor.execute(image, mask)
    return {name: float(value) for name, value in values.items()}


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("patient", "phase", "spacing", "bin_width"),
    [("STS_008", "CT", 3.0, 25), ("STS_008", "PET", 4.0, 0.25), ("STS_019", "CT", 3.0, 25)],
)
def test_all_features_of_sarcomas_and_rings_equal_pyradiomics(shared_data, patient, phase, spacing, bin_width):
    image, mask = read_case(shared_data, f"{patient}-{phase}")
    image, mask = resampled(sitk.Cast(image, sitk.sitkFloat64), mask, spacing)
    image, masks = tumour_and_rings(image, mask, (6, 9))
    assert_same_features(image, masks, LIU_2025, {"binWidth": bin_width})
    tumour = {"tumour": masks["tumour"]}
    pointwise = POINTWISE if phase == "CT" else {name: POINTWISE[name] for name in ("Square", "Logarithm")}
    assert_same_features(image, tumour, pointwise, {"binWidth": bin_width})


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize(("name", "bin_width"), [("brain1", 25), ("brain2", 25), ("breast1", 10)])
def test_all_features_of_brain_and_breast_equal_pyradiomics(shared_data, name, bin_width):
    image, mask = read_case(shared_data, name)
    image, masks = tumour_and_rings(sitk.Cast(image, sitk.sitkFloat64), mask, (3, 6))
    assert_same_features(
        image, masks, {"Original": {}, "Wavelet": {}, "LoG": {"sigma": [3.0]}}, {"binWidth": bin_width}
    )
    assert_same_features(image, {"tumour": masks["tumour"]}, POINTWISE, {"binWidth": bin_width})


@pytest.fixture(scope="module")
def textured():
    random = np.random.default_rng(9)
    array = random.normal(0, 60, (11, 12, 13)).round()
    mask = np.zeros(array.shape, dtype=bool)
    mask[2:9, 3:10, 2:11] = random.random((7, 7, 9)) < 0.75
    return array, mask


def features_of(array, mask, spacing=(1.0, 1.0, 1.0), **setting):
    image, mask_image = sitk.GetImageFromArray(array), sitk.GetImageFromArray(mask.astype(np.uint8))
    for each in (image, mask_image):
        each.SetSpacing(spacing[::-1])
    engine = NativeEngine()
    filtered = FilteredImage("original", image, {"binWidth": 10, **setting})
    values = engine.intensity_features(filtered, mask_image, ALL_CLASSES)
    return {**engine.shape_features(mask_image, {"shape": None}, setting), **values}


def test_translation_changes_nothing(textured):
    array, mask = textured
    moved = features_of(*(np.roll(each, (2, -3, 1), axis=(0, 1, 2)) for each in textured))
    assert moved == pytest.approx(features_of(array, mask), rel=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flips_change_nothing(textured, axis):
    flipped = features_of(*(np.flip(each, axis) for each in textured))
    plain = features_of(*textured)
    ambiguous = ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")
    for name, value in plain.items():
        # The mesh cuts an ambiguous cube one way or the other; a flip may change which.
        relative = 0.05 if name.endswith(ambiguous) else 1e-9
        assert flipped[name] == pytest.approx(value, rel=relative), name


def test_order_of_the_axes_changes_nothing_but_the_planes_diameters(textured):
    array, mask = textured
    turned = features_of(array.transpose(2, 0, 1), mask.transpose(2, 0, 1), (3.0, 1.0, 2.0))
    plain = features_of(array, mask, (1.0, 2.0, 3.0))
    for name, value in plain.items():
        if "2DDiameter" in name:
            continue
        relative = 0.05 if name.endswith(("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")) else 1e-9
        assert turned[name] == pytest.approx(value, rel=relative), name


def test_adding_whole_bins_to_the_image_changes_only_what_it_must(textured):
    array, mask = textured
    plain, shifted = features_of(array, mask), features_of(array + 300, mask)
    depends = ("Energy", "RootMeanSquared", "Minimum", "Maximum", "Mean", "Median", "10Percentile", "90Percentile")
    for name, value in plain.items():
        own_name = name.split("_")[2]
        if "firstorder" in name and own_name in (*depends, "TotalEnergy"):
            continue
        assert shifted[name] == pytest.approx(value, rel=1e-9), name
    assert shifted["original_firstorder_Mean"] == pytest.approx(plain["original_firstorder_Mean"] + 300)


@pytest.mark.shared_data
@pytest.mark.parametrize("resampled", [True, False])
def test_padding_pyradiomics_gives_the_values_of_a_plain_execute(shared_data, resampled):
    """Each region alone, cut as pyradiomics cuts it: what an old study that called execute(image, mask) has."""
    featureextractor = pytest.importorskip("radiomics.featureextractor")
    folder = shared_data / "pyradiomics_cases"
    path = next(folder.glob("**/brain1_image.nrrd"))
    image = sitk.ReadImage(str(path))
    tumour = sitk.Cast(sitk.ReadImage(str(path).replace("_image", "_label")) != 0, sitk.sitkUInt8)
    ring = grow_regions(tumour, RingSettings(outer_mm=(5,))).full_mask("ring_0_5mm")
    setting = {"binWidth": 25, "additionalInfo": False}
    if resampled:
        setting |= {"resampledPixelSpacing": [2, 2, 2], "interpolator": "sitkBSpline"}
    types = {"Original": {}, "LoG": {"sigma": [1.0, 3.0, 5.0]}, "Wavelet": {}}
    classes = {"firstorder": None, "glcm": None}
    settings = ExtractionSettings(setting=setting, image_types=types, feature_classes=classes, padding="pyradiomics")
    found = extract_features(image, {"intratumour": tumour, "ring": ring}, settings).features
    plain = featureextractor.RadiomicsFeatureExtractor(**setting)
    plain.disableAllFeatures()
    for name in classes:
        plain.enableFeatureClassByName(name)
    for name, options in types.items():
        plain.enableImageTypeByName(name, customArgs=options)
    usual = extract_features(image, {"ring": ring}, replace(settings, padding="neighbourhood")).features["ring"]
    worst, differs = 0.0, 0.0
    for region, mask in (("intratumour", tumour), ("ring", ring)):
        expected = {
            name: float(value) for name, value in plain.execute(image, mask).items() if "diagnostics" not in name
        }
        assert set(expected) == set(found[region])
        for name, value in expected.items():
            scale = max(abs(value), 1e-3)
            worst = max(worst, abs(found[region][name] - value) / scale)
            differs = max(differs, abs(usual[name] - value) / scale if region == "ring" else 0.0)
    assert worst < 1e-6
    if resampled:
        assert differs > 1e-3  # why the setting is needed: five voxels are fewer than a LoG of 5 mm reaches
