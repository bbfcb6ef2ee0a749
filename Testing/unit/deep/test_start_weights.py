"""``train`` from a weights file of the user's own: what arrives, what is recorded, what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")
for package in ("monai", "safetensors"):
    pytest.importorskip(package)

from deep_jobs import run_on, train_job_of  # noqa: E402

from DeepRadiomicsFusionLib.jobs.train import _settings  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402
from RadiomicsCoreLib.files.tables import write_csv  # noqa: E402


def job(weights: Path | None, **change):
    settings = TrainingSettings("classification", epochs=1, batch_size=4, validation_fraction=0, device="cpu")
    usual = {"training": settings, "endpoints": ("relapse",), "network": "resnet18", "mode": "head", "pictures": False}
    shown = NetworkInput("resized_slice", size=32, masked=True)
    return train_job_of(**(usual | {"input": shown, "weights": weights or "random"} | change))


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A three-channel ResNet-18 with thousand classes, as weights are published."""
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_file(build_network("resnet18", in_channels=3, out_features=1000, seed=9).state_dict(), str(path))
    return path


@pytest.fixture(scope="module")
def cohort(bright_patients, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_csv(folder / "cohort.csv", bright_patients(folder, 8))
    return folder / "cohort.csv"


def test_a_frozen_backbone_still_has_the_files_weights_after_the_training(weights, cohort, tmp_path):
    from safetensors.torch import load_file

    run_on(cohort, tmp_path, job(weights, folds=2))
    given, trained = load_file(str(weights)), load_file(str(tmp_path / "model" / "network.safetensors"))
    torch.testing.assert_close(trained["conv1.weight"], given["conv1.weight"].sum(1, keepdim=True))
    assert torch.equal(trained["layer4.1.conv2.weight"], given["layer4.1.conv2.weight"])
    assert trained["fc.weight"].shape == (1, 512)
    record = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    start = record["made_with"]["network"]
    assert start["weights"] == "mine.safetensors"
    assert "mine.safetensors, which may have seen these patients" in record["seen"]["signatures.csv"]["unknown"]


def test_the_record_tells_one_file_from_another(weights, tmp_path):
    other = tmp_path / "mine.safetensors"
    other.write_bytes(weights.read_bytes() + b" ")
    assert hashlib.sha256(other.read_bytes()).digest() != hashlib.sha256(weights.read_bytes()).digest()

    assert _settings(job(weights).plan()) != _settings(job(other).plan())


def test_the_backbone_of_the_rad_score_network_takes_them_too(weights):
    network = job(weights, rad_score_head=True).plan().new_network()
    given = build_network("resnet18", in_channels=3, out_features=1000, seed=9)
    assert torch.equal(network.backbone.layer1[0].conv1.weight, given.layer1[0].conv1.weight)
    assert network.backbone.fc.out_features == 10


def test_weights_of_another_network_or_no_file_end_in_one_line(weights, cohort, tmp_path):
    with pytest.raises(ModelError, match="belongs to another network than 'densenet121'"):
        job(weights, network="densenet121").plan().new_network()
    with pytest.raises(InputError, match=r"there is no weights file .*gone\.pth"):
        job(tmp_path / "gone.pth").plan().new_network()


def test_a_folder_never_goes_on_with_a_training_that_saw_something_else(weights, cohort, tmp_path):
    run_on(cohort, tmp_path, job(None))
    first = (tmp_path / "model" / "network.safetensors").read_bytes()
    run_on(cohort, tmp_path, job(None))  # the same: nothing is left to do
    assert (tmp_path / "model" / "network.safetensors").read_bytes() == first
    window = NetworkInput("resized_slice", size=32, masked=True, window_level=40, window_width=80)
    for change, name in (({"weights": weights}, "network"), ({"input": window}, "input")):
        with pytest.raises(InputError, match=f"holds a training with another '{name}'.*choose another folder"):
            run_on(cohort, tmp_path, job(**({"weights": None} | change)))
