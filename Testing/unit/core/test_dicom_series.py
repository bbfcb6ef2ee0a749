"""DICOM folders: sorted by place, whole, and in the right place."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.dicom_series import FRAME_OF_REFERENCE, frame_of_reference, list_series
from RadiomicsCoreLib.images.reading import read_image

ARRAY = np.random.default_rng(2).integers(-1000, 1000, size=(6, 8, 10)).astype(np.int16)
OBLIQUE = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
OBLIQUE *= np.sign(np.linalg.det(OBLIQUE))
GRID = {"spacing": (0.9, 0.8, 2.5), "origin": (-12.5, 30.0, 7.25)}


def refusal(folder, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_image(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, np.diag([1.0, -1.0, -1.0])])
def test_a_series_is_sorted_by_place_whatever_its_file_names(direction, made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", ARRAY, direction=direction, **GRID)
    image = read_image(tmp_path / "ct")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), ARRAY)
    np.testing.assert_allclose(image.GetOrigin(), GRID["origin"], atol=1e-6)
    np.testing.assert_allclose(image.GetSpacing(), GRID["spacing"], atol=1e-6)
    np.testing.assert_allclose(np.reshape(image.GetDirection(), (3, 3)), direction, atol=1e-8)
    assert image.GetMetaData(FRAME_OF_REFERENCE) == made_dicom.frame
    assert frame_of_reference(sitk.Image(2, 2, 2, sitk.sitkUInt8), tmp_path / "ct") == made_dicom.frame


def test_a_rescale_slope_that_differs_from_slice_to_slice_keeps_its_fractions(made_dicom, tmp_path):
    slopes = [1.0, 0.37, 0.011, 2.5, 1.25, 0.002]
    made_dicom.series(tmp_path / "pet", ARRAY, modality="PT", slopes=slopes, **GRID)
    found = sitk.GetArrayFromImage(read_image(tmp_path / "pet"))
    np.testing.assert_allclose(found, ARRAY * np.reshape(slopes, (-1, 1, 1)), rtol=1e-6)


def test_several_series_are_listed_until_one_is_named(made_dicom, tmp_path):
    made_dicom.series(tmp_path, ARRAY, description="chest")
    for path in tmp_path.iterdir():
        path.rename(path.with_suffix(".first"))
    made_dicom.series(tmp_path, ARRAY + 1, description="lung kernel")
    text = refusal(tmp_path)
    uids = [s.uid for s in list_series(tmp_path)]
    assert "holds 2 series" in text and all(uid in text for uid in uids)
    assert "chest" not in text  # a description may hold a name, and messages are written into logs
    assert all(uid in refusal(tmp_path, series="lung kernal") for uid in uids)
    for series in ("lung kernel", next(s.uid for s in list_series(tmp_path) if s.description != "chest")):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(tmp_path, series=series)), ARRAY + 1)


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([0, 1, 2, 4, 5, 6], "1 slice is missing (between 2.0 and 4.0 mm"),
        ([0, 1, 2, 3, 6, 7], "2 slices are missing (between 3.0 and 6.0 mm"),
        ([0, 1, 2.4, 3, 4, 5], "unevenly spaced, from 0.600 to 1.400 mm"),
        ([0, 1, 2, 2, 3, 4], "2 slices lie at the same place as another"),
    ],
)
def test_a_gap_in_the_stack_is_refused_and_told(positions, message, made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", ARRAY, positions=positions)
    assert message in refusal(tmp_path / "ct")


def test_rounded_slice_positions_are_even(made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", ARRAY, positions=[0, 0.67, 1.33, 2, 2.67, 3.33])
    np.testing.assert_allclose(read_image(tmp_path / "ct").GetSpacing()[2], 2 / 3, atol=1e-2)


def test_a_tilted_gantry_is_refused(made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", ARRAY, shear=0.5)
    assert "shifted sideways by up to 2.50 mm (tilted gantry)" in refusal(tmp_path / "ct")


def test_a_single_slice_or_its_file_is_refused(made_dicom, tmp_path):
    paths = made_dicom.series(tmp_path / "ct", ARRAY[:1])
    assert "single slice" in refusal(tmp_path / "ct")
    assert "one slice of a DICOM series; name its folder" in refusal(paths[0])


def test_slices_of_another_size_or_orientation_are_refused(made_dicom, tmp_path):
    import pydicom

    for tag, value, message in (
        ("ImageOrientationPatient", [0, 1, 0, 0, 0, 1], "differ in orientation"),
        ("PixelSpacing", [2, 2], "differ in spacing"),
        ("ImagePositionPatient", None, "no ImagePositionPatient"),
    ):
        paths = made_dicom.series(tmp_path / tag, ARRAY)
        header = pydicom.dcmread(paths[2])
        setattr(header, tag, value)
        header.save_as(paths[2])
        assert message in refusal(tmp_path / tag)


def test_a_damaged_slice_is_refused(made_dicom, tmp_path):
    paths = made_dicom.series(tmp_path / "ct", ARRAY)
    paths[3].write_bytes(paths[3].read_bytes()[:-100])
    assert "ct" in refusal(tmp_path / "ct")


def test_other_files_in_the_folder_are_no_matter(made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", ARRAY)
    (tmp_path / "ct" / "DICOMDIR.txt").write_text("notes")
    made_dicom.rtstruct(tmp_path / "ct" / "rs.dcm", {"GTV": [np.zeros((3, 3))]})
    assert read_image(tmp_path / "ct").GetSize() == (10, 8, 6)


@pytest.mark.shared_data
def test_the_series_of_lung1_is_read_as_simpleitk_reads_it(shared_data):
    folder = shared_data / "lung1_001" / "LUNG1-001" / "image"
    image = read_image(folder)
    oracle = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    assert image.GetSize() == (512, 512, 134)
    np.testing.assert_allclose(image.GetOrigin(), oracle.GetOrigin())
    np.testing.assert_allclose(image.GetSpacing(), oracle.GetSpacing())
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(image), sitk.GetArrayViewFromImage(oracle))


@pytest.mark.shared_data
def test_a_multiframe_file_is_read_with_its_spacing(shared_data):
    image = read_image(shared_data / "ibsi1/ibsi_1_digital_phantom/dicom/image/phantom.dcm")
    oracle = sitk.ReadImage(str(shared_data / "ibsi1/ibsi_1_digital_phantom/nifti/image/phantom.nii.gz"))
    np.testing.assert_array_equal(
        np.sort(sitk.GetArrayFromImage(image), axis=None), np.sort(sitk.GetArrayFromImage(oracle), axis=None)
    )
    assert image.GetSize() == (5, 4, 4)


def test_a_slice_with_short_pixel_data_or_a_header_that_lies_is_refused(made_dicom, tmp_path):
    import pydicom

    def told(name: str, change) -> str:
        folder = tmp_path / name
        made_dicom.series(folder, ARRAY, **GRID)
        victim = sorted(folder.iterdir())[3]
        dataset = pydicom.dcmread(victim)
        change(dataset)
        dataset.save_as(victim)
        return refusal(folder)

    def set_all(tag, value):
        return lambda dataset: setattr(dataset, tag, value)

    assert "is truncated: it holds 100 of 160 bytes of pixels" in told(
        "short", lambda dataset: setattr(dataset, "PixelData", dataset.PixelData[:100])
    )
    folder = tmp_path / "zero"
    made_dicom.series(folder, ARRAY, **GRID)
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PixelSpacing = [0, 0]
        dataset.save_as(path)
    assert "PixelSpacing is [0.0, 0.0] mm" in refusal(folder).replace("[0, 0]", "[0.0, 0.0]")
    assert "ImagePositionPatient" in told("far", set_all("ImagePositionPatient", [0, 0, 1e9]))
    assert "ImageOrientationPatient" in told("flat", set_all("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]))
    assert "RescaleSlope is 0" in told("slope", set_all("RescaleSlope", 0))


def test_a_file_cut_anywhere_is_refused_and_never_read_on(made_dicom, tmp_path):
    made_dicom.series(tmp_path / "ct", ARRAY, **GRID)
    victim = sorted((tmp_path / "ct").iterdir())[2]
    sound = victim.read_bytes()
    for kept in (0.2, 0.5, 0.8, 0.95, (len(sound) - 1) / len(sound)):
        victim.write_bytes(sound[: int(len(sound) * kept)])
        refusal(tmp_path / "ct")
