"""Folds of training cases: every class of every endpoint in proportion, and a patient's cases together."""

from __future__ import annotations

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..settings.training_settings import Task
from .training_cases import TrainingCases, is_usable

_TRIES = 50


def training_folds(cases: TrainingCases, folds: int, seed: int) -> np.ndarray:
    """Deal the patients to folds so that a network can be trained without any one of them.

    Args:
        cases: to deal; missing labels are allowed.
        folds: at least 2.
        seed: of the random order.

    Returns:
        (n,) fold of each sample, from 0.

    Raises:
        InputError: too few patients: without some fold an endpoint would have one class only, or no event be left.

    Example:
        >>> from DeepRadiomicsFusionLib.training.training_cases import labelled_cases
        >>> cases = labelled_cases(list("abcdef"), [np.zeros((1, 8, 8))] * 6, [0, 0, 0, 1, 1, 1])
        >>> sorted(training_folds(cases, 3, seed=0).tolist())
        [0, 0, 1, 1, 2, 2]

    Reference: Sechidis K et al. On the stratification of multi-label data. ECML PKDD 2011 (iterative stratification).
    """
    if folds < 2:
        raise InputError(f"folds is {folds}; out-of-fold signatures need at least 2")
    names = list(dict.fromkeys(cases.groups))
    labels = _labels(cases, names)
    for attempt in range(_TRIES):
        dealt = _dealt(labels, folds, np.random.default_rng([seed, attempt, 0xF01D]))
        fold_of = dict(zip(names, dealt.tolist(), strict=True))
        rows = np.array([fold_of[name] for name in cases.groups])
        if set(dealt.tolist()) == set(range(folds)) and all(is_usable(cases, rows != k) for k in range(folds)):
            return rows
    what = "an event" if cases.task is Task.SURVIVAL else "both classes of every endpoint"
    raise InputError(
        f"{len(names)} patients are too few for {folds} folds: without one of them {what} would not be left to train "
        "on; take fewer folds"
    )


def _labels(cases: TrainingCases, names: list[str]) -> np.ndarray:
    """What is dealt in proportion, (patients, columns) of truths: each class of each endpoint, or event and none."""
    if cases.task is Task.SEGMENTATION:
        return np.zeros((len(names), 0), bool)
    values = cases.targets[:, 1:2] if cases.task is Task.SURVIVAL else cases.targets
    held = np.concatenate([values == 1, values == 0], axis=1)
    place = {name: row for row, name in enumerate(names)}
    found = np.zeros((len(names), held.shape[1]), bool)
    np.logical_or.at(found, [place[name] for name in cases.groups], held)
    return found


def _dealt(labels: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal the rarest class that is left first, each patient to the fold that lacks most of it."""
    count = len(labels)
    wanted = np.repeat(labels.sum(axis=0)[np.newaxis] / folds, folds, axis=0)
    room = np.full(folds, count / folds)
    fold_of = np.full(count, -1)
    while (left := np.flatnonzero(fold_of < 0)).size:
        counts = labels[left].sum(axis=0)
        rarest = int(np.argmin(np.where(counts > 0, counts, count + 1))) if counts.any() else None
        members = left if rarest is None else left[labels[left, rarest]]
        for member in rng.permutation(members):
            lacking = room if rarest is None else wanted[:, rarest]
            fold = int(np.lexsort((rng.random(folds), room, lacking))[-1])
            fold_of[member] = fold
            wanted[fold] -= labels[member]
            room[fold] -= 1
    return fold_of
