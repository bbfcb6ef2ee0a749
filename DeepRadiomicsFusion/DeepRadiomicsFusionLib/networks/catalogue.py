"""The networks of the five studies by name: what they take, where their features come from, how they are built."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError

from .vision_networks import inception_v3, vgg19

if TYPE_CHECKING:
    import torch
    from torch import nn

Build = Callable[[int, int], "nn.Module"]


@dataclass(frozen=True)
class NetworkSpec:
    """One network that can be asked for by name.

    Attributes:
        name: as written in recipes and on the command line.
        spatial_dims: 2 for slices, 3 for volumes.
        input_size: edge of the input in pixels or voxels that the source uses.
        feature_layer: module whose output is pooled into deep features, by its dotted name.
        features: number of deep features, that is channels of that output.
        output_layer: the last linear layer, by its dotted name; None for a network that segments.
        build: makes the network from the number of input channels and of outputs.
        source: paper.
    """

    name: str
    spatial_dims: int
    input_size: int
    feature_layer: str
    features: int
    output_layer: str | None
    build: Build
    source: str


def require_torch() -> ModuleType:
    """Return torch.

    Raises:
        DependencyError: torch is not installed.
    """
    try:
        import torch
    except ImportError:
        raise DependencyError(
            "deep learning needs PyTorch: in 3D Slicer install the PyTorch extension, elsewhere run "
            "'pip install peritumoral-radiomics[deep]'"
        ) from None
    return torch


def network_names() -> tuple[str, ...]:
    """Return the names that :func:`build_network` knows.

    Example:
        >>> "efficientnet_lite0" in network_names()
        True
    """
    return tuple(NETWORKS)


def network_spec(name: str) -> NetworkSpec:
    """Return what is known of a network.

    Raises:
        InputError: no such network; the message names the nearest.
    """
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(f"there is no network {name!r}; {hint}known are {', '.join(NETWORKS)}")
    return NETWORKS[name]


def build_network(name: str, *, in_channels: int = 1, out_features: int = 1, seed: int | None = None) -> nn.Module:
    """Build a network with random weights.

    Args:
        name: one of :func:`network_names`.
        in_channels: channels of the input.
        out_features: outputs (classes, 1 for a risk or a binary end point, labels for a segmentation).
        seed: of the random weights; None leaves torch's generator as it is.

    Returns:
        A ``torch.nn.Module`` that takes (B, in_channels, H, W) or (B, in_channels, D, H, W).

    Raises:
        InputError: unknown name, or fewer than one channel or output.
        DependencyError: torch or MONAI is not installed.

    Example:
        >>> network = build_network("efficientnet_lite0", in_channels=1, out_features=2, seed=0)
        >>> parameter_count(network) > 3_000_000
        True
    """
    spec = network_spec(name)
    torch = require_torch()
    for what, number in (("in_channels", in_channels), ("out_features", out_features)):
        if number < 1:
            raise InputError(f"{what} is {number}; give a whole number of 1 or more")
    if seed is None:
        return spec.build(in_channels, out_features)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return spec.build(in_channels, out_features)


def layer_of(network: nn.Module, name: str) -> nn.Module:
    """Return a module of a network by its dotted name.

    Raises:
        ModelError: no such module; the message names the ones at that place.
    """
    found = network
    for part in name.split("."):
        children = dict(found.named_children())
        if part not in children:
            raise ModelError(f"the network has no layer {name!r}; at {part!r} there are {', '.join(children)}")
        found = children[part]
    return found


@contextmanager
def recorded_output(network: nn.Module, layer: str) -> Iterator[list[torch.Tensor]]:
    """Collect the outputs of a layer while the block runs the network.

    Args:
        network: any torch module.
        layer: dotted name of a module in it.

    Yields:
        A list that grows by one tensor at each forward pass.
    """
    outputs: list[torch.Tensor] = []
    handle = layer_of(network, layer).register_forward_hook(lambda _module, _input, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()


def parameter_count(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def _monai_resnet(depth: int) -> Build:
    def build(in_channels: int, out_features: int) -> nn.Module:
        nets = _monai_networks()
        # With these two settings the parameter names are those of PyTorch's vision project, and the stem halves
        # the image as in the paper; MONAI's default stem does not, which makes it five times slower.
        return getattr(nets, f"resnet{depth}")(
            spatial_dims=2,
            n_input_channels=in_channels,
            num_classes=out_features,
            conv1_t_stride=2,
            bias_downsample=False,
        )

    return build


def _densenet121(in_channels: int, out_features: int) -> nn.Module:
    return _monai_networks().DenseNet121(spatial_dims=2, in_channels=in_channels, out_channels=out_features)


def _efficientnet_lite0(in_channels: int, out_features: int) -> nn.Module:
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise DependencyError(
            "efficientnet_lite0 needs a package: run 'pip install efficientnet-lite-pytorch'"
        ) from None
    return EfficientNet.from_name("efficientnet-lite0", in_channels=in_channels, num_classes=out_features)


def _unet(in_channels: int, out_features: int) -> nn.Module:
    # Four steps down to 16 x 16 x 1024 for a 256 x 256 slice, four up by transposed convolutions, ELU (song2021).
    return _monai_networks().BasicUNet(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=out_features,
        features=(64, 128, 256, 512, 1024, 64),
        act=("ELU", {"inplace": True}),
        norm=("batch", {}),
        upsample="deconv",
    )


def _residual_3d(reduction: int | None) -> Build:
    def build(in_channels: int, out_features: int) -> nn.Module:
        from ..torch_modules.residual_3d import ResidualNetwork3D

        return ResidualNetwork3D(in_channels, out_features, reduction=reduction)

    return build


def _monai_networks() -> ModuleType:
    try:
        from monai.networks import nets
    except ImportError:
        raise DependencyError("this network comes from MONAI: run 'pip install monai'") from None
    return nets


_HE = "He K et al. Deep residual learning for image recognition. CVPR 2016"
_LIU = "liu2025, doi 10.3389/fonc.2025.1669200"
NETWORKS = {
    spec.name: spec
    for spec in (
        NetworkSpec(
            "efficientnet_lite0",
            2,
            224,
            "_swish",
            1280,
            "_fc",
            _efficientnet_lite0,
            "Tan M, Le Q. EfficientNet. ICML 2019; the Lite variant without squeeze-and-excitation",
        ),
        NetworkSpec("resnet18", 2, 512, "layer4", 512, "fc", _monai_resnet(18), _HE),
        NetworkSpec("resnet50", 2, 224, "layer4", 2048, "fc", _monai_resnet(50), _HE),
        NetworkSpec("resnet101", 2, 224, "layer4", 2048, "fc", _monai_resnet(101), _HE),
        NetworkSpec(
            "densenet121",
            2,
            224,
            "class_layers.relu",
            1024,
            "class_layers.out",
            _densenet121,
            "Huang G et al. Densely connected convolutional networks. CVPR 2017",
        ),
        NetworkSpec("vgg19", 2, 224, "features", 512, "classifier.6", vgg19, "Simonyan K, Zisserman A. ICLR 2015"),
        NetworkSpec("inception_v3", 2, 299, "Mixed_7c", 2048, "fc", inception_v3, "Szegedy C et al. CVPR 2016"),
        NetworkSpec("unet", 2, 256, "down_4", 1024, None, _unet, "song2021, doi 10.21037/atm-21-25"),
        NetworkSpec("resnet3d", 3, 64, "last_activation", 512, "head.9", _residual_3d(None), _LIU),
        NetworkSpec("se_resnet3d", 3, 64, "last_activation", 512, "head.9", _residual_3d(64), _LIU),
    )
}
