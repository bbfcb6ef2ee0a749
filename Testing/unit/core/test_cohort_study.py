"""Fingerprints of cases, and the record of a run over a cohort."""

from __future__ import annotations

import json

import pytest

from RadiomicsCoreLib.cohort.table import Cohort, read_cohort
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseStatus
from RadiomicsCoreLib.jobs.case_records import case_fingerprint, case_json, write_study


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    for name in ("ct.nii", "m.nii", "s.nii"):
        (tmp_path / name).write_text(name)
    (tmp_path / "cohort.csv").write_text("case_id,ct_image,ct_mask,ct_second_mask\na,ct.nii,m.nii,s.nii\n")
    return read_cohort(tmp_path / "cohort.csv")


@pytest.mark.parametrize("change", ["image", "second mask", "settings", "phases"])
def test_a_fingerprint_changes_with_files_settings_and_phases(cohort, tmp_path, change):
    case = cohort.cases[0]
    before = case_fingerprint(case, ["ct"], {"rings": 3})
    assert before == case_fingerprint(case, ["ct"], {"rings": 3})
    if change in ("image", "second mask"):
        (tmp_path / {"image": "ct.nii", "second mask": "s.nii"}[change]).write_text("other")
    settings, phases = ({"rings": 6} if change == "settings" else {"rings": 3}), ["ct"] * (1 + (change == "phases"))
    assert case_fingerprint(case, phases, settings) != before


def test_the_record_tells_the_cohort_how_each_case_ended_and_what_is_added(cohort, tmp_path):
    outcome = CaseOutcome("a", CaseStatus.FAILED, "f1", "no tumour", warnings=("thin ring",))
    path = write_study("extract", cohort, {"x": 1}, tmp_path, [outcome], seed=4, notes=["n"], more={"seen": {}})
    record = json.loads(path.read_text())
    assert (record["cohort"]["cases"], record["cohort"]["phases"]) == (1, ["ct"])
    assert record["cases"]["a"] == {
        "status": "failed", "reason": "no tumour", "fingerprint": "f1", "warnings": ["thin ring"]
    }  # fmt: skip
    with cohort.path.open("a") as table:
        table.write("b,,,\n")
    again = json.loads(write_study("extract", cohort, {"x": 1}, tmp_path, [outcome]).read_text())
    assert again["cohort"]["sha256"] != record["cohort"]["sha256"]
    assert again["settings_hash"] == record["settings_hash"]
    assert (record["job"], record["seed"], record["notes"], record["seen"]) == ("extract", 4, ["n"], {})


def test_a_case_that_did_not_get_so_far_has_no_file(tmp_path):
    assert case_json(tmp_path, "a", "features.json") is None
