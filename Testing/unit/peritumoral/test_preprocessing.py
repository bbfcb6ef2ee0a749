"""One preprocessed crop for all regions has the voxels that pyradiomics makes from the whole image."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from real_cases import read_case

from PeritumoralRadiomicsLib.preprocessing.pipeline import preprocess
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.presets import preset
from RadiomicsCoreLib.errors import GeometryError, InputError
from RadiomicsCoreLib.images.geometry import IndexBox, crop, mask_box

ISOTROPIC = {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline"}


@pytest.fixture(scope="module")
def operations():
    with warnings.catch_warnings():  # pyradiomics' import touches deprecated parts of numpy
        warnings.simplefilter("ignore")
        return pytest.importorskip("radiomics.imageoperations")


def grown(mask, outer_mm):
    distance = sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)
    return sitk.And(distance <= outer_mm, mask == 0)


def noise(shape=(24, 30, 32), spacing=(0.8, 0.8, 2.5), dtype=np.int16, seed=0):
    image = sitk.GetImageFromArray(np.random.default_rng(seed).normal(50, 60, shape).astype(dtype))
    image.SetSpacing(spacing)
    image.SetOrigin((-31.7, 12.9, 101.3))
    image.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))
    return image


def cube(image, start=(12, 11, 9), size=(8, 7, 5)):
    array = np.zeros(image.GetSize()[::-1], np.uint8)
    array[IndexBox(start, size).slices] = 1
    mask = sitk.GetImageFromArray(array)
    mask.CopyInformation(image)
    return mask


def assert_same_part(ours, whole, tolerance=0.0):
    """Assert that ``ours`` is, voxel for voxel, the part of ``whole`` at the same place."""
    start = np.array(whole.TransformPhysicalPointToContinuousIndex(ours.GetOrigin()))
    assert np.abs(start - np.rint(start)).max() < 1e-6
    part = crop(whole, IndexBox(tuple(int(a) for a in np.rint(start)), ours.GetSize()))
    assert np.allclose(ours.GetSpacing(), part.GetSpacing())
    assert ours.GetPixelID() == part.GetPixelID()
    difference = np.abs(sitk.GetArrayFromImage(ours) - sitk.GetArrayFromImage(part))
    assert difference.max() <= tolerance


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["brain1", "breast1", "STS_019-PET", "STS_019-CT"])
def test_the_crop_is_bit_equal_to_pyradiomics_resampling_of_the_whole_image(shared_data, operations, name):
    image, tumour = read_case(shared_data, name)
    regions = {"intratumour": tumour, "ring": grown(tumour, 6)}
    case = preprocess(image, regions, ExtractionSettings(setting=ISOTROPIC))
    union = sitk.Or(*regions.values())
    whole, _ = operations.resampleImage(image, union, **ISOTROPIC, padDistance=60)
    assert_same_part(case.image, whole)
    for region, mask in regions.items():
        _, theirs = operations.resampleImage(image, mask, **ISOTROPIC, padDistance=60)
        assert sitk.GetArrayViewFromImage(theirs).sum() == sitk.GetArrayViewFromImage(case.masks[region]).sum()
        box = mask_box(case.masks[region])
        assert_same_part(crop(case.masks[region], box), sitk.Cast(theirs, sitk.sitkUInt8))


@pytest.mark.shared_data
@pytest.mark.slow
def test_a_whole_chest_ct_gives_the_voxels_of_the_whole_resampled_volume(shared_data, operations):
    image, tumour = read_case(shared_data, "lung1")
    regions = {"intratumour": tumour, "ring": grown(tumour, 9)}
    whole, _ = operations.resampleImage(image, sitk.Or(*regions.values()), **ISOTROPIC, padDistance=45)
    assert_same_part(preprocess(image, regions, ExtractionSettings(setting=ISOTROPIC)).image, whole)
    # Normalised intensities are float64: ITK's own rounding of positions depends on the box, at 1e-13 of the range.
    normalised = operations.normalizeImage(image, normalizeScale=100)
    whole, _ = operations.resampleImage(normalised, sitk.Or(*regions.values()), **ISOTROPIC, padDistance=45)
    assert_same_part(preprocess(image, regions, preset("liu2025")).image, whole, tolerance=1e-9)


@pytest.mark.parametrize("spacing", [[1, 1, 1], [2, 2, 0], [0.5, 0.5, 2.5], [1.6, 1.6, 5], [0, 0, 0]])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_every_resampling_has_the_grid_of_pyradiomics(operations, spacing, dtype):
    image = noise(dtype=dtype)
    mask = cube(image)
    setting = {"resampledPixelSpacing": spacing, "interpolator": "sitkBSpline"}
    case = preprocess(image, {"tumour": mask}, ExtractionSettings(setting=setting))
    whole, theirs = operations.resampleImage(image, mask, **setting, padDistance=100)
    assert_same_part(case.image, whole)
    assert_same_part(case.masks["tumour"], sitk.Cast(theirs, sitk.sitkUInt8))


def test_three_is_the_number_of_b_splines_in_older_parameter_files():
    image = noise(dtype=np.float32)
    by_number, by_name = (
        preprocess(
            image,
            {"a": cube(image)},
            ExtractionSettings(setting={"resampledPixelSpacing": [1, 1, 1], "interpolator": interpolator}),
        ).image
        for interpolator in (3, "sitkBSpline")
    )
    assert np.array_equal(sitk.GetArrayFromImage(by_number), sitk.GetArrayFromImage(by_name))


def test_one_slice_is_not_resampled_across_its_plane(operations):
    image = noise()
    mask = cube(image, size=(8, 7, 1))
    case = preprocess(image, {"tumour": mask}, ExtractionSettings(setting=ISOTROPIC))
    whole, _ = operations.resampleImage(image, mask, **ISOTROPIC, padDistance=100)
    assert case.image.GetSpacing() == pytest.approx((1, 1, 2.5))
    assert_same_part(case.image, whole)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
@pytest.mark.parametrize("setting", [{}, {"normalizeScale": 100}, {"removeOutliers": 1.5, "normalizeScale": 10}])
def test_normalisation_of_the_crop_has_the_bits_of_normalising_the_whole(operations, dtype, setting):
    image = noise(dtype=dtype)
    case = preprocess(image, {"tumour": cube(image)}, ExtractionSettings(setting={"normalize": True, **setting}))
    assert_same_part(case.image, operations.normalizeImage(image, **setting))


def test_the_voxels_do_not_depend_on_which_other_regions_there_are():
    image = noise((30, 60, 62), (0.9, 0.9, 2.2), np.float32)
    near, far = cube(image), cube(image, (45, 40, 18), (9, 9, 7))
    settings = ExtractionSettings(setting={**ISOTROPIC, "normalize": True})
    alone, both = preprocess(image, {"a": near}, settings), preprocess(image, {"a": near, "b": far}, settings)
    assert_same_part(alone.image, both.image, tolerance=1e-10)
    box = mask_box(alone.masks["a"])
    assert_same_part(crop(alone.masks["a"], box), both.masks["a"])


def test_a_mask_on_a_crop_of_the_grid_means_the_same_as_on_the_whole():
    image = noise()
    mask = cube(image)
    small = crop(mask, IndexBox((10, 9, 7), (14, 12, 10)))
    for setting in ({}, ISOTROPIC):
        for way in ("nearest", "linear"):
            settings = ExtractionSettings(setting=setting, mask_interpolator=way)
            whole, part = preprocess(image, {"a": mask}, settings), preprocess(image, {"a": small}, settings)
            assert_same_part(part.masks["a"], whole.masks["a"])
            assert_same_part(part.image, whole.image)


def test_many_overlapping_masks_are_resampled_as_each_of_them_alone():
    image = noise()
    random = np.random.default_rng(5)
    starts = {f"region {n}": tuple(int(a) for a in random.integers(2, 10, 3)) for n in range(19)}
    masks = {name: cube(image, start, (9, 8, 7)) for name, start in starts.items()}
    settings = ExtractionSettings(setting={**ISOTROPIC, "resampledPixelSpacing": [1.3, 1.3, 1.9]})
    together = preprocess(image, masks, settings)
    assert list(together.masks) == list(masks)
    for name, mask in masks.items():
        expected = sitk.Resample(mask, together.image, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
        assert np.array_equal(sitk.GetArrayFromImage(together.masks[name]), sitk.GetArrayFromImage(expected)), name
        assert together.masks[name].GetPixelID() == sitk.sitkUInt8
        assert together.masks[name].GetOrigin() == together.image.GetOrigin()


def test_linear_mask_interpolation_keeps_what_reaches_one_half():
    image = noise(spacing=(2, 2, 2))
    mask = cube(image)
    settings = ExtractionSettings(setting={"resampledPixelSpacing": [1, 1, 1]}, mask_interpolator="linear")
    case = preprocess(image, {"a": mask}, settings)
    # new centres lie a quarter voxel off the old ones: on a face the value is 0.75 or 0.25, on an edge
    # 0.5625, at a corner 0.4219, so exactly the 8 corner voxels of the 16 x 14 x 10 block fall out
    assert sitk.GetArrayViewFromImage(case.masks["a"]).sum() == 16 * 14 * 10 - 8


def test_a_window_clips_in_the_images_unit_before_anything_else():
    image = noise()
    windowed = preprocess(image, {"a": cube(image)}, ExtractionSettings(window=(50, 40)))
    plain = preprocess(image, {"a": cube(image)}, ExtractionSettings())
    expected = np.clip(sitk.GetArrayFromImage(plain.image), 30, 70)
    assert np.array_equal(sitk.GetArrayFromImage(windowed.image), expected)
    halves = preprocess(image, {"a": cube(image)}, ExtractionSettings(clip=(30.5, 70.5)))
    assert sitk.GetArrayViewFromImage(halves.image).max() == 70.5
    normal = ExtractionSettings(window=(50, 40), setting={"normalize": True})
    values = np.clip(sitk.GetArrayFromImage(image).astype(float), 30, 70)
    expected = (expected - values.mean()) / values.std(ddof=1)
    ours = preprocess(image, {"a": cube(image)}, normal).image
    assert sitk.GetArrayFromImage(ours) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_voxels_that_are_not_finite_stop_their_region_only():
    image = noise(dtype=np.float32)
    image[13, 12, 10] = float("nan")
    image[2, 2, 2] = float("inf")
    regions = {"bad": cube(image), "good": cube(image, (2, 15, 15), (6, 6, 5))}
    for setting in ({}, {"normalize": True}, ISOTROPIC):
        case = preprocess(image, regions, ExtractionSettings(setting=setting))
        assert case.reasons == {"bad": "1 of 280 voxels are NaN or infinite in the image"}
        assert list(case.masks) == ["good"]
        assert np.isfinite(sitk.GetArrayViewFromImage(case.image)).all()
        assert "2 voxels of the image are NaN or infinite" in case.warnings[0]


def test_empty_and_tiny_regions_get_a_reason():
    image = noise()
    regions = {"none": cube(image) * 0, "one": cube(image, size=(1, 1, 1)), "some": cube(image)}
    case = preprocess(image, regions, ExtractionSettings(min_voxels=10))
    assert case.reasons == {
        "none": "the region has no voxel",
        "one": "the region has 1 voxel, fewer than min_voxels 10",
    }
    alone = preprocess(image, {"none": regions["none"]}, ExtractionSettings())
    assert alone.image is None


def test_images_and_masks_that_cannot_be_used_end_in_one_line():
    image = noise()
    mask = cube(image)
    settings = ExtractionSettings()
    with pytest.raises(GeometryError, match="4 dimensions"):
        preprocess(sitk.Image((4, 4, 4, 2), sitk.sitkInt16), {"a": mask}, settings)
    with pytest.raises(InputError, match="one number a voxel"):
        preprocess(sitk.Image((4, 4, 4), sitk.sitkVectorUInt8, 3), {"a": mask}, settings)
    with pytest.raises(InputError, match="the mask holds 255"):
        preprocess(image, {"a": mask * 255}, settings)
    moved = sitk.Image(mask)
    moved.SetOrigin((0, 0, 0))
    with pytest.raises(GeometryError, match="region 'a'"):
        preprocess(image, {"a": moved}, settings)
    with pytest.raises(InputError, match="is 0 everywhere and cannot be normalised"):
        preprocess(image * 0, {"a": mask}, replace(settings, setting={"normalize": True}))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from Linux' /proc")
def test_a_large_ct_stays_below_one_and_a_half_gigabytes():
    # Not ru_maxrss: a child inherits that of the process that it was forked from, here pytest.
    code = """
import re
import SimpleITK as sitk
from PeritumoralRadiomicsLib.preprocessing.pipeline import preprocess
from PeritumoralRadiomicsLib.settings.presets import preset
size, spacing = (512, 512, 400), (0.8, 0.8, 1.25)
image = sitk.GaussianSource(sitk.sitkFloat32, size, (200, 200, 300), (200, 200, 250), 1000, spacing=spacing)
mask = sitk.Image((60, 60, 40), sitk.sitkUInt8) + 1
mask.SetSpacing(image.GetSpacing())
mask.SetOrigin(image.TransformIndexToPhysicalPoint((200, 200, 150)))
preprocess(image, {"intratumour": mask}, preset("liu2025"))
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024**2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.5
