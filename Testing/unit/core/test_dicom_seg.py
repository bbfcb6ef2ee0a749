"""DICOM SEG files made by highdicom, laid on the grid of their image."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image

OBLIQUE = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))[0]
OBLIQUE *= np.sign(np.linalg.det(OBLIQUE))
SHAPE = (6, 8, 10)


@pytest.fixture
def tumour() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:3, 2:5, 3:9] = 1
    mask[4, 6, 7] = 1  # slice 3 stays empty: highdicom leaves its frame out
    return mask


def voxels(path, reference, **options) -> np.ndarray:
    return sitk.GetArrayFromImage(read_mask(path, reference=reference, **options))


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE])
def test_segments_are_found_by_name_and_number_and_padded_to_the_image(direction, tumour, made_dicom, tmp_path):
    slices = made_dicom.series(
        tmp_path / "ct", np.zeros(SHAPE), direction=direction, spacing=(0.8, 0.9, 2.5), origin=(5.0, -7.0, 9.0)
    )
    image = read_image(tmp_path / "ct")
    other = np.roll(tumour, 1, axis=1)
    path = made_dicom.seg(tmp_path / "seg.dcm", slices, {"Tumour": tumour, "Organ": other})
    np.testing.assert_array_equal(voxels(path, image, roi="tumour"), tumour)
    np.testing.assert_array_equal(voxels(path, image, label=2), other)
    with pytest.raises(InputError, match=r"name one of Tumour \(1\), Organ \(2\)"):
        voxels(path, image)
    with pytest.raises(InputError, match="did you mean 'Tumour'"):
        voxels(path, image, roi="Tumor")


def test_a_file_of_some_slices_only_is_padded(tumour, made_dicom, tmp_path):
    slices = made_dicom.series(tmp_path / "ct", np.zeros(SHAPE), spacing=(1, 1, 3))
    image = read_image(tmp_path / "ct")
    for part in (slice(1, 3), slice(4, 5)):
        path = made_dicom.seg(tmp_path / "seg.dcm", slices[part], {"Tumour": tumour[part]})
        expected = np.zeros_like(tumour)
        expected[part] = tumour[part]
        np.testing.assert_array_equal(voxels(path, image), expected)


@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_fractional_files_and_label_maps_are_read(kind, tumour, made_dicom, tmp_path):
    slices = made_dicom.series(tmp_path / "ct", np.zeros(SHAPE))
    options = {"dtype": np.float32} if kind == "FRACTIONAL" else {}
    path = made_dicom.seg(tmp_path / "seg.dcm", slices, {"Tumour": tumour}, segmentation_type=kind, **options)
    np.testing.assert_array_equal(voxels(path, read_image(tmp_path / "ct")), tumour)


def test_a_segment_on_thicker_slices_is_refused_and_resampled_only_when_asked(made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", np.zeros((12, 8, 10)), spacing=(1, 1, 1), origin=(0, 0, -0.5))
    image = read_image(tmp_path / "ct")
    thick = made_dicom.series(tmp_path / "thick", np.zeros(SHAPE), spacing=(1, 1, 2))
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:4, 2:5, 3:9] = 1
    path = made_dicom.seg(tmp_path / "seg.dcm", thick, {"Tumour": mask})
    with pytest.raises(GeometryError, match=r"lies on another grid than the image: .*spacing 1 x 1 x 2"):
        voxels(path, image)
    warnings: list[str] = []
    np.testing.assert_array_equal(voxels(path, image, resample=True, warn=warnings.append), np.repeat(mask, 2, axis=0))
    assert "resampled to the image's grid, 0.108 ml became 0.108 ml" in warnings[0]


def test_an_empty_segment_another_frame_and_another_place_are_refused(tumour, made_dicom, tmp_path):
    slices = made_dicom.series(tmp_path / "ct", np.zeros(SHAPE))
    image = read_image(tmp_path / "ct")
    empty = made_dicom.seg(tmp_path / "empty.dcm", slices, {"A": tumour, "B": 0 * tumour})
    with pytest.raises(RegionError, match="segment 'B' is empty"):
        voxels(empty, image, roi="B")
    foreign = made_dicom.series(tmp_path / "foreign", np.zeros(SHAPE), frame="1.2.3")
    with pytest.raises(GeometryError, match="another frame of reference"):
        voxels(made_dicom.seg(tmp_path / "f.dcm", foreign, {"A": tumour}), image)
    far = made_dicom.series(tmp_path / "far", np.zeros(SHAPE), origin=(100, 0, 0))
    with pytest.raises(GeometryError, match="does not overlap"):
        voxels(made_dicom.seg(tmp_path / "far.dcm", far, {"A": tumour}), image)


def test_frames_without_a_place_are_refused(tumour, made_dicom, tmp_path):
    import pydicom

    slices = made_dicom.series(tmp_path / "ct", np.zeros(SHAPE))
    path = made_dicom.seg(tmp_path / "seg.dcm", slices, {"A": tumour})
    file = pydicom.dcmread(path)
    del file.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence
    file.save_as(path)
    with pytest.raises(InputError, match=r"seg.dcm.*") as caught:
        voxels(path, read_image(tmp_path / "ct"))
    assert "\n" not in str(caught.value)


@pytest.mark.shared_data
def test_the_digital_phantom_in_dicom_has_the_voxels_of_its_nifti(shared_data):
    folder = shared_data / "ibsi1" / "ibsi_1_digital_phantom"
    image = read_image(folder / "dicom" / "image" / "phantom.dcm")
    mask = voxels(folder / "dicom" / "mask", image)
    plain = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "nifti/image/phantom.nii.gz")))
    plain_mask = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "nifti/mask/mask.nii.gz")))
    assert mask.sum() == 74
    np.testing.assert_array_equal(np.sort(sitk.GetArrayFromImage(image)[mask > 0]), np.sort(plain[plain_mask > 0]))
