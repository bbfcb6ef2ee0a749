"""A training's state after every epoch, in a folder that a kill at any moment leaves usable.

``epoch_0007/`` holds ``network.safetensors`` (the weights now), ``best.safetensors`` (at the lowest validation
loss), ``optimiser.pt`` (tensors and numbers, read by PyTorch's weights-only reader) and ``state.json``. It is
written beside and renamed when complete; the one before is deleted after that. Nothing in it can run code.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError
from RadiomicsCoreLib.files.tables import read_json, write_json

from .catalogue import require_torch
from .weights import read_tensors

if TYPE_CHECKING:
    import torch

State = dict[str, "torch.Tensor"]
NETWORK_FILE, BEST_FILE, OPTIMISER_FILE, STATE_FILE = (
    "network.safetensors",
    "best.safetensors",
    "optimiser.pt",
    "state.json",
)
_NAME = re.compile(r"epoch_(\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """What is needed to go on after an epoch.

    Attributes:
        epochs_done: number of finished epochs.
        network: weights and buffers now.
        best: those at the lowest validation loss.
        optimiser: the optimiser's and the loss scaler's ``state_dict``.
        record: plain values: losses so far, settings, who was trained on.
    """

    epochs_done: int
    network: State
    best: State
    optimiser: dict[str, Any]
    record: dict[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and delete the ones before it.

    Returns:
        Its folder.

    Raises:
        InputError: the folder cannot be written.
    """
    torch = require_torch()
    target = folder / f"epoch_{checkpoint.epochs_done:04d}"
    partial = folder / f".{target.name}.{uuid.uuid4().hex[:8]}.partial"
    try:
        partial.mkdir(parents=True)
        save_tensors(partial / NETWORK_FILE, checkpoint.network)
        save_tensors(partial / BEST_FILE, checkpoint.best)
        torch.save(checkpoint.optimiser, partial / OPTIMISER_FILE)
        write_json(partial / STATE_FILE, {"epochs_done": checkpoint.epochs_done} | checkpoint.record)
        if target.exists():
            shutil.rmtree(target)
        os.replace(partial, target)
    except OSError as error:
        raise InputError(
            f"the checkpoint {target} cannot be written: {error.strerror}; choose another folder"
        ) from None
    for old in folder.iterdir():
        if old != target and (_NAME.fullmatch(old.name) or old.name.endswith(".partial")):
            shutil.rmtree(old, ignore_errors=True)
    return target


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint of a folder; None if there is none."""
    if not folder.is_dir():
        return None
    found = {int(match[1]): path for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))}
    return found[max(found)] if found else None


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is run.

    Raises:
        ModelError: a file of it is missing, torn, or holds more than tensors and plain values.
    """
    try:
        record = read_json(path / STATE_FILE)
        optimiser = require_torch().load(path / OPTIMISER_FILE, map_location="cpu", weights_only=True)
        network, best = read_tensors(path / NETWORK_FILE), read_tensors(path / BEST_FILE)
        return Checkpoint(int(record.pop("epochs_done")), network, best, optimiser, record)
    except Exception as error:  # each reader has errors of its own for a file that is torn or hostile
        raise ModelError(
            f"the checkpoint {path} cannot be read ({type(error).__name__}); it was not run. Delete it to start again"
        ) from None


def save_tensors(path: Path, state: State) -> None:
    """Write named tensors as a safetensors file.

    Raises:
        DependencyError: the package is missing.
    """
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise DependencyError("writing weights needs a package: run 'pip install safetensors'") from None
    save_file({name: value.detach().cpu().contiguous().clone() for name, value in state.items()}, str(path))


def copy_of_state(network: torch.nn.Module) -> State:
    """Return a copy of a network's weights and buffers on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
