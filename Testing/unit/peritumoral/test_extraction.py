"""Features of many regions in one call are those of one pyradiomics execute for each of them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from real_cases import read_case

from PeritumoralRadiomicsLib.engines.choice import engine_names, get_engine
from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.preprocessing.pipeline import preprocess
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.presets import preset
from RadiomicsCoreLib.errors import Cancelled, GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox

FEW = ExtractionSettings(feature_classes={"firstorder": None, "glcm": None}, setting={"binWidth": 25})
DONE_BEFORE = ("normalize", "normalizeScale", "resampledPixelSpacing")


@pytest.fixture(scope="module", autouse=True)
def needs_pyradiomics():
    with warnings.catch_warnings():  # pyradiomics' import touches deprecated parts of numpy
        warnings.simplefilter("ignore")
        pytest.importorskip("radiomics.featureextractor")


def pyradiomics_execute(image, mask, settings):
    """Return what pyradiomics' own extractor computes on an image that is already preprocessed."""
    with warnings.catch_warnings():  # it divides by zero where its documentation defines the result
        warnings.simplefilter("ignore")
        from radiomics.featureextractor import RadiomicsFeatureExtractor

        kept = {name: value for name, value in settings.setting.items() if name not in DONE_BEFORE}
        extractor = RadiomicsFeatureExtractor(
            {
                "imageType": {name: dict(value) for name, value in settings.image_types.items()},
                "featureClass": {name: list(v or ()) for name, v in settings.feature_classes.items()},
                "setting": kept | {"additionalInfo": False},
            }
        )
        return {name: float(value) for name, value in extractor.execute(image, mask).items()}


def with_rings(tumour, outer_mm):
    distance = sitk.SignedMaurerDistanceMap(tumour, squaredDistance=False, useImageSpacing=True)
    rings = {f"ring_0_{d}mm": sitk.And(distance <= d, tumour == 0) for d in outer_mm}
    return {"intratumour": tumour, **rings}


def noise(shape=(24, 30, 32), dtype=np.float32, seed=0):
    image = sitk.GetImageFromArray(np.random.default_rng(seed).normal(50, 60, shape).astype(dtype))
    image.SetSpacing((0.9, 0.9, 2.0))
    image.SetOrigin((-31.7, 12.9, 101.3))
    return image


def cube(image, start=(12, 11, 9), size=(8, 7, 5)):
    array = np.zeros(image.GetSize()[::-1], np.uint8)
    array[IndexBox(start, size).slices] = 1
    mask = sitk.GetImageFromArray(array)
    mask.CopyInformation(image)
    return mask


def assert_same_bits(result, case, settings):
    for region, ours in result.features.items():
        theirs = pyradiomics_execute(case.image, case.masks[region], settings)
        assert list(ours) == list(theirs) == settings.feature_names()
        differing = [name for name in theirs if ours[name] != theirs[name] and theirs[name] == theirs[name]]
        assert not differing, (region, differing[:5])


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["STS_019-PET", "brain1", "breast1"])
@pytest.mark.parametrize("preset_name", ["wu2021", "zhang2024"])
def test_tumour_and_rings_have_the_bits_of_separate_executes(shared_data, name, preset_name):
    image, tumour = read_case(shared_data, name)
    regions = with_rings(tumour, (6,) if "STS" in name else (3,))
    settings = preset(preset_name)
    result = extract_features(image, regions, settings, engine="pyradiomics")
    assert not result.reasons
    assert_same_bits(result, preprocess(image, regions, settings), settings)


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "preset_name", "rings"),
    [
        ("STS_019-PET", "liu2025", (6,)),
        ("breast1", "liu2025", (3, 6, 9)),
        ("brain1", "liu2025", (3,)),
        ("STS_019-CT", "wu2021", (3, 6, 9)),
        ("STS_019-CT", "zhang2024", (3,)),
        ("STS_019-CT", "liu2025", (3,)),
    ],
)
def test_large_cases_and_1316_features_have_the_bits_of_separate_executes(shared_data, name, preset_name, rings):
    image, tumour = read_case(shared_data, name)
    regions = with_rings(tumour, rings)
    settings = preset(preset_name)
    result = extract_features(image, regions, settings, engine="pyradiomics")
    assert not result.reasons
    assert_same_bits(result, preprocess(image, regions, settings), settings)


def test_resegmentation_counts_for_intensities_and_for_shape_only_when_asked():
    image = noise()
    regions = {"a": cube(image), "b": cube(image, (3, 4, 3), (9, 9, 6))}
    classes = {"shape": None, "firstorder": None}
    for extra in ({}, {"resegmentShape": True}):
        setting = {"resegmentRange": [-1.5, 1], "resegmentMode": "sigma", **extra}
        settings = ExtractionSettings(feature_classes=classes, setting=setting)
        result = extract_features(image, regions, settings, engine="pyradiomics")
        assert_same_bits(result, preprocess(image, regions, settings), settings)


def test_other_regions_and_their_order_change_no_value():
    image = noise((30, 50, 52))
    near, far = cube(image), cube(image, (33, 30, 18), (9, 9, 7))
    types = {"Original": {}, "Wavelet": {}, "Gradient": {}}
    settings = replace(FEW, image_types=types)
    alone = extract_features(image, {"a": near}, settings)
    both = extract_features(image, {"a": near, "b": far}, settings)
    turned = extract_features(image, {"b": far, "a": near}, settings)
    assert alone.features["a"] == both.features["a"]
    assert both.features == turned.features
    log = replace(FEW, image_types={"LoG": {"sigma": [1.5]}}, feature_classes={"firstorder": ("Mean", "Variance")})
    wide = extract_features(image, {"a": near, "b": far}, log).features["a"]
    assert extract_features(image, {"a": near}, log).features["a"] == pytest.approx(wide, rel=1e-4)


def test_a_shifted_patient_has_the_same_values():
    image = noise()
    moved, mask = sitk.Image(image), cube(image)
    moved.SetOrigin((500.25, -300.5, 10.0))
    settings = replace(FEW, setting={"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline"})
    here = extract_features(image, {"a": mask}, settings).features["a"]
    there = extract_features(moved, {"a": cube(moved)}, settings).features["a"]
    assert there == pytest.approx(here, rel=1e-4)


def test_shared_edges_make_levels_comparable_between_regions():
    # tumour and ring hold the same texture, 200 units apart: with own edges both start at level 1
    values = np.random.default_rng(1).uniform(0, 100, (20, 30, 30))
    values[:, :, 15:] += 200
    values[10, 12, 10], values[10, 12, 20] = 0, 200  # the same lowest value, on an edge
    image = sitk.GetImageFromArray(values)
    regions = {"low": cube(image, (6, 8, 6), (7, 9, 8)), "high": cube(image, (17, 8, 6), (7, 9, 8))}
    own = extract_features(image, regions, FEW).features
    shared = extract_features(image, regions, replace(FEW, shared_bin_edges=True)).features
    name = "original_glcm_JointAverage"
    assert abs(own["high"][name] - own["low"][name]) < 0.5
    assert shared["high"][name] - shared["low"][name] == pytest.approx(200 / 25, abs=0.5)
    assert shared["low"] == own["low"]


def test_a_region_that_cannot_be_used_is_a_row_of_nan_with_its_reason():
    image = noise()
    image[14, 13, 11] = float("nan")
    regions = {
        "bad": cube(image),
        "good": cube(image, (2, 3, 3), (6, 6, 5)),
        "empty": cube(image) * 0,
        "line": cube(image, (2, 20, 20), (5, 1, 1)),
    }
    result = extract_features(image, regions, FEW)
    assert list(result.features) == list(regions)
    assert result.reasons == {
        "bad": "1 of 280 voxels are NaN or infinite in the image",
        "empty": "the region has no voxel",
        "line": "the region extends in 1 dimensions, minimumROIDimensions is 2",
    }
    for name in result.reasons:
        assert list(result.features[name]) == FEW.feature_names()
        assert np.isnan(list(result.features[name].values())).all()
    assert np.isfinite(list(result.features["good"].values())).all()
    assert "NaN or infinite" in result.warnings[0]


def test_when_no_region_can_be_used_there_are_still_all_rows():
    image = noise()
    result = extract_features(image, {"empty": cube(image) * 0}, FEW)
    assert result.geometry is None
    assert list(result.features["empty"]) == FEW.feature_names()


def test_a_constant_region_has_values_and_no_reason():
    image = noise() * 0 + 7
    result = extract_features(image, {"flat": cube(image)}, preset("wu2021"))
    assert not result.reasons
    assert result.features["flat"]["original_firstorder_Skewness"] == 0
    assert result.features["flat"]["original_glcm_MCC"] == 1


def test_a_filter_too_wide_for_the_image_is_said_and_the_rest_is_there():
    image = noise((6, 30, 32))
    settings = replace(FEW, image_types={"Original": {}, "LoG": {"sigma": [1.0, 40.0]}})
    result = extract_features(image, {"a": cube(image, (12, 11, 1), (8, 7, 3))}, settings, engine="pyradiomics")
    assert not result.reasons
    assert "log-sigma-40-0-mm-3D: not made by pyradiomics" in result.warnings[0]
    row = result.features["a"]
    assert np.isnan(row["log-sigma-40-0-mm-3D_glcm_Contrast"])
    assert np.isfinite(row["log-sigma-1-0-mm-3D_glcm_Contrast"])


def test_features_that_no_engine_computes_any_more_are_said():
    settings = ExtractionSettings(feature_classes={"glcm": ("Contrast", "Homogeneity1")})
    result = extract_features(noise(), {"a": cube(noise())}, settings, engine="pyradiomics")
    assert np.isnan(result.features["a"]["original_glcm_Homogeneity1"])
    assert "1 of 2 features have no finite value (original_glcm_Homogeneity1)" in result.warnings[0]


@pytest.mark.parametrize("engine", engine_names())
def test_too_small_bins_are_the_reason_and_other_images_go_on(engine):
    settings = replace(FEW, image_types={"Original": {"binWidth": 1e-4}, "Gradient": {}})
    result = extract_features(noise(), {"a": cube(noise())}, settings, engine=engine)
    assert "original: binWidth 0.0001 makes" in result.warnings[0]
    assert np.isfinite(result.features["a"]["gradient_glcm_Contrast"])
    alone = extract_features(noise(), {"a": cube(noise())}, replace(FEW, setting={"binWidth": 1e-4}), engine=engine)
    assert "binWidth 0.0001 makes" in alone.reasons["a"]
    shared = replace(FEW, setting={"binWidth": 1e-4}, shared_bin_edges=True)
    with pytest.raises(RegionError, match=r"shared bin edges of original: binWidth 0\.0001"):
        extract_features(noise(), {"a": cube(noise())}, shared)


def test_shape_in_2d_without_force2d_is_said():
    settings = ExtractionSettings(feature_classes={"shape2D": None, "firstorder": ("Mean",)})
    result = extract_features(noise(), {"a": cube(noise())}, settings)
    assert list(result.features["a"]) == ["original_firstorder_Mean"]
    assert "shape2D was left out" in result.warnings[0]


def test_the_result_says_what_was_computed_on_what():
    result = extract_features(noise(), {"a": cube(noise())}, FEW, engine=get_engine("pyradiomics"))
    assert result.engine == "pyradiomics"
    assert result.engine_version
    assert result.geometry.spacing == (0.9, 0.9, 2.0)
    assert result.geometry.pixel_type == "32-bit float"
    assert set(result.timings) == {"preprocessing", "filters", "shape", "intensity"}


def test_progress_reaches_one_and_cancel_stops():
    seen = []
    regions = {"a": cube(noise()), "b": cube(noise(), (2, 3, 3))}
    extract_features(noise(), regions, FEW, progress=lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def cancel(fraction, message):
        raise Cancelled

    with pytest.raises(Cancelled):
        extract_features(noise(), regions, FEW, progress=cancel)


def test_calls_that_make_no_sense_end_in_one_line():
    image = noise()
    with pytest.raises(InputError, match="no regions"):
        extract_features(image, {}, FEW)
    with pytest.raises(InputError, match="did you mean 'pyradiomics'"):
        extract_features(image, {"a": cube(image)}, FEW, engine="pyradiomix")
    other = cube(image)
    other.SetSpacing((1, 1, 1))
    with pytest.raises(GeometryError, match=r"region .* has spacing 1 x 1 x 1 mm, the image"):
        extract_features(image, {"a": other}, FEW)
    with pytest.raises(InputError, match="for_phase"):
        extract_features(image, {"a": cube(image)}, preset("song2021"))


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize(
    ("pixel_type", "low", "high"),
    [
        (sitk.sitkUInt8, 0, 255),
        (sitk.sitkInt8, -128, 127),
        (sitk.sitkUInt16, 65000, 65535),
        (sitk.sitkInt16, 32000, 32767),
    ],
)
def test_the_pixel_type_changes_no_feature_even_where_intensities_fill_it(engine, pixel_type, low, high):
    values = np.random.default_rng(4).integers(low, high, (9, 12, 12), endpoint=True)
    values[4, 5:7, 5] = low, high
    wide = sitk.GetImageFromArray(values.astype(np.float64))
    inside = np.zeros(values.shape, np.uint8)
    inside[2:7, 3:9, 3:9] = 1
    mask = sitk.GetImageFromArray(inside)
    expected = extract_features(wide, {"tumour": mask}, FEW, engine=engine).features["tumour"]

    found = extract_features(sitk.Cast(wide, pixel_type), {"tumour": mask}, FEW, engine=engine).features["tumour"]

    assert np.isfinite(list(expected.values())).all()
    assert found == pytest.approx(expected, rel=1e-9)
