"""Transfer: what is suggested and why, and what the last layer is given."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.networks.catalogue import build_network, layer_of, network_spec, parameter_count  # noqa: E402
from DeepRadiomicsFusionLib.networks.transfer import freeze_all_but_heads, head_inputs, suggest_mode  # noqa: E402
from DeepRadiomicsFusionLib.networks.weights import load_imagenet  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import Mode  # noqa: E402
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402


def test_a_small_cohort_is_told_to_train_the_last_layer_and_why():
    suggestion = suggest_mode(11_176_513, 513, 60, pretrained=True, word="recurrences")
    assert suggestion.mode is Mode.HEAD
    assert suggestion.reason.startswith("60 recurrences for 11,176,513 weights, fewer than 1 for 10,000")
    assert "513 weights of the last layer" in suggestion.reason


def test_many_events_or_an_untrained_backbone_are_trained_whole():
    assert suggest_mode(1_000_000, 513, 100, pretrained=True).mode is Mode.FULL
    untrained = suggest_mode(1_000_000, 513, 99, pretrained=False)
    assert untrained.mode is Mode.FULL
    assert "expect overfitting" in untrained.reason


@pytest.mark.parametrize("numbers", [(100, 10, -1), (100, 0, 5), (10, 100, 5)])
def test_numbers_that_cannot_be_are_refused(numbers):
    with pytest.raises(InputError, match="check the numbers"):
        suggest_mode(*numbers, pretrained=True)


def test_only_the_named_layers_learn():
    network = build_network("resnet18", seed=0)
    freeze_all_but_heads(network, ("fc", "layer4.1.conv2"))
    assert parameter_count(network) == 513 + 512 * 512 * 9
    with pytest.raises(ModelError, match="no layer 'fcc'"):
        freeze_all_but_heads(network, ("fcc",))


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_the_last_layer_on_its_inputs_gives_the_networks_output(name):
    network = build_network(name, seed=0)
    head = network_spec(name).output_layer
    images = list(np.random.default_rng(0).normal(size=(3, 1, 64, 64)).astype(np.float32))
    vectors = head_inputs(network, head, images, device=torch.device("cpu"), batch_size=2)
    network.eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(np.stack(images)))
        given = layer_of(network, head)(torch.from_numpy(np.stack(vectors)))
    torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-5)


def test_a_layer_that_something_follows_has_no_short_cut():
    network = build_network("se_resnet3d", seed=0)  # tanh comes after head.9
    images = [np.random.default_rng(0).normal(size=(1, 16, 16, 16)).astype(np.float32)]
    assert head_inputs(network, "head.9", images, device=torch.device("cpu")) is None


def test_the_backbone_that_works_offline_is_told_as_pretrained_and_suggests_the_head():
    network = build_network("efficientnet_lite0", seed=0)
    load_imagenet(network, "efficientnet_lite0")
    head = layer_of(network, "_fc")
    suggestion = suggest_mode(parameter_count(network), parameter_count(head), 40, pretrained=True)
    assert suggestion.mode is Mode.HEAD
