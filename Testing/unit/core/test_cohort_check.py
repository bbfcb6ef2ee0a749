"""Every case of a cohort is looked at in a process of its own; what is wrong stands in a table."""

from __future__ import annotations

import subprocess
import sys

from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsCoreLib.jobs import cohort_check
from RadiomicsCoreLib.jobs.cohort_check import CASES_FILE, COLUMNS, case_rows
from RadiomicsCoreLib.jobs.process import program_command, read_line
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort


def test_a_case_whose_image_is_gone_is_told_and_the_others_can_be_used(tmp_path):
    cohort = make_sample_cohort(tmp_path / "sample", patients=2)
    (cohort.parent / "sample_002" / "ct.nii.gz").unlink()
    words = program_command(sys.executable, cohort_check.__name__, cohort, tmp_path / "out")
    done = subprocess.run(words, cwd="/", env={"PATH": ""}, capture_output=True, text=True, timeout=120)
    lines = [line for line in map(read_line, done.stdout.splitlines()) if line]
    assert (done.returncode, done.stderr, lines[-1].status) == (0, "", "done")
    assert lines[0].fraction == 0.0 and "sample_001" in lines[0].message
    table = read_csv(tmp_path / "out" / CASES_FILE)
    assert list(table.columns) == list(COLUMNS)
    assert table["problems"][0] is None and "ct.nii.gz" in table["problems"][1]
    assert table["split"].tolist() == ["train", "train"] and table["phases"].tolist() == ["ct", "ct"]


def test_a_table_that_cannot_be_read_fails_in_one_line(tmp_path, capsys):
    assert cohort_check.main([str(tmp_path / "none.csv"), str(tmp_path / "out")]) == 2
    last = read_line(capsys.readouterr().out.splitlines()[-1])
    assert last is not None and last.status == "failed" and "none.csv" in last.message
    assert not (tmp_path / "out").exists()


def test_what_the_table_alone_tells_needs_no_image(tmp_path):
    path = tmp_path / "cohort.csv"
    path.write_text("case_id,ct_image,ct_mask,split\np1,a.nii,b.nii,train\np2,,b.nii,test\n")
    rows = case_rows(read_cohort(path))
    assert [row["problems"] == "" for row in rows] == [True, False]
    assert rows[1] == {"case_id": "p2", "split": "test", "phases": "", "problems": rows[1]["problems"]}
