"""Out-of-fold signatures: each training case is predicted by a network that was trained without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, part_of

from ..networks.rad_score_network import fit_score_scaling
from ..settings.training_settings import TrainingSettings
from .loop import train_network
from .loss_curve import Losses
from .network_outputs import outputs_of
from .training_cases import split_cases
from .training_folds import training_folds

if TYPE_CHECKING:
    from .train_plan import TrainPlan
    from .training_sides import Side

FOLDER = "folds"


@dataclass(frozen=True)
class CrossFit:
    """What networks say of the cases that they did not see.

    Attributes:
        outputs: (n, outputs) of the training cases, in their order: logits, log risks, or Dice.
        fold_of: (n,) the fold that each was left out with, from 0.
        losses: of each fold's training.
    """

    outputs: np.ndarray
    fold_of: np.ndarray
    losses: tuple[Losses, ...]


def planned_folds(job: TrainPlan, side: Side, settings: TrainingSettings) -> np.ndarray:
    """Deal the training cases to the folds, and see that each fold's training can set its validation cases aside.

    To be asked before the first training, so that nobody waits for hours to be told.

    Raises:
        InputError: too few patients for the folds.
    """
    fold_of = training_folds(side.cases, job.folds, settings.seed)
    for fold in range(job.folds if settings.validation_fraction > 0 else 0):
        try:
            split_cases(side.cases.rows(np.flatnonzero(fold_of != fold)), settings.validation_fraction, settings.seed)
        except InputError as error:
            raise InputError(f"without fold {fold + 1} of {job.folds}, {error}; or take more folds") from None
    return fold_of


def cross_fit(
    job: TrainPlan,
    side: Side,
    settings: TrainingSettings,
    out: Path,
    progress: Progress,
    draw: Callable[[Path, Losses], None],
) -> CrossFit:
    """Train one network for each fold without the fold's patients, all with the same settings.

    Nothing is shared between the folds but the settings: each starts from the same weights, scales the RadScores by
    its own training cases, and sets its own validation cases aside. Run again into the same folder, it goes on where
    it stopped.

    Args:
        job: what is trained, with the number of folds.
        side: the training cases.
        settings: of the training.
        out: ``folds/fold_<k>`` below it take checkpoints and loss curve.
        progress: told after each batch.
        draw: draws losses into a file, after each epoch.

    Raises:
        InputError: too few patients for the folds.
        ModelError: as :func:`~DeepRadiomicsFusionLib.training.loop.train_network`.
        Cancelled: from ``progress``; the last checkpoint stays.
    """
    fold_of = planned_folds(job, side, settings)
    found: dict[str, tuple[int, np.ndarray]] = {}
    losses = []
    for fold in range(job.folds):
        part = part_of(progress, fold / job.folds, (fold + 1) / job.folds)
        training = side.cases.rows(np.flatnonzero(fold_of != fold))
        network = job.new_network()
        if job.scores and training.scores is not None:
            fit_score_scaling(network, training.scores)
        folder = out / FOLDER / f"fold_{fold + 1}"
        trained = train_network(
            network,
            training,
            settings,
            heads=job.heads,
            folder=folder / "checkpoints",
            progress=_told(part, f"fold {fold + 1} of {job.folds}, "),
            watch=partial(draw, folder / "loss_curve.png"),
        )
        left_out = side.rows(np.flatnonzero(fold_of == fold))
        outputs = outputs_of(trained, left_out, settings)
        found |= {case: (fold, row) for case, row in zip(left_out.case_ids, outputs, strict=True)}
        losses.append(trained.losses)
    return CrossFit(
        np.stack([found[case][1] for case in side.case_ids]),
        np.array([found[case][0] for case in side.case_ids]),
        tuple(losses),
    )


def _told(progress: Progress, before: str) -> Progress:
    return lambda fraction, message: progress(fraction, before + message)
