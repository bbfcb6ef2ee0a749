"""The IBSI profile through extract_features: settings, resampling grid, values of the standard's CT phantom."""

from __future__ import annotations

import csv
from dataclasses import replace

import ibsi_reference
import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine
from PeritumoralRadiomicsLib.preprocessing.filtered_image import FilteredImage
from PeritumoralRadiomicsLib.preprocessing.pipeline import preprocess
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.ibsi_profile import IbsiPreparation, prepare
from PeritumoralRadiomicsLib.settings.parameter_file import parameter_text, read_parameter_file
from RadiomicsCoreLib.errors import InputError

CONFIGURATION_C = """
setting: {binWidth: 25, resampledPixelSpacing: [2, 2, 2], interpolator: sitkLinear, resegmentRange: [-1000, 400]}
featureClass: {shape: [], firstorder: [], glcm: [], glrlm: [], glszm: [], gldm: [], ngtdm: []}
peritumoral: {profile: ibsi}
"""
TAGS = {
    "shape": (ibsi_reference._SHAPE, "{}"),
    "firstorder": (ibsi_reference._STATISTICS, "stat_{}"),
    "glcm": (ibsi_reference._GLCM, "cm_{}_3D_avg"),
    "glrlm": (ibsi_reference._GLRLM, "rlm_{}_3D_avg"),
    "glszm": (ibsi_reference._GLSZM, "szm_{}_3D"),
    "gldm": (ibsi_reference._GLDM, "ngl_{}_3D"),
    "ngtdm": (ibsi_reference._NGTDM, "ngt_{}_3D"),
}
DEFAULT_OFF = {"Compactness1", "Compactness2", "SphericalDisproportion", "SumVariance", "Dissimilarity"}
DEFAULT_OFF |= {"DependencePercentage", "GrayLevelNonUniformityNormalized"}


@pytest.fixture
def parameter_file(tmp_path):
    path = tmp_path / "configuration_c.yaml"
    path.write_text(CONFIGURATION_C)
    return path


def ball(spacing=(0.9, 1.1, 3.0), pixel_type=sitk.sitkInt16):
    k, j, i = np.ogrid[:14, :40, :44]
    inside = ((k - 6) * 3.0) ** 2 + ((j - 19) * 1.1) ** 2 + ((i - 22) * 0.9) ** 2 < 11**2
    values = np.random.default_rng(5).normal(0, 40, inside.shape).round()
    image, mask = sitk.Cast(sitk.GetImageFromArray(values), pixel_type), sitk.GetImageFromArray(inside.astype(np.uint8))
    for each in (image, mask):
        each.SetSpacing(spacing)
        each.SetOrigin((-7.3, 21.9, 101.1))
        each.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    return image, mask


@pytest.mark.shared_data
def test_configuration_c_of_the_ct_phantom_has_the_reference_values(shared_data, parameter_file):
    folder = shared_data / "ibsi1"
    phantom = folder / "ibsi_1_ct_radiomics_phantom" / "nifti"
    image = sitk.ReadImage(str(phantom / "image" / "phantom.nii.gz"))
    mask = sitk.Cast(sitk.ReadImage(str(phantom / "mask" / "mask.nii.gz")) > 0.5, sitk.sitkUInt8)
    table = folder / "ibsi_1_reference_values" / "ibsi_1_chest_config_c.csv"
    with table.open(newline="") as stream:
        reference = {row["tag"]: row for row in csv.DictReader(stream, delimiter=";") if row["reference value"]}
    result = extract_features(image, {"tumour": mask}, read_parameter_file(parameter_file), threads=2)
    assert not result.reasons
    compared = 0
    for class_name, (features, tag) in TAGS.items():
        for short, name in features.items():
            found = result.features["tumour"].get(f"original_{class_name}_{name}")
            if found is None:
                assert name in DEFAULT_OFF
                continue
            row = reference[tag.format(short)]
            value, tolerance = float(row["reference value"]), float(row["tolerance"] or 0)
            printed = 0.5 * 10 ** (np.floor(np.log10(abs(value))) - 2)  # references have three digits
            assert abs(found - value) <= tolerance + printed * (1 + 1e-9), (class_name, name)
            compared += 1
    assert compared >= 90


@pytest.mark.parametrize("pixel_type", [sitk.sitkInt16, sitk.sitkFloat32])
@pytest.mark.parametrize(("interpolator", "name"), [("sitkLinear", "linear"), ("sitkBSpline", "cubic_spline")])
def test_the_crop_is_a_part_of_the_whole_image_prepared_as_the_standard_says(pixel_type, interpolator, name):
    image, mask = ball(pixel_type=pixel_type)
    setting = {"resampledPixelSpacing": [2, 2, 2], "interpolator": interpolator}
    case = preprocess(image, {"a": mask}, ExtractionSettings(setting=setting, profile="ibsi"))
    whole = prepare(image, mask, IbsiPreparation((2, 2, 2), name))
    start = whole.image.TransformPhysicalPointToContinuousIndex(case.image.GetOrigin())
    assert start == pytest.approx(np.round(start), abs=1e-6)
    box = [slice(round(s), round(s) + n) for s, n in zip(start, case.image.GetSize(), strict=True)][::-1]
    there = sitk.GetArrayFromImage(whole.morphological_mask)
    assert np.array_equal(sitk.GetArrayFromImage(case.masks["a"]), there[tuple(box)])
    assert there.sum() == there[tuple(box)].sum()
    assert np.array_equal(sitk.GetArrayFromImage(case.image), sitk.GetArrayFromImage(whole.image)[tuple(box)])


def test_only_images_of_whole_numbers_are_rounded_and_only_where_they_are_resampled():
    image, mask = ball(pixel_type=sitk.sitkFloat32)
    resampled = ExtractionSettings(setting={"resampledPixelSpacing": [2, 2, 2]}, profile="ibsi")
    windowed = sitk.GetArrayFromImage(preprocess(image, {"a": mask}, replace(resampled, clip=(-30.5, 60))).image)
    assert np.array_equal(windowed, np.round(windowed))
    fractions = sitk.GetArrayFromImage(preprocess(image / 3, {"a": mask}, resampled).image)
    assert not np.array_equal(fractions, np.round(fractions))
    own_grid = preprocess(image / 3, {"a": mask}, ExtractionSettings(profile="ibsi")).image
    assert own_grid.GetSpacing() == image.GetSpacing()


def test_the_profile_survives_files_and_changes_kurtosis_by_three(tmp_path, parameter_file):
    settings = read_parameter_file(parameter_file)
    path = tmp_path / "again.yaml"
    path.write_text(parameter_text(settings))
    assert read_parameter_file(path).profile == settings.profile == "ibsi"
    assert ExtractionSettings.from_dict(settings.to_dict()) == settings
    image, mask = ball()
    plain = ExtractionSettings(feature_classes={"firstorder": ("Kurtosis",)})
    values = [
        extract_features(image, {"a": mask}, each).features["a"]["original_firstorder_Kurtosis"]
        for each in (plain, replace(plain, profile="ibsi"))
    ]
    assert values[0] - values[1] == pytest.approx(3)


@pytest.mark.parametrize(
    ("name", "image_type"),
    [
        ("gradient", {"Gradient": {}}),
        ("log-sigma-2-0-mm-3D", {"LoG": {"sigma": [2.0]}}),
        ("wavelet-HHH", {"Wavelet": {}}),
    ],
)
def test_the_resegmentation_range_is_no_bin_of_a_filtered_image(name, image_type):
    image, mask = ball()
    classes = {"firstorder": ("Minimum", "Range", "Entropy"), "glcm": ("JointAverage", "Autocorrelation")}
    settings = ExtractionSettings(
        profile="ibsi", setting={"binWidth": 5}, image_types=image_type, feature_classes=classes
    )
    # all voxels are kept, by a range whose lower end lies above some filtered values and below others
    for lowest in (-1000, -200):
        resegmented = replace(settings, setting={"binWidth": 5, "resegmentRange": [lowest, 1000]})
        values, plain = (extract_features(image, {"a": mask}, each).features["a"] for each in (resegmented, settings))
        assert values == plain and np.isfinite(list(values.values())).all()
        assert values[f"{name}_glcm_JointAverage"] <= values[f"{name}_firstorder_Range"] / 5 + 1


def test_a_region_below_the_resegmentation_range_is_refused_in_one_line():
    image, mask = ball()
    setting = {"profile": "ibsi", "binWidth": 5, "resegmentRange": [0, 400]}
    with pytest.raises(InputError, match=r"lowest intensity .* below resegmentRange, whose lower end 0"):
        NativeEngine().intensity_features(FilteredImage("original", image, setting), mask, {"glcm": None})


def test_unknown_profiles_and_engines_without_it_are_refused():
    with pytest.raises(InputError, match="profile 'ibsy' is not known; did you mean 'ibsi'"):
        ExtractionSettings(profile="ibsy")
    image, mask = ball()
    with pytest.raises(InputError, match="engine pyradiomics has no profile ibsi; use the engine native"):
        extract_features(image, {"a": mask}, ExtractionSettings(profile="ibsi"), engine="pyradiomics")
