"""The IBSI profile against the consensus values of the Image Biomarker Standardisation Initiative."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import SimpleITK as sitk
from ibsi_reference import CONFIGURATIONS, covered_values

from PeritumoralRadiomicsLib.settings.ibsi_profile import IbsiPreparation, centred_grid, prepare, resample_mask
from RadiomicsCoreLib.errors import InputError, RegionError


def read_phantom(folder, configuration):
    name = "ibsi_1_digital_phantom" if configuration == "dig_phantom" else "ibsi_1_ct_radiomics_phantom"
    image = sitk.ReadImage(str(folder / "ibsi1" / name / "nifti" / "image" / "phantom.nii.gz"))
    mask = sitk.ReadImage(str(folder / "ibsi1" / name / "nifti" / "mask" / "mask.nii.gz"))
    return image, sitk.Cast(mask > 0.5, sitk.sitkUInt8)


def read_reference(folder, configuration):
    """Tag to (reference value, tolerance) of one configuration; tags without a consensus are left out."""
    path = folder / "ibsi1" / "ibsi_1_reference_values" / f"ibsi_1_{configuration}.csv"
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["reference value"]]
    return {row["tag"]: (float(row["reference value"]), float(row["tolerance"] or 0)) for row in rows}


def half_of_last_digit(value):
    """The references are given with three significant digits."""
    return 0.5 * 10 ** (np.floor(np.log10(abs(value))) - 2) if value else 0.0


@pytest.mark.shared_data
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_every_covered_reference_value_is_within_tolerance(shared_data, configuration):
    values = covered_values(*read_phantom(shared_data, configuration), CONFIGURATIONS[configuration])
    reference = read_reference(shared_data, configuration)
    assert set(values) <= set(reference)
    assert len(values) == {"dig_phantom": 401, "chest_config_a": 282, "chest_config_b": 282}.get(configuration, 163)
    outside = {
        tag: (value, *reference[tag])
        for tag, value in values.items()
        if abs(value - reference[tag][0]) > reference[tag][1] + half_of_last_digit(reference[tag][0]) * (1 + 1e-9)
    }
    assert not outside


@pytest.mark.shared_data
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_resampled_masks_have_the_consensus_numbers_of_voxels(shared_data, configuration):
    if configuration == "dig_phantom":
        return
    prepared = prepare(*read_phantom(shared_data, configuration), CONFIGURATIONS[configuration].preparation)
    reference = read_reference(shared_data, configuration)
    for tag, mask in (("int", prepared.intensity_mask), ("morph", prepared.morphological_mask)):
        count, tolerance = reference[f"{tag}_mask_vox_count_reseg_roi"]
        assert np.count_nonzero(sitk.GetArrayFromImage(mask)) == pytest.approx(count, abs=tolerance)


def test_grids_are_aligned_at_their_centres_on_oblique_images():
    image = sitk.Image(11, 8, 5, sitk.sitkFloat64)
    image.SetSpacing((0.9, 1.1, 3.3))
    image.SetOrigin((5, -7, 100))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    grid = centred_grid(image, (2, 2, 2))
    centres = [
        each.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in each.GetSize()]) for each in (image, grid)
    ]
    assert centres[0] == pytest.approx(centres[1])
    assert grid.GetSize() == (5, 5, 9)


def test_mask_keeps_voxels_that_are_at_least_half_inside():
    mask = sitk.GetImageFromArray(np.array([[[0, 1, 1, 0, 0, 1, 0, 0]]], dtype=np.uint8))
    same_size_shifted_by_half = sitk.Image(mask)
    same_size_shifted_by_half.SetOrigin((0.5, 0, 0))
    resampled = sitk.GetArrayFromImage(resample_mask(mask, same_size_shifted_by_half))
    assert resampled.ravel().tolist() == [1, 1, 1, 0, 1, 1, 0, 0]


def test_fixed_bins_start_at_the_resegmentation_range_and_fixed_counts_at_the_minimum():
    from PeritumoralRadiomicsLib.grey_levels.discretisation import region_levels
    from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings

    values = np.array([-480.0, -475.0, -450.0, 400.0])
    setting = {"profile": "ibsi", "binWidth": 25}
    own = FeatureSettings.from_mapping(setting)
    ranged = FeatureSettings.from_mapping({**setting, "resegmentRange": [-500, 400]})
    counted = FeatureSettings.from_mapping({"profile": "ibsi", "binCount": 4})
    assert region_levels(values, own).tolist() == [1, 1, 2, 36]
    assert region_levels(values, ranged).tolist() == [1, 2, 3, 37]
    assert region_levels(values, counted).tolist() == [1, 1, 1, 4]


def test_bad_preparations_are_refused():
    with pytest.raises(InputError, match="interpolator 'sinc'"):
        IbsiPreparation(interpolator="sinc")
    with pytest.raises(InputError, match="spacing_mm"):
        IbsiPreparation(spacing_mm=(1, -1, 1))
    with pytest.raises(InputError, match="outlier_sigmas"):
        IbsiPreparation(outlier_sigmas=0)
    image = sitk.Image(4, 4, 4, sitk.sitkFloat64)
    mask = sitk.Cast(image == 0, sitk.sitkUInt8)
    with pytest.raises(RegionError, match="no voxel"):
        prepare(image, mask, IbsiPreparation(intensity_range=(10, 20)))
