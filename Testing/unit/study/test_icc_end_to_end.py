"""Extracted twice, filtered once: from masks of two readers to the features of a model, all on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.statistics.icc import icc
from RadiomicsStudyLib.cli import main

PARAMETERS = """
setting: {binWidth: 25}
imageType: {Original: {}}
featureClass:
  shape: [VoxelVolume, Sphericity, Flatness]
  firstorder: [Mean, Entropy, Maximum, Minimum]
  glcm: [Contrast, Idm, ClusterShade]
"""
THRESHOLD = 0.9


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """16 sample patients: features as drawn, by the second reader, and of perturbed contours."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "small.yaml").write_text(PARAMETERS)
    assert main(["sample-cohort", str(folder / "sample"), "--patients", "16", "--seed", "1"]) == 0
    extract = ["extract", str(folder / "sample" / "cohort.csv"), "--rings", "3", "--no-overlays", "--workers", "1"]
    extract += ["--parameters", str(folder / "small.yaml")]
    assert main([*extract, "--perturb", "1", "--perturb-mm", "0.8", "-o", str(folder / "first")]) == 0
    assert main([*extract, "--reader", "2", "-o", str(folder / "second")]) == 0
    return folder


def readings(study: Path) -> list[Path]:
    return [study / "second" / "features.csv", study / "first" / "perturbed_1" / "features.csv"]


def iccs(study: Path, cases: list[str]) -> dict[str, float]:
    """ICC of every feature over some cases, by the function that is held against R."""
    paths = (study / "first" / "features.csv", *readings(study))
    tables = [pd.read_csv(path).set_index("case_id").loc[cases] for path in paths]
    values = np.stack([table.to_numpy() for table in tables], axis=1)
    return dict(zip(tables[0].columns, icc(values).value.tolist(), strict=True))


@pytest.mark.slow
def test_fuse_takes_no_feature_that_the_readings_do_not_agree_on(study, tmp_path):
    pytest.importorskip("skops", reason="needs the extra 'deep'")
    whole = tmp_path / "whole.csv"  # every case is cross-validated
    pd.read_csv(study / "sample" / "cohort.csv").drop(columns="split").to_csv(whole, index=False)
    words = ["fuse", str(whole), "--endpoint", "recurrence", "--classifiers", "lr"]
    words += ["--features", f"radiomics={study / 'first' / 'features.csv'}", "--folds", "2", "--repeats", "1"]
    words += ["--selector", "none", "--correlation-below", "1", "--formats", "svg"]
    both = ["--readings", *map(str, readings(study)), "--icc-above", str(THRESHOLD)]
    for name, options in (("all", []), ("steady", both)):
        assert main([*words, *options, "-o", str(tmp_path / name)]) in (0, 1)
    chosen, everything = (
        set(pd.read_csv(tmp_path / n / "selected_features.csv")["feature"]) for n in ("steady", "all")
    )
    measured = iccs(study, pd.read_csv(study / "sample" / "cohort.csv")["case_id"].tolist())
    named = pd.read_csv(tmp_path / "steady" / "icc.csv").set_index("feature")
    assert named["icc"].to_dict() == pytest.approx(measured, nan_ok=True)
    assert (
        f"exceed {THRESHOLD:g} and go on, icc.csv names the others" in (tmp_path / "steady" / "notes.txt").read_text()
    )
    # A fold sees half the cases, so its ICC is near the whole one's, not the same.
    unsteady = {name for name, value in measured.items() if value < THRESHOLD - 0.15}
    assert unsteady and unsteady <= everything
    assert chosen and not chosen & unsteady


@pytest.mark.slow
def test_cox_writes_the_icc_of_every_feature_and_models_the_others(study, tmp_path):
    cohort = pd.read_csv(study / "sample" / "cohort.csv")[["case_id", "follow_up_days", "death"]]
    pd.read_csv(study / "first" / "features.csv").merge(cohort).to_csv(tmp_path / "table.csv", index=False)
    words = ["cox", str(tmp_path / "table.csv"), "--time", "follow_up_days", "--event", "death", "--id", "case_id"]
    words += ["--selection", "lasso", "--folds", "4", "--bootstrap", "3", "--formats", "svg"]
    words += ["--readings", *map(str, readings(study)), "--icc-above", str(THRESHOLD), "-o", str(tmp_path / "cox")]
    assert main(words) in (0, 1)
    table = pd.read_csv(tmp_path / "cox" / "icc.csv").set_index("feature")
    expected = iccs(study, cohort["case_id"].tolist())
    assert table["icc"].to_dict() == pytest.approx(expected, nan_ok=True)
    assert (table["kept"] == (table["icc"] > THRESHOLD)).all() and 0 < table["kept"].sum() < len(table)
    dropped = set(table.index[~table["kept"]])
    assert not dropped & set(pd.read_csv(tmp_path / "cox" / "coefficients.csv").iloc[:, 0])
