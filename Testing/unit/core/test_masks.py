"""Masks from label images: the right label on the right grid, or one line that says why not."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError, RadiomicsError, RegionError
from RadiomicsCoreLib.images.masks import read_mask


@pytest.fixture
def image() -> sitk.Image:
    image = sitk.Image(12, 10, 8, sitk.sitkFloat32)
    image.SetSpacing((1.0, 1.0, 2.0))
    image.SetOrigin((-5.0, 4.0, 30.0))
    return image


@pytest.fixture
def write(image, tmp_path):
    def write(array_or_image, name="mask.nrrd"):
        mask = array_or_image
        if isinstance(mask, np.ndarray):
            mask = sitk.GetImageFromArray(mask)
            mask.CopyInformation(image)
        sitk.WriteImage(mask, str(tmp_path / name))
        return tmp_path / name

    return write


def labels(*values, kind=np.uint8) -> np.ndarray:
    array = np.zeros((8, 10, 12), kind)
    for n, value in enumerate(values):
        array[2:4, 3:5, n] = value
    return array


def refusal(error: type[RadiomicsError], path, **options) -> str:
    with pytest.raises(error) as caught:
        read_mask(path, **options)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint32, np.float32, np.float64])
def test_the_only_label_is_the_mask_whatever_its_value(kind, image, write):
    for value in (1, 70000 if kind is np.uint32 else 7, 255):
        mask = read_mask(write(labels(value, kind=kind)), reference=image)
        assert mask.GetPixelID() == sitk.sitkUInt8
        np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), labels(1))


def test_several_labels_need_a_name_and_label_1_is_not_taken_in_silence(image, write):
    path = write(labels(1, 4, 9))
    assert "several labels (1, 4, 9) and none is named" in refusal(InputError, path, reference=image)
    assert "no voxel with label 3; it holds 1, 4, 9" in refusal(InputError, path, reference=image, label=3)
    expected = labels(0, 1)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_mask(path, reference=image, label=4)), expected)


def test_an_empty_mask_is_refused_as_a_region(image, write):
    assert "every voxel is 0" in refusal(RegionError, write(labels()), reference=image)


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf")])
def test_values_that_are_no_labels_are_refused(value, image, write):
    path = write(labels(1, value, kind=np.float32))
    assert "values that are no labels" in refusal(InputError, path, reference=image)


def test_float_noise_in_the_grid_is_let_pass_and_the_images_grid_adopted(image, write):
    mask = sitk.GetImageFromArray(labels(1))
    mask.CopyInformation(image)
    mask.SetOrigin((-5.00002, 4.0, 30.00003))
    found = read_mask(write(mask), reference=image)
    assert found.GetOrigin() == image.GetOrigin()


def test_another_grid_is_refused_with_the_difference_and_resampled_only_when_asked(image, write):
    mask = sitk.GetImageFromArray(np.repeat(labels(1), 2, axis=0))
    mask.SetSpacing((1.0, 1.0, 1.0))
    mask.SetOrigin((-5.0, 4.0, 29.5))
    path = write(mask)
    text = refusal(GeometryError, path, reference=image)
    assert "size 12 x 10 x 16 instead of 12 x 10 x 8; spacing 1 x 1 x 1 instead of 1 x 1 x 2 mm" in text
    assert "origin off by (0, 0, -0.5) mm" in text
    warnings: list[str] = []
    found = read_mask(path, reference=image, resample=True, warn=warnings.append)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), labels(1))
    assert "0.008 ml became 0.008 ml" in warnings[0]


def test_a_mask_that_misses_the_image_is_refused(image, write):
    mask = sitk.GetImageFromArray(labels(1))
    mask.SetOrigin((500.0, 0.0, 0.0))
    path = write(mask)
    assert "origin off by (505, -4, -30) mm" in refusal(GeometryError, path, reference=image)
    assert "does not overlap" in refusal(GeometryError, path, reference=image, resample=True)


def test_a_segment_of_a_slicer_file_is_found_by_its_name(image, write):
    mask = sitk.GetImageFromArray(labels(1, 2))
    mask.CopyInformation(image)
    for number, name in enumerate(("Lung", "Tumour")):
        mask.SetMetaData(f"Segment{number}_Name", name)
        mask.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
    path = write(mask, "x.seg.nrrd")
    found = sitk.GetArrayFromImage(read_mask(path, reference=image, roi="tumour"))
    np.testing.assert_array_equal(found, labels(0, 1))
    assert "did you mean 'Tumour'" in refusal(InputError, path, reference=image, roi="Tumor")
    plain = write(labels(1), "plain.nrrd")
    assert "holds no structure names" in refusal(InputError, plain, reference=image, roi="Tumour")


def test_a_dicom_series_may_be_the_mask(made_dicom, tmp_path):
    from RadiomicsCoreLib.images.reading import read_image

    array = np.zeros((5, 6, 7), np.int16)
    array[1:3, 2:4, 2:5] = 1
    made_dicom.series(tmp_path / "ct", array * 0)
    made_dicom.series(tmp_path / "mask", array)
    found = read_mask(tmp_path / "mask", reference=read_image(tmp_path / "ct"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), array)


def test_a_folder_with_two_structure_files_is_refused(made_dicom, image, tmp_path):
    for name in ("a.dcm", "b.dcm"):
        made_dicom.rtstruct(tmp_path / name, {"GTV": []})
    assert "holds 2 structure files (a.dcm, b.dcm); name one" in refusal(InputError, tmp_path, reference=image)


def test_a_missing_or_damaged_mask_is_refused(image, tmp_path):
    assert "does not exist" in refusal(InputError, tmp_path / "none.nrrd", reference=image)
    (tmp_path / "x.dcm").write_bytes(b"\0" * 128 + b"DICM\x01")
    assert "x.dcm" in refusal(InputError, tmp_path / "x.dcm", reference=image)


@pytest.mark.shared_data
def test_every_pyradiomics_case_is_on_its_images_grid(shared_data):
    from RadiomicsCoreLib.images.reading import read_image

    folder = shared_data / "pyradiomics_cases"
    for name in ("brain1", "breast1", "lung1"):
        image = read_image(folder / f"{name}_image.nrrd")
        mask = read_mask(folder / f"{name}_label.nrrd", reference=image)
        oracle = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{name}_label.nrrd"))) == 1
        np.testing.assert_array_equal(sitk.GetArrayFromImage(mask) == 1, oracle)
