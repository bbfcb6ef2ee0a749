"""The job ``study``: stages resume, a change does again what depends on it, a failure leaves what there is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from RadiomicsCoreLib.errors import Cancelled, InputError
from RadiomicsCoreLib.jobs.registry import job_from, load_job
from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.study_run.layout import read_stages

RECIPE = """
recipe: small
title: Three tables of a cohort
columns: {event: death, offered: [age, marker]}
values: {ratio: 0.7}
defaults:
  baseline: {cohort: "{cohort}", by: "{event}"}
split: {by: ratio, ratio: "{ratio}", stratify: ["{event}"]}
stages:
  - {name: described, verb: baseline, settings: {describe: "{offered}"}, paper: Table 2}
  - {name: numbers, verb: join, settings: {cohort: "{cohort}", numbers: [marker]}}
  - name: both
    verb: collect
    settings: {runs: {described: "{described}", numbers: "{numbers}"}, table: [baseline, numbers], formats: []}
"""


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(4)
    age, marker = rng.normal(60, 10, 90), rng.normal(0, 1, 90)
    days = 800 * rng.exponential(size=90) / np.exp(0.8 * marker + 0.02 * (age - 60)) + 1
    rows = [
        f"p{k},{age[k]:.0f},{marker[k]:.3f},{min(days[k], 900):.0f},{int(days[k] < 900)},x.nii,y.nii" for k in range(90)
    ]
    (tmp_path / "cohort.csv").write_text(
        "case_id,age,marker,days,death,ct_image,ct_mask\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    (tmp_path / "small.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def run(folder: Path, out: str = "out", progress=None, **settings):
    values = {"verb": "study", "recipe": "small.yaml", "cohort": "cohort.csv", "report": False, **settings}
    job = job_from(values, folder=folder)
    return job.run(folder / out, *([progress] if progress else []))


def states(folder: Path, out: str = "out") -> dict[str, str]:
    return {row.name: row.state for row in read_stages(folder / out)}


def test_every_stage_is_a_job_of_its_own_and_the_folder_says_how_it_ended(study):
    result = run(study)
    assert states(study) == dict.fromkeys(("split", "described", "numbers", "both"), "done")
    rows = json.loads((study / "out" / "stages.json").read_text())
    assert {row["name"]: row["needs"] for row in rows}["both"] == ["split", "described", "numbers"]
    assert {row["name"]: row["paper"] for row in rows}["described"] == ["Table 2"]
    assert load_job(study / "out" / "described").verb == "baseline"
    record = json.loads((study / "out" / "study.json").read_text())
    assert record["recipe"]["title"] == "Three tables of a cohort"
    assert (study / "out" / record["cohort"]).resolve() == study / "cohort.csv"
    assert result.status.value == "done"


def test_a_study_that_is_run_again_does_nothing_again(study):
    run(study)
    before = {path: path.stat().st_mtime_ns for path in (study / "out").glob("*/study.json")}
    run(study)
    assert set(states(study).values()) == {"reused"}
    assert {path: path.stat().st_mtime_ns for path in (study / "out").glob("*/study.json")} == before


def test_a_changed_setting_does_again_only_what_depends_on_it(study):
    run(study)
    run(study, values={"offered": ["age"]})
    assert states(study) == {"split": "reused", "described": "done", "numbers": "reused", "both": "done"}


def test_a_changed_cohort_does_everything_again(study):
    run(study)
    text = (study / "cohort.csv").read_text().replace("p0,", "p_0,")
    (study / "cohort.csv").write_text(text)
    # The split is made once: the study stops there rather than deal the patients anew in silence.
    with pytest.raises(InputError, match="split"):
        run(study)
    run(study, out="other")
    assert set(states(study, "other").values()) == {"done"}


def test_a_failed_stage_says_why_and_what_needs_it_is_skipped_while_the_rest_is_done(study):
    text = RECIPE.replace("numbers: [marker]", "numbers: [makrer]")
    (study / "small.yaml").write_text(text, encoding="utf-8")
    result = run(study)
    assert states(study) == {"split": "done", "described": "done", "numbers": "failed", "both": "skipped"}
    rows = {row.name: row for row in read_stages(study / "out")}
    assert "makrer" in rows["numbers"].why
    assert "needs numbers, which failed" in rows["both"].why
    assert result.status.value == "partly"
    (study / "small.yaml").write_text(RECIPE, encoding="utf-8")
    run(study)
    assert states(study) == {"split": "reused", "described": "reused", "numbers": "done", "both": "done"}


def test_one_stage_is_done_with_those_that_it_needs(study):
    run(study, stage=["numbers"])
    assert states(study) == {"split": "done", "described": "skipped", "numbers": "done", "both": "skipped"}
    with pytest.raises(InputError, match="did you mean 'numbers'"):
        run(study, stage=["numbrs"])


def test_a_stopped_study_goes_on_where_it_stood(study):
    def stop(fraction: float, message: str) -> None:
        if message.startswith("numbers"):
            raise Cancelled("stopped by the user")

    with pytest.raises(Cancelled):
        run(study, progress=stop)
    assert states(study) == {"split": "done", "described": "done", "numbers": "waiting", "both": "waiting"}
    run(study)
    assert states(study) == {"split": "reused", "described": "reused", "numbers": "done", "both": "done"}


def test_a_folder_that_is_no_stages_is_left_alone(study):
    kept = study / "out" / "numbers" / "thesis.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    run(study)
    assert states(study)["numbers"] == "failed"
    assert kept.read_text() == "mine"


def test_a_dry_run_writes_nothing_and_says_what_would_run(study, monkeypatch, capsys):
    monkeypatch.chdir(study)
    assert main(["study", "small.yaml", "cohort.csv", "-o", "out", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "4 of 4 stages would run on 90 cases" in told
    assert not (study / "out").exists()


def test_the_study_is_a_job_that_its_job_file_repeats(study, monkeypatch):
    monkeypatch.chdir(study)
    assert main(["study", "small.yaml", "cohort.csv", "-o", "out", "--no-report", "--set", "offered=age"]) == 0
    assert load_job("out").values == {"offered": "age"}
    assert main(["run", "out", "-o", "again"]) == 0
    assert states(study, "again")["described"] == "done"
    both = [(study / name / "described" / "baseline.csv").read_text() for name in ("out", "again")]
    assert both[0] == both[1]


def test_a_recipe_that_does_not_fit_the_cohort_is_refused_before_anything_is_written(study):
    with pytest.raises(InputError, match=r"small\.yaml, line 4: .*no column 'deaht' "):
        run(study, values={"event": "deaht"})
    assert not (study / "out").exists()


def test_the_report_stands_in_the_folder_at_the_end(study):
    result = run(study, report=True)
    assert result.files["report"] == study / "out" / "report.html"
    assert "Three tables of a cohort" in result.files["report"].read_text(encoding="utf-8")
    assert result.warnings == ()
