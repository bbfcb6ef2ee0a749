"""A trained network on new patients: predictions, masks, evaluation, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
for package in ("monai", "safetensors"):
    pytest.importorskip(package)

from deep_jobs import run_on, train_job_of  # noqa: E402
from table_files import apply_to_tables, fuse_tables  # noqa: E402

from DeepRadiomicsFusionLib.evaluation.metrics import EvaluationSettings  # noqa: E402
from DeepRadiomicsFusionLib.jobs.apply import ApplyJob  # noqa: E402
from DeepRadiomicsFusionLib.jobs.fuse import FuseJob  # noqa: E402
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings  # noqa: E402
from DeepRadiomicsFusionLib.networks.network_bundle import load_network_bundle  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError  # noqa: E402
from RadiomicsCoreLib.files.tables import read_csv, write_csv  # noqa: E402
from RadiomicsCoreLib.jobs.registry import load_job  # noqa: E402
from RadiomicsCoreLib.statistics.roc import auc  # noqa: E402
from RadiomicsStudyLib.cli import main  # noqa: E402
from SurvivalNomogramLib.validation.concordance import harrell_c  # noqa: E402

torch.set_num_threads(1)

TRAINING = TrainingSettings(
    "classification", learning_rate=3e-3, batch_size=4, epochs=3, patience=None, validation_fraction=0, device="cpu"
)
SHOWN = NetworkInput("resized_slice", size=32, masked=True, scaling="unit", window_level=50, window_width=100)
WHOLE = NetworkInput(
    "full_slice", size=48, masked=False, slices="all", scaling="unit", window_level=50, window_width=80
)
QUICK = EvaluationSettings(100, 99)
TRAINED = 12


def training(**change):
    usual = {"training": TRAINING, "endpoints": ("relapse",), "network": "resnet18", "input": SHOWN}
    return train_job_of(**(usual | change))


def applied(bundle, **change):
    return ApplyJob(bundle=Path(bundle), evaluation=QUICK, **({"pictures": False, "formats": ()} | change))


def table(folder, name, rows):
    write_csv(folder / name, rows)
    return folder / name


@pytest.fixture(scope="module")
def patients(bright_patients, tmp_path_factory):
    """Twelve patients to train on in one table, six new ones in another."""
    folder = tmp_path_factory.mktemp("patients")
    rows = bright_patients(folder, 18)
    table(folder, "train.csv", rows[:TRAINED])
    table(folder, "new.csv", rows[TRAINED:])
    table(folder, "all.csv", [row | {"split": "train" if k < TRAINED else "test"} for k, row in enumerate(rows)])
    return folder


@pytest.fixture(scope="module")
def trained(patients, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    run_on(patients / "all.csv", out, training())
    return out


@pytest.fixture(scope="module")
def predicted(patients, trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("predicted")
    return out, run_on(patients / "new.csv", out, applied(trained / "model", formats=("png",)))


def test_new_patients_get_what_the_training_said_of_its_test_part(predicted, trained):
    out, done = predicted
    found = read_csv(out / "predictions.csv")
    assert list(found) == ["case_id", "relapse.probability", "relapse.positive", "reason"]
    theirs = read_csv(trained / "predictions.csv").query("split == 'test'")
    assert found["case_id"].tolist() == theirs["case_id"].tolist()
    assert np.allclose(found["relapse.probability"], theirs["relapse.signature"], atol=1e-5)
    threshold = load_network_bundle(trained / "model").thresholds["relapse"]
    assert found["relapse.positive"].tolist() == (found["relapse.probability"] >= threshold).astype(int).tolist()
    assert not done.failed_cases


def test_an_outcome_in_the_table_is_evaluated_at_the_stored_threshold(predicted, patients, trained):
    out, done = predicted
    found = read_csv(out / "predictions.csv")
    labels = read_csv(patients / "new.csv")["relapse"].to_numpy()
    (row,) = read_csv(out / "evaluation.csv").to_dict("records")
    expected = auc(labels, found["relapse.probability"].to_numpy())
    assert (row["part"], row["output"], row["cases"]) == ("new cases", "relapse", 6)
    assert row["auc"] == pytest.approx(expected.value) and row["auc_lower"] == pytest.approx(expected.lower)
    called = found["relapse.positive"].to_numpy()
    assert row["sensitivity"] == pytest.approx(called[labels == 1].mean())
    assert row["specificity"] == pytest.approx(1 - called[labels == 0].mean())
    assert (out / "figures" / "roc_relapse.png").is_file() and (out / "figures" / "calibration_relapse.png").is_file()
    seen = json.loads((out / "study.json").read_text())["seen"]["predictions.csv"]
    assert len(seen["cases"]) == TRAINED
    assert not any("were in the training" in note for note in done.notes)


def test_cases_of_the_training_are_told_and_evaluated_apart(patients, trained, tmp_path):
    done = run_on(patients / "all.csv", tmp_path, applied(trained / "model"))
    assert any(note.startswith("12 of 18 cases were in the training of the model") for note in done.notes)
    rows = read_csv(tmp_path / "evaluation.csv").set_index("part")
    assert rows["cases"].to_dict() == {"new cases": 6, "cases of the training": 12}
    assert "12 of 18 cases" in (tmp_path / "notes.txt").read_text()


def test_another_patient_of_the_same_id_is_new(patients, trained, tmp_path):
    """Another hospital numbers its patients alike; their images tell them apart."""
    rows = read_csv(patients / "new.csv").to_dict("records")
    alike = table(patients, "alike.csv", [row | {"case_id": f"P{k:02d}"} for k, row in enumerate(rows)])
    done = run_on(alike, tmp_path, applied(trained / "model"))
    assert any("6 cases bear the ids of training cases but have other images" in note for note in done.notes)
    assert not any("were in the training" in note for note in done.notes)
    assert read_csv(tmp_path / "evaluation.csv")["part"].tolist() == ["new cases"]


def test_a_case_that_fails_gets_a_reason_and_finished_ones_are_reused(patients, trained, tmp_path):
    rows = read_csv(patients / "new.csv").to_dict("records")
    rows[2]["ct_image"] = "gone.nii.gz"
    broken = table(patients, "broken.csv", [row | {"relapse": 1} for row in rows])
    done = run_on(broken, tmp_path, applied(trained / "model"))
    found = read_csv(tmp_path / "predictions.csv")
    assert (
        len(done.failed_cases) == 1
        and "gone.nii.gz" in found["reason"][2]
        and np.isnan(found["relapse.probability"][2])
    )
    assert found["relapse.probability"].notna().sum() == 5
    assert any("5 labelled cases, 5 with the outcome" in note for note in done.notes)  # one class: no evaluation
    again = run_on(broken, tmp_path, applied(trained / "model"))
    assert sum(outcome.reused for outcome in again.cases) == 5
    repeated = load_job(tmp_path).run(tmp_path / "again")
    # Reasons name files by their paths, and those begin elsewhere now.
    again, first = (read_csv(f / "predictions.csv").drop(columns="reason") for f in (repeated.folder, tmp_path))
    assert again.equals(first)


def test_a_cancelled_run_goes_on_where_it_stopped(patients, trained, tmp_path):
    def stop(fraction, message):
        if fraction > 0.4:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run_on(patients / "new.csv", tmp_path, applied(trained / "model"), progress=stop)
    assert not (tmp_path / "predictions.csv").exists()
    again = run_on(patients / "new.csv", tmp_path, applied(trained / "model"))
    assert 0 < sum(outcome.reused for outcome in again.cases) < 6 and not again.failed_cases


def test_a_zip_and_a_choice_of_cases_do_too(patients, trained, predicted, tmp_path):
    zipped = shutil.make_archive(str(tmp_path / "model"), "zip", trained / "model")
    run_on(patients / "new.csv", tmp_path / "out", applied(zipped), cases=["P13"])
    (row,) = read_csv(tmp_path / "out" / "predictions.csv").to_dict("records")
    whole = read_csv(predicted[0] / "predictions.csv").set_index("case_id")
    assert row["relapse.probability"] == pytest.approx(whole.loc["P13", "relapse.probability"])


def test_what_cannot_be_applied_is_refused_in_one_line(patients, trained, tmp_path):
    rows = read_csv(patients / "new.csv").rename(columns={"ct_image": "pet_image", "ct_mask": "pet_mask"})
    with pytest.raises(ModelError, match="trained on phase 'ct', not 'pet'"):
        run_on(table(patients, "pet.csv", rows.to_dict("records")), tmp_path, applied(trained / "model"))
    with pytest.raises(InputError, match="there is no model 'random'"):
        run_on(patients / "new.csv", tmp_path, applied("random"))
    words = rows.rename(columns={"pet_image": "ct_image", "pet_mask": "ct_mask"}).assign(relapse="yes")
    with pytest.raises(InputError, match="column 'relapse' holds text"):
        run_on(table(patients, "text.csv", words.to_dict("records")), tmp_path, applied(trained / "model"))


def test_rad_scores_are_read_from_the_table_and_missed_where_they_are_not(patients, tmp_path):
    settings = replace(TRAINING, epochs=1)
    run_on(patients / "all.csv", tmp_path / "net", training(training=settings, scores=("rad_score",)))
    done = run_on(patients / "new.csv", tmp_path / "out", applied(tmp_path / "net" / "model"))
    assert not done.failed_cases
    theirs = read_csv(tmp_path / "net" / "predictions.csv").query("split == 'test'")["relapse.signature"]
    assert np.allclose(read_csv(tmp_path / "out" / "predictions.csv")["relapse.probability"], theirs, atol=1e-5)
    rows = read_csv(patients / "new.csv").drop(columns="rad_score").to_dict("records")
    with pytest.raises(InputError, match=r"RadScore 'rad_score', which bare\.csv has no column of"):
        run_on(table(patients, "bare.csv", rows), tmp_path / "no", applied(tmp_path / "net" / "model"))


def test_a_network_of_survival_gives_risks_and_their_concordance(patients, tmp_path):
    settings = replace(TRAINING, task="survival", epochs=2, batch_size=6)
    job = training(training=settings, endpoints=(), time="days", event="relapse")
    run_on(patients / "all.csv", tmp_path / "net", job)
    run_on(patients / "new.csv", tmp_path / "out", applied(tmp_path / "net" / "model"))
    found, known = read_csv(tmp_path / "out" / "predictions.csv"), read_csv(patients / "new.csv")
    assert list(found) == ["case_id", "risk", "risk.positive", "reason"]
    (row,) = read_csv(tmp_path / "out" / "evaluation.csv").to_dict("records")
    expected = harrell_c(known["days"].to_numpy(), known["relapse"].to_numpy(), found["risk"].to_numpy()).index
    assert row["c_index"] == pytest.approx(expected)


@pytest.mark.slow
def test_a_fusion_of_the_networks_signature_is_applied_to_new_patients(patients, tmp_path):
    """wu2021 from end to end: out-of-fold signature, fusion with radiomics, and both for patients of another table."""
    pytest.importorskip("skops")
    run_on(patients / "train.csv", tmp_path / "net", training(folds=2))
    rng = np.random.default_rng(0)
    for name in ("train", "new"):
        ids = read_csv(patients / f"{name}.csv")["case_id"]
        rows = [{"case_id": case, "ct.intratumour.original_glcm_Idm": rng.normal()} for case in ids]
        table(tmp_path, f"{name}_radiomics.csv", rows)
    job = FuseJob(
        cohort=Path("cohort.csv"),
        endpoint="relapse",
        features={},
        cross_validation=CrossValidationSettings(2, 1),
        classifiers=(),
        inner_folds=2,
        deployed="cnn.signature",
        evaluation=QUICK,
        formats=(),
    )
    tables = {"radiomics": tmp_path / "train_radiomics.csv", "cnn": tmp_path / "net" / "signatures.csv"}
    fuse_tables(tables, patients / "train.csv", "relapse", tmp_path / "fused", job)
    run_on(patients / "new.csv", tmp_path / "seen", applied(tmp_path / "net" / "model"))
    signatures = read_csv(tmp_path / "seen" / "signatures.csv")
    assert list(signatures) == ["case_id", "relapse.signature"]
    assert signatures["relapse.signature"].tolist() == (
        read_csv(tmp_path / "seen" / "predictions.csv")["relapse.probability"].tolist()
    )
    new = {"radiomics": tmp_path / "new_radiomics.csv", "cnn": tmp_path / "seen" / "signatures.csv"}
    done = apply_to_tables(tmp_path / "fused" / "model", new, tmp_path / "out", cohort=patients / "new.csv", formats=())
    assert read_csv(tmp_path / "out" / "predictions.csv")["probability"].notna().all()
    assert not any("were in the training" in note for note in done.notes)
    # Another network's signature is another number.
    run_on(patients / "train.csv", tmp_path / "other", training(training=replace(TRAINING, seed=5)))
    run_on(patients / "new.csv", tmp_path / "else", applied(tmp_path / "other" / "model"))
    with pytest.raises(ModelError, match="trained with trained_network = "):
        apply_to_tables(
            tmp_path / "fused" / "model", new | {"cnn": tmp_path / "else" / "signatures.csv"}, tmp_path / "no"
        )


def test_without_anything_to_draw_there_is_no_folder_of_figures(patients, trained, tmp_path):
    rows = read_csv(patients / "new.csv").drop(columns=["relapse"]).to_dict("records")
    unknown = table(patients, "unknown.csv", rows)
    done = run_on(unknown, tmp_path, applied(trained / "model", formats=("png",)))
    assert any("no case has a label in the table" in note for note in done.notes)
    assert (tmp_path / "predictions.csv").is_file() and not (tmp_path / "figures").exists()


# --- masks ---


@pytest.fixture(scope="module")
def unet(patients, tmp_path_factory):
    """A U-Net of whole slices, trained on the patients whose tumour is bright."""
    out = tmp_path_factory.mktemp("unet")
    rows = [row for row in read_csv(patients / "train.csv").to_dict("records") if row["relapse"]]
    settings = replace(TRAINING, task="segmentation", learning_rate=1e-2, epochs=30, dice_weight=1.0)
    job = training(training=settings, endpoints=(), network="unet", width=4, input=WHOLE)
    run_on(table(patients, "bright.csv", rows), out, job)
    return out / "model"


@pytest.mark.slow
def test_a_network_of_whole_slices_draws_masks_of_patients_that_have_none(patients, unet, tmp_path):
    rows = [row for row in read_csv(patients / "new.csv").to_dict("records") if row["relapse"]]
    without = [{"case_id": row["case_id"], "ct_image": row["ct_image"]} for row in rows]
    done = run_on(table(patients, "bare_images.csv", without), tmp_path / "a", applied(unet))
    assert not done.failed_cases
    run_on(table(patients, "bright_new.csv", rows), tmp_path / "b", applied(unet))
    found = read_csv(tmp_path / "b" / "predictions.csv").set_index("case_id")
    for row in rows:
        image, truth = (sitk.ReadImage(str(patients / row[f"ct_{what}"])) for what in ("image", "mask"))
        case = row["case_id"]
        drawn = sitk.ReadImage(str(tmp_path / "a" / found.loc[case, "mask"]))
        assert drawn.GetSize() == image.GetSize() and drawn.GetPixelID() == sitk.sitkUInt8
        assert np.allclose(drawn.GetOrigin(), image.GetOrigin(), atol=1e-4)
        assert np.allclose(drawn.GetDirection(), image.GetDirection(), atol=1e-6)
        inside, wanted = (sitk.GetArrayFromImage(mask) > 0 for mask in (drawn, truth))
        dice = 2 * (inside & wanted).sum() / (inside.sum() + wanted.sum())
        assert dice > 0.7
        assert found.loc[case, "dice"] == pytest.approx(dice)
        assert found.loc[case, "volume_ml"] == pytest.approx(inside.sum() * 3 / 1000)
    (row,) = read_csv(tmp_path / "b" / "evaluation.csv").to_dict("records")
    assert row["cases"] == 3 and row["mean_dice"] == pytest.approx(found["dice"].mean())
    assert not (tmp_path / "a" / "evaluation.csv").exists()


@pytest.mark.slow
def test_a_network_that_sees_a_box_says_that_it_needs_a_region(patients, tmp_path):
    settings = replace(TRAINING, task="segmentation", epochs=1)
    boxed = NetworkInput("resized_slice", size=32, masked=False, margin_mm=6)
    job = training(training=settings, endpoints=(), network="unet", width=4, input=boxed)
    run_on(patients / "train.csv", tmp_path / "net", job)
    rows = read_csv(patients / "new.csv").to_dict("records")
    rows[0]["ct_mask"] = None
    some = table(patients, "one_without.csv", rows)
    done = run_on(some, tmp_path / "out", applied(tmp_path / "net" / "model"))
    (failed,) = done.failed_cases
    assert "no mask is named" in failed.reason and "(resized_slice) is cut around the tumour" in failed.reason
    assert read_csv(tmp_path / "out" / "predictions.csv")["dice"].notna().sum() == 5


# --- the command line ---


def test_the_command_line_takes_the_words_of_the_bundles_kind(patients, trained, tmp_path, capsys):
    words = ["apply", str(trained / "model"), str(patients / "new.csv"), "--workers", "1", "--formats", "png"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "cases" / "P12" / "seen.png").is_file()
    capsys.readouterr()
    for given, line in (
        (["apply", str(trained / "model")], "holds a network; name a cohort table"),
        ([*words[:3], "--features", "a.csv"], "leave features out"),
        ([*words[:3], "--cohort", "b.csv"], "--cohort is now the second word"),
        (["apply", str(patients), "--workers", "2"], "leave workers out"),
        (["apply", str(patients)], "bundles of fuse need --features"),
    ):
        assert main([*given, "-o", str(tmp_path / "no")]) == 2
        said = [text for text in capsys.readouterr().err.splitlines() if text.startswith("peritumoral: ")]
        assert len(said) == 1 and line in said[0]
