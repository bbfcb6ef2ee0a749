"""What SimpleITK does not tell about a NIfTI file."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.headers.nifti import read_nifti_header, scan_nifti
from RadiomicsCoreLib.images.reading import read_image

ARRAY = np.random.default_rng(4).normal(size=(5, 6, 7))


def nifti1(array: np.ndarray, order: str, code: int) -> bytes:
    """A NIfTI-1 file by the letter of the standard, either byte order."""
    header = bytearray(352)
    struct.pack_into(order + "i", header, 0, 348)
    struct.pack_into(order + "8h", header, 40, 3, *array.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(order + "2h", header, 70, code, array.dtype.itemsize * 8)
    struct.pack_into(order + "8f", header, 76, 1, 1, 1, 2, 0, 0, 0, 0)
    struct.pack_into(order + "f", header, 108, 352)
    header[344:348] = b"n+1\0"
    return bytes(header) + array.astype(array.dtype.newbyteorder(order)).tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "code"), [(np.float32, 16), (np.float64, 64)])
@pytest.mark.parametrize("zipped", [False, True])
def test_nan_and_infinite_voxels_are_found_and_read_where_itk_puts_zero(order, kind, code, zipped, tmp_path):
    array = ARRAY.astype(kind)
    array[1, 2, 3], array[4, 5, 6], array[0, 0, 0] = np.nan, np.inf, -np.inf
    content = nifti1(array, order, code)
    path = tmp_path / ("x.nii.gz" if zipped else "x.nii")
    path.write_bytes(gzip.compress(content) if zipped else content)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), array)
    assert not np.isnan(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))).any()  # why the scan is needed
    for lost in (1, 200):
        path.write_bytes(gzip.compress(content[:-lost]) if zipped else content[:-lost])
        with pytest.raises(InputError, match="is truncated: it holds"):
            scan_nifti(path, read_nifti_header(path))


def test_a_large_file_is_scanned_block_by_block(tmp_path):
    array = np.zeros((40, 100, 100), np.float32)  # more than one block
    array[39, 99, 98] = np.nan
    (tmp_path / "x.nii").write_bytes(nifti1(array, "<", 16) + b"\xff" * 64)
    found = scan_nifti(tmp_path / "x.nii", read_nifti_header(tmp_path / "x.nii"))
    assert found is not None and found.index.tolist() == [array.size - 2]


def test_an_image_of_whole_numbers_has_nothing_to_tell(tmp_path):
    path = tmp_path / "x.nii"
    path.write_bytes(nifti1(np.ones((2, 2, 2), np.int16), "<", 4))
    assert scan_nifti(path, read_nifti_header(path)) is None


def test_a_header_that_lies_is_refused_before_itk_sees_the_file(tmp_path):
    sound = nifti1(ARRAY.astype(np.float32), "<", 16)
    path = tmp_path / "x.nii"

    def changed(place: int, content: bytes) -> str:
        path.write_bytes(sound[:place] + content + sound[place + len(content) :])
        with pytest.raises(InputError) as caught:
            read_image(path)
        assert "\n" not in str(caught.value) and "x.nii" in str(caught.value)
        return str(caught.value)

    told = {
        "magic word": changed(344, b"n+9\0"),
        "wrong length": changed(0, struct.pack("<i", 349)),
        "99 axes": changed(40, struct.pack("<h", 99)),
        "size of": changed(42, struct.pack("<h", -7)),
        "spacing of 0": changed(80, struct.pack("<f", 0.0)),
        "spacing of 1 x nan": changed(84, struct.pack("<f", np.nan)),
        "spacing of 1 x 1 x inf": changed(88, struct.pack("<f", np.inf)),
        "voxels at byte": changed(108, struct.pack("<f", 1e30)),
        "voxels at byte nan": changed(108, struct.pack("<f", np.nan)),
        "is truncated": changed(108, struct.pack("<f", 352 + 4096)),
        "data type": changed(70, struct.pack("<2h", 16, 64)),
        "scales its values": changed(112, struct.pack("<f", np.inf)),
        "GiB": changed(42, struct.pack("<3h", 32767, 32767, 32767)),
    }
    assert {message: text for message, text in told.items() if message not in text} == {}


def test_a_gzip_that_unpacks_to_more_than_its_header_claims_is_not_unpacked(tmp_path):
    sound = nifti1(np.ones((4, 4, 4), np.int16), "<", 4)
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(sound + b"\0" * (1 << 28)))
    with pytest.raises(InputError, match="unpacks to more than the 128 bytes"):
        read_image(tmp_path / "x.nii.gz")


def test_a_nifti_2_file_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "x.nii").write_bytes(struct.pack("<i", 540) + b"n+2\0\r\n\x1a\n" + b"\0" * 600)
    with pytest.raises(InputError, match=r"NIfTI-2 file, .*; save it as NIfTI-1"):
        read_image(tmp_path / "x.nii")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.nii"
    path.write_bytes(nifti1(np.ones((2, 2, 2), np.int16), "<", 4))

    def denied(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match=r"x.nii cannot be opened: Permission denied"):
        read_image(path)
