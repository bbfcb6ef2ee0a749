"""Trains a network: epochs, early stopping, a checkpoint after each, and the same result after a kill.

All randomness of an epoch comes from the seed and the epoch's number, so that a training that was killed and
resumed takes the same steps as one that was not. On the CPU, with the same number of threads, the final weights
are equal to the last bit.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.files.provenance import hash_settings
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..networks.catalogue import layer_of
from ..networks.checkpoints import Checkpoint, State, copy_of_state, last_checkpoint, load_checkpoint, save_checkpoint
from ..networks.devices import choose_device, memory_errors_explained
from ..networks.prediction import evaluating, inputs_of
from ..networks.transfer import freeze_all_but_heads, head_inputs
from ..settings.augmentation import Augmentation, augment
from ..settings.training_settings import Mode, Task, TrainingSettings, make_optimiser
from .loss_curve import Losses
from .objectives import Objective, make_objective
from .training_cases import TrainingCases, refuse_shared_cases, split_cases

if TYPE_CHECKING:
    import torch
    from torch import nn

LOG = logging.getLogger(__name__)
Watch = Callable[[Losses], None]


def ignore_losses(losses: Losses) -> None:
    """Do nothing with the losses; the default of :func:`train_network`'s ``watch``."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network.

    Attributes:
        network: with the weights of the best epoch, on the CPU, in evaluation mode.
        losses: of every epoch.
        stopped_early: whether the patience ran out.
        validation_ids: cases that chose the best epoch; empty without validation.
        settings: what it was trained with.
    """

    network: nn.Module
    losses: Losses
    stopped_early: bool
    validation_ids: tuple[str, ...]
    settings: TrainingSettings


def train_network(
    network: nn.Module,
    training: TrainingCases,
    settings: TrainingSettings,
    *,
    validation: TrainingCases | None = None,
    heads: Sequence[str] = (),
    folder: Path | str | None = None,
    progress: Progress = no_progress,
    watch: Watch = ignore_losses,
) -> TrainedNetwork:
    """Train a network, or go on with a training that was stopped.

    Args:
        network: changed in place. Its outputs: one for each endpoint, one for a risk, one or two for a mask.
        training: cases to learn from.
        settings: how.
        validation: cases that choose the best epoch; None sets ``settings.validation_fraction`` of the training
            cases aside.
        heads: layers that learn in mode ``head``.
        folder: where a checkpoint is written after every epoch, and looked for at the start; None: nowhere.
        progress: told after each batch. Raising Cancelled from it stops; the last checkpoint stays.
        watch: given the losses after each epoch, for a live curve.

    Returns:
        The network with the weights of the lowest validation loss, or the highest Dice if ``settings.monitor`` says so
        (of the last epoch without validation).

    Raises:
        InputError: cases of another task, a patient in training and validation, or a folder of another training.
        ModelError: the loss became NaN (the last good checkpoint stays), a checkpoint is torn, or the device's
            memory is too small (the message says the batch size to try).

    Example:
        >>> import torch
        >>> from DeepRadiomicsFusionLib.training.training_cases import labelled_cases
        >>> images = [np.full((1, 2, 2), i % 2, np.float32) for i in range(12)]
        >>> cases = labelled_cases([str(i) for i in range(12)], images, [i % 2 for i in range(12)])
        >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1))
        >>> settings = TrainingSettings("classification", learning_rate=0.1, epochs=2, device="cpu")
        >>> len(train_network(network, cases, settings).losses)
        2
    """
    for cases in (training, validation):
        if cases is not None and cases.task is not settings.task:
            raise InputError(f"the settings are for {Task(settings.task).value}, the cases for {cases.task.value}")
    if validation is None and settings.validation_fraction > 0:
        training, validation = split_cases(training, settings.validation_fraction, settings.seed)
    if validation is not None:
        refuse_shared_cases(training, validation, "validation")
    device = choose_device(settings.device)
    network.to(device)
    if settings.mode is Mode.HEAD:
        freeze_all_but_heads(network, heads)
        short_cut = _head_alone(network, heads, training, validation, settings, device, progress)
        if short_cut is not None:
            layer, training, validation, progress = short_cut
            run = _Run(layer, (), training, validation, settings, device)
            return replace(run.train(_path(folder), progress, watch), network=network.cpu().eval())
    run = _Run(network, tuple(heads), training, validation, settings, device)
    return run.train(_path(folder), progress, watch)


def _path(folder: Path | str | None) -> Path | None:
    return None if folder is None else Path(folder)


def _head_alone(
    network: nn.Module,
    heads: Sequence[str],
    training: TrainingCases,
    validation: TrainingCases | None,
    settings: TrainingSettings,
    device: torch.device,
    progress: Progress,
) -> tuple[nn.Module, TrainingCases, TrainingCases | None, Progress] | None:
    """Return the last layer and what enters it, where training it alone is the same thing; else None."""
    if len(heads) != 1 or training.scores is not None or not _augmentation(settings).is_none:
        return None
    found: list[TrainingCases | None] = []
    for cases, start in ((training, 0.0), (validation, 0.4)):
        if cases is None:
            found.append(None)
            continue
        with memory_errors_explained(settings.batch_size):
            inputs = head_inputs(
                network,
                heads[0],
                cases.images,
                device=device,
                batch_size=settings.batch_size,
                progress=part_of(progress, start, start + 0.4),
            )
        if inputs is None:
            return None
        found.append(replace(cases, images=inputs))
    assert found[0] is not None
    return layer_of(network, heads[0]), found[0], found[1], part_of(progress, 0.8, 1.0)


def _augmentation(settings: TrainingSettings) -> Augmentation:
    assert isinstance(settings.augmentation, Augmentation)  # a name was resolved by the settings
    return settings.augmentation


class _Run:
    """One training: the network, the optimiser and the losses so far."""

    def __init__(
        self,
        network: nn.Module,
        heads: tuple[str, ...],
        training: TrainingCases,
        validation: TrainingCases | None,
        settings: TrainingSettings,
        device: torch.device,
    ) -> None:
        import torch

        self.network, self.heads, self.settings, self.device = network, heads, settings, device
        self.training, self.validation = training, validation
        self.objective: Objective = make_objective(training, settings)
        self.optimiser = make_optimiser(network, settings)
        self.uses_half = settings.mixed_precision and device.type == "cuda"
        self.scaler = torch.amp.GradScaler("cuda", enabled=self.uses_half)
        self.losses = Losses()
        self.steps = 0
        self.best: State = copy_of_state(network)

    # --- the epochs ---

    def train(self, folder: Path | None, progress: Progress, watch: Watch) -> TrainedNetwork:
        self._resume(folder)
        while len(self.losses) < self.settings.epochs and not self._patience_is_over():
            epoch = len(self.losses)
            share = part_of(progress, epoch / self.settings.epochs, (epoch + 1) / self.settings.epochs)
            with memory_errors_explained(self.settings.batch_size):
                trained = self._epoch(epoch, share)
                validated, overlap = self._validation()
            self._check_finite(validated, f"the validation loss of epoch {epoch + 1}")
            self.losses = self.losses.with_epoch(trained, validated, overlap)
            if self.losses.best_epoch == len(self.losses):
                self.best = copy_of_state(self.network)
            if folder is not None:
                save_checkpoint(folder, self._checkpoint())
            watch(self.losses)
        self.network.load_state_dict(self.best)
        progress(1.0, self.losses.summary)
        ids = () if self.validation is None else tuple(dict.fromkeys(self.validation.case_ids))
        return TrainedNetwork(self.network.cpu().eval(), self.losses, self._patience_is_over(), ids, self.settings)

    def _patience_is_over(self) -> bool:
        patience = self.settings.patience
        if patience is None or self.validation is None or not len(self.losses):
            return False
        return len(self.losses) - self.losses.best_epoch >= patience

    def _epoch(self, epoch: int, progress: Progress) -> float:
        import torch

        rng = np.random.default_rng([self.settings.seed, epoch])
        batches = self.objective.batches(rng)
        _set_modes(self.network, self.settings, self.heads)
        total, seen = 0.0, 0
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(int(rng.integers(2**62)))  # dropout
            for number, rows in enumerate(batches):
                loss = self._step(rows, epoch, rng)
                self._check_finite(loss, f"the loss in epoch {epoch + 1}, batch {number + 1} of {len(batches)},")
                total, seen = total + loss * len(rows), seen + len(rows)
                progress((number + 1) / len(batches), self._message(epoch, total / seen))
        return total / seen

    def _step(self, rows: np.ndarray, epoch: int, rng: np.random.Generator) -> float:
        import torch

        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate_at(self.steps, epoch)
        inputs, targets = self._batch(rows, rng)
        self.optimiser.zero_grad(set_to_none=True)
        half = torch.autocast("cuda", dtype=torch.float16) if self.uses_half else nullcontext()
        with half:
            outputs = self.network(*inputs)
        loss = self.objective.loss(outputs, targets)
        value = float(loss.detach())
        if math.isfinite(value):
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimiser)
            self.scaler.update()
            self.steps += 1
        return value

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
        import torch

        cases, settings = self.training, _augmentation(self.settings)
        image, *scores = inputs_of(cases.images, cases.scores, rows, torch.device("cpu"))
        targets = torch.from_numpy(cases.targets[rows])
        masks = targets if cases.task is Task.SEGMENTATION else None
        image, masks = augment(image, settings, rng, masks)
        targets = targets if masks is None else masks
        return tuple(item.to(self.device) for item in (image, *scores)), targets.to(self.device)

    def _validation(self) -> tuple[float | None, float | None]:
        """Loss over all validation cases at once where it is not a mean over batches, as for Cox; and mean Dice."""
        import torch

        cases, agreement = self.validation, self.objective.agreement
        if cases is None:
            return None, None
        outputs, weighted, overlap = [], 0.0, 0.0
        with evaluating(self.network):
            for start in range(0, len(cases), self.settings.batch_size):
                rows = np.arange(start, min(start + self.settings.batch_size, len(cases)))
                output = self.network(*inputs_of(cases.images, cases.scores, rows, self.device)).cpu()
                targets = torch.from_numpy(cases.targets[rows])
                if self.objective.needs_whole_cohort:
                    outputs.append(output)
                else:
                    weighted += float(self.objective.loss(output, targets)) * len(rows)
                if agreement is not None:
                    overlap += float(agreement(output, targets).sum())
            if self.objective.needs_whole_cohort:
                weighted = float(self.objective.loss(torch.cat(outputs), torch.from_numpy(cases.targets))) * len(cases)
        return weighted / len(cases), None if agreement is None else overlap / len(cases)

    def _check_finite(self, loss: float | None, what: str) -> None:
        if loss is None or math.isfinite(loss):
            return
        self.network.load_state_dict(self.best)
        done = len(self.losses)
        kept = f"the weights of epoch {self.losses.best_epoch} were kept" if done else "no epoch was finished"
        raise ModelError(
            f"{what} became {loss}; {kept}. Try a lower learning_rate than {self.settings.learning_rate:g}, and check "
            "the images for extreme values"
        )

    def _message(self, epoch: int, loss: float) -> str:
        best = f", best {self.losses.best_text}" if self.validation and len(self.losses) else ""
        return f"epoch {epoch + 1} of {self.settings.epochs}, loss {loss:.4f}{best}"

    # --- checkpoints ---

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            len(self.losses),
            copy_of_state(self.network),
            self.best,
            {"optimiser": self.optimiser.state_dict(), "scaler": self.scaler.state_dict()},
            {
                "fingerprint": self._fingerprint(),
                "steps": self.steps,
                "losses": self.losses.to_dict(),
                "settings": self.settings.to_dict(),
            },
        )

    def _resume(self, folder: Path | None) -> None:
        path = None if folder is None else last_checkpoint(folder)
        if path is None:
            return
        checkpoint = load_checkpoint(path)
        if checkpoint.record.get("fingerprint") != self._fingerprint():
            raise InputError(
                f"{folder} holds another training (settings, cases or network differ); choose an empty folder"
            )
        try:
            self.network.load_state_dict(checkpoint.network)
            self.optimiser.load_state_dict(checkpoint.optimiser["optimiser"])
            self.scaler.load_state_dict(checkpoint.optimiser["scaler"])
            self.losses = Losses.from_dict(checkpoint.record["losses"])
            self.steps, self.best = int(checkpoint.record["steps"]), checkpoint.best
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            LOG.debug("resuming from %s", path, exc_info=True)
            raise ModelError(
                f"the checkpoint {path} cannot be used ({type(error).__name__}); delete it to start again"
            ) from None
        LOG.info("going on after epoch %d of %s", checkpoint.epochs_done, folder)

    def _fingerprint(self) -> str:
        """Tells whether a checkpoint belongs to this training; the number of epochs and the device may change."""
        settings = self.settings.to_dict()
        for free in ("epochs", "patience", "device"):
            settings.pop(free)
        record: dict[str, object] = {
            "settings": settings,
            "training": self.training.case_ids,
            "validation": None if self.validation is None else self.validation.case_ids,
            "targets": hashlib.sha256(np.ascontiguousarray(self.training.targets).tobytes()).hexdigest(),
            "input": list(self.training.images[0].shape),
            "scores": None if self.training.scores is None else hash_settings(self.training.scores.tolist()),
            "weights": [[name, list(value.shape)] for name, value in self.network.state_dict().items()],
        }
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _set_modes(network: nn.Module, settings: TrainingSettings, heads: tuple[str, ...]) -> None:
    """Training mode; a frozen backbone stays in evaluation mode, or its normalisation would follow the batches."""
    if settings.mode is Mode.HEAD and heads:
        network.eval()
        for head in heads:
            layer_of(network, head).train()
    else:
        network.train()
