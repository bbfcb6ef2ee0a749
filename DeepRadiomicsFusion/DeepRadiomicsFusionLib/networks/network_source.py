"""Where a network comes from: ImageNet, a weights file, a bundle of an earlier training, or chance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.seen_cases import NOBODY, SeenCases
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from .catalogue import build_network, network_spec
from .devices import choose_device
from .network_bundle import NetworkBundle, is_network_bundle, load_network_bundle
from .seen_cases import seen_by_bundle
from .weights import IMAGENET as PUBLISHED
from .weights import load_imagenet

if TYPE_CHECKING:
    from torch import nn

IMAGENET, RANDOM = "imagenet", "random"


@dataclass(frozen=True)
class NetworkSource:
    """A network and where its weights come from.

    Attributes:
        network: name in the registry; a bundle's own name counts if ``weights`` is a bundle.
        weights: ``imagenet``, ``random``, a weights file (safetensors or .pth of plain tensors), or a network bundle.
        seed: of random weights.
        device: auto, cpu, cuda or mps.
    """

    network: str = "efficientnet_lite0"
    weights: str = IMAGENET
    seed: int = 0
    device: str = "auto"

    def bundle(self) -> NetworkBundle | None:
        """Return the bundle, if the weights are one."""
        named = self.weights in (IMAGENET, RANDOM)
        return None if named or not is_network_bundle(self.weights) else load_network_bundle(self.weights)

    def load(self, progress: Progress = no_progress) -> LoadedNetwork:
        """Build the network and load its weights onto the device.

        Raises:
            InputError, ModelError, DependencyError: as
                :func:`~DeepRadiomicsFusionLib.networks.weights.load_imagenet` and
                :func:`~DeepRadiomicsFusionLib.networks.network_bundle.load_network_bundle`.
        """
        device = choose_device(self.device)
        bundle = self.bundle()
        if bundle is not None:
            return LoadedNetwork(bundle.architecture.network, bundle.network.to(device), bundle)
        network_spec(self.network)
        network = build_network(self.network, seed=self.seed)
        if self.weights != RANDOM:
            file = None if self.weights == IMAGENET else Path(self.weights)
            load_imagenet(network, self.network, file=file, progress=progress)
        return LoadedNetwork(self.network, network.to(device).eval(), None)


@dataclass(frozen=True)
class LoadedNetwork:
    """A network ready to run.

    Attributes:
        name: in the registry.
        network: on its device, in evaluation mode.
        bundle: where it came from, if that was a bundle.
    """

    name: str
    network: nn.Module
    bundle: NetworkBundle | None


def required_bundle(loaded: LoadedNetwork, path: Path) -> NetworkBundle:
    """Return the bundle that a network came from.

    Raises:
        InputError: it came from something else.
    """
    if loaded.bundle is None:
        raise InputError(f"{str(path)!r} is no network bundle; give the model folder that `peritumoral train` wrote")
    return loaded.bundle


def seen_by(source: NetworkSource, bundle: NetworkBundle | None) -> SeenCases:
    """Return which patients a network has learnt from: a bundle says so, published weights have seen none."""
    if bundle is not None:
        return seen_by_bundle(bundle)
    if source.weights in (IMAGENET, RANDOM) or _is_published(source):
        return NOBODY
    return SeenCases(unknown=f"its network's weights came from the file {Path(source.weights).name}")


def _is_published(source: NetworkSource) -> bool:
    published, path = PUBLISHED.get(source.network), Path(source.weights)
    if published is None or not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest().startswith(published.sha256)


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of all weights and buffers, by name: tells networks apart whatever file they came from."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=2)
def network_in_this_process(source: NetworkSource, sha256: str) -> LoadedNetwork:
    """Load a network once in each worker process.

    Args:
        source: where from.
        sha256: its :func:`weights_hash`, so that a file that changes is loaded again.
    """
    return source.load()
