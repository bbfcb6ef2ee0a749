"""The jobs behind deep-features, train and explain, on a small cohort whose bright tumours have the outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
for package in ("monai", "captum", "safetensors"):
    pytest.importorskip(package)

from deep_jobs import features_job_of, run_on, train_job_of  # noqa: E402

from DeepRadiomicsFusionLib.deep_features.computing import array_features  # noqa: E402
from DeepRadiomicsFusionLib.jobs.explain import ExplainJob  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402
from DeepRadiomicsFusionLib.networks.network_bundle import load_network_bundle  # noqa: E402
from DeepRadiomicsFusionLib.networks.training_record import check_compatible, record_of  # noqa: E402
from DeepRadiomicsFusionLib.settings.deep_feature_settings import DeepFeatureSettings, ReadSettings  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_changes import InputChanges  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import Device, TrainingSettings  # noqa: E402
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings  # noqa: E402
from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError  # noqa: E402
from RadiomicsCoreLib.files.tables import read_csv, write_csv  # noqa: E402
from RadiomicsCoreLib.jobs.registry import load_job  # noqa: E402

torch.set_num_threads(1)

CASES = 14
SHOWN = NetworkInput("resized_slice", size=32, masked=True, scaling="none", window_level=50, window_width=100)
TRAINING = TrainingSettings(
    "classification", learning_rate=1e-3, batch_size=4, epochs=10, patience=None, validation_fraction=0, device="cpu"
)


def write_case(folder: Path, number: int) -> dict[str, Any]:
    """One patient: a dark scan in an oblique frame, a tumour that is bright where the outcome is 1."""
    rng = np.random.default_rng(number)
    has_outcome = number % 2
    values = rng.normal(20, 4, (6, 40, 44))
    inside = np.zeros(values.shape, np.uint8)
    inside[2:5, 14:26, 12 + number % 4 : 26] = 1
    values[inside == 1] += 45 * has_outcome
    frame = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()
    for name, array in (("ct", values.astype(np.float32)), ("ct_tumour", inside)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 3.0))
        image.SetOrigin((10.0 * number, -5.0, 3.0))
        image.SetDirection(frame)
        sitk.WriteImage(image, str(folder / f"{number:02d}_{name}.nii.gz"))
    return {
        "case_id": f"P{number:02d}",
        "ct_image": f"{number:02d}_ct.nii.gz",
        "ct_mask": f"{number:02d}_ct_tumour.nii.gz",
        "relapse": has_outcome,
        "rare": None if number < 4 else (number // 2) % 2,
        "days": 900 - 600 * has_outcome + number,
        "rad_score": float(has_outcome + rng.normal(0, 0.3)),
        "kind": "lipo",
        "split": "train" if number < 10 else "test",
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    rows = [write_case(folder, number) for number in range(CASES)]
    write_csv(folder / "cohort.csv", rows)
    return folder / "cohort.csv"


@pytest.fixture(scope="module")
def broken_cohort(cohort):
    """The same patients, one without its image file."""
    rows = cohort.read_text().replace("03_ct.nii.gz", "gone.nii.gz")
    path = cohort.with_name("broken.csv")
    path.write_text(rows)
    return path


def training(**change: Any):
    arguments: dict[str, Any] = {
        "training": TRAINING,
        "endpoints": ("relapse",),
        "network": "resnet18",
        "input": SHOWN,
    }
    return train_job_of(**(arguments | change))


def explaining(bundle: Path | str, **change: Any) -> ExplainJob:
    return ExplainJob(cohort=Path("cohort.csv"), bundle=Path(bundle), **change)


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    return out, run_on(cohort, out, training(pictures=True))


# --- train ---


def test_training_tells_the_planted_outcome_on_the_patients_that_it_did_not_see(trained):
    out, done = trained
    scores = read_csv(out / "scores.csv")
    assert scores["split"].tolist() == ["train", "test"]
    assert scores["auc"].tolist() == [1.0, 1.0]
    assert scores["cases"].tolist() == [10, 4]
    assert not done.failed_cases
    for name in ("loss_curve.png", "study.json", "predictions.csv", "model/model.json", "cases/P00/seen.png"):
        assert (out / name).is_file(), name


def test_the_bundle_predicts_what_the_table_of_predictions_says(trained):
    out, _ = trained
    bundle = load_network_bundle(out / "model")
    assert (bundle.phase, bundle.region, bundle.outputs) == ("ct", "intratumour", ("relapse",))
    assert bundle.provenance["training_cases"] == [f"P{n:02d}" for n in range(10)]
    predictions = read_csv(out / "predictions.csv")
    for case_id, told in zip(predictions["case_id"], predictions["relapse.signature"], strict=True):
        seen = np.load(out / "cases" / case_id / "input.npy")
        found = array_features(bundle.network, "resnet18", seen, DeepFeatureSettings("probability"))
        assert found.mean() == pytest.approx(told, abs=1e-6)
    threshold = bundle.thresholds["relapse"]
    called = predictions["relapse.signature"] >= threshold
    assert called.tolist() == [bool(n % 2) for n in range(CASES)]


def test_the_reason_for_the_mode_is_told(trained):
    _, done = trained
    weights = sum(value.numel() for value in build_network("resnet18").parameters())
    assert any(f"5 cases of the rarer class for {weights:,} weights" in note for note in done.notes)
    assert any("MB" in note for note in done.notes)


@pytest.mark.slow
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(cohort, tmp_path):
    def stop(fraction: float, message: str) -> None:
        if "epoch 4" in message:
            raise Cancelled("stop")

    job = training(mode="head")
    with pytest.raises(Cancelled):
        run_on(cohort, tmp_path / "stopped", job, progress=stop)
    assert not (tmp_path / "stopped" / "model").exists()
    for folder in ("stopped", "whole"):
        run_on(cohort, tmp_path / folder, job)
    ours, other = (load_network_bundle(tmp_path / folder / "model").network for folder in ("stopped", "whole"))
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in ours.state_dict().items())


def test_a_case_that_cannot_be_read_is_left_out_with_its_reason(broken_cohort, tmp_path):
    done = run_on(broken_cohort, tmp_path, training(training=replace(TRAINING, epochs=1), mode="head"))
    assert [outcome.case_id for outcome in done.failed_cases] == ["P03"]
    assert "gone.nii.gz" in done.failed_cases[0].reason
    assert "P03" not in read_csv(tmp_path / "predictions.csv")["case_id"].tolist()


@pytest.mark.slow
def test_several_endpoints_with_missing_labels_and_rad_scores_are_trained_in_one_run(cohort, tmp_path):
    job = training(
        training=replace(TRAINING, epochs=2), endpoints=("relapse", "rare"), scores=("rad_score",), mode="full"
    )
    run_on(cohort, tmp_path, job)
    scores = read_csv(tmp_path / "scores.csv")
    assert scores["endpoint"].tolist() == ["relapse", "rare"] * 2
    assert scores["missing"].tolist() == [0, 4, 0, 0]
    bundle = load_network_bundle(tmp_path / "model")
    assert bundle.score_names == ("rad_score",) and set(bundle.thresholds) == {"relapse", "rare"}
    maps = run_on(cohort, tmp_path / "maps", explaining(tmp_path / "model", endpoint="rare"), cases=["P00"])
    assert not maps.failed_cases


@pytest.mark.slow
def test_survival_is_trained_by_the_negative_partial_likelihood(cohort, tmp_path):
    settings = TrainingSettings(
        "survival", learning_rate=1e-2, batch_size=10, epochs=30, patience=None, validation_fraction=0, device="cpu"
    )
    shown = replace(SHOWN, scaling="unit")
    # The last layer alone: a linear Cox model on what the network sees.
    job = training(training=settings, endpoints=(), time="days", event="relapse", input=shown, mode="head")
    run_on(cohort, tmp_path, job)
    risk = read_csv(tmp_path / "predictions.csv")["risk.signature"].to_numpy()
    early = np.array([bool(n % 2) for n in range(CASES)])
    assert risk[early].min() > risk[~early].max()
    assert load_network_bundle(tmp_path / "model").thresholds["risk"] == pytest.approx(np.median(risk[:10]))


def test_a_u_net_is_trained_on_the_drawn_masks(cohort, tmp_path):
    settings = TrainingSettings(
        "segmentation", learning_rate=3e-3, batch_size=4, epochs=4, validation_fraction=0, device="cpu"
    )
    shown = NetworkInput("resized_slice", size=32, margin_mm=8, scaling="none", window_level=50, window_width=100)
    job = training(training=settings, endpoints=(), network="unet", width=4, input=shown)
    done = run_on(cohort, tmp_path, job)
    scores = read_csv(tmp_path / "scores.csv")
    assert 0 <= scores["mean_dice"].min() <= scores["mean_dice"].max() <= 1
    assert any("the Dice of the training cases is too good" in note for note in done.notes)
    assert load_network_bundle(tmp_path / "model").outputs == ("background", "inside")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoints": ()}, "task 'classification' needs endpoints"),
        ({"network": "unet"}, "network 'unet' segments"),
        ({"mode": "half"}, "choose from suggested, full, head"),
        (
            {"mode": "head", "training": replace(TRAINING, task="segmentation"), "network": "unet", "endpoints": ()}
            | {"input": replace(SHOWN, masked=False)},
            "mode 'head' learns the last layer alone",
        ),
        ({"endpoints": ("relapsed",)}, "no column 'relapsed'"),
        ({"endpoints": ("kind",)}, "holds text .'lipo'."),
        ({"scores": ("kind",)}, "column 'kind' holds 'lipo' for P00; the network needs this RadScore"),
        ({"phase": "pet"}, "pet"),
        ({"input": replace(SHOWN, region="ring_0_9mm")}, "no case can be used; .* no region 'ring_0_9mm'"),
        ({"input": NetworkInput("box_3d", size=16)}, "3D"),
    ],
)
def test_what_cannot_be_trained_ends_in_one_clear_line(cohort, tmp_path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        run_on(cohort, tmp_path, training(**change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "job", "message"),
    [
        ({"relapse": 2}, {}, "endpoint 'relapse' holds 2; code it as 0 and 1"),
        ({"relapse": "yes"}, {}, r"column 'relapse' holds text \('yes'\) for P13"),
        ({"days": 0}, {"endpoints": (), "time": "days", "event": "relapse"}, "time is 0 for a case"),
    ],
)
def test_a_wrong_value_of_any_part_is_told_before_an_image_is_read(cohort, tmp_path, change, job, message):
    rows = read_csv(cohort).astype(object).to_dict("records")
    rows[13] |= change  # a patient of the test part, who would be looked at after the training
    write_csv(cohort.with_name("wrong.csv"), rows)
    if "time" in job:
        job = job | {"training": replace(TRAINING, task="survival")}
    with pytest.raises(InputError, match=message):
        run_on(cohort.with_name("wrong.csv"), tmp_path / "out", training(**job))
    assert not (tmp_path / "out").exists()


def test_who_takes_no_part_is_told_and_a_split_may_be_written_with_a_capital(cohort, tmp_path):
    rows = read_csv(cohort).astype(object).to_dict("records")
    for row in rows:
        row["split"] = f"{row['split'].capitalize()} "
    for place in (3, 12):
        rows[place]["relapse"] = None
    write_csv(cohort.with_name("gaps.csv"), rows)
    job = training(training=replace(TRAINING, epochs=1), study="wu2021")
    done = run_on(cohort.with_name("gaps.csv"), tmp_path, job)
    (note,) = [note for note in done.notes if "take no part" in note]
    assert note == "2 cases have no relapse, the first is 'P03': they take no part; `apply` predicts them"
    table = read_csv(tmp_path / "predictions.csv")
    assert table["split"].value_counts().to_dict() == {"train": 9, "test": 3}
    assert json.loads((tmp_path / "study.json").read_text())["settings"]["study"] == "wu2021"


def test_a_backbone_that_stays_random_is_told(cohort, tmp_path):
    done = run_on(cohort, tmp_path, training(training=replace(TRAINING, epochs=1), mode="head"))
    assert any(note.startswith("the backbone is random and stays so") for note in done.notes)


# --- explain ---


@pytest.fixture(scope="module")
def explained(cohort, trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("explained")
    return out, run_on(cohort, out, explaining(trained[0] / "model"), cases=["P01", "P12"])


def test_maps_lie_on_the_grid_of_the_patients_image_and_inside_what_was_seen(cohort, explained):
    out, done = explained
    assert [outcome.case_id for outcome in done.cases] == ["P01", "P12"] and not done.failed_cases
    for kind in ("grad_cam", "input_gradient"):
        volume = sitk.ReadImage(str(out / "cases" / "P12" / f"{kind}.nii.gz"))
        image = sitk.ReadImage(str(cohort.parent / "12_ct.nii.gz"))
        assert volume.GetSize() == image.GetSize()
        np.testing.assert_allclose(volume.GetOrigin(), image.GetOrigin(), atol=1e-4)
        np.testing.assert_allclose(volume.GetDirection(), image.GetDirection(), atol=1e-6)
        assert (out / "cases" / "P12" / f"{kind}.png").stat().st_size > 10_000


def test_the_table_of_explanations_gives_output_peak_and_shares(cohort, trained, explained):
    out, _ = explained
    table = read_csv(out / "explanations.csv")
    assert len(table) == 4
    row = table[(table["case_id"] == "P12") & (table["map"] == "input_gradient")].iloc[0]
    told = read_csv(trained[0] / "predictions.csv").set_index("case_id").loc["P12", "relapse.signature"]
    assert row["value"] == pytest.approx(told, abs=1e-6)
    volume = sitk.ReadImage(str(out / "cases" / "P12" / "input_gradient.nii.gz"))
    values = sitk.GetArrayFromImage(volume)
    inside = sitk.GetArrayFromImage(sitk.ReadImage(str(cohort.parent / "12_ct_tumour.nii.gz"))) > 0
    assert row["share_intratumour"] == pytest.approx(values[inside].sum() / values.sum(), rel=1e-5)
    peak = volume.TransformPhysicalPointToIndex([row[f"peak_{axis}_mm"] for axis in "xyz"])
    assert values[peak[::-1]] == values.max()


def test_an_explanation_needs_a_trained_network_and_a_known_output(cohort, trained, tmp_path):
    with pytest.raises(InputError, match="'imagenet' is no network bundle"):
        run_on(cohort, tmp_path, explaining("imagenet"))
    with pytest.raises(ModelError, match="no output 'death'; it has relapse"):
        run_on(cohort, tmp_path, explaining(trained[0] / "model", endpoint="death"))
    with pytest.raises(InputError, match="maps is 'lime'; choose from grad_cam, input_gradient"):
        explaining("model", maps=("lime",))
    with pytest.raises(InputError, match="no case 'P99'"):
        run_on(cohort, tmp_path, explaining(trained[0] / "model"), cases=["P99"])


# --- deep features ---


def features_job(**change: Any):
    arguments: dict[str, Any] = {"network": "resnet18", "weights": "random", "device": Device.CPU, "input": SHOWN}
    return features_job_of(**(arguments | {"read": ReadSettings(seed=5)} | change))


@pytest.fixture(scope="module")
def extracted(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("features")
    return out, run_on(cohort, out, features_job(pictures=True))


def test_the_table_has_a_row_a_patient_and_a_column_a_region_and_channel(extracted):
    out, done = extracted
    table = read_csv(done.files["features"])
    assert table["case_id"].tolist() == [f"P{n:02d}" for n in range(CASES)]
    regions = ("intratumour", "ring_0_3mm")
    assert list(table.columns) == ["case_id"] + [f"ct.{r}.resnet18_{n}" for r in regions for n in range(512)]
    assert np.isfinite(table.drop(columns="case_id").to_numpy()).all()
    assert (out / "cases" / "P00" / "seen_ct_ring_0_3mm.png").is_file()


def test_features_are_those_of_the_network_on_what_training_would_show(trained, extracted):
    table = read_csv(extracted[1].files["features"]).set_index("case_id")
    seen = np.load(trained[0] / "cases" / "P07" / "input.npy")
    expected = array_features(build_network("resnet18", seed=5), "resnet18", seen)[0]
    found = table.loc["P07", [f"ct.intratumour.resnet18_{n}" for n in range(512)]].to_numpy(float)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_a_second_run_reuses_finished_cases_unless_the_weights_differ(cohort, extracted):
    out, _ = extracted
    again = run_on(cohort, out, features_job(pictures=True))
    assert all(outcome.reused for outcome in again.cases)
    other = features_job(pictures=True, read=ReadSettings(seed=6))
    assert not any(outcome.reused for outcome in run_on(cohort, out, other).cases)


def test_provenance_lets_a_classifier_refuse_features_of_other_settings(cohort, extracted, tmp_path):
    study = json.loads((extracted[0] / "study.json").read_text())
    assert study["made_with"]["network"]["name"] == "resnet18"
    other_job = features_job(input=replace(SHOWN, window_width=200))
    done = run_on(cohort, tmp_path, other_job)
    other = json.loads(done.files["record"].read_text())
    columns = list(read_csv(done.files["features"]).columns)
    mine, theirs = (record_of(columns, {"deep": record}) for record in (study, other))
    check_compatible(mine, mine)
    with pytest.raises(ModelError, match="window_width = 100"):
        check_compatible(mine, theirs)


def test_a_bundles_own_settings_are_used_and_others_are_refused(cohort, trained, tmp_path):
    model = {"weights": trained[0] / "model", "device": Device.CPU}
    done = run_on(cohort, tmp_path, features_job_of(**model))
    table = read_csv(done.files["features"]).set_index("case_id")
    bundle = load_network_bundle(trained[0] / "model")
    expected = array_features(bundle.network, "resnet18", np.load(trained[0] / "cases" / "P02" / "input.npy"))[0]
    np.testing.assert_allclose(table.loc["P02"].to_numpy(float), expected, rtol=1e-6)
    refused: dict[str, Any] = {
        "region 'intratumour', not 'ring_0_3mm'": {"regions": ("ring_0_3mm",)},
        "window_width = 100.*not 80": {"input": InputChanges(window=(10, 90))},
        "outer_mm": {"rings": RingSettings(outer_mm=(6.0,))},
    }
    for message, change in refused.items():
        with pytest.raises(ModelError, match=message):
            run_on(cohort, tmp_path, features_job_of(**model, **change))


def test_a_failing_case_and_an_unknown_region_do_not_stop_the_others(broken_cohort, cohort, tmp_path):
    done = run_on(broken_cohort, tmp_path / "a", features_job(regions=("intratumour",)))
    assert [outcome.case_id for outcome in done.failed_cases] == ["P03"]
    row = read_csv(done.files["features"]).set_index("case_id").loc["P03"]
    assert row.isna().all()
    with pytest.raises(InputError, match="no case has deep features"):
        run_on(cohort, tmp_path / "b", features_job(regions=("ring_0_9mm",)))


def test_weights_that_are_not_there_end_the_job_before_any_case(cohort, tmp_path, monkeypatch):
    from RadiomicsCoreLib.errors import DependencyError

    monkeypatch.setenv("PERITUMORAL_WEIGHTS", str(tmp_path / "cache"))
    monkeypatch.setattr("urllib.request.urlopen", lambda *args, **kwargs: (_ for _ in ()).throw(OSError("offline")))
    with pytest.raises(DependencyError, match=r"resnet18-f37072fd\.pth cannot be fetched .*put it into"):
        run_on(cohort, tmp_path / "out", features_job(weights="imagenet"))
    with pytest.raises(InputError, match="no weights file"):
        run_on(cohort, tmp_path / "out", features_job(weights=tmp_path / "nowhere.safetensors"))
    assert not (tmp_path / "out").exists()


# --- again ---


def test_the_job_files_of_features_maps_and_a_training_repeat_them(trained, explained, extracted, tmp_path):
    """The same inputs, the same values, wherever the folder lies."""
    for (folder, _), table in ((extracted, "features.csv"), (explained, "explanations.csv")):
        again = load_job(folder).run(tmp_path / table)
        assert not again.failed_cases
        assert (again.folder / table).read_bytes() == (folder / table).read_bytes(), table
        ours, other = (json.loads((here / "study.json").read_text()) for here in (folder, again.folder))
        assert ours["settings_hash"] == other["settings_hash"]
    again = load_job(trained[0]).run(tmp_path / "trained")
    for name in ("predictions.csv", "scores.csv"):
        assert (again.folder / name).read_bytes() == (trained[0] / name).read_bytes(), name
