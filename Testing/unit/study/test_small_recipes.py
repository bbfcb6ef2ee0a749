"""Every published recipe runs on sample patients, in small: all its stages, an epoch, networks from random weights."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from small_recipes import SMALL, small_job

from RadiomicsCoreLib.jobs.registry import job_from
from RadiomicsStudyLib.recipes.catalogue import PUBLISHED
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort
from RadiomicsStudyLib.study_run.layout import StageState, read_stages

# Each takes minutes: the tests run the one, all of them on demand (PERITUMORAL_ALL_RECIPES=1).
RUN = PUBLISHED if os.environ.get("PERITUMORAL_ALL_RECIPES") else ("wu2021",)
# What a handful of patients and one epoch need not be enough for, by what the reason says.
EXCUSED = (
    "leaves no covariate",
    "coefficient is infinite",
    "found no feature",
    "needs ",
    "did not pass",
    "cannot be evaluated",
    "not estimable",
)


def test_there_is_a_small_form_of_every_recipe():
    assert set(SMALL) == set(PUBLISHED)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
@pytest.mark.filterwarnings(
    "ignore"
)  # three patients of a class bring warnings of every package; numbers are not judged
def test_a_recipe_runs_to_its_end_on_sample_patients(name, tmp_path):
    for package in ("torch", "monai", "safetensors", "skops"):
        pytest.importorskip(package)
    study = SMALL[name]
    cohort = make_sample_cohort(tmp_path / "cohort", patients=study.patients, seed=1, phases=study.phases)
    job_from(small_job(name, cohort, report=False)).run(tmp_path / "out")
    rows = read_stages(tmp_path / "out")
    assert {row.state for row in rows} <= {state.value for state in StageState}
    failed = {row.name: row.why for row in rows if not row.has_results and not any(e in row.why for e in EXCUSED)}
    assert failed == {}
    assert sum(row.has_results for row in rows) > len(rows) / 2
    for row in rows:
        if row.has_results:
            assert (tmp_path / "out" / row.folder / "study.json").is_file()
    if name == "liu2025":  # the sample's truth is in the rim
        table = pd.read_csv(tmp_path / "out" / "ring_sweep" / "concordance.csv")
        train = table[table["cohort"] == "train"].set_index("model")["c"]
        assert train["ring_3"] > train["tumour"]
