"""The 3D residual network of liu2025, with and without squeeze-and-excitation."""

from __future__ import annotations

import torch
from torch import nn

STAGE_CHANNELS = (64, 128, 256, 512)
BLOCKS_PER_STAGE = 2  # the ResNet-18 pattern
HEAD_FEATURES = (512, 256, 128)


class SqueezeExcitation(nn.Module):
    """Weighs the channels of a volume by what its global average says of them.

    Args:
        channels: channels in and out.
        reduction: the hidden layer has ``channels // reduction`` units, at least one.

    Shape: (B, C, D, H, W) to (B, C, D, H, W).

    Reference: Hu J, Shen L, Sun G. Squeeze-and-excitation networks. CVPR 2018, equations 2 to 4.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool3d(1),
            nn.Conv3d(channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv3d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        return volume * self.gate(volume)


class PreActivationBlock(nn.Module):
    """Two 3x3x3 convolutions, each after batch normalisation and ReLU, with a shortcut around them.

    Shape: (B, C_in, D, H, W) to (B, C_out, D/s, H/s, W/s).

    Reference: He K et al. Identity mappings in deep residual networks. ECCV 2016, figure 4e.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm3d(channels_in), nn.ReLU(inplace=True))
        self.body = nn.Sequential(
            nn.Conv3d(channels_in, channels_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm3d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv3d(channels_out, channels_out, 3, padding=1, bias=False),
        )
        is_identity = stride == 1 and channels_in == channels_out
        self.shortcut = None if is_identity else nn.Conv3d(channels_in, channels_out, 1, stride, bias=False)

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        activated = self.before(volume)
        # A projecting shortcut takes the activated volume, an identity the raw one (He et al. 2016, section 4.1).
        side = volume if self.shortcut is None else self.shortcut(activated)
        return side + self.body(activated)


class ResidualNetwork3D(nn.Module):
    """The network of liu2025: residual stages, squeeze-and-excitation after each, pooled features, risk head.

    Args:
        in_channels: channels of the input.
        out_features: outputs of the head; 1 for a risk.
        reduction: of squeeze-and-excitation; None leaves it out (the paper's ablation, 3D-ResNet).
        dropout: probability in the head.
        bounded: tanh at the end, as in the paper.

    Shape: (B, in_channels, 64, 64, 64) to (B, out_features); any size from 16 up works.

    Reference: liu2025, Front Oncol 2025, doi 10.3389/fonc.2025.1669200.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_features: int = 1,
        *,
        reduction: int | None = 64,
        dropout: float = 0.4,
        bounded: bool = True,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(in_channels, STAGE_CHANNELS[0], 3, stride=2, padding=1, bias=False),
            nn.MaxPool3d(3, stride=2, padding=1),
        )
        self.stages = nn.Sequential(*_stages(reduction))
        self.last_activation = nn.Sequential(nn.BatchNorm3d(STAGE_CHANNELS[-1]), nn.ReLU(inplace=True))
        self.pool = nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten())
        self.head = _head(dropout, out_features, bounded)
        _start_weights(self)

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(self.last_activation(self.stages(self.stem(volume)))))


def _stages(reduction: int | None) -> list[nn.Module]:
    stages: list[nn.Module] = []
    channels_in = STAGE_CHANNELS[0]
    for number, channels in enumerate(STAGE_CHANNELS):
        blocks: list[nn.Module] = []
        for block in range(BLOCKS_PER_STAGE):
            stride = 2 if number > 0 and block == 0 else 1
            blocks.append(PreActivationBlock(channels_in, channels, stride))
            channels_in = channels
        if reduction is not None:
            blocks.append(SqueezeExcitation(channels, reduction))
        stages.append(nn.Sequential(*blocks))
    return stages


def _head(dropout: float, out_features: int, bounded: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    features_in = STAGE_CHANNELS[-1]
    for features in HEAD_FEATURES:
        layers += [nn.Linear(features_in, features), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        features_in = features
    layers.append(nn.Linear(features_in, out_features))
    if bounded:
        layers.append(nn.Tanh())
    return nn.Sequential(*layers)


def _start_weights(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
