"""The deep-learning verbs of the command line, from a cohort table to predictions and maps."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.deep_arguments import named_tables
from RadiomicsStudyLib.sample_cohort import make_sample_cohort


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: Path, rows: list[dict[str, object]]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, str]:
    """Sixty training cases and twenty others; two of ten features of each table follow the outcome."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(8)
    outcome = rng.integers(0, 2, 80)
    cohort = [
        {"case_id": f"p{n}", "recurrence": int(outcome[n]), "split": "train" if n < 60 else "external"}
        for n in range(80)
    ]
    made = {"cohort": write_rows(folder / "cohort.csv", cohort)}
    for name, region in (("radiomics", "intratumour"), ("deep", "ring_0_3mm")):
        values = rng.normal(size=(80, 10))
        values[:, :2] += 0.9 * outcome[:, np.newaxis]
        rows = [
            {"case_id": f"p{n}"} | {f"ct.{region}.{name}_{k}": float(values[n, k]) for k in range(10)}
            for n in range(80)
        ]
        made[name] = write_rows(folder / name / "features.csv", rows)
    return made


@pytest.fixture(scope="module")
def fused(tables, tmp_path_factory) -> Path:
    pytest.importorskip("skops", reason="needs the extra 'deep'")
    out = tmp_path_factory.mktemp("fused") / "out"
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    words = ["fuse", tables["cohort"], "--endpoint", "recurrence", "--features", *features]
    quick = ["--classifiers", "lr,lda", "--folds", "3", "--repeats", "2", "--formats", "png"]
    assert main([*words, *quick, "-o", str(out)]) == 0
    return out


def test_fuse_finds_the_planted_features_and_writes_a_bundle(fused):
    models = {row["model"]: float(row["mean_auc"]) for row in rows_of(fused / "models.csv")}
    assert max(models.values()) > 0.75
    assert (fused / "model" / "model.json").is_file()
    assert (fused / "signatures.txt").read_text(encoding="utf-8").strip()


def test_apply_predicts_and_evaluates_new_cases(fused, tables, tmp_path):
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    words = ["apply", str(fused / "model"), "--features", *features, "--cohort", tables["cohort"]]
    assert main([*words, "--formats", "png", "-o", str(tmp_path / "out")]) == 0
    chances = [float(row["probability"]) for row in rows_of(tmp_path / "out" / "predictions.csv")]
    assert len(chances) == 80 and all(0 <= chance <= 1 for chance in chances)


def test_apply_refuses_features_that_the_training_did_not_have(fused, tables, tmp_path, capsys):
    words = ["apply", str(fused / "model"), "--features", f"radiomics={tables['radiomics']}"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("peritumoral: ") and "ring_0_3mm" in said


def test_explain_gives_the_contributions_to_a_classifier(fused, tables, tmp_path):
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    words = ["explain", tables["cohort"], str(fused / "model"), "--features", *features, "--cases", "p61,p62"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert [row["case_id"] for row in rows_of(tmp_path / "out" / "contributions.csv")] == ["p61", "p62"]
    assert (tmp_path / "out" / "patients" / "p61.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fuse", "nowhere.csv", "--endpoint", "y", "--features", "a.csv", "-o", "out"], "a.csv"),
        (["fuse", "{cohort}", "--endpoint", "recurrense", "--features", "{radiomics}", "-o", "out"], "recurrence"),
        (["train", "{cohort}", "-o", "out"], "--endpoints"),
    ],
)
def test_a_wrong_word_ends_in_one_line_and_exit_code_2(tables, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([word.format(**tables) for word in words]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("peritumoral: ")]
    assert len(said) == 1 and message in said[0]


def test_feature_tables_are_named_by_word_or_folder():
    assert named_tables(["r=a.csv", "deep/features.csv"]) == {"r": "a.csv", "deep": "deep/features.csv"}


@pytest.mark.slow
def test_deep_features_training_and_maps_of_a_small_cohort(tmp_path):
    pytest.importorskip("torch", reason="needs the extra 'deep'")
    cohort = str(make_sample_cohort(tmp_path / "cohort", patients=8, seed=3))
    deep = tmp_path / "deep"
    assert main(["deep-features", cohort, "--regions", "intratumour", "--jobs", "1", "-o", str(deep)]) == 0
    columns = list(rows_of(deep / "features.csv")[0])
    assert len(columns) == 1281 and columns[1] == "ct.intratumour.efficientnet_lite0_0"
    trained = tmp_path / "trained"
    words = ["train", cohort, "--endpoints", "recurrence", "--epochs", "1", "--jobs", "1", "-o", str(trained)]
    assert main(words) == 0
    assert {row["case_id"] for row in rows_of(trained / "predictions.csv")} == {f"sample_{n:03d}" for n in range(1, 9)}
    maps = tmp_path / "maps"
    words = ["explain", cohort, str(trained / "model"), "--cases", "sample_001", "--maps", "grad_cam"]
    assert main([*words, "--jobs", "1", "-o", str(maps)]) == 0
    assert (maps / "cases" / "sample_001" / "grad_cam.nii.gz").is_file()
