"""Deep features of a second reader's masks and of perturbed contours, as the radiomic ones."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort

pytest.importorskip("torch", reason="needs the extra 'deep'")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    """Two sample patients, of whom the second has no mask of a second reader."""
    folder = tmp_path_factory.mktemp("cohort")
    path = Path(make_sample_cohort(folder, patients=2, seed=1))
    table = pd.read_csv(path)
    table.loc[1, "ct_second_mask"] = None
    table.to_csv(path, index=False)
    return path


def deep_features(cohort: Path, out: Path, *words: str) -> int:
    settings = ["--network", "resnet18", "--weights", "random", "--input", "resized_slice", "--size", "32"]
    return main(
        [
            "deep-features",
            str(cohort),
            *settings,
            "--rings",
            "3",
            "--workers",
            "1",
            "--no-pictures",
            *words,
            "-o",
            str(out),
        ]
    )


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "features.csv").set_index("case_id")


@pytest.mark.slow
def test_perturbed_readings_differ_and_lie_beside_those_as_drawn(cohort, tmp_path):
    assert deep_features(cohort, tmp_path / "deep", "--perturb", "1", "--perturb-mm", "2") == 0
    drawn, moved = table(tmp_path / "deep"), table(tmp_path / "deep" / "perturbed_1")
    assert list(drawn.index) == list(moved.index) and list(drawn.columns) == list(moved.columns)
    assert (drawn != moved).any(axis=1).all()
    study = json.loads((tmp_path / "deep" / "perturbed_1" / "study.json").read_text())
    assert study["made_with"]["perturbation"]["sd_mm"] == 2.0
    assert "perturbation" not in json.loads((tmp_path / "deep" / "study.json").read_text())["made_with"]


def test_the_second_readers_masks_are_read_and_cases_without_are_counted(cohort, tmp_path, capsys):
    assert deep_features(cohort, tmp_path / "second", "--reader", "2") == 0
    assert "1 of 2 cases have no mask of a second reader and are left out" in capsys.readouterr().out
    assert len(table(tmp_path / "second")) == 1


def test_an_option_of_perturbations_alone_is_told(cohort, tmp_path, capsys):
    assert deep_features(cohort, tmp_path / "out", "--perturb-mm", "2") == 2
    assert "perturbation says how to perturb; add perturb: 3 (--perturb 3)" in capsys.readouterr().err
