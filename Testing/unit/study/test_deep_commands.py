"""The deep-learning verbs of the command line, from a cohort table to predictions and maps."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from RadiomicsCoreLib.jobs.registry import load_job
from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort


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
    made["no_ids"] = write_rows(folder / "no_ids.csv", [{"patient": "p1", "recurrence": 1}])
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
    models = {row["model"]: float(row["auc"]) for row in rows_of(fused / "models.csv")}
    assert max(models.values()) > 0.75
    assert (fused / "model" / "model.json").is_file()
    assert (fused / "signatures.txt").read_text(encoding="utf-8").strip()


def test_the_model_of_the_bundle_and_how_it_is_fitted_can_be_chosen(tables, tmp_path, capsys):
    pytest.importorskip("skops", reason="needs the extra 'deep'")
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    words = ["fuse", tables["cohort"], "--endpoint", "recurrence", "--features", *features, "--formats", "png"]
    quick = ["--classifiers", "lr", "--selector", "mrmr", "--largest", "3", "--folds", "2", "--repeats", "1"]
    chosen = ["--inner-folds", "2", "--deploy", "fusion", "--bundle", "refit", "--fused-on", "training"]
    assert main([*words, *quick, *chosen, "-o", str(tmp_path / "out")]) == 0
    model = json.loads((tmp_path / "out" / "model" / "model.json").read_text(encoding="utf-8"))
    assert model["model"]["type"] == "fusion"  # one model, not the mean of folds
    assert (model["settings"]["fused_on"], model["settings"]["selection"]["largest"]) == ("training", 3)
    capsys.readouterr()
    assert main([*words, *quick, "--deploy", "xgb", "-o", str(tmp_path / "no")]) == 2
    assert (
        "model 'xgb' is unknown; choose from radiomics.signature, deep.signature, fusion, lr" in capsys.readouterr().err
    )


def test_apply_predicts_and_evaluates_new_cases(fused, tables, tmp_path):
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    words = ["apply", str(fused / "model"), "--features", *features]
    words.insert(2, tables["cohort"])
    assert main([*words, "--formats", "png", "-o", str(tmp_path / "out")]) == 0
    chances = [float(row["probability"]) for row in rows_of(tmp_path / "out" / "predictions.csv")]
    assert len(chances) == 80 and all(0 <= chance <= 1 for chance in chances)


def test_apply_refuses_features_that_the_training_did_not_have(fused, tables, tmp_path, capsys):
    words = ["apply", str(fused / "model"), "--features", f"radiomics={tables['radiomics']}"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("peritumoral: ") and "ring_0_3mm" in said


def test_contributions_are_given_to_a_classifier(fused, tables, tmp_path):
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    words = ["contributions", str(fused / "model"), "--cohort", tables["cohort"], "--features", *features]
    assert main([*words, "--cases", "p61,p62", "-o", str(tmp_path / "out")]) == 0
    assert [row["case_id"] for row in rows_of(tmp_path / "out" / "contributions.csv")] == ["p61", "p62"]
    assert (tmp_path / "out" / "patients" / "p61.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fuse", "nowhere.csv", "--endpoint", "y", "--features", "a.csv", "-o", "out"], "nowhere.csv"),
        (["fuse", "{cohort}", "--endpoint", "recurrense", "--features", "{radiomics}", "-o", "out"], "recurrence"),
        (["train", "{cohort}", "-o", "out"], "--endpoints"),
        (
            ["correlation", "--cohort", "{no_ids}", "--features", "a={radiomics}", "b={deep}", "-o", "out"],
            "no column case_id",
        ),
    ],
)
def test_a_wrong_word_ends_in_one_line_and_exit_code_2(tables, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([word.format(**tables) for word in words]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("peritumoral: ")]
    assert len(said) == 1 and message in said[0]


@pytest.mark.slow
def test_deep_features_training_and_maps_of_a_small_cohort(tmp_path):
    pytest.importorskip("torch", reason="needs the extra 'deep'")
    cohort = str(make_sample_cohort(tmp_path / "cohort", patients=8, seed=3))
    deep = tmp_path / "deep"
    assert main(["deep-features", cohort, "--regions", "intratumour", "--workers", "1", "-o", str(deep)]) == 0
    columns = list(rows_of(deep / "features.csv")[0])
    assert len(columns) == 1281 and columns[1] == "ct.intratumour.efficientnet_lite0_0"
    trained = tmp_path / "trained"
    words = ["train", cohort, "--endpoints", "recurrence", "--epochs", "1", "--workers", "1", "-o", str(trained)]
    assert main(words) == 0
    assert {row["case_id"] for row in rows_of(trained / "predictions.csv")} == {f"sample_{n:03d}" for n in range(1, 9)}
    maps = tmp_path / "maps"
    words = ["explain", cohort, str(trained / "model"), "--cases", "sample_001", "--maps", "grad_cam"]
    assert main([*words, "--workers", "1", "-o", str(maps)]) == 0
    assert (maps / "cases" / "sample_001" / "grad_cam.nii.gz").is_file()


@pytest.fixture(scope="module")
def small_cohort(tmp_path_factory) -> str:
    """Eight sample patients, with their arterial scan for the study of two phases."""
    pytest.importorskip("torch", reason="needs the extra 'deep'")
    folder = tmp_path_factory.mktemp("cohort")
    path = make_sample_cohort(folder, patients=8, seed=3)
    rows = [{("arterial" + k[2:] if k.startswith("ct_") else k): v for k, v in row.items()} for row in rows_of(path)]
    return write_rows(Path(path).with_name("arterial.csv"), rows)


@pytest.mark.slow
def test_one_command_trains_the_network_of_liu2025(tmp_path):
    pytest.importorskip("monai", reason="needs the extra 'deep'")
    cohort = str(make_sample_cohort(tmp_path / "cohort", patients=8, seed=3))
    out = tmp_path / "out"
    words = ["train", cohort, "--study", "liu2025", "--time", "follow_up_days", "--event", "death"]
    assert main([*words, "--size", "16", "--epochs", "1", "--workers", "1", "--device", "cpu", "-o", str(out)]) == 0
    bundle = json.loads((out / "model" / "model.json").read_text(encoding="utf-8"))
    assert (bundle["architecture"]["network"], bundle["task"], bundle["outputs"]) == (
        "se_resnet3d",
        "survival",
        ["risk"],
    )
    assert (bundle["input"]["kind"], bundle["input"]["size"], bundle["rings"]["outer_mm"]) == ("box_3d", 16, [3, 6, 9])
    assert bundle["training"]["settings"]["weight_decay"] == 1e-4
    deep = tmp_path / "deep"
    words = ["deep-features", cohort, "--study", "liu2025", "--weights", str(out / "model"), "--workers", "1"]
    assert main([*words, "--no-pictures", "-o", str(deep)]) == 0
    columns = list(rows_of(deep / "features.csv")[0])[1:]
    assert len(columns) == 512 and columns[0] == "ct.intratumour.se_resnet3d_0"


@pytest.mark.slow
def test_one_command_trains_the_unet_of_song2021_and_its_bottleneck_is_clustered(small_cohort, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["train", small_cohort, "--study", "song2021", "--phase", "arterial", "--size", "32", "--width", "4"]
    assert main([*words, "--epochs", "1", "--workers", "1", "--device", "cpu", "-o", str(out)]) == 0
    bundle = json.loads((out / "model" / "model.json").read_text(encoding="utf-8"))
    assert (bundle["task"], bundle["phases"], bundle["input"]["window_level"]) == ("segmentation", ["arterial"], 130)
    assert {"split", "mean_dice", "cases"} <= set(rows_of(out / "scores.csv")[0])
    deep = tmp_path / "deep"
    words = ["deep-features", small_cohort, "--study", "song2021", "--weights", str(out / "model"), "--workers", "1"]
    assert main([*words, "--no-pictures", "-o", str(deep)]) == 0
    columns = list(rows_of(deep / "features.csv")[0])[1:]
    assert len(columns) == 16 * 4 and columns[0] == "arterial.intratumour.unet_0"
    used = json.loads((deep / "study.json").read_text(encoding="utf-8"))["made_with"]["features"]
    assert (used["source"], used["slices"]) == ("layer", "larger_cluster")
    # The paper's network of the arterial phase reads the venous one too, in that phase's own window.
    rows = [
        {("venous" + k[8:] if k.startswith("arterial_") else k): v for k, v in r.items()}
        for r in rows_of(Path(small_cohort))
    ]
    venous = write_rows(Path(small_cohort).with_name("venous.csv"), rows[:2])
    words = ["deep-features", venous, "--study", "song2021", "--phases", "venous", "--weights", str(out / "model")]
    words += ["--workers", "1", "--no-pictures", "-o", str(tmp_path / "venous")]
    assert main(words) == 2
    assert "was trained on phase 'arterial', not 'venous'" in capsys.readouterr().err
    assert main([*words, "--other-phase"]) == 0
    used = json.loads((tmp_path / "venous" / "study.json").read_text(encoding="utf-8"))["made_with"]["features"]
    assert (used["input"]["window_level"], used["input"]["window_width"], used["input"]["size"]) == (120, 320, 32)
    assert list(rows_of(tmp_path / "venous" / "features.csv")[0])[1] == "venous.intratumour.unet_0"


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("epoch: 3", [], "training setting 'epoch' is not known; did you mean 'epochs'?"),
        ("batch_size: eight", [], "batch_size is 'eight'; give a whole number of 1 or more"),
        ("augmentation: {rotate: {probability: 1}}", [], "augmentation 'rotate' is not known; did you mean 'rotation'"),
        ("task: survival", [], "names a task; say it by --endpoints"),
        ("mode: half", [], "mode is 'half'; choose from full, head"),
        ("- 3", [], "write names and values"),
        ("a: [", [], "cannot be parsed: line 1"),
        ("epochs: 3", ["--augmentation", "liu"], "augmentation 'liu' is not known; choose from none, wu2021, liu2025"),
        ("epochs: 3", ["--augmentation", "gone.yaml"], "settings file 'gone.yaml' cannot be read"),
        ("epochs: 3", ["--patience", "soon"], "'soon' is not a whole number"),
        ("epochs: 3", ["--validation-share", "2"], "validation_fraction is 2.0; give a number from 0 to 0.9"),
    ],
)
def test_a_wrong_training_setting_is_named_with_its_file(tables, content, words, message, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    base = [
        "train",
        tables["cohort"],
        "--endpoints",
        "recurrence",
        "--settings",
        str(path),
        "-o",
        str(tmp_path / "out"),
    ]
    assert main([*base, *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and message in said[0]


def test_weights_that_cannot_be_fetched_stop_a_training_before_any_case_is_read(tables, tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch", reason="needs the extra 'deep'")
    from dataclasses import replace

    from DeepRadiomicsFusionLib.networks import weights

    monkeypatch.setenv("PERITUMORAL_WEIGHTS", str(tmp_path / "cache"))
    nowhere = replace(weights.IMAGENET["densenet121"], url="http://127.0.0.1:9/densenet121.pth")
    monkeypatch.setitem(weights.IMAGENET, "densenet121", nowhere)
    words = ["train", tables["cohort"], "--study", "zhang2024", "--endpoints", "recurrence"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "densenet121-a639ec97.pth cannot be fetched" in said[0] and "random weights" in said[0]
    assert not (tmp_path / "out").exists()


def test_a_settings_file_goes_before_the_study_and_an_option_before_the_file(tmp_path, capsys):
    path = tmp_path / "mine.json"
    values = {"epochs": 7, "batch_size": 3, "learning_rate": 1e-3, "mode": "head", "patience": None}
    values |= {"device": "cpu"}
    path.write_text(json.dumps(values), encoding="utf-8")
    change = tmp_path / "changes.yaml"
    change.write_text("noise: {probability: 0.5, low: 0, high: 1e-2}", encoding="utf-8")
    words = ["train", "c.csv", "--study", "wu2021", "--endpoints", "y", "--settings", str(path), "--batch-size", "5"]
    assert main([*words, "--augmentation", str(change), "--print-job"]) == 0
    (tmp_path / "job.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    job = load_job(tmp_path / "job.yaml")
    assert (job.training.epochs, job.training.batch_size, job.training.patience) == (7, 5, None)
    assert job.training.device.value == "cpu"
    assert (job.training.learning_rate, job.training.decay, job.mode) == (1e-3, 1e-7, "head")
    assert job.training.augmentation.to_dict() == {"noise": {"probability": 0.5, "low": 0, "high": 0.01}}
