"""The squeeze-and-excitation block against equations 2 to 4 of Hu et al., written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402
from DeepRadiomicsFusionLib.torch_modules.residual_3d import ResidualNetwork3D, SqueezeExcitation  # noqa: E402


def by_hand(volume: np.ndarray, squeeze, excite) -> np.ndarray:
    """One volume (C, D, H, W), channel by channel.

    z_c = mean of channel c; s = sigmoid(W2 relu(W1 z + b1) + b2); channel c is multiplied by s_c.
    """
    channels = len(volume)
    z = [sum(volume[c].ravel().tolist()) / volume[c].size for c in range(channels)]
    (w1, b1), (w2, b2) = squeeze, excite
    hidden = [max(0.0, float(b1[h] + sum(w1[h][c] * z[c] for c in range(channels)))) for h in range(len(b1))]
    s = [1 / (1 + np.exp(-(b2[c] + sum(w2[c][h] * hidden[h] for h in range(len(hidden)))))) for c in range(channels)]
    return np.stack([volume[c] * s[c] for c in range(channels)])


def weights_of(convolution) -> tuple[np.ndarray, np.ndarray]:
    weight = convolution.weight.detach().double().numpy()
    return weight.reshape(weight.shape[:2]), convolution.bias.detach().double().numpy()


@pytest.mark.parametrize(("channels", "reduction", "hidden"), [(8, 2, 4), (6, 64, 1), (128, 64, 2)])
def test_the_block_computes_the_papers_equations(channels, reduction, hidden):
    torch.manual_seed(channels)
    block = SqueezeExcitation(channels, reduction).double()
    convolutions = [module for module in block.modules() if isinstance(module, torch.nn.Conv3d)]
    assert [c.out_channels for c in convolutions] == [hidden, channels]
    volumes = np.random.default_rng(0).normal(size=(2, channels, 3, 4, 5))
    with torch.no_grad():
        found = block(torch.from_numpy(volumes)).numpy()
    wanted = np.stack([by_hand(volume, *map(weights_of, convolutions)) for volume in volumes])
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_each_case_of_a_batch_has_gates_of_its_own_and_each_gate_lies_between_0_and_1():
    torch.manual_seed(0)
    block = SqueezeExcitation(16, 4)
    volumes = torch.rand(2, 16, 2, 2, 2) + 0.5
    with torch.no_grad():
        ratio = (block(volumes) / volumes).flatten(2)
        alone = block(volumes[1:])
        together = block(volumes)[1:]
    torch.testing.assert_close(ratio.amax(dim=2), ratio.amin(dim=2))  # one factor a channel
    assert ratio.min() > 0 and ratio.max() < 1
    assert not torch.allclose(ratio[0], ratio[1])
    torch.testing.assert_close(alone, together)


def test_a_block_stands_after_each_stage_and_the_ablation_has_none():
    def blocks(network: torch.nn.Module) -> list[str]:
        return [name for name, module in network.named_modules() if isinstance(module, SqueezeExcitation)]

    network = build_network("se_resnet3d", seed=0)
    found = blocks(network)
    assert len(found) == 4
    for stage in range(4):
        assert isinstance(list(network.stages.children())[stage][-1], SqueezeExcitation)
    assert blocks(build_network("resnet3d", seed=0)) == []


def test_without_the_gates_the_network_is_the_ablation_with_the_same_weights():
    """Gates forced open (s = 1) leave what the network without them computes; the paper's own gates change it."""
    full, plain = ResidualNetwork3D(reduction=64).eval(), ResidualNetwork3D(reduction=None).eval()
    shared = plain.state_dict().keys() & full.state_dict().keys()
    assert shared == plain.state_dict().keys()
    assert all(".gate." in name for name in full.state_dict().keys() - shared)
    plain.load_state_dict({name: full.state_dict()[name] for name in shared})
    volume = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        gated = full(volume)
        for module in full.modules():
            if isinstance(module, SqueezeExcitation):
                module.gate[3].weight.zero_()
                module.gate[3].bias.fill_(40.0)  # sigmoid(40) = 1 in float32
        torch.testing.assert_close(full(volume), plain(volume))
        assert not torch.allclose(gated, plain(volume))
