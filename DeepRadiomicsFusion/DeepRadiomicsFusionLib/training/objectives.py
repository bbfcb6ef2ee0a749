"""What each task makes small, how its batches are dealt, and how its validation loss is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..settings.training_settings import Monitor, Task, TrainingSettings
from .batches import event_balanced_batches, shuffled_batches
from .losses import binary_cross_entropy, cox_loss, dice, segmentation_cross_entropy, soft_dice_loss
from .training_cases import TrainingCases

if TYPE_CHECKING:
    import torch

Loss = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


@dataclass(frozen=True)
class Objective:
    """One task's loss and batches.

    Attributes:
        loss: of outputs (B, ...) and targets (B, ...).
        batches: indices of one epoch's batches.
        needs_whole_cohort: the loss of all cases is not the mean of the batches' losses.
        agreement: of outputs and targets, (B,) each sample's Dice, where it chooses the best epoch; else None.
    """

    loss: Loss
    batches: Callable[[np.random.Generator], list[np.ndarray]]
    needs_whole_cohort: bool
    agreement: Loss | None = None


def make_objective(training: TrainingCases, settings: TrainingSettings) -> Objective:
    """Return the objective of a task on some training cases; class weights come from these cases alone."""
    return _MAKERS[training.task](training, settings)


def positive_weights(labels: np.ndarray) -> np.ndarray:
    """Return negatives / positives of each endpoint (n, E), missing labels left out.

    Example:
        >>> positive_weights(np.array([[1.0], [0.0], [0.0], [np.nan]])).tolist()
        [2.0]
    """
    return (labels == 0).sum(axis=0) / (labels == 1).sum(axis=0)


def _classification(training: TrainingCases, settings: TrainingSettings) -> Objective:
    import torch

    weights = torch.from_numpy(positive_weights(training.targets)).float() if settings.weigh_classes else None

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy(outputs, targets, weights)

    return Objective(loss, _shuffled(training, settings), needs_whole_cohort=True)


def _survival(training: TrainingCases, settings: TrainingSettings) -> Objective:
    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return cox_loss(outputs[:, 0], targets[:, 0], targets[:, 1])

    event = training.targets[:, 1]
    return Objective(loss, lambda rng: event_balanced_batches(event, settings.batch_size, rng), needs_whole_cohort=True)


def _segmentation(training: TrainingCases, settings: TrainingSettings) -> Objective:
    share = settings.dice_weight

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        total = (1 - share) * segmentation_cross_entropy(outputs, targets)
        return total + share * soft_dice_loss(outputs, targets) if share else total

    def agreement(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return dice(outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(dim=1) > 0, targets > 0)

    monitored = agreement if settings.monitor is Monitor.DICE else None
    return Objective(loss, _shuffled(training, settings), needs_whole_cohort=False, agreement=monitored)


def _shuffled(training: TrainingCases, settings: TrainingSettings) -> Callable[[np.random.Generator], list[np.ndarray]]:
    return lambda rng: shuffled_batches(len(training), settings.batch_size, rng)


_MAKERS: dict[Task, Callable[[TrainingCases, TrainingSettings], Objective]] = {
    Task.CLASSIFICATION: _classification,
    Task.SURVIVAL: _survival,
    Task.SEGMENTATION: _segmentation,
}
