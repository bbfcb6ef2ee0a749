"""Hashes and versions that say what made a result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from RadiomicsCoreLib.files.provenance import environment_record, hash_files, hash_settings, versions


class Colour(Enum):
    RED = "red"


def test_settings_hash_does_not_depend_on_order_but_on_every_value():
    one = hash_settings({"a": 1, "b": {"c": [1.5, None]}})
    assert one == hash_settings({"b": {"c": (1.5, None)}, "a": 1})
    assert one != hash_settings({"a": 1, "b": {"c": [1.5, 0]}})
    assert hash_settings(Colour.RED) == hash_settings("red")
    assert hash_settings(float("nan")) == hash_settings(float("nan"))


def test_file_hash_follows_content_name_and_presence(tmp_path):
    file = tmp_path / "a.nii"
    missing = hash_files([file])
    file.write_bytes(b"one")
    one = hash_files([file])
    file.write_bytes(b"two")
    assert len({missing, one, hash_files([file])}) == 3
    folder = tmp_path / "dicom"
    folder.mkdir()
    (folder / "1.dcm").write_bytes(b"1")
    before = hash_files([folder])
    (folder / "2.dcm").write_bytes(b"2")
    assert before != hash_files([folder])


def test_record_names_versions_command_and_settings():
    record = environment_record({"seed": 3})
    assert record["seed"] == 3
    assert record["versions"]["numpy"] == versions()["numpy"]
    assert record["made"].endswith("+00:00")


def test_dataclass_values_hash_like_plain_ones():
    @dataclass
    class Settings:
        outer_mm: tuple[float, ...]

    assert hash_settings(vars(Settings((3.0,)))) == hash_settings({"outer_mm": [3.0]})
