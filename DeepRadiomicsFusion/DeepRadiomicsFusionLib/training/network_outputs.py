"""Outputs of a trained network for the cases of a side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..networks.prediction import predict
from ..settings.training_settings import Task, TrainingSettings
from .segmentation import dice_of
from .training_sides import Side

if TYPE_CHECKING:
    from .loop import TrainedNetwork


def outputs_of(trained: TrainedNetwork, side: Side, settings: TrainingSettings) -> np.ndarray:
    """Outputs of every patient (n, outputs), the mean over the slices; for masks the Dice overlap (n, 1)."""
    cases = side.cases
    found = predict(
        trained.network,
        cases.images,
        scores=cases.scores,
        batch_size=settings.batch_size,
        device=settings.device,
    )
    if cases.task is Task.SEGMENTATION:
        found = dice_of(found.argmax(axis=1), cases.targets)[:, None]
    trained.network.cpu()
    places = np.array(cases.case_ids)
    return np.stack([found[places == case_id].mean(axis=0) for case_id in side.case_ids])
