"""In-network fusion of zhang2024: RadScores enter a network at its penultimate layer, beside ten deep features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..settings.training_settings import Device
from .catalogue import build_network, layer_of, network_spec, require_torch
from .devices import choose_device, memory_errors_explained
from .prediction import evaluating, inputs_of
from .weights import load_imagenet

if TYPE_CHECKING:
    from torch import nn

DEEP_FEATURES = 10


def build_rad_score_network(
    name: str = "densenet121",
    *,
    scores: int = 2,
    out_features: int = 1,
    deep_features: int = DEEP_FEATURES,
    in_channels: int = 1,
    imagenet: bool = False,
    seed: int = 0,
    progress: Progress = no_progress,
) -> nn.Module:
    """Build a backbone with two fully connected layers (Xavier) and room for RadScores between them.

    Args:
        name: of a network that ends in a linear layer.
        scores: RadScores beside each image, 0 or more (0: the deep network alone, for comparison).
        out_features: outputs, one for each endpoint.
        deep_features: outputs of the penultimate layer.
        in_channels: of the image.
        imagenet: start from ImageNet weights.
        seed: of the random weights.
        progress: told while weights are fetched.

    Returns:
        A :class:`~DeepRadiomicsFusionLib.torch_modules.rad_score_fusion.RadScoreNetwork`; call it with
        images and scores.

    Raises:
        InputError: unknown name, a network without a last linear layer, or a number that cannot be used.
        DependencyError: a package or weights are missing; the message says what to put where.

    Reference:
        zhang2024, Biomark Res 2024;12:12.
    """
    torch = require_torch()
    spec = network_spec(name)
    if spec.output_layer is None:
        raise InputError(f"{name!r} has no last linear layer that could be replaced; choose a network that classifies")
    if scores < 0:
        raise InputError(f"scores is {scores}; give 0 or more")
    from ..torch_modules.rad_score_fusion import RadScoreNetwork

    backbone = build_network(name, in_channels=in_channels, out_features=deep_features, seed=seed)
    if imagenet:
        load_imagenet(backbone, name, progress=progress)
    if out_features < 1:
        raise InputError(f"out_features is {out_features}; give a whole number of 1 or more")
    with torch.random.fork_rng():
        torch.manual_seed(seed + 1)
        network = RadScoreNetwork(backbone, deep_features, scores, out_features)
        for layer in (layer_of(backbone, spec.output_layer), network.last):
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    return network


def heads_of(name: str) -> tuple[str, str]:
    """Return the layers of a RadScore network that learn while the backbone is frozen."""
    return f"backbone.{network_spec(name).output_layer}", "last"


def fit_score_scaling(network: nn.Module, scores: np.ndarray) -> None:
    """Keep mean and standard deviation of the training cases' RadScores in the network.

    Args:
        network: from :func:`build_rad_score_network`.
        scores: (n, R) of the training cases alone.

    Raises:
        InputError: other than R columns, NaN, or a score that is the same for all cases.
    """
    torch = require_torch()
    values = np.asarray(scores, float)
    wanted = len(network.score_mean)  # type: ignore[arg-type]
    if values.ndim != 2 or values.shape[1] != wanted:
        raise InputError(f"RadScores of shape {values.shape} were given to a network that takes {wanted} a case")
    if not np.isfinite(values).all():
        raise InputError("a RadScore is NaN or infinite; every case needs all its scores")
    spread = values.std(axis=0)
    if (spread <= 1e-12 * np.maximum(1, np.abs(values).max(axis=0))).any():
        raise InputError(f"RadScore {int(np.argmin(spread)) + 1} is the same for all {len(values)} cases")
    with torch.no_grad():
        network.score_mean.copy_(torch.from_numpy(values.mean(axis=0)))  # type: ignore[operator]
        network.score_sd.copy_(torch.from_numpy(spread))  # type: ignore[operator]


def penultimate_features(
    network: nn.Module,
    images: Sequence[np.ndarray],
    scores: np.ndarray,
    *,
    batch_size: int = 16,
    device: Device | str = Device.AUTO,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Return what enters the last layer: deep features first, then the standardised RadScores.

    After training, the last layer may be replaced by another classifier on these numbers.

    Args:
        network: from :func:`build_rad_score_network`.
        images: n arrays.
        scores: (n, R).
        batch_size: cases at a time.
        device: where.
        progress: told after each batch.

    Returns:
        float32 (n, deep_features + R).

    Raises:
        ModelError: the network has no such layer, or the device's memory is too small.
    """
    torch = require_torch()
    penultimate = getattr(network, "penultimate", None)
    if penultimate is None:
        raise ModelError(f"a {type(network).__name__} has no layer that RadScores enter; build a RadScore network")
    place = choose_device(device)
    network.to(place)
    found = []
    with evaluating(network), memory_errors_explained(batch_size):
        for start in range(0, len(images), batch_size):
            rows = np.arange(start, min(start + batch_size, len(images)))
            found.append(penultimate(*inputs_of(images, scores, rows, place)).float().cpu())
            progress((rows[-1] + 1) / len(images), f"case {rows[-1] + 1} of {len(images)}")
    return torch.cat(found).numpy()
