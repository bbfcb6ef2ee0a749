"""VGG-19, with the parameter names under which its ImageNet weights are published by PyTorch's vision project."""

from __future__ import annotations

import torch
from torch import nn

CHANNELS_OF_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
HIDDEN = 4096


class Vgg19(nn.Module):
    """Sixteen 3x3 convolutions in five blocks and three fully connected layers.

    Shape: (B, in_channels, H, W) to (B, out_features), H and W at least 32; 224 in the paper.

    Reference: Simonyan K, Zisserman A. ICLR 2015, table 1, configuration E.
    """

    def __init__(self, in_channels: int = 3, out_features: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(*_convolutions(in_channels))
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(HIDDEN, out_features),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.avgpool(self.features(image)).flatten(1))


def _convolutions(channels_in: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for channels, count in CHANNELS_OF_BLOCKS:
        for _ in range(count):
            layers += [nn.Conv2d(channels_in, channels, 3, padding=1), nn.ReLU(inplace=True)]
            channels_in = channels
        layers.append(nn.MaxPool2d(2))
    return layers
