"""VGG-19 and Inception-v3: PyTorch's vision project's own where it can be imported, ours otherwise.

Slicer and many CPU installations have no torchvision, and one that does not fit to its torch cannot be imported. Both
have the same parameters under the same names, so that a model folder or published weights fit either.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

RGB = 3


def vgg19(in_channels: int, out_features: int) -> nn.Module:
    """Build VGG-19 with random weights.

    Args:
        in_channels: channels of the input.
        out_features: outputs.
    """
    models = _torchvision_models()
    if models is None:
        from ..torch_modules.vgg import Vgg19

        return Vgg19(in_channels, out_features)
    network = models.vgg19(weights=None, num_classes=out_features, init_weights=False)
    network.features[0] = _of_channels(network.features[0], in_channels)
    return network


def inception_v3(in_channels: int, out_features: int) -> nn.Module:
    """Build Inception-v3 without its auxiliary head, with random weights; arguments as of :func:`vgg19`."""
    models = _torchvision_models()
    if models is None:
        from ..torch_modules.inception_v3 import InceptionV3

        return InceptionV3(in_channels, out_features, auxiliary=False)
    network = models.inception_v3(
        weights=None, num_classes=out_features, aux_logits=False, transform_input=False, init_weights=False
    )
    first = network.Conv2d_1a_3x3
    first.conv = _of_channels(first.conv, in_channels)
    return network


def _of_channels(first: nn.Conv2d, in_channels: int) -> nn.Conv2d:
    """The first convolution for another number of channels than a photograph has."""
    from torch import nn

    if in_channels == RGB:
        return first
    stride, padding = first.stride[0], int(first.padding[0])
    return nn.Conv2d(in_channels, first.out_channels, 3, stride, padding, bias=first.bias is not None)


def _torchvision_models() -> ModuleType | None:
    try:
        from torchvision import models
    except (ImportError, OSError, RuntimeError):  # absent, or built for another torch ("operator ... does not exist")
        return None
    return models
