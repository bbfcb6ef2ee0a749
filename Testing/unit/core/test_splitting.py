"""Splits of cohorts, and tables that are written into another folder."""

from __future__ import annotations

import pytest

from RadiomicsCoreLib.cohort.moved_table import cells_of, write_moved_table
from RadiomicsCoreLib.cohort.splitting import SplitSettings, split_patients
from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import InputError


def test_a_split_by_date_takes_the_earliest_four_of_five_as_wu2021_did():
    days = [f"20{10 + k:02d}-03-01" for k in range(10)]
    parts = split_patients(SplitSettings("date", 0.8, "day"), [f"p{k}" for k in range(10)], {"day": days[::-1]})
    assert parts == ["test"] * 2 + ["train"] * 8


def test_patients_of_one_day_are_not_torn_apart():
    days = ["2020-01-01", "2020-01-02", "2020-01-02", "2020-01-03"]
    assert split_patients(SplitSettings("date", 0.5, "day"), list("abcd"), {"day": days}) == ["train"] * 3 + ["test"]


def test_a_date_that_cannot_be_read_is_told_with_its_patient():
    with pytest.raises(InputError, match="b: day is 'soon'"):
        split_patients(SplitSettings("date", 0.5, "day"), ["a", "b"], {"day": ["2020-01-01", "soon"]})


def test_every_stratum_gives_its_share_and_the_seed_decides_who():
    death = ["1"] * 30 + ["0"] * 70
    patients = [f"p{k}" for k in range(100)]
    made = [
        split_patients(SplitSettings("ratio", 0.7, None, ("death",), seed=s), patients, {"death": death})
        for s in (0, 0, 1)
    ]
    assert made[0] == made[1] != made[2]
    for parts in made:
        assert parts[:30].count("train") == 21
        assert parts.count("train") == 70


def test_cases_of_a_patient_stay_together():
    patients = [f"p{k // 2}" for k in range(40)]
    parts = split_patients(SplitSettings("ratio", 0.6), patients, {})
    assert all(parts[k] == parts[k + 1] for k in range(0, 40, 2))


def test_an_external_hospital_is_no_part_of_the_ratio():
    centres = ["a"] * 10 + ["b"] * 5
    parts = split_patients(SplitSettings("ratio", 0.7, external=("b",)), [f"p{k}" for k in range(15)], {}, centres)
    assert parts[10:] == ["external"] * 5
    assert parts[:10].count("train") == 7
    with pytest.raises(InputError, match="there are a, b"):
        split_patients(SplitSettings("centre", external=("c",)), [f"p{k}" for k in range(15)], {}, centres)


def test_a_moved_table_names_the_same_files_and_keeps_every_cell(tmp_path):
    (tmp_path / "data").mkdir()
    source = tmp_path / "data" / "cohort.csv"
    source.write_text("case_id,ct_image,ct_mask,change,id2,note\n001,i/ct.nii,i/m.nii,-3.5,-7,=x\n002,,,1e3,+4,\n")
    moved = tmp_path / "out" / "split" / "cohort.csv"
    moved.parent.mkdir(parents=True)
    write_moved_table(source, moved, {"split": ["train", "test"], "score": [-0.25, None]})
    case = read_cohort(moved).cases[0]
    assert case.images["ct"].image.resolve() == (tmp_path / "data" / "i" / "ct.nii").resolve()
    assert (case.case_id, case.values["change"], case.values["score"], case.values["id2"]) == ("001", -3.5, -0.25, -7)
    assert cells_of(moved, ["note", "change"])["note"] == ["=x", ""]
    assert read_cohort(moved).cases[1].values["score"] is None
