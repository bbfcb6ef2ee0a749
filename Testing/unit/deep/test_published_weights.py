"""Our networks take the published ImageNet files whole: names and shapes against torchvision's own classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")
pytest.importorskip("monai")

from DeepRadiomicsFusionLib.networks.catalogue import build_network, network_spec, parameter_count  # noqa: E402
from DeepRadiomicsFusionLib.networks.weights import IMAGENET, load_state  # noqa: E402
from DeepRadiomicsFusionLib.torch_modules.inception_v3 import InceptionV3  # noqa: E402

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference" / "imagenet_weights" / "reference.json").read_text(encoding="utf-8")
)["networks"]


def published(name: str) -> dict[str, torch.Tensor]:
    """Tensors as in the published file, each of another value."""
    shapes = REFERENCE[name]["shapes"]
    return {key: torch.full(shape, number + 1.0) for number, (key, shape) in enumerate(shapes.items())}


def test_every_published_file_has_a_reference_under_its_name():
    assert {name: source.file_name for name, source in IMAGENET.items()} == {
        name: network["file"] for name, network in REFERENCE.items()
    }


@pytest.mark.parametrize("name", REFERENCE)
def test_the_parameter_count_is_the_one_that_torchvision_publishes(name):
    with torch.device("meta"):
        network = (
            InceptionV3(3, 1000, auxiliary=True)
            if name == "inception_v3"
            else build_network(name, in_channels=3, out_features=1000)
        )
    assert parameter_count(network) == REFERENCE[name]["published_parameters"]


@pytest.mark.parametrize("name", sorted(set(REFERENCE) - {"densenet121"}))
def test_names_and_shapes_are_those_of_the_published_file(name):
    with torch.device("meta"):
        network = build_network(name, in_channels=3, out_features=1000)
    ours = {key: list(value.shape) for key, value in network.state_dict().items()}
    theirs = {key: shape for key, shape in REFERENCE[name]["shapes"].items() if not key.startswith("AuxLogits.")}
    assert ours == theirs


@pytest.mark.parametrize("name", REFERENCE)
def test_every_tensor_of_the_published_file_arrives_where_its_name_says(name):
    state = published(name)
    network = build_network(name, in_channels=3, out_features=1000)
    load_state(network, name, state)
    arrived = {float(value.flatten()[0]) for value in network.state_dict().values() if value.ndim}
    sent = {float(value.flatten()[0]) for key, value in state.items() if value.ndim and not key.startswith("AuxLogits")}
    assert arrived == sent  # each tensor had a value of its own: none is missing, none was used twice
    for key, value in network.state_dict().items():
        if value.ndim:
            assert (value == value.flatten()[0]).all(), key


@pytest.mark.parametrize("name", REFERENCE)
def test_a_grey_network_with_a_head_of_its_own_takes_all_but_the_last_layer(name):
    state = published(name)
    network = build_network(name, in_channels=1, out_features=2, seed=0)
    head = network_spec(name).output_layer
    before = {key: value.clone() for key, value in network.state_dict().items() if key.startswith(f"{head}.")}
    load_state(network, name, state)
    after = network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    first = next(value for value in after.values() if value.ndim == 4)
    colour = next(value for value in state.values() if value.ndim == 4)
    assert first.shape[1] == 1 and float(first.flatten()[0]) == 3 * float(colour.flatten()[0])
