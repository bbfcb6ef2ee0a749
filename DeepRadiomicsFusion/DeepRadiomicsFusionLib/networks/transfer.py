"""Training the last layer on a frozen backbone: when to, and how it is done fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..settings.training_settings import Mode
from .catalogue import layer_of
from .prediction import evaluating, inputs_of

if TYPE_CHECKING:
    import torch
    from torch import nn

LEAST_EVENTS_PER_PARAMETER = 1e-4
"""Below one event for 10,000 weights the last layer alone is suggested. Our rule of thumb: regression asks for
ten events a parameter; networks generalise with far fewer, but published ones of ten million weights saw millions
of labelled images."""


@dataclass(frozen=True)
class ModeSuggestion:
    """Which weights to train, and why in one line."""

    mode: Mode
    reason: str


def suggest_mode(
    parameters: int, head_parameters: int, events: int, *, pretrained: bool, word: str = "events"
) -> ModeSuggestion:
    """Suggest the last layer on a frozen backbone, unless there are many events or nothing was learned before.

    Args:
        parameters: weights of the whole network.
        head_parameters: weights of its last layer.
        events: cases with the outcome, or of the rarer class.
        pretrained: whether the backbone has learned weights.
        word: for ``events`` in the message.

    Raises:
        InputError: a negative number, or more weights in the layer than in the network.

    Example:
        >>> suggest_mode(11_000_000, 513, 60, pretrained=True).mode.value
        'head'
    """
    if events < 0 or not 0 < head_parameters <= parameters:
        raise InputError(f"{events} events for {head_parameters} of {parameters} weights; check the numbers")
    ratio = f"{events} {word} for {parameters:,} weights"
    few = events < LEAST_EVENTS_PER_PARAMETER * parameters
    if not few:
        return ModeSuggestion(Mode.FULL, f"{ratio}: enough to train all of them")
    if not pretrained:
        return ModeSuggestion(
            Mode.FULL,
            f"{ratio} are few, but the backbone has learned nothing that could be kept: expect overfitting, or start "
            "from pre-trained weights and train the last layer only",
        )
    return ModeSuggestion(
        Mode.HEAD,
        f"{ratio}, fewer than 1 for {1 / LEAST_EVENTS_PER_PARAMETER:,.0f}: the backbone stays as it is and only the "
        f"{head_parameters:,} weights of the last layer learn",
    )


def freeze_all_but_heads(network: nn.Module, heads: Sequence[str]) -> None:
    """Leave only some layers trainable.

    Args:
        network: changed in place.
        heads: dotted names of the layers that learn.

    Raises:
        InputError: no layer is named.
    """
    if not heads:
        raise InputError("mode 'head' needs the name of the layer that learns (the network's output_layer)")
    trainable = [layer_of(network, head) for head in heads]
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for layer in trainable:
        for parameter in layer.parameters():
            parameter.requires_grad_(True)


def head_inputs(
    network: nn.Module,
    head: str,
    images: Sequence[np.ndarray],
    *,
    device: torch.device,
    batch_size: int = 16,
    progress: Progress = no_progress,
) -> list[np.ndarray] | None:
    """Run the frozen backbone once over all images and keep what enters the last layer.

    Training that layer on these numbers gives what training it inside the network gives, in a fraction of the time.

    Args:
        network: on the device.
        head: dotted name of the last layer.
        images: n arrays.
        device: where.
        batch_size: images at a time.
        progress: told after each batch.

    Returns:
        n vectors; None if something follows the layer (an activation), so that it cannot be trained alone.
    """
    import torch

    layer = layer_of(network, head)
    entered: list[torch.Tensor] = []
    given: list[torch.Tensor] = []

    def note(_module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        entered.append(inputs[0].float().cpu())
        given.append(output)

    handle = layer.register_forward_hook(note)
    try:
        with evaluating(network):
            for start in range(0, len(images), batch_size):
                rows = np.arange(start, min(start + batch_size, len(images)))
                output = network(*inputs_of(images, None, rows, device))
                if not torch.equal(output, given.pop()):
                    return None
                progress((rows[-1] + 1) / len(images), f"backbone: case {rows[-1] + 1} of {len(images)}")
    finally:
        handle.remove()
    return list(torch.cat(entered).numpy())
