"""Out-of-fold signatures: they do not know what the network has learnt by heart, and they find what is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")
for package in ("monai", "safetensors", "skops"):
    pytest.importorskip(package)

from deep_jobs import features_job_of, run_on, train_job_of  # noqa: E402
from table_files import fuse_tables  # noqa: E402

from DeepRadiomicsFusionLib.evaluation.metrics import EvaluationSettings  # noqa: E402
from DeepRadiomicsFusionLib.jobs.fuse import FuseJob  # noqa: E402
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings  # noqa: E402
from DeepRadiomicsFusionLib.networks.network_bundle import load_network_bundle  # noqa: E402
from DeepRadiomicsFusionLib.networks.prediction import probability  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from DeepRadiomicsFusionLib.training import cross_fitting  # noqa: E402
from DeepRadiomicsFusionLib.training.cross_fitting import cross_fit  # noqa: E402
from DeepRadiomicsFusionLib.training.loop import train_network  # noqa: E402
from DeepRadiomicsFusionLib.training.training_cases import labelled_cases  # noqa: E402
from DeepRadiomicsFusionLib.training.training_sides import Side  # noqa: E402
from RadiomicsCoreLib.cohort.columns import CaseColumns  # noqa: E402
from RadiomicsCoreLib.errors import Cancelled, InputError  # noqa: E402
from RadiomicsCoreLib.files.tables import read_csv, write_csv  # noqa: E402
from RadiomicsCoreLib.progress import no_progress  # noqa: E402
from RadiomicsCoreLib.statistics.roc import auc  # noqa: E402
from RadiomicsStudyLib.cli import main  # noqa: E402

torch.set_num_threads(1)

CASES = 50
BY_HEART = TrainingSettings(
    "classification", learning_rate=3e-2, batch_size=20, epochs=14, patience=None, validation_fraction=0, device="cpu"
)
QUICK = FuseJob(
    cohort=Path("cohort.csv"),
    endpoint="relapse",
    features={},
    cross_validation=CrossValidationSettings(5, 1),
    classifiers=(),
    inner_folds=3,
    evaluation=EvaluationSettings(100, 99),
    formats=(),
)


@dataclass(frozen=True)
class TinyJob:
    """A network of 64 pixels with enough weights to learn fifty patients by heart."""

    folds: int = 5
    scores: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()

    def new_network(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return torch.nn.Sequential(
                torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
            )


def tiny_side(seed: int, signal: float) -> Side:
    """Noise images; with a signal, brighter where the outcome is 1."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(CASES) % 2)
    images = rng.normal(size=(CASES, 1, 8, 8)) + signal * labels[:, None, None, None]
    ids = tuple(f"c{k}" for k in range(CASES))
    return Side(labelled_cases(ids, list(images.astype(np.float32)), labels), ids)


def ignore(path, losses) -> None:
    """Draw nothing."""


def crossed(side: Side, folder: Path) -> np.ndarray:
    return cross_fit(TinyJob(), side, BY_HEART, folder, no_progress, ignore).outputs[:, 0]


def in_sample(side: Side) -> np.ndarray:
    trained = train_network(TinyJob().new_network(), side.cases, BY_HEART)
    with torch.inference_mode():
        return trained.network(torch.from_numpy(np.stack(side.cases.images)))[:, 0].numpy()


def fused_auc(side: Side, signature: np.ndarray, folder: Path) -> float:
    """AUC of the fusion of a signature with four features of noise, all cross-validated."""
    rng = np.random.default_rng(11)
    ids = list(side.case_ids)
    cohort = pd.DataFrame({"case_id": ids, "y": side.cases.targets[:, 0]})
    noise = pd.DataFrame(rng.normal(size=(CASES, 4)), columns=[f"ct.intratumour.f{k}" for k in range(4)])
    noise.insert(0, "case_id", ids)
    deep = pd.DataFrame({"case_id": ids, "y.signature": probability(signature)})
    fuse_tables({"radiomics": noise, "deep": deep}, cohort, "y", folder, QUICK)
    models = read_csv(folder / "models.csv").set_index("model")
    return float(models.loc["deep.signature", "auc"])


@pytest.mark.slow
def test_of_random_labels_out_of_fold_signatures_know_nothing_and_in_sample_ones_all(tmp_path):
    out_of_fold, by_heart, fused = [], [], []
    for seed in range(10):
        side = tiny_side(seed, 0.0)
        labels = side.cases.targets[:, 0].astype(int)
        honest = crossed(side, tmp_path / f"{seed}")
        out_of_fold.append(auc(labels, honest).value)
        if seed < 3:
            by_heart.append(auc(labels, in_sample(side)).value)
        if seed < 5:
            fused.append(fused_auc(side, honest, tmp_path / f"{seed}" / "fused"))
    assert min(by_heart) > 0.95
    assert abs(np.mean(out_of_fold) - 0.5) < 0.06
    assert abs(np.mean(fused) - 0.5) < 0.08


def test_what_is_planted_is_found_out_of_fold(tmp_path):
    side = tiny_side(0, 0.35)
    honest = crossed(side, tmp_path)
    assert auc(side.cases.targets[:, 0].astype(int), honest).value > 0.85
    assert fused_auc(side, honest, tmp_path / "fused") > 0.85


def test_no_fold_has_seen_the_case_that_it_predicts(tmp_path):
    """Other labels of the cases of one fold change nothing of what is said of them."""
    side = tiny_side(1, 0.0)
    first = cross_fit(TinyJob(), side, BY_HEART, tmp_path / "a", no_progress, ignore)
    # Two cases of one fold with different labels trade them, which leaves the folds' classes as they were.
    members = np.flatnonzero(first.fold_of == 0)
    labels = side.cases.targets.copy()
    one, other = (members[labels[members, 0] == value][0] for value in (0, 1))
    labels[[one, other]] = labels[[other, one]]
    folds = first.fold_of
    swapped = replace(side, cases=replace(side.cases, targets=labels))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cross_fitting, "training_folds", lambda cases, count, seed: folds)
        second = cross_fit(TinyJob(), swapped, BY_HEART, tmp_path / "b", no_progress, ignore)
    assert np.array_equal(first.outputs[members], second.outputs[members])
    assert not np.array_equal(first.outputs, second.outputs)


def test_folds_that_were_stopped_go_on_to_the_same_values(tmp_path):
    side = tiny_side(2, 0.2)
    whole = crossed(side, tmp_path / "whole")

    def stop(fraction, message):
        if message.startswith("fold 3 of 5, epoch 4"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        cross_fit(TinyJob(), side, BY_HEART, tmp_path / "stopped", stop, ignore)
    told: list[str] = []
    again = cross_fit(
        TinyJob(), side, BY_HEART, tmp_path / "stopped", lambda fraction, message: told.append(message), ignore
    )
    assert np.array_equal(whole, again.outputs[:, 0])
    assert not any(message.startswith("fold 2 of 5, epoch 1 ") for message in told)
    assert any(message.startswith("fold 3 of 5, epoch 4 ") for message in told)


# --- the whole job ---


TRAINING = TrainingSettings(
    "classification", learning_rate=3e-3, batch_size=4, epochs=3, patience=None, validation_fraction=0, device="cpu"
)
SHOWN = NetworkInput("resized_slice", size=32, masked=True, scaling="unit", window_level=50, window_width=100)


def training(**change):
    usual = {"training": TRAINING, "endpoints": ("relapse",), "network": "resnet18", "input": SHOWN}
    return train_job_of(**(usual | change))


@pytest.fixture(scope="module")
def cohort(bright_patients, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    rows = bright_patients(folder, 16)
    write_csv(folder / "cohort.csv", [row | {"split": "train" if k < 12 else "test"} for k, row in enumerate(rows)])
    return folder / "cohort.csv"


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    return out, run_on(cohort, out, training(folds=2, columns=CaseColumns(patient="person")))


@pytest.mark.slow
def test_a_training_with_folds_writes_signatures_and_says_whom_each_table_has_seen(trained):
    out, done = trained
    signatures = read_csv(out / "signatures.csv")
    assert list(signatures) == ["case_id", "split", "fold", "relapse.signature"]
    predictions = read_csv(out / "predictions.csv")
    others = (signatures["split"] == "test").to_numpy()
    assert signatures.loc[others, "relapse.signature"].tolist() == predictions.loc[others, "relapse.signature"].tolist()
    assert signatures.loc[others, "fold"].isna().all() and set(signatures.loc[~others, "fold"]) == {1, 2}
    assert (signatures.loc[~others, "relapse.signature"] != predictions.loc[~others, "relapse.signature"]).all()
    fold_of = signatures.loc[~others, "fold"].to_numpy()
    people = [f"{number // 4}.{number % 2}" for number in range(12)]
    assert all(len({f for f, p in zip(fold_of, people, strict=True) if p == person}) == 1 for person in people)
    scores = read_csv(out / "scores.csv").set_index("split")
    found = auc(np.arange(12) % 2, signatures.loc[~others, "relapse.signature"].to_numpy())
    assert scores.loc["out-of-fold", "auc"] == pytest.approx(found.value)
    assert scores.loc["out-of-fold", "auc_lower"] == pytest.approx(found.lower)
    seen = json.loads((out / "study.json").read_text())["seen"]
    assert len(seen["predictions.csv"]["cases"]) == 12 and len(seen["predictions.csv"]["patients"]) == 6
    assert seen["signatures.csv"] == {"cases": [], "patients": []}
    bundle = load_network_bundle(out / "model")
    assert bundle.training["thresholds_from"] == "out-of-fold outputs"
    assert not any("fuse` refuses" in note for note in done.notes)


@pytest.mark.slow
def test_fuse_takes_the_signatures_and_refuses_the_predictions(trained, cohort, tmp_path):
    out, _ = trained
    settings = replace(QUICK, cross_validation=CrossValidationSettings(2, 1), inner_folds=2)
    with pytest.raises(InputError, match=r"table 'cnn' was trained on 12 of 16 cases.*signatures.csv"):
        fuse_tables({"cnn": out / "predictions.csv"}, cohort, "relapse", tmp_path / "a", settings)
    with pytest.raises(InputError, match="12 of 16 cases"):  # whatever their split is called now
        swapped = read_csv(cohort)
        swapped["split"] = ["test"] * 8 + ["train"] * 8
        fuse_tables({"cnn": out / "predictions.csv"}, swapped, "relapse", tmp_path / "a", settings)
    accepted = fuse_tables(
        {"cnn": out / "predictions.csv"}, cohort, "relapse", tmp_path / "b", replace(settings, accept_seen=True)
    )
    assert any(note.startswith("OPTIMISTIC: the network of the table cnn") for note in accepted.notes)
    assert "OPTIMISTIC" in (tmp_path / "b" / "notes.txt").read_text()
    assert any("OPTIMISTIC" in note for note in json.loads((tmp_path / "b" / "study.json").read_text())["notes"])
    taken = fuse_tables({"cnn": out / "signatures.csv"}, cohort, "relapse", tmp_path / "c", settings)
    assert not any("OPTIMISTIC" in note or "could not be checked" in note for note in taken.notes)


@pytest.mark.slow
def test_features_of_the_trained_network_are_refused_too_whichever_file_of_it_is_named(trained, cohort, tmp_path):
    out, _ = trained
    done = run_on(cohort, tmp_path, features_job_of(weights=out / "model" / "network.safetensors"))
    assert done.notes and "trained on 12 of these 16 cases" in done.notes[0]
    with pytest.raises(InputError, match="table 'deep' was trained on 12 of 16 cases"):
        fuse_tables({"deep": tmp_path / "features.csv"}, cohort, "relapse", tmp_path / "fused", QUICK)


@pytest.mark.slow
def test_features_of_other_patients_with_the_same_ids_are_taken(trained, bright_patients, tmp_path):
    rows = bright_patients(tmp_path, 24)[-8:]
    write_csv(tmp_path / "other.csv", [row | {"case_id": f"P{k:02d}"} for k, row in enumerate(rows)])
    job = features_job_of(weights=trained[0] / "model")
    done = run_on(tmp_path / "other.csv", tmp_path / "deep", job)
    assert done.notes == ("8 cases bear the ids of training cases but have other images",)
    seen = json.loads((tmp_path / "deep" / "study.json").read_text())["seen"]["features.csv"]["cases"]
    assert seen == ["P08", "P09", "P10", "P11"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"endpoints": ("relapse", "rare"), "scores": ("rad_score",)}, "rare.signature"),
        ({"endpoints": (), "time": "days", "event": "relapse"}, "risk.signature"),
    ],
)
def test_several_endpoints_and_survival_get_out_of_fold_signatures(cohort, tmp_path, change, column):
    task = "survival" if "time" in change else "classification"
    settings = replace(TRAINING, task=task, epochs=1, batch_size=6)
    done = run_on(cohort, tmp_path, training(training=settings, folds=2, **change))
    signatures = read_csv(tmp_path / "signatures.csv")
    assert len(signatures) == 16 and np.isfinite(signatures[column]).all()
    assert "out-of-fold" in set(read_csv(tmp_path / "scores.csv")["split"])
    record = json.loads((tmp_path / "study.json").read_text())["seen"]["signatures.csv"]
    if "scores" in change:
        assert "rad_score" in record["unknown"] and any("RadScores rad_score" in note for note in done.notes)
    else:
        assert "unknown" not in record


@pytest.mark.slow
def test_a_u_nets_out_of_fold_dice_is_written(cohort, tmp_path):
    shown = NetworkInput("resized_slice", size=32, masked=False, margin_mm=6)
    settings = replace(TRAINING, task="segmentation", epochs=1)
    job = training(training=settings, endpoints=(), network="unet", width=4, input=shown, folds=2)
    run_on(cohort, tmp_path, job)
    table = read_csv(tmp_path / "out_of_fold_dice.csv")
    assert table["dice"].between(0, 1).all() and len(table) == 16
    assert "out-of-fold" in set(read_csv(tmp_path / "scores.csv")["split"])


def test_too_few_patients_for_folds_and_validation_are_told_before_any_training(cohort, tmp_path):
    job = training(training=replace(TRAINING, validation_fraction=0.4), folds=2, columns=CaseColumns(patient="person"))
    with pytest.raises(InputError, match="without fold 1 of 2, 3 cases are too few to set 40% aside"):
        run_on(cohort, tmp_path, job)
    assert not (tmp_path / "checkpoints").exists()


def test_one_fold_is_refused():
    with pytest.raises(InputError, match="folds is 1"):
        training(folds=1)


@pytest.mark.slow
def test_the_command_line_trains_with_folds_refuses_what_was_seen_and_takes_the_signatures(cohort, tmp_path, capsys):
    net = [
        "--network",
        "resnet18",
        "--weights",
        "random",
        "--size",
        "32",
        "--epochs",
        "1",
        "--no-pictures",
        "--workers",
        "1",
    ]
    words = ["train", str(cohort), "--endpoints", "relapse", "--folds", "3", "--mode", "full"]
    assert main([*words, *net, "-o", str(tmp_path / "net")]) == 0
    fuse = ["fuse", str(cohort), "--endpoint", "relapse", "--folds", "2", "--repeats", "1", "--classifiers", "lr"]
    formats = ["--formats", "png", "-o", str(tmp_path / "fused")]
    capsys.readouterr()
    seen = f"cnn={tmp_path / 'net' / 'predictions.csv'}"
    assert main([*fuse, "--features", seen, *formats]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("peritumoral: ")]
    assert len(said) == 1 and "'cnn' was trained on 12 of 16 cases" in said[0] and "signatures.csv" in said[0]
    assert main([*fuse, "--features", seen, "--accept-seen", *formats]) == 0
    assert "note: OPTIMISTIC" in "".join(capsys.readouterr())
    # Four cases are too few for the inner folds of the classifier; the signature is there all the same.
    assert "was left out: 3 folds need" in (tmp_path / "fused" / "notes.txt").read_text()
    assert main([*fuse, "--features", f"cnn={tmp_path / 'net' / 'signatures.csv'}", *formats]) == 0
    assert "OPTIMISTIC" not in "".join(capsys.readouterr())
