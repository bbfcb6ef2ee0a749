"""The files of a model bundle: found by name in a folder or zip, never larger than said, never outside of it."""

from __future__ import annotations

import hashlib
import json
import zipfile

import pytest

from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.files.bundle_files import BundleFiles, check_hash

RECORD = {"format": "a kind", "version": 2}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "parts").mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(RECORD))
    (folder / "parts" / "0.bin").write_bytes(b"zero")
    return folder


def zipped(folder, target, top=""):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, top + file.relative_to(folder).as_posix())
    return target


def test_a_folder_its_file_a_file_beside_it_and_zips_of_it_are_the_same_bundle(folder, tmp_path):
    (folder / "weights").write_bytes(b"w")
    for path in (
        *(folder, folder / "model.json", folder / "weights"),
        zipped(folder, tmp_path / "a.zip"),
        zipped(folder, tmp_path / "b.zip", "some/top/"),
    ):
        files = BundleFiles(path, ("weights",))
        assert files.read("parts/0.bin") == b"zero"
        assert files.record("a kind", 2, "cox") == RECORD and files.format() == "a kind"
        assert files.holds("model.json", "weights") and not files.holds("model.json", "other")
    alone = tmp_path / "renamed.json"
    alone.write_text(json.dumps(RECORD))
    assert BundleFiles(alone).record("a kind", 2, "cox") == RECORD
    with pytest.raises(ModelError, match="cannot be read"):
        BundleFiles(alone).read("parts/0.bin")


def test_what_is_torn_hostile_or_of_another_kind_is_refused(folder, tmp_path):
    archive = zipped(folder, tmp_path / "a.zip")
    for files in (BundleFiles(folder), BundleFiles(archive)):
        for name in ("../secret", "/etc/passwd", "C:\\x", "a\\b"):
            with pytest.raises(ModelError, match="outside of it"):
                files.read(name)
        with pytest.raises(ModelError, match=r"none\.bin"):
            files.read("none.bin")
        with pytest.raises(ModelError, match="larger than 0 MB"):
            files.read("parts/0.bin", limit_mb=0)
        with pytest.raises(ModelError, match="is not of a another; write one with `peritumoral cox`"):
            files.record("another", 2, "cox")
        with pytest.raises(ModelError, match="format version 2 cannot be read, only 3"):
            files.record("a kind", 3, "cox")
    (tmp_path / "torn.zip").write_bytes(archive.read_bytes()[:60])
    for path in (tmp_path / "torn.zip", tmp_path / "gone"):
        with pytest.raises(ModelError, match=r"neither a folder nor a sound zip|no such file"):
            BundleFiles(path)
    (folder / "model.json").write_text("[" * 200_000)
    with pytest.raises(ModelError, match="not sound JSON"):
        BundleFiles(folder).record("a kind", 2, "cox")
    assert BundleFiles(folder).format() == ""


def test_a_zip_that_lies_about_the_size_of_a_file_is_read_no_further_than_the_limit(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", b" " * 3_000_000)
    content = path.read_bytes().replace((3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(ModelError):
        BundleFiles(path).read("model.json", limit_mb=1)


def test_a_file_is_known_by_its_hash():
    check_hash("a", b"x", hashlib.sha256(b"x").hexdigest())
    with pytest.raises(ModelError, match="a does not match its SHA-256"):
        check_hash("a", b"y", hashlib.sha256(b"x").hexdigest())
