"""Inception-v3, with the parameter names under which its ImageNet weights are published by PyTorch's vision project.

Reference: Szegedy C et al. Rethinking the Inception architecture for computer vision. CVPR 2016, table 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

Size = int | tuple[int, int]


class Convolution(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels_in: int, channels: int, size: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(image)), inplace=True)


def _pooled(image: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(image, 3, stride=1, padding=1)


class BlockA(nn.Module):
    """Figure 5 of the paper: 1x1, 5x5, double 3x3 and pooled branches at 35 x 35."""

    def __init__(self, channels_in: int, pool_channels: int) -> None:
        super().__init__()
        self.branch1x1 = Convolution(channels_in, 64, 1)
        self.branch5x5_1 = Convolution(channels_in, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Convolution(channels_in, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.branch_pool = Convolution(channels_in, pool_channels, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        five = self.branch5x5_2(self.branch5x5_1(image))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(image)))
        return torch.cat([self.branch1x1(image), five, three, self.branch_pool(_pooled(image))], 1)


class BlockB(nn.Module):
    """From 35 x 35 to 17 x 17."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.branch3x3 = Convolution(channels_in, 384, 3, stride=2)
        self.branch3x3dbl_1 = Convolution(channels_in, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, stride=2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(image)))
        return torch.cat([self.branch3x3(image), double, functional.max_pool2d(image, 3, stride=2)], 1)


class BlockC(nn.Module):
    """Figure 6 of the paper: factorised 7x7 branches at 17 x 17."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        row, column = (1, 7), (7, 1)
        beside, above = (0, 3), (3, 0)
        self.branch1x1 = Convolution(channels_in, 192, 1)
        self.branch7x7_1 = Convolution(channels_in, channels, 1)
        self.branch7x7_2 = Convolution(channels, channels, row, padding=beside)
        self.branch7x7_3 = Convolution(channels, 192, column, padding=above)
        self.branch7x7dbl_1 = Convolution(channels_in, channels, 1)
        self.branch7x7dbl_2 = Convolution(channels, channels, column, padding=above)
        self.branch7x7dbl_3 = Convolution(channels, channels, row, padding=beside)
        self.branch7x7dbl_4 = Convolution(channels, channels, column, padding=above)
        self.branch7x7dbl_5 = Convolution(channels, 192, row, padding=beside)
        self.branch_pool = Convolution(channels_in, 192, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(image)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(image)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(image), seven, double, self.branch_pool(_pooled(image))], 1)


class BlockD(nn.Module):
    """From 17 x 17 to 8 x 8."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.branch3x3_1 = Convolution(channels_in, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Convolution(channels_in, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, stride=2)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        three = self.branch3x3_2(self.branch3x3_1(image))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(image))))
        return torch.cat([three, seven, functional.max_pool2d(image, 3, stride=2)], 1)


class BlockE(nn.Module):
    """Figure 7 of the paper: widened branches at 8 x 8."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.branch1x1 = Convolution(channels_in, 320, 1)
        self.branch3x3_1 = Convolution(channels_in, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Convolution(channels_in, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Convolution(channels_in, 192, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        three = self.branch3x3_1(image)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(image))
        branches = [
            self.branch1x1(image),
            self.branch3x3_2a(three),
            self.branch3x3_2b(three),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(_pooled(image)),
        ]
        return torch.cat(branches, 1)


class AuxiliaryHead(nn.Module):
    """The side output that the paper trains with; it takes no part in prediction."""

    def __init__(self, channels_in: int, out_features: int) -> None:
        super().__init__()
        self.conv0 = Convolution(channels_in, 128, 1)
        self.conv1 = Convolution(128, 768, 5)
        self.fc = nn.Linear(768, out_features)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        pooled = functional.avg_pool2d(image, 5, stride=3)
        return self.fc(functional.adaptive_avg_pool2d(self.conv1(self.conv0(pooled)), 1).flatten(1))


class InceptionV3(nn.Module):
    """Inception-v3; in training mode too it returns the main output alone.

    Args:
        in_channels: channels of the input.
        out_features: outputs.
        auxiliary: keep the side output's parameters, so that published weights load whole.

    Shape: (B, in_channels, H, W) to (B, out_features), H and W at least 75; 299 in the paper.
    """

    def __init__(self, in_channels: int = 3, out_features: int = 1000, *, auxiliary: bool = True) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(in_channels, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(768, 128), BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 192)
        self.AuxLogits = AuxiliaryHead(768, out_features) if auxiliary else None
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b, self.Mixed_7c = BlockE(1280), BlockE(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(2048, out_features)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        for block in self._blocks():
            image = block(image)
        return self.fc(self.dropout(self.avgpool(image)).flatten(1))

    def _blocks(self) -> Sequence[nn.Module]:
        return (
            *(self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3, self.maxpool1),
            *(self.Conv2d_3b_1x1, self.Conv2d_4a_3x3, self.maxpool2),
            *(self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a),
            *(self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e),
            *(self.Mixed_7a, self.Mixed_7b, self.Mixed_7c),
        )
