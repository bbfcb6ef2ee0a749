"""Where a network runs, how much memory it takes there, and what to say when there is too little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError

from ..settings.training_settings import Device
from .catalogue import require_torch

if TYPE_CHECKING:
    import torch
    from torch import nn

_OPTIMISER_COPIES = 4
"""Numbers kept for each trainable weight: itself, its gradient, and Adam's two moments."""


def choose_device(wanted: Device | str = Device.AUTO) -> torch.device:
    """Return the device to run on.

    Raises:
        InputError: an unknown name.
        DependencyError: this machine, or this PyTorch, has no such device.

    Example:
        >>> choose_device("cpu").type
        'cpu'
    """
    torch = require_torch()
    try:
        wanted = Device(wanted)
    except ValueError:
        raise InputError(f"device is {wanted!r}; choose from {', '.join(item.value for item in Device)}") from None
    there = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if wanted is Device.AUTO:
        wanted = next(device for device, is_there in there.items() if is_there)
    if not there[wanted]:
        raise DependencyError(f"device {wanted.value!r} is not available to PyTorch here; choose 'cpu' or 'auto'")
    return torch.device(wanted.value)


@contextmanager
def memory_errors_explained(batch_size: int) -> Iterator[None]:
    """Turn a device's out-of-memory error into one line that says the batch size to try.

    Raises:
        ModelError: in its place.
    """
    torch = require_torch()
    try:
        yield
    except (torch.cuda.OutOfMemoryError, RuntimeError) as error:
        if not isinstance(error, torch.cuda.OutOfMemoryError) and "out of memory" not in str(error).lower():
            raise
        advice = f"try batch_size {batch_size // 2}" if batch_size > 1 else "make the input smaller, or use the CPU"
        raise ModelError(f"the memory of the device is too small for batches of {batch_size}: {advice}") from None


def memory_estimate_mb(
    network: nn.Module, input_shape: tuple[int, ...], batch_size: int, *, training: bool = True, scores: int = 0
) -> float:
    """Estimate the memory that a network needs, without running it.

    Weights, gradients and Adam's moments, plus what every layer gives out, which training keeps for the gradient.
    What the framework itself and the convolutions' work space need comes on top (some hundred MB on CUDA).

    Args:
        network: on any device.
        input_shape: (C, H, W) or (C, D, H, W).
        batch_size: cases a step.
        training: False for inference, where only the largest two layers are held at a time.
        scores: numbers that enter beside the image.

    Returns:
        MB (2**20 bytes), for float32.
    """
    torch = require_torch()
    sizes: list[int] = []

    def note(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, torch.Tensor):
            sizes.append(output.numel())

    leaves = [module for module in network.modules() if not list(module.children())]
    handles = [module.register_forward_hook(note) for module in leaves]
    was_training = network.training
    try:
        state = {name: torch.empty_like(value, device="meta") for name, value in _tensors(network)}
        inputs = [torch.empty(2, *input_shape, device="meta")]
        if scores:
            inputs.append(torch.empty(2, scores, device="meta"))
        network.eval()
        with torch.no_grad():
            torch.func.functional_call(network, state, tuple(inputs))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    weights = sum(value.numel() for _, value in _tensors(network))
    trainable = sum(value.numel() for value in network.parameters() if value.requires_grad)
    outputs = sum(sizes) if training else sum(sorted(sizes)[-2:])
    numbers = weights + outputs / 2 * batch_size + ((_OPTIMISER_COPIES - 1) * trainable if training else 0)
    return numbers * 4 / 2**20


def _tensors(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from network.named_parameters()
    yield from network.named_buffers()
