"""VGG-19 and Inception-v3 are torchvision's where it can be imported; a stand-in takes its place here."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")

from DeepRadiomicsFusionLib.networks.catalogue import build_network, layer_of, network_spec  # noqa: E402
from DeepRadiomicsFusionLib.torch_modules.inception_v3 import InceptionV3  # noqa: E402
from DeepRadiomicsFusionLib.torch_modules.vgg import Vgg19  # noqa: E402

NAMES = ("vgg19", "inception_v3")


class TheirVgg(Vgg19):
    """torchvision's class, by its arguments and parameters."""

    def __init__(self, *, weights: None, num_classes: int, init_weights: bool) -> None:
        assert weights is None and init_weights is False
        super().__init__(3, num_classes)


class TheirInception(InceptionV3):
    """torchvision's class, by its arguments and parameters."""

    def __init__(
        self, *, weights: None, num_classes: int, aux_logits: bool, transform_input: bool, init_weights: bool
    ) -> None:
        assert weights is None and not (aux_logits or transform_input or init_weights)
        super().__init__(3, num_classes, auxiliary=False)


THEIRS = {"vgg19": TheirVgg, "inception_v3": TheirInception}


@pytest.fixture
def torchvision(monkeypatch):
    package, models = ModuleType("torchvision"), ModuleType("torchvision.models")
    models.vgg19, models.inception_v3 = TheirVgg, TheirInception
    package.models = models
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)


def shapes(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_torchvisions_network_is_taken_and_has_the_parameters_of_ours(torchvision, monkeypatch, name, channels):
    with torch.device("meta"):  # 140 million parameters, of which only names and shapes matter
        theirs = build_network(name, in_channels=channels, out_features=2)
        monkeypatch.setitem(sys.modules, "torchvision", None)
        ours = build_network(name, in_channels=channels, out_features=2)
    assert isinstance(theirs, THEIRS[name]) and not isinstance(ours, THEIRS[name])
    assert shapes(theirs) == shapes(ours)
    layer_of(theirs, network_spec(name).feature_layer)


def test_its_first_layer_takes_one_channel(torchvision):
    network = build_network("inception_v3", in_channels=1, out_features=3, seed=0).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 96, 96)).shape == (1, 3)


@pytest.mark.parametrize("name", NAMES)
def test_a_torchvision_that_cannot_be_imported_leaves_ours(monkeypatch, tmp_path, name):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text('raise RuntimeError("operator torchvision::nms is missing")')
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with torch.device("meta"):
        network = build_network(name, in_channels=1, out_features=2)
    assert type(network).__module__.startswith("DeepRadiomicsFusionLib.torch_modules.")
