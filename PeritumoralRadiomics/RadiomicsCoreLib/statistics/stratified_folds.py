"""Random folds that keep the share of the two classes, with a clear line where there are too few cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError


def stratified_folds(
    outcome: np.ndarray, folds: int, seed: int | np.random.Generator, *, smallest: int | None = None
) -> np.ndarray:
    """Deal the cases of each class in random order to the folds, the larger class on from where the smaller ended.

    Args:
        outcome: (n,) of 0 and 1.
        folds: number of folds, at least 2.
        seed: number or generator.
        smallest: where a class has fewer cases than ``folds``, as many folds as it has cases are made, but
            not fewer than this; None refuses.

    Returns:
        (n,) fold of each case, from 0; every fold has cases of both classes.

    Raises:
        InputError: too few cases in a class.

    Example:
        >>> sorted(stratified_folds(np.array([0, 0, 1, 1]), 2, seed=0).tolist())
        [0, 0, 1, 1]
    """
    outcome = np.asarray(outcome)
    counts = np.array([np.sum(outcome == 0), np.sum(outcome == 1)])
    if folds < 2:
        raise InputError(f"cross-validation needs at least 2 folds, not {folds}")
    if smallest is not None:
        folds = max(min(folds, int(counts.min())), smallest)
    if counts.min() < folds:
        rarer = int(np.argmin(counts))
        raise InputError(
            f"{folds} folds need at least {folds} cases of each class, and only {counts[rarer]} have outcome {rarer} "
            f"(of {len(outcome)}); take fewer folds or add cases"
        )
    rng = np.random.default_rng(seed)
    fold_of = np.empty(len(outcome), int)
    dealt = 0
    for value in np.argsort(counts, kind="stable"):
        rows = rng.permutation(np.flatnonzero(outcome == value))
        fold_of[rows] = (np.arange(len(rows)) + dealt) % folds
        dealt += len(rows)
    return fold_of


def grouped_folds(
    outcome: np.ndarray,
    groups: Sequence[str],
    folds: int,
    seed: int | np.random.Generator,
    *,
    smallest: int | None = None,
) -> np.ndarray:
    """Deal whole groups, such as the cases of a patient, to stratified folds.

    Args:
        outcome: (n,) of 0 and 1; a group has the outcome if one of its cases has it.
        groups: (n,) names; where each is there once, the folds are those of :func:`stratified_folds`.
        folds, seed, smallest: as there.

    Returns:
        (n,) fold of each case, from 0.

    Raises:
        InputError: too few groups of a class.

    Example:
        >>> fold_of = grouped_folds(np.array([0, 0, 1, 1, 0, 1]), list("aabbcd"), 2, seed=0)
        >>> bool(fold_of[0] == fold_of[1]), bool(fold_of[2] == fold_of[3])
        (True, True)
    """
    names = list(dict.fromkeys(groups))
    if len(names) == len(groups):
        return stratified_folds(outcome, folds, seed, smallest=smallest)
    of_group: dict[str, int] = {}
    for name, value in zip(groups, np.asarray(outcome).tolist(), strict=True):
        of_group[name] = max(of_group.get(name, 0), int(value))
    values = np.array([of_group[name] for name in names])
    if values.min() == values.max():
        raise InputError("every patient has a case with the outcome; folds over patients need some without")
    fold_of = dict(zip(names, stratified_folds(values, folds, seed, smallest=smallest).tolist(), strict=True))
    return np.array([fold_of[name] for name in groups])
