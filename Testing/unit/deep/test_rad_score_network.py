"""In-network fusion: RadScores enter at the penultimate layer, standardised, and both sources are used."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.networks.catalogue import build_network, layer_of, parameter_count  # noqa: E402
from DeepRadiomicsFusionLib.networks.prediction import predict  # noqa: E402
from DeepRadiomicsFusionLib.networks.rad_score_network import (  # noqa: E402
    build_rad_score_network,
    fit_score_scaling,
    heads_of,
    penultimate_features,
)
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from DeepRadiomicsFusionLib.torch_modules.rad_score_fusion import RadScoreNetwork  # noqa: E402
from DeepRadiomicsFusionLib.training.loop import train_network  # noqa: E402
from DeepRadiomicsFusionLib.training.training_cases import labelled_cases  # noqa: E402
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402
from RadiomicsCoreLib.statistics.roc import auc  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def tiny_network(scores: int = 2, out_features: int = 1) -> RadScoreNetwork:
    """The same fusion on a backbone that trains in a blink."""
    torch.manual_seed(0)
    backbone = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    return RadScoreNetwork(torch.nn.Sequential(*backbone, torch.nn.Linear(6, 10)), 10, scores, out_features)


def two_sources(count: int, seed: int):
    """The label is the sum of what the image shows (its spread) and of the first score's sign."""
    rng = np.random.default_rng(seed)
    seen, score = rng.normal(size=count), rng.normal(size=count)
    images = [(rng.normal(size=(1, 10, 10)) * np.exp(0.5 * value)).astype(np.float32) for value in seen]
    scores = np.stack([40 + 5 * score, rng.normal(size=count)], axis=1)
    return images, (seen + score > 0).astype(int), scores


@pytest.mark.slow
def test_densenet_gets_two_layers_with_ten_deep_features_and_two_scores_between():
    with torch.device("meta"):
        network = build_rad_score_network("densenet121", scores=2, out_features=10)
        plain = build_network("densenet121", out_features=10)
    assert layer_of(network, heads_of("densenet121")[0]).out_features == 10
    assert (network.last.in_features, network.last.out_features) == (12, 10)
    assert parameter_count(network) == parameter_count(plain) + 12 * 10 + 10


def test_layers_start_with_xaviers_range_and_the_seed_fixes_them():
    first, second = (build_rad_score_network("resnet18", seed=4) for _ in range(2))
    assert all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    bound = np.sqrt(6 / (512 + 10))
    weight = layer_of(first, heads_of("resnet18")[0]).weight
    assert 0.95 * bound < weight.abs().max() <= bound
    assert not first.last.bias.any()


def test_the_output_is_the_last_layer_on_features_and_standardised_scores():
    network = tiny_network()
    images, _, scores = two_sources(9, 0)
    fit_score_scaling(network, scores)
    entered = penultimate_features(network, images, scores, device="cpu", batch_size=4)
    expected_scores = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    np.testing.assert_allclose(entered[:, 10:], expected_scores, rtol=1e-4, atol=1e-5)
    weight, bias = (value.detach().numpy() for value in (network.last.weight, network.last.bias))
    np.testing.assert_allclose(
        predict(network, images, scores=scores, device="cpu"), entered @ weight.T + bias, rtol=1e-4, atol=1e-5
    )


def test_the_scaling_travels_with_the_weights():
    network, other = tiny_network(), tiny_network()
    fit_score_scaling(network, two_sources(30, 0)[2])
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.score_mean, network.score_mean)
    assert other.score_mean[0].item() == pytest.approx(40, abs=3)


@pytest.mark.slow
def test_fusion_beats_either_source_alone():
    settings = TrainingSettings(
        "classification", learning_rate=0.02, batch_size=16, epochs=25, patience=None, device="cpu"
    )
    images, labels, scores = two_sources(160, 1)
    test_images, test_labels, test_scores = two_sources(120, 2)

    def area(use_image: bool, use_scores: bool) -> float:
        def kept(pictures, numbers):
            shown = pictures if use_image else [np.zeros_like(item) for item in pictures]
            return shown, numbers if use_scores else numbers * np.array([0, 1])

        shown, numbers = kept(images, scores)
        network = tiny_network()
        fit_score_scaling(network, scores)
        names = [str(n) for n in range(len(shown))]
        train_network(network, labelled_cases(names, shown, labels, scores=numbers), settings)
        shown, numbers = kept(test_images, test_scores)
        return auc(test_labels, predict(network, shown, scores=numbers, device="cpu")[:, 0]).value

    both, image, score = area(True, True), area(True, False), area(False, True)
    assert both > max(image, score) + 0.05
    assert both > 0.9


def test_with_a_frozen_backbone_only_the_two_layers_learn():
    network = build_rad_score_network("resnet18", seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images, _, scores = two_sources(8, 0)
    shown = [np.resize(item, (1, 33, 33)) for item in images]
    cases = labelled_cases([str(n) for n in range(8)], shown, np.arange(8) % 2, scores=scores)
    settings = TrainingSettings(
        "classification", learning_rate=0.01, batch_size=4, epochs=1, device="cpu", mode="head", validation_fraction=0.0
    )
    train_network(network, cases, settings, heads=heads_of("resnet18"))
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"backbone.fc.weight", "backbone.fc.bias", "last.weight", "last.bias"}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: build_rad_score_network("unet"), InputError, "'unet' has no last linear layer"),
        (lambda: build_rad_score_network("resnet18", scores=-1), InputError, "scores is -1"),
        (lambda: build_rad_score_network("resnet18", out_features=0), InputError, "out_features is 0"),
        (lambda: fit_score_scaling(tiny_network(), np.zeros((4, 3))), InputError, r"shape \(4, 3\)"),
        (lambda: fit_score_scaling(tiny_network(), np.full((4, 2), np.nan)), InputError, "NaN or infinite"),
        (
            lambda: fit_score_scaling(tiny_network(), np.array([[1.0, 5.0], [2.0, 5.0]])),
            InputError,
            "RadScore 2 is the same for all 2 cases",
        ),
        (
            lambda: penultimate_features(torch.nn.Linear(1, 1), [np.zeros((1, 1))], np.zeros((1, 2))),
            ModelError,
            "a Linear has no layer that RadScores enter",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(call, error, message):
    with pytest.raises(error, match=message):
        call()
