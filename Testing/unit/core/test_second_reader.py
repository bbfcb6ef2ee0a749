"""A cohort with the second reader's masks in the place of the first's."""

from __future__ import annotations

from pathlib import Path

import pytest

from RadiomicsCoreLib.cohort.second_reader import read_by, second_reading
from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import InputError

HEADER = "case_id,ct_image,ct_mask,ct_organ_mask,ct_second_mask,ct_second_label,pet_image,pet_mask,pet_second_mask\n"


def cohort(folder: Path, *rows: str):
    path = folder / "cohort.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return read_cohort(path)


def test_second_masks_take_the_place_of_the_first_and_organs_stay(tmp_path):
    second = second_reading(cohort(tmp_path, "a,ct.nii,m.nii,o.nii,s.nii,2,p.nii,q.nii,r.nii"))
    files = second.cohort.cases[0].images["ct"]
    assert (files.mask, files.label, files.second) == (tmp_path / "s.nii", 2, None)
    assert files.organ_mask == tmp_path / "o.nii"
    assert second.cohort.cases[0].images["pet"].mask == tmp_path / "r.nii"
    assert second.notes == ()


def test_cases_and_phases_without_a_second_mask_are_counted_and_are_no_failures(tmp_path):
    second = second_reading(
        cohort(
            tmp_path,
            "a,ct.nii,m.nii,,s.nii,,p.nii,q.nii,",
            "b,ct.nii,m.nii,,,,p.nii,q.nii,",
            "c,ct.nii,m.nii,,s.nii,,p.nii,q.nii,r.nii",
        )
    )
    assert [case.case_id for case in second.cohort.cases] == ["a", "c"]
    assert second.cohort.cases[0].phases(("ct", "pet")) == ["ct"]
    assert second.notes == (
        "1 of 3 cases have no mask of a second reader and are left out: b",
        "pet: 1 of 2 cases lack the second mask: a",
    )


def test_a_second_mask_whose_label_is_no_number_is_a_problem_of_its_case(tmp_path):
    rows = ("a,ct.nii,m.nii,,s.nii,two,p.nii,q.nii,r.nii", "b,ct.nii,m.nii,,s.nii,,p.nii,q.nii,r.nii")
    case = second_reading(cohort(tmp_path, *rows)).cohort.cases[0]
    assert [problem.column for problem in case.problems] == ["ct_second_label"]
    assert case.phases(("ct", "pet")) == ["ct", "pet"]


def test_a_cohort_without_any_second_mask_is_refused(tmp_path):
    with pytest.raises(InputError, match="fill in ct_second_mask, pet_second_mask, or perturb"):
        second_reading(cohort(tmp_path, "a,ct.nii,m.nii,,,,p.nii,q.nii,"))


def test_the_first_reader_leaves_the_cohort_as_it_is_and_there_is_no_third(tmp_path):
    table = cohort(tmp_path, "a,ct.nii,m.nii,,s.nii,,p.nii,q.nii,")
    assert read_by(table, 1).cohort is table
    with pytest.raises(InputError, match="reader is 3; give 1, or 2"):
        read_by(table, 3)
