"""The U-Net of song2021, as MONAI builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import DependencyError, InputError

from .catalogue import require_torch

if TYPE_CHECKING:
    from torch import nn


PAPER_WIDTH = 64


def build_unet(width: int = PAPER_WIDTH, *, in_channels: int = 1, labels: int = 2, seed: int = 0) -> nn.Module:
    """Build the U-Net of song2021, or a narrower one for a small computer.

    Args:
        width: channels of the first level; 64 is the paper's, with 1024 at the bottom; 8 trains in a minute on a CPU.
        in_channels: of the image.
        labels: outputs, background among them.
        seed: of the random weights.

    Raises:
        InputError: a number below 1.
        DependencyError: torch or MONAI is missing.
    """
    torch = require_torch()
    for name, number in (("width", width), ("in_channels", in_channels), ("labels", labels)):
        if number < 1:
            raise InputError(f"{name} is {number}; give a whole number of 1 or more")
    try:
        from monai.networks.nets import BasicUNet
    except ImportError:
        raise DependencyError("the U-Net comes from MONAI: run 'pip install monai'") from None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BasicUNet(
            spatial_dims=2,
            in_channels=in_channels,
            out_channels=labels,
            features=(width, 2 * width, 4 * width, 8 * width, 16 * width, width),
            act=("ELU", {"inplace": True}),
            norm=("batch", {}),
            upsample="deconv",
        )
