"""Folders of one machine do not stand in texts that are passed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from RadiomicsCoreLib.files.private_paths import command_line, without_folders


@pytest.mark.parametrize(
    ("text", "roots", "shown"),
    [
        ("/a/Doe/x/1.nrrd cannot be read", ["/a/Doe"], "x/1.nrrd cannot be read"),
        ("'/a/Doe, John/1.nrrd' is no image", ["/a/Doe, John"], "'1.nrrd' is no image"),
        ("/a/Doe John/ct scan/1.nrrd: empty", ["/a/Doe John"], "ct scan/1.nrrd: empty"),
        ("/a/Doe is a folder without a DICOM image", ["/a/Doe"], "Doe is a folder without a DICOM image"),
        ("/a/Doe2/1.nrrd", ["/a/Doe"], "1.nrrd"),
        ("two: /a/b/1.nrrd, (/c/d/2.nrrd); '/e/f g/3.nrrd'", [], "two: 1.nrrd, (2.nrrd); '3.nrrd'"),
        (r"'C:\Data\Doe\ct 1.nii' and \\host\share\Doe\2.nii", [], "'ct 1.nii' and 2.nii"),
        ('File "/srv/doe/lib/x.py", line 3', [], 'File "x.py", line 3'),
        ("1/s, mm/2, a/b/c, ../up/x, ~1/2, HU / mm, and/or, 2026-01-01", [], None),
        ("https://example.org/a/b and 10.1002/sim.1234", [], None),
    ],
)
def test_absolute_paths_lose_their_folders_and_nothing_else_changes(text, roots, shown):
    assert without_folders(text, roots) == (text if shown is None else shown)


def test_the_working_folder_and_links_to_a_root_are_known(tmp_path, monkeypatch):
    (tmp_path / "Doe").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Doe")
    assert without_folders(f"{tmp_path}/Doe/x/1.nii is empty", [tmp_path / "link"]) == "x/1.nii is empty"
    monkeypatch.chdir(tmp_path)
    assert without_folders(f"{tmp_path}/Doe/1.nii is empty", [Path("Doe")]) == "1.nii is empty"


def test_a_command_keeps_its_words_and_loses_absolute_folders():
    words = ["/usr/bin/peritumoral", "cox", "sub/t.csv", "--out=/srv/doe/o", "a=/x/y.csv", "--rings", "3,6", "~/z.csv"]
    assert command_line(words) == "peritumoral cox sub/t.csv --out=o a=y.csv --rings 3,6 z.csv"
