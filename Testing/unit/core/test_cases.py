"""Jobs over the cases of a cohort: fingerprints, and what an earlier run is reused for."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from RadiomicsCoreLib.cohort.table import Cohort, read_cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.batch import CaseStatus, CaseWork
from RadiomicsCoreLib.jobs.cases import case_fingerprint, case_json, run_cases
from RadiomicsCoreLib.jobs.output import JobOutput


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    folder = tmp_path / "cohort"
    folder.mkdir()
    for name in ("ct.nii", "m.nii", "s.nii", "ct_b.nii"):
        (folder / name).write_text(name)
    table = "case_id,ct_image,ct_mask,ct_second_mask\na,ct.nii,m.nii,s.nii\nb,ct_b.nii,m.nii,\n"
    (folder / "cohort.csv").write_text(table)
    return read_cohort(folder / "cohort.csv")


def do_case(log: Path, case, phases, folder: Path) -> CaseWork:
    with log.open("a") as stream:
        stream.write(f"{case.case_id} ")
    if case.case_id == "b":
        raise InputError("b cannot be read")
    (folder / "answer.json").write_text("[1]")
    return CaseWork(warnings=("thin",))


def run(cohort: Cohort, out: Path, log: Path, settings: dict) -> JobOutput:
    output = JobOutput(out)
    run_cases(output, cohort, partial(do_case, log), settings, workers=1, progress=lambda fraction, message: None)
    return output


def test_cases_are_done_once_and_again_when_settings_change_or_they_failed(cohort, tmp_path):
    log, out = tmp_path / "log", tmp_path / "out"
    output = run(cohort, out, log, {"x": 1})
    assert [(case.case_id, case.status) for case in output.cases] == [("a", CaseStatus.DONE), ("b", CaseStatus.FAILED)]
    assert case_json(out, "a", "answer.json") == [1] and case_json(out, "b", "answer.json") is None
    assert output.record["cohort"]["cases"] == 2 and output.record["cohort"]["phases"] == ["ct"]
    run(cohort, out, log, {"x": 1})
    run(cohort, out, log, {"x": 2})
    assert log.read_text() == "a b b a b "


def test_the_same_files_by_another_path_are_the_same_case(cohort, tmp_path, monkeypatch):
    case = cohort.cases[0]
    before = case_fingerprint(case, ["ct"], {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "cohort")
    shutil.copytree(tmp_path / "cohort", tmp_path / "moved")
    for path in ("cohort/cohort.csv", "link/cohort.csv", "cohort/../moved/cohort.csv"):
        assert case_fingerprint(read_cohort(path).cases[0], ["ct"], {}) == before, path


def test_a_fingerprint_changes_with_files_settings_phases_and_what_else_decides(cohort, tmp_path):
    case, found = cohort.cases[0], []
    found.append(case_fingerprint(case, ["ct"], {"x": 1}))
    found.append(case_fingerprint(case, ["ct"], {"x": 2}))
    found.append(case_fingerprint(case, ["ct", "pet"], {"x": 1}))
    found.append(case_fingerprint(case, ["ct"], {"x": 1}, also=lambda case: {"score": 0.5}))
    for name in ("ct.nii", "s.nii"):
        (tmp_path / "cohort" / name).write_text(f"another {name}")
        found.append(case_fingerprint(case, ["ct"], {"x": 1}))
    assert len(set(found)) == len(found)
