"""Training: learns, stops, resumes after a kill with the same weights, repeats itself, and says what went wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from torch import nn  # noqa: E402

from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402
from DeepRadiomicsFusionLib.networks.checkpoints import last_checkpoint, load_checkpoint  # noqa: E402
from DeepRadiomicsFusionLib.networks.prediction import predict, probability  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from DeepRadiomicsFusionLib.training.loop import train_network  # noqa: E402
from DeepRadiomicsFusionLib.training.losses import cox_loss  # noqa: E402
from DeepRadiomicsFusionLib.training.training_cases import labelled_cases, survival_cases  # noqa: E402
from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError  # noqa: E402
from RadiomicsCoreLib.statistics.roc import auc  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def small_network(outputs: int = 1, seed: int = 0) -> nn.Module:
    """Convolution, batch normalisation, dropout, pooling, linear: all that can differ between two runs."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(16, outputs),
        )


def pictures(count: int, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Noise whose spread grows with a hidden number in [0, 1]."""
    rng = np.random.default_rng(seed)
    hidden = rng.random(count)
    return [(rng.normal(size=(1, 12, 12)) * (0.5 + h)).astype(np.float32) for h in hidden], hidden


def classes(count: int = 40, seed: int = 0):
    images, hidden = pictures(count, seed)
    return labelled_cases([f"{seed}_{n}" for n in range(count)], images, (hidden > 0.5).astype(int))


def survivors(count: int = 60, seed: int = 0):
    images, hidden = pictures(count, seed)
    rng = np.random.default_rng(seed + 1)
    death, end = rng.exponential(np.exp(-4 * (hidden - 0.5))), rng.uniform(0.5, 3, count)
    days = np.ceil(100 * np.minimum(death, end))
    return survival_cases([f"{seed}_{n}" for n in range(count)], images, days, (death <= end).astype(int)), hidden


SETTINGS = TrainingSettings(
    "classification", learning_rate=0.02, batch_size=8, epochs=4, patience=None, device="cpu", seed=3
)


def weights(network: nn.Module) -> list[np.ndarray]:
    return [value.numpy() for value in network.state_dict().values()]


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    for one, other in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(one, other)


# --- learning ---


def test_classification_learns_what_can_be_seen():
    trained = train_network(small_network(), classes(80), replace(SETTINGS, epochs=30))
    test = classes(60, seed=9)
    logits = predict(trained.network, test.images, device="cpu")
    assert auc(test.targets[:, 0], logits[:, 0]).value > 0.9
    assert trained.losses.training[-1] < trained.losses.training[0]
    np.testing.assert_allclose(probability(logits), torch.sigmoid(torch.from_numpy(logits)).numpy(), rtol=1e-5)


def test_survival_learns_and_validates_on_the_whole_cohort_at_once():
    training, _ = survivors(80)
    validation, _ = survivors(40, seed=7)
    settings = replace(SETTINGS, task="survival", epochs=25, batch_size=16, augmentation="none")
    trained = train_network(small_network(), training, settings, validation=validation)
    risk = predict(trained.network, validation.images, device="cpu", batch_size=7)[:, 0]
    whole = cox_loss(torch.from_numpy(risk), *torch.from_numpy(validation.targets).unbind(1)).item()
    assert trained.losses.best_loss == pytest.approx(whole, rel=1e-5)
    test, hidden = survivors(60, seed=11)
    assert np.corrcoef(predict(trained.network, test.images, device="cpu")[:, 0], hidden)[0, 1] > 0.6


def test_the_weights_kept_are_those_of_the_lowest_validation_loss_and_patience_ends_it():
    rng = np.random.default_rng(5)
    images = [rng.normal(size=(1, 12, 12)).astype(np.float32) for _ in range(40)]
    noise = labelled_cases([str(n) for n in range(40)], images, rng.integers(0, 2, 40))
    settings = replace(SETTINGS, epochs=60, patience=4, learning_rate=0.05, weigh_classes=False)
    trained = train_network(small_network(), noise, settings)
    assert trained.stopped_early
    assert len(trained.losses) == trained.losses.best_epoch + 4 < 60
    chosen = noise.rows(np.flatnonzero(np.isin(noise.case_ids, trained.validation_ids)))
    logits = torch.from_numpy(predict(trained.network, chosen.images, device="cpu"))
    loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(chosen.targets)).item()
    assert loss == pytest.approx(min(trained.losses.validation), rel=1e-5)


def test_without_validation_the_last_weights_are_kept():
    trained = train_network(small_network(), classes(), replace(SETTINGS, validation_fraction=0.0))
    assert trained.validation_ids == ()
    assert trained.losses.validation == ()
    assert trained.losses.best_epoch == 4


# --- the same again ---


@pytest.mark.parametrize("augmentation", ["none", "liu2025"])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(augmentation):
    settings = replace(SETTINGS, augmentation=augmentation)
    first, second = (train_network(small_network(), classes(), settings).network for _ in range(2))
    assert_same_weights(first, second)
    other = train_network(small_network(), classes(), replace(settings, seed=4)).network
    assert not np.array_equal(weights(first)[0], weights(other)[0])


def test_training_leaves_the_generator_of_others_alone():
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    train_network(small_network(), classes(), SETTINGS)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "rmsprop", "sgd"])
def test_a_cancelled_training_goes_on_to_the_same_weights(tmp_path, optimiser):
    settings = replace(SETTINGS, optimiser=optimiser, schedule="inverse_time", decay=0.01, augmentation="liu2025")
    straight = train_network(small_network(), classes(), settings)

    def stop_in_the_middle_of_the_third_epoch(fraction: float, _message: str) -> None:
        if fraction > 0.6:
            raise Cancelled

    with pytest.raises(Cancelled):
        train_network(
            small_network(), classes(), settings, folder=tmp_path, progress=stop_in_the_middle_of_the_third_epoch
        )
    assert last_checkpoint(tmp_path).name == "epoch_0002"
    # Whatever the network holds when it goes on, the checkpoint's weights replace it.
    resumed = train_network(small_network(seed=99), classes(), settings, folder=tmp_path)
    assert_same_weights(straight.network, resumed.network)
    assert resumed.losses == straight.losses


KILLED_TRAINING = """
import sys, torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from test_training import SETTINGS, classes, small_network
from dataclasses import replace
from DeepRadiomicsFusionLib.training.loop import train_network
import time
def slow(fraction, message):
    print(fraction, flush=True)
    time.sleep(0.05)
train_network(small_network(), classes(), replace(SETTINGS, epochs=6), folder=sys.argv[2], progress=slow)
"""


@pytest.mark.slow
def test_a_killed_process_is_resumed_to_the_same_final_weights(tmp_path):
    settings = replace(SETTINGS, epochs=6)
    straight = train_network(small_network(), classes(), settings)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_TRAINING, str(Path(__file__).parent), str(tmp_path)], stdout=subprocess.PIPE
    )
    try:
        for line in process.stdout:
            if float(line) > 0.55:  # in the middle of the fourth of six epochs
                break
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    done = load_checkpoint(last_checkpoint(tmp_path)).epochs_done
    assert 0 < done < 6
    resumed = train_network(small_network(seed=1), classes(), settings, folder=tmp_path)
    assert_same_weights(straight.network, resumed.network)


def test_a_finished_training_can_be_given_more_epochs(tmp_path):
    train_network(small_network(), classes(), SETTINGS, folder=tmp_path)
    longer = replace(SETTINGS, epochs=6)
    assert_same_weights(
        train_network(small_network(), classes(), longer, folder=tmp_path).network,
        train_network(small_network(), classes(), longer).network,
    )


def test_a_folder_of_another_training_is_refused(tmp_path):
    train_network(small_network(), classes(), SETTINGS, folder=tmp_path)
    for settings, cases in ((replace(SETTINGS, seed=8), classes()), (SETTINGS, classes(seed=5))):
        with pytest.raises(InputError, match="holds another training"):
            train_network(small_network(), cases, settings, folder=tmp_path)


# --- a frozen backbone ---


def test_the_last_layer_alone_learns_and_the_backbone_keeps_every_number():
    network = small_network()
    before = [value.clone() for value in network.state_dict().values()]
    trained = train_network(network, classes(), replace(SETTINGS, mode="head"), heads=("6",))
    after = list(trained.network.state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(before[:-2], after[:-2], strict=True))
    assert not torch.equal(before[-2], after[-2])


def test_the_short_cut_over_the_backbones_outputs_gives_what_the_whole_network_gives():
    # An augmentation that never happens switches the short cut off.
    settings = replace(SETTINGS, mode="head")
    never = {"mirror": {"probability": 0.0, "low": 0.0, "high": 0.0}}
    whole = TrainingSettings.from_dict(settings.to_dict() | {"augmentation": never})
    fast, slow = (train_network(small_network(), classes(), s, heads=("6",)).network for s in (settings, whole))
    for one, other in zip(weights(fast), weights(slow), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_head_that_something_follows_is_trained_inside_the_network():
    network = nn.Sequential(*small_network(), nn.Tanh())
    training, _ = survivors(40)
    settings = replace(SETTINGS, task="survival", mode="head", epochs=2)
    trained = train_network(network, training, settings, heads=("6",))
    assert np.abs(predict(trained.network, training.images, device="cpu")).max() <= 1


def test_mode_head_without_a_named_layer_is_said():
    with pytest.raises(InputError, match="needs the name of the layer"):
        train_network(small_network(), classes(), replace(SETTINGS, mode="head"))


# --- what goes wrong ---


def test_a_loss_that_becomes_nan_stops_it_and_keeps_the_last_good_checkpoint(tmp_path):
    class GoesBad(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.calls = small_network(), 0

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            self.calls += self.training
            return self.inner(image) * (torch.nan if self.calls > 9 else 1.0)

    network = GoesBad()
    with pytest.raises(ModelError, match=r"the loss in epoch 3, batch 2 of 4, became nan; the weights of epoch [12]"):
        train_network(network, classes(), SETTINGS, folder=tmp_path)
    checkpoint = load_checkpoint(last_checkpoint(tmp_path))
    assert checkpoint.epochs_done == 2
    assert all(torch.isfinite(value).all() for value in checkpoint.best.values())
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_too_little_memory_says_the_batch_size_to_try():
    class Hungry(nn.Linear):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError, match=r"batches of 8: try batch_size 4"):
        train_network(Hungry(4, 1), classes(), SETTINGS)
    with pytest.raises(ModelError, match="batches of 1: make the input smaller"):
        predict(Hungry(4, 1), classes().images, device="cpu", batch_size=1)


def test_another_runtime_error_is_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        train_network(nn.Linear(5, 1), classes(), SETTINGS)


def test_a_patient_in_training_and_validation_is_refused():
    with pytest.raises(InputError, match="40 patients are in the training and in the validation part, the first"):
        train_network(small_network(), classes(), SETTINGS, validation=classes())


def test_settings_of_another_task_are_refused():
    with pytest.raises(InputError, match="the settings are for survival, the cases for classification"):
        train_network(small_network(), classes(), replace(SETTINGS, task="survival"))


def test_the_live_curve_gets_one_epoch_more_each_time_and_progress_goes_up():
    seen, fractions = [], []
    train_network(
        small_network(), classes(), SETTINGS, watch=seen.append, progress=lambda fraction, _: fractions.append(fraction)
    )
    assert [len(losses) for losses in seen] == [1, 2, 3, 4]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


@pytest.mark.slow
def test_the_studies_survival_network_takes_a_training_step():
    rng = np.random.default_rng(0)
    images = [rng.normal(size=(1, 16, 16, 16)).astype(np.float32) for _ in range(8)]
    cases = survival_cases([str(n) for n in range(8)], images, np.arange(1, 9), [1, 0] * 4)
    settings = replace(SETTINGS, task="survival", batch_size=4, epochs=1, augmentation="liu2025", validation_fraction=0)
    started = time.perf_counter()
    trained = train_network(build_network("se_resnet3d", seed=0), cases, settings)
    assert np.isfinite(trained.losses.training[0])
    assert time.perf_counter() - started < 60
