"""Trains the U-Net of song2021 on drawn tumours, and tells how well it draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..inputs.patches import NetworkImage
from ..networks.catalogue import require_torch
from ..networks.prediction import predict
from ..settings.training_settings import Device, TrainingSettings
from .loop import TrainedNetwork, Watch, ignore_losses, train_network
from .losses import dice
from .training_cases import TrainingCases, drawn_cases, split_cases

if TYPE_CHECKING:
    from torch import nn

_STEPS = 16  # four halvings: the input's edges must be multiples of this


@dataclass(frozen=True)
class TrainedSegmentation:
    """A trained U-Net and its Dice overlap on the validation slices.

    Attributes:
        trained: network and losses.
        dice: (n,) of each validation slice; empty without validation.
    """

    trained: TrainedNetwork
    dice: np.ndarray

    @property
    def mean_dice(self) -> float:
        """Mean over the validation slices; NaN without validation."""
        return float(self.dice.mean()) if len(self.dice) else float("nan")


def slices_with_masks(shown: Iterable[tuple[str, NetworkImage]]) -> TrainingCases:
    """Turn the network inputs of some cases into slices with their drawn masks.

    Args:
        shown: case id and input, whose mask is the region; masks do not hide anything here, so give inputs with
            ``masked=False``.

    Raises:
        InputError: an input that hides what is outside the region, a cube, edges that the U-Net cannot halve.
    """
    names: list[str] = []
    images: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    for name, item in shown:
        if item.settings.is_masked:
            raise InputError(f"the input of {name!r} hides what is outside the region; set masked to false")
        if item.settings.spatial_dims != 2:
            raise InputError(f"the input of {name!r} is a cube; the U-Net takes slices")
        if item.settings.pixels % _STEPS:
            raise InputError(f"slices of {item.settings.pixels} pixels cannot be halved four times; use 96, 128, 256")
        array = item.array
        names += [name] * len(array)
        images += list(array)
        masks.append(sitk.GetArrayFromImage(item.mask).astype(np.int64))
    if not names:
        raise InputError("there is no slice to train on")
    return drawn_cases(names, images, np.concatenate(masks))


def train_segmentation(
    network: nn.Module,
    training: TrainingCases,
    settings: TrainingSettings,
    *,
    validation: TrainingCases | None = None,
    folder: Path | str | None = None,
    progress: Progress = no_progress,
    watch: Watch = ignore_losses,
) -> TrainedSegmentation:
    """Train a U-Net by cross-entropy (and soft Dice, if ``settings.dice_weight`` says so).

    Args:
        network: from :func:`build_unet`.
        training: slices with masks.
        settings: how; ``study_network("song2021").training`` is the paper's.
        validation: slices that choose the best epoch and give the Dice; None sets a part of the patients aside.
        folder, progress, watch: as in :func:`~DeepRadiomicsFusionLib.training.loop.train_network`.

    Raises:
        InputError, ModelError: as in :func:`~DeepRadiomicsFusionLib.training.loop.train_network`.
    """
    if validation is None and settings.validation_fraction > 0:
        training, validation = split_cases(training, settings.validation_fraction, settings.seed)
    trained = train_network(
        network, training, settings, validation=validation, folder=folder, progress=progress, watch=watch
    )
    if validation is None:
        return TrainedSegmentation(trained, np.empty(0))
    drawn = segment(trained.network, validation.images, batch_size=settings.batch_size, device=settings.device)
    return TrainedSegmentation(trained, dice_of(drawn, validation.targets))


def segment(
    network: nn.Module,
    images: Sequence[np.ndarray],
    *,
    batch_size: int = 16,
    device: Device | str = Device.AUTO,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Return the label of every pixel, (n, H, W) UInt8."""
    logits = predict(network, images, batch_size=batch_size, device=device, progress=progress)
    labels = logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(axis=1)
    return labels.astype(np.uint8)


def dice_of(drawn: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the Dice overlap of each slice (n,), 1 where both are empty.

    Example:
        >>> dice_of(np.array([[[1, 1, 0]]]), np.array([[[1, 0, 0]]])).round(3).tolist()
        [0.667]
    """
    torch = require_torch()
    return dice(torch.from_numpy(np.asarray(drawn) > 0), torch.from_numpy(np.asarray(truth) > 0)).double().numpy()
