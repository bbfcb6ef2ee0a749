"""Images from files: what is read, and the one line for what is not."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.reading import check_finite, read_image

FORMATS = ["nii", "nii.gz", "nrrd", "mha", "mhd"]


@pytest.fixture
def image() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(1).normal(size=(10, 30, 40)).astype(np.float32))
    image.SetSpacing((0.9, 0.8, 3.0))
    image.SetOrigin((-100.5, 20.25, 7.0))
    return image


def refusal(path) -> str:
    with pytest.raises(InputError) as caught:
        read_image(path)
    text = str(caught.value)
    assert "\n" not in text and path.name in text
    return text


@pytest.mark.parametrize("ending", FORMATS)
def test_an_image_keeps_voxels_type_and_place(ending, image, tmp_path):
    for kind in (np.int16, np.uint8, np.float32, np.float64):
        stored = sitk.GetImageFromArray((sitk.GetArrayFromImage(image) * 50).astype(kind))
        stored.CopyInformation(image)
        sitk.WriteImage(stored, str(tmp_path / f"x.{ending}"))
        found = read_image(tmp_path / f"x.{ending}")
        assert found.GetPixelID() == stored.GetPixelID(), kind
        np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(stored))
        np.testing.assert_allclose(found.GetOrigin(), stored.GetOrigin())
        np.testing.assert_allclose(found.GetSpacing(), stored.GetSpacing(), rtol=1e-6)


@pytest.mark.parametrize("name", ["with space, and comma.nii.gz", "Größe 患者.nii.gz", "it's.nrrd"])
def test_spaces_commas_and_letters_of_any_alphabet_in_a_path_are_no_matter(name, image, tmp_path):
    folder = tmp_path / "Müller, Jürgen"
    folder.mkdir()
    sitk.WriteImage(image, str(folder / name))
    assert read_image(folder / name).GetSize() == (40, 30, 10)


@pytest.mark.parametrize("ending", ["nii.gz", "nrrd", "mha", "nii"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.98])
def test_a_truncated_file_is_refused(ending, kept, image, tmp_path):
    path = tmp_path / f"x.{ending}"
    sitk.WriteImage(image, str(path), useCompression=ending != "nii")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert "truncated" in refusal(path)


def test_a_gzip_of_a_truncated_nifti_is_refused(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "x.nii"))
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress((tmp_path / "x.nii").read_bytes()[:-1000]))
    assert "is truncated: it holds" in refusal(tmp_path / "x.nii.gz")


def test_a_gzip_with_a_flipped_bit_is_refused(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "x.nii.gz"))
    content = bytearray((tmp_path / "x.nii.gz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "x.nii.gz").write_bytes(content)
    assert "damaged gzip" in refusal(tmp_path / "x.nii.gz")


def test_a_missing_file_is_refused_with_the_nearest_name(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "CT.nii.gz"))
    assert "did you mean CT.nii.gz?" in refusal(tmp_path / "CT.nii")
    assert "nor does its folder" in refusal(tmp_path / "nowhere" / "CT.nii.gz")


@pytest.mark.parametrize(("content", "message"), [(b"", "empty"), (b"hello", "has no NIfTI header")])
def test_a_file_that_is_no_image_is_refused(content, message, tmp_path):
    (tmp_path / "x.nii").write_bytes(content)
    assert message in refusal(tmp_path / "x.nii")


def test_a_path_that_the_system_refuses_is_one_line(tmp_path):
    assert "cannot be opened" in refusal(tmp_path / ("x" * 400))
    with pytest.raises(InputError, match="does not exist"):
        read_image("~nobody_of_that_name/ct.nii.gz")


def test_a_header_and_image_pair_is_refused_with_the_remedy(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "x.hdr"))
    assert "save it as .nii.gz" in refusal(tmp_path / "x.hdr")


def test_a_folder_without_dicom_is_refused_and_its_folders_are_named(tmp_path):
    (tmp_path / "case" / "series1").mkdir(parents=True)
    text = refusal(tmp_path / "case")
    assert "folder without a DICOM image" in text and "series1" in text


def test_a_4d_image_is_refused_unless_it_holds_one_volume(image, tmp_path):
    for ending in ("nii.gz", "nrrd"):
        sitk.WriteImage(sitk.JoinSeries([image, image]), str(tmp_path / f"two.{ending}"))
        sitk.WriteImage(sitk.JoinSeries([image]), str(tmp_path / f"one.{ending}"))
        assert "4D image (40 x 30 x 10 x 2)" in refusal(tmp_path / f"two.{ending}")
        found = read_image(tmp_path / f"one.{ending}")
        np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(image))
        np.testing.assert_allclose(found.GetOrigin(), image.GetOrigin())


def test_colour_vector_complex_and_2d_images_are_refused(image, tmp_path):
    grey = sitk.Cast(image, sitk.sitkUInt8)
    made = {
        "rgb.mha": (sitk.Compose(grey, grey, grey), "colour"),
        "vector.nrrd": (sitk.Compose(grey, grey), "vector image with 2 components"),
        "complex.mha": (sitk.RealAndImaginaryToComplex(image, image), "complex"),
        "flat.nrrd": (image[:, :, 0], "2D image"),
    }
    for name, (wrong, message) in made.items():
        if name == "complex.mha":
            name = "complex.nii"
        sitk.WriteImage(wrong, str(tmp_path / name))
        assert message in refusal(tmp_path / name)


@pytest.mark.parametrize("ending", FORMATS)
def test_nan_and_infinite_voxels_are_read_as_such(ending, image, tmp_path):
    image[5, 6, 7], image[0, 0, 0] = float("nan"), float("-inf")
    sitk.WriteImage(image, str(tmp_path / f"x.{ending}"))
    found = sitk.GetArrayFromImage(read_image(tmp_path / f"x.{ending}"))
    np.testing.assert_array_equal(found, sitk.GetArrayFromImage(image))


def test_a_sheared_nifti_is_refused_without_a_flood_on_the_terminal(image, tmp_path, capfd):
    sitk.WriteImage(image, str(tmp_path / "x.nii"))
    content = bytearray((tmp_path / "x.nii").read_bytes())
    content[280:328] = struct.pack("<12f", 1, 0.3, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    content[252:256] = struct.pack("<2h", 0, 1)  # no qform, a scanner sform
    (tmp_path / "x.nii").write_bytes(content)
    assert "axes are not at right angles" in refusal(tmp_path / "x.nii")
    assert capfd.readouterr().err == ""


def test_nan_and_infinite_voxels_are_counted_and_placed(image):
    image[5, 6, 7] = float("nan")
    image[8, 6, 7] = float("inf")
    region = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    region.CopyInformation(image)
    region[0, 0, 0] = 1
    check_finite(image, region)
    with pytest.raises(InputError, match=r"has 2 NaN or infinite voxels, the first at index \(5, 6, 7\)"):
        check_finite(image)
    region[8, 6, 7] = 1
    with pytest.raises(InputError, match=r"CT has 1 NaN or infinite voxel inside .* \(-93.3, 25.1, 28.0\) mm"):
        check_finite(image, region, what="CT")
    check_finite(sitk.Cast(region, sitk.sitkInt16))


@pytest.mark.shared_data
def test_the_real_cases_are_read(shared_data):
    assert read_image(shared_data / "sts" / "STS_002" / "CT.nii.gz").GetDimension() == 3
    assert read_image(shared_data / "pyradiomics_cases" / "brain1_image.nrrd").GetDimension() == 3


def test_a_link_to_nothing_says_where_it_leads(tmp_path):
    (tmp_path / "ct.nii.gz").symlink_to("gone.nii.gz")
    assert "is a link to gone.nii.gz, which does not exist" in refusal(tmp_path / "ct.nii.gz")


def test_a_compressed_file_that_does_not_say_so_is_named_right(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "x.nii.gz"))
    (tmp_path / "x.nii.gz").rename(tmp_path / "x.nii")
    assert refusal(tmp_path / "x.nii").endswith("it is gzip-compressed; rename it to x.nii.gz")
