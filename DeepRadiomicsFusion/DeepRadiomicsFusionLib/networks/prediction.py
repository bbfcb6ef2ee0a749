"""Runs a network over many cases: batches, device, no gradients, and next to no time of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..settings.training_settings import Device
from .devices import choose_device, memory_errors_explained

if TYPE_CHECKING:
    import torch
    from torch import nn


def predict(
    network: nn.Module,
    images: Sequence[np.ndarray],
    *,
    scores: np.ndarray | None = None,
    batch_size: int = 16,
    device: Device | str = Device.AUTO,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Return what a network gives for each case: logits, log risks, or maps of logits.

    Args:
        network: moved to the device, and left in the mode it was in.
        images: n arrays (C, H, W) or (C, D, H, W).
        scores: (n, R) that enter beside the image.
        batch_size: cases at a time.
        device: where.
        progress: told after each batch.

    Returns:
        float32, (n, outputs) or (n, labels, ...). Probabilities are :func:`probability` of it.

    Raises:
        InputError: no images, or other numbers of scores than of images.
        ModelError: the device's memory is too small; the message says the batch size to try.
    """
    if not len(images):
        raise InputError("there is no image to run the network on")
    if scores is not None and len(scores) != len(images):
        raise InputError(f"there are {len(images)} images and {len(scores)} rows of scores; give one a case")
    place = choose_device(device)
    network.to(place)
    outputs = []
    with evaluating(network), memory_errors_explained(batch_size):
        for start in range(0, len(images), batch_size):
            rows = np.arange(start, min(start + batch_size, len(images)))
            outputs.append(network(*inputs_of(images, scores, rows, place)).float().cpu())
            progress((rows[-1] + 1) / len(images), f"case {rows[-1] + 1} of {len(images)}")
    return np.concatenate([output.numpy() for output in outputs])


def probability(logits: np.ndarray) -> np.ndarray:
    """Return the logistic function of logits: wu2021's DL signature.

    Example:
        >>> probability(np.array([0.0])).tolist()
        [0.5]
    """
    return np.exp(-np.logaddexp(0, -np.asarray(logits, float)))


def inputs_of(
    images: Sequence[np.ndarray], scores: np.ndarray | None, rows: np.ndarray, device: torch.device
) -> tuple[torch.Tensor, ...]:
    """Return the tensors that go into a network for some cases."""
    import torch

    # One image needs no copy; from_numpy shares its memory.
    stacked = images[rows[0]][np.newaxis] if len(rows) == 1 else np.stack([images[row] for row in rows])
    image = torch.from_numpy(np.ascontiguousarray(stacked, np.float32)).to(device)
    if scores is None:
        return (image,)
    return image, torch.from_numpy(np.asarray(scores[rows], np.float32)).to(device)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Run the block with the network in evaluation mode and without gradients; each module gets its mode back."""
    import torch

    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, was_training in modes:
            module.training = was_training
