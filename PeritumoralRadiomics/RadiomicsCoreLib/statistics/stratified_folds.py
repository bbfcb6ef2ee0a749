"""Random folds that keep the share of the two classes, with a clear line where there are too few cases."""

from __future__ import annotations

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
