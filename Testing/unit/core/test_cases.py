"""Jobs over cases: fingerprints, and what the record of a run says of the cohort and of each case."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from RadiomicsCoreLib.cohort.table import Case, Cohort, read_cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.batch import CaseWork
from RadiomicsCoreLib.jobs.cases import case_fingerprint, case_json, run_cases
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.settings.options import option


@pytest.fixture
def cohort(tmp_path) -> Cohort:
    for name in ("ct.nii", "m.nii", "s.nii"):
        (tmp_path / name).write_text(name)
    (tmp_path / "cohort.csv").write_text("case_id,ct_image,ct_mask,ct_second_mask,age\na,ct.nii,m.nii,s.nii,61\n")
    return read_cohort(tmp_path / "cohort.csv")


def age_of(case: Case) -> object:
    return case.values["age"]


@dataclass(frozen=True, kw_only=True)
class CountJob(Job):
    """Refuses a number below one, and fails every case."""

    verb = "count"

    cohort: Path = option("a table")
    number: int = option("a number", 1)

    def work(self, output, progress):
        if self.number < 1:
            raise InputError("number is below 1")
        run_cases(output, read_cohort(self.cohort), fail, {}, workers=1, progress=progress)


def fail(case: Case, phases, folder: Path) -> CaseWork:
    (folder / "half.txt").write_text("half")
    return CaseWork(("no tumour",), ("thin ring",))


def test_a_fingerprint_changes_with_files_settings_phases_and_what_else_decides(cohort, tmp_path):
    case = cohort.cases[0]
    before = case_fingerprint(case, ["ct"], {"rings": 3})
    assert before == case_fingerprint(case, ["ct"], {"rings": 3})
    others = [
        case_fingerprint(case, ["ct"], {"rings": 6}),
        case_fingerprint(case, ["ct", "ct"], {"rings": 3}),
        case_fingerprint(case, ["ct"], {"rings": 3}, age_of),
    ]
    for name in ("ct.nii", "s.nii"):
        (tmp_path / name).write_text("other")
        others.append(case_fingerprint(case, ["ct"], {"rings": 3}))
    assert len({before, *others}) == 6


def test_the_record_tells_the_cohort_and_how_each_case_ended(cohort, tmp_path):
    result = CountJob(cohort=cohort.path).run(tmp_path / "out")
    record = json.loads((tmp_path / "out" / "study.json").read_text())
    assert (record["cohort"]["cases"], record["cohort"]["phases"], record["job"]) == (1, ["ct"], "count")
    ended = record["cases"]["a"]
    assert (ended["status"], ended["reason"], ended["warnings"]) == ("failed", "no tumour", ["thin ring"])
    assert result.status == "nothing" and result.warnings == ("a: thin ring",)
    assert case_json(tmp_path / "out", "a", "features.json") is None


def test_a_job_that_refuses_its_input_leaves_no_folder_and_takes_none_away(cohort, tmp_path):
    (tmp_path / "there").mkdir()
    for name, stays in (("new", False), ("there", True)):
        with pytest.raises(InputError):
            CountJob(cohort=cohort.path, number=0).run(tmp_path / name)
        assert (tmp_path / name).exists() is stays
