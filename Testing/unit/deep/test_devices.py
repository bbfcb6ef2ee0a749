"""Where a network runs, and how much memory it is said to need."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from torch import nn  # noqa: E402

from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402
from DeepRadiomicsFusionLib.networks.devices import choose_device, memory_errors_explained, memory_estimate_mb  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import Device  # noqa: E402
from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError  # noqa: E402


@pytest.mark.parametrize(("cuda", "mps", "chosen"), [(0, 0, "cpu"), (1, 0, "cuda"), (0, 1, "mps"), (1, 1, "cuda")])
def test_auto_takes_cuda_then_mps_then_the_cpu(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(mps))
    assert choose_device().type == chosen
    assert choose_device(Device.CPU).type == "cpu"


def test_a_device_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DependencyError, match="'cuda' is not available"):
        choose_device("cuda")
    with pytest.raises(InputError, match="device is 'tpu'; choose from auto"):
        choose_device("tpu")


def test_memory_of_a_small_network_counted_by_hand():
    # Conv: 1*4*9 + 4 = 40 weights; out 4 x 10 x 10. Linear: 400*2 + 2 = 802 weights; out 2. Flatten passes 400 on.
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear(400, 2))
    outputs, weights = 400 + 400 + 2, 842
    training = memory_estimate_mb(network, (1, 10, 10), batch_size=8)
    assert training * 2**20 / 4 == pytest.approx(4 * weights + 8 * outputs)
    inference = memory_estimate_mb(network, (1, 10, 10), batch_size=8, training=False)
    assert inference * 2**20 / 4 == pytest.approx(weights + 8 * 800)


def test_a_frozen_backbone_needs_less_and_the_network_is_left_as_it_was():
    network = build_network("se_resnet3d", seed=0).train()
    whole = memory_estimate_mb(network, (1, 64, 64, 64), batch_size=32)
    assert 1000 < whole < 20_000
    for parameter in network.stages.parameters():
        parameter.requires_grad_(False)
    assert memory_estimate_mb(network, (1, 64, 64, 64), batch_size=32) < whole
    assert network.training
    assert not network.stem[0]._forward_hooks
    assert network.stem[0].weight.device.type == "cpu"


@pytest.mark.parametrize(
    "error", [torch.cuda.OutOfMemoryError("CUDA out of memory."), RuntimeError("MPS backend out of memory (9 GB)")]
)
def test_out_of_memory_says_the_batch_size_to_try(error):
    with pytest.raises(ModelError, match="too small for batches of 12: try batch_size 6"), memory_errors_explained(12):
        raise error
