"""Folder names of case ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.safe_names import safe_folder_name

HOSTILE = [
    "../x", "..", ".", "/etc/passwd", "a/b", "a\\b", "a:b", "con", "CON", "con.txt", "NUL", "lpt1", "COM¹",
    "x.", "x ", " x", ".hidden", "a\nb", "a\x00b", "x" * 300, "ü" * 200, "a*b", "a?b", 'a"b', "a|b", "a<b>",
    "a\u202eb", "a\u2028b", "e\u0301",
]  # fmt: skip


@pytest.mark.parametrize("case_id", ["STS_002", "LUNG1-001", "Müller, Ä", "患者 7", "a.b", "x_y-z", "p=1"])
def test_a_plain_id_is_its_own_folder_name(case_id):
    assert safe_folder_name(case_id) == case_id


@pytest.mark.parametrize("case_id", HOSTILE)
def test_a_hostile_id_gets_a_changed_name_that_stays_inside_the_output_folder(case_id, tmp_path):
    name = safe_folder_name(case_id)
    assert name != case_id
    folder = tmp_path / "out" / name
    folder.mkdir(parents=True)
    assert folder.resolve().parent == (tmp_path / "out").resolve()
    assert len(name.encode()) <= 100
    assert name.split(".")[0].lower() not in {"con", "nul", "aux", "prn", "lpt1", "com1"}
    assert not name.startswith(".") and not name.endswith((".", " "))


def test_hostile_ids_never_share_a_name_even_where_case_does_not_count():
    assert len({safe_folder_name(case_id).casefold() for case_id in HOSTILE}) == len(HOSTILE)


def test_an_id_that_looks_like_a_hashed_name_does_not_take_the_folder_of_another_id():
    assert safe_folder_name(safe_folder_name("a/b")) != safe_folder_name("a/b")


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1).filter(str.strip))
def test_any_two_ids_get_two_names_without_separators(one, other):
    names = [safe_folder_name(one), safe_folder_name(other)]
    assert (names[0] == names[1]) == (one == other)
    assert all(Path(name).name == name and "\\" not in name for name in names)


@pytest.mark.parametrize("case_id", ["", "  "])
def test_an_empty_id_is_refused(case_id):
    with pytest.raises(InputError, match="empty"):
        safe_folder_name(case_id)
