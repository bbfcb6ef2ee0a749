"""Headers of MetaImage and NRRD files that lie, and files that are no files: one line each, before ITK sees them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.headers.header import MOST_BYTES
from RadiomicsCoreLib.images.reading import read_image

VOXELS = np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8)
META = {
    "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "1 2 3",
    "ElementSpacing": "0.5 0.5 2", "DimSize": "8 7 6", "ElementType": "MET_SHORT", "ElementDataFile": "LOCAL",
}  # fmt: skip
NRRD = {
    "type": "short", "dimension": "3", "space": "left-posterior-superior", "sizes": "8 7 6",
    "space directions": "(0.5,0,0) (0,0.5,0) (0,0,2)", "endian": "little", "encoding": "raw",
    "space origin": "(1,2,3)",
}  # fmt: skip


def meta(changes: dict[str, str], voxels: bytes = VOXELS.tobytes()) -> bytes:
    fields = {name: value for name, value in (META | changes).items() if name != "ElementDataFile"}
    fields["ElementDataFile"] = changes.get("ElementDataFile", "LOCAL")  # the last line, after which the voxels begin
    return "".join(f"{name} = {value}\n" for name, value in fields.items()).encode() + voxels


def nrrd(changes: dict[str, str], voxels: bytes = VOXELS.tobytes()) -> bytes:
    fields = "".join(f"{name}: {value}\n" for name, value in (NRRD | changes).items() if value)
    return f"NRRD0004\n{fields}\n".encode() + voxels


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_image(path)
    text = str(caught.value)
    assert "\n" not in text and path.name in text
    return text


@pytest.mark.parametrize(("name", "content"), [("x.mha", meta({})), ("x.nrrd", nrrd({}))])
def test_a_sound_file_written_by_hand_is_read_with_its_place(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    image = read_image(tmp_path / name)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), VOXELS)
    assert image.GetSpacing() == (0.5, 0.5, 2.0) and image.GetOrigin() == (1.0, 2.0, 3.0)


def test_a_metaimage_header_that_lies_is_refused(tmp_path):
    cases = {
        "99": {"NDims": "99"},
        "NDims 0": {"NDims": "0"},
        "which is no value": {"ElementDataFile": "%s%n"},
        "which is no value ": {"Comment": "%s%s%s%n"},
        "several or no data files": {"ElementDataFile": "slice%03d.raw 1 6 1"},
        "several or no data files ": {"ElementDataFile": "LIST"},
        "another folder": {"ElementDataFile": "../../etc/passwd"},
        "another folder ": {"ElementDataFile": "/etc/passwd"},
        "not beside it": {"ElementDataFile": "gone.raw"},
        "spacing of 0": {"ElementSpacing": "0 1 1"},
        "spacing of nan": {"ElementSpacing": "nan 1 1"},
        "spacing of 1 x inf": {"ElementSpacing": "1 inf 1"},
        "3 numbers should stand": {"DimSize": "8 7"},
        "size of 8 x 7 x -6": {"DimSize": "8 7 -6"},
        "GiB": {"DimSize": "60000 60000 60000"},
        "is truncated": {"DimSize": "8 7 60"},
        "kilometre": {"Offset": "1e9 0 0"},
        "no number": {"Offset": "nan 0 0"},
        "in one plane": {"TransformMatrix": "1 0 0 1 0 0 0 0 1"},
        "none of MetaImage's": {"ElementType": "MET_STRING"},
        "colour": {"ElementNumberOfChannels": "3"},
        "HeaderSize -7": {"HeaderSize": "-7"},
        "2D image": {
            "NDims": "2",
            "DimSize": "8 42",
            "ElementSpacing": "1 1",
            "Offset": "0 0",
            "TransformMatrix": "1 0 0 1",
        },
    }
    told = {words: refusal(tmp_path / "x.mha", meta(changes)) for words, changes in cases.items()}
    assert {words: text for words, text in told.items() if words.strip() not in text} == {}
    assert "line without end" in refusal(tmp_path / "x.mha", b"NDims = 3\nComment = " + b"x" * 5000 + b"\n")
    assert "twice" in refusal(tmp_path / "x.mha", b"NDims = 3\nNDims = 99\n" + meta({}))
    assert "without ElementDataFile" in refusal(tmp_path / "x.mha", b"NDims = 3\nDimSize = 8 7 6\n")


def test_a_nrrd_header_that_lies_is_refused(tmp_path):
    cases = {
        "99": {"dimension": "99"},
        "whole numbers": {"sizes": "8 7 6.5"},
        "3 numbers": {"sizes": "8 7"},
        "type 'block'": {"type": "block"},
        "encoding 'bzip2'": {"encoding": "bzip2"},
        "spacing of 0": {"space directions": "(0,0,0) (0,0.5,0) (0,0,2)"},
        "spacing of nan": {"space directions": "(nan,0,0) (0,0.5,0) (0,0,2)"},
        "in one plane": {"space directions": "(1,0,0) (1,0,0) (0,0,2)"},
        "2 space directions": {"space directions": "(1,0,0) (0,1,0)"},
        "kilometre": {"space origin": "(1e9,0,0)"},
        "another folder": {"data file": "../x.raw"},
        "several or no data files": {"data file": "LIST"},
        "byte skip -5": {"byte skip": "-5"},
        "skips lines": {"line skip": "2"},
        "is truncated": {"sizes": "8 7 60"},
        "GiB": {"sizes": "60000 60000 60000"},
        "spacing of 0 ": {"space directions": "", "space": "", "space origin": "", "spacings": "0 1 1"},
    }
    told = {words: refusal(tmp_path / "x.nrrd", nrrd(changes)) for words, changes in cases.items()}
    assert {words: text for words, text in told.items() if words.strip() not in text} == {}
    assert "twice" in refusal(tmp_path / "x.nrrd", b"NRRD0004\ntype: short\n" + nrrd({})[9:])


@pytest.mark.parametrize("ending", ["mha", "nrrd", "nii.gz"])
def test_damage_anywhere_in_a_compressed_file_never_gives_other_voxels(ending, tmp_path):
    rng = np.random.default_rng(3)
    image = sitk.GetImageFromArray(rng.integers(-1000, 1000, (12, 20, 20)).astype(np.int16))
    path = tmp_path / f"x.{ending}"
    sitk.WriteImage(image, str(path), useCompression=True)
    sound, voxels = path.read_bytes(), sitk.GetArrayFromImage(image)
    for place in rng.integers(0, len(sound), 150):
        content = bytearray(sound)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            found = read_image(path)
        except InputError as error:
            assert "\n" not in str(error)
        else:  # a name in the header, a time in gzip's, or the place in the world: the voxels are the same
            np.testing.assert_array_equal(sitk.GetArrayFromImage(found), voxels, err_msg=f"byte {place}")


def test_the_data_file_of_a_detached_header_is_read_and_checked(tmp_path):
    (tmp_path / "x.raw").write_bytes(VOXELS.tobytes())
    (tmp_path / "x.mhd").write_bytes(meta({"ElementDataFile": "x.raw"}, b""))
    (tmp_path / "x.nhdr").write_bytes(nrrd({"data file": "x.raw"}, b""))
    for name in ("x.mhd", "x.nhdr"):
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(tmp_path / name)), VOXELS)
    (tmp_path / "x.raw").write_bytes(VOXELS.tobytes()[:-1])
    assert "holds 671 of 672 bytes" in refusal(tmp_path / "x.mhd", meta({"ElementDataFile": "x.raw"}, b""))
    assert "holds 671 of 672 bytes" in refusal(tmp_path / "x.nhdr", nrrd({"data file": "x.raw"}, b""))
    outside = tmp_path / "other"
    outside.mkdir()
    (outside / "secret.raw").write_bytes(VOXELS.tobytes())
    (tmp_path / "link.raw").symlink_to(outside / "secret.raw")
    assert "link to another folder" in refusal(tmp_path / "x.mhd", meta({"ElementDataFile": "link.raw"}, b""))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.nii")
    for path in (tmp_path / "x.nii", Path("/dev/zero")):
        with pytest.raises(InputError, match="no ordinary file"):
            read_image(path)


def test_a_file_of_another_format_is_refused_with_the_formats_that_are_read(tmp_path):
    flat = sitk.GetImageFromArray(np.zeros((4, 4), np.uint8))
    for ending in ("png", "tif", "gipl", "vtk"):
        path = tmp_path / f"x.{ending}"
        sitk.WriteImage(flat if ending in ("png", "tif") else sitk.JoinSeries([flat, flat]), str(path))
        with pytest.raises(InputError, match=r"NIfTI, NRRD, MetaImage, DICOM"):
            read_image(path)


def test_the_stated_limit_of_memory_is_what_a_header_is_held_to(tmp_path):
    side = round((MOST_BYTES / 2) ** (1 / 3)) + 60
    text = refusal(tmp_path / "x.mha", meta({"DimSize": f"{side} {side} {side}"}))
    assert f"at most {MOST_BYTES / 2**30:g} GiB" in text


def test_a_segmentation_of_slicer_with_several_layers_is_told_apart_from_a_label_map(tmp_path):
    layers = {"dimension": "4", "sizes": "2 8 7 3", "space directions": "none (0.5,0,0) (0,0.5,0) (0,0,2)"}
    assert "2 components a voxel" in refusal(
        tmp_path / "x.seg.nrrd", nrrd(layers | {"kinds": "list domain domain domain"})
    )
