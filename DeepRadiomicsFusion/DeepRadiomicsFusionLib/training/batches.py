"""Batches of one epoch: shuffled, or with about the same share of events in each, as Cox's likelihood needs."""

from __future__ import annotations

import numpy as np

from RadiomicsCoreLib.errors import InputError


def shuffled_batches(count: int, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Deal ``count`` cases into batches of nearly equal size, at most ``batch_size`` (plus one).

    Batches are evened out so that none holds a single case, which batch normalisation cannot take.

    Args:
        count: number of cases, 1 or more.
        batch_size: most cases a batch.
        rng: shuffles.

    Returns:
        Indices; every case once.

    Example:
        >>> [len(batch) for batch in shuffled_batches(9, 4, np.random.default_rng(0))]
        [3, 3, 3]
    """
    _check(count, batch_size)
    return _dealt(rng.permutation(count), _batch_count(count, batch_size))


def event_balanced_batches(event: np.ndarray, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Deal cases into batches that hold equal numbers of events, to one; none is without an event.

    A batch without an event has a Cox loss of zero and teaches nothing. With fewer events than batches there are
    fewer, larger batches.

    Args:
        event: (n,) 1 for an event.
        batch_size: cases a batch, unless there are too few events.
        rng: shuffles.

    Returns:
        Indices; every case once.

    Raises:
        InputError: no event at all.
    """
    event = np.asarray(event) > 0.5
    _check(len(event), batch_size)
    if not event.any():
        raise InputError("no case has an event; Cox's likelihood needs at least one in the training part")
    number = min(_batch_count(len(event), batch_size), int(event.sum()))
    # Events are dealt first and the others after them in the opposite direction, so that sizes even out too.
    events = _dealt(rng.permutation(np.flatnonzero(event)), number)
    others = _dealt(rng.permutation(np.flatnonzero(~event)), number)[::-1]
    return [rng.permutation(np.concatenate(pair)) for pair in zip(events, others, strict=True)]


def _batch_count(count: int, batch_size: int) -> int:
    """Batches of at most ``batch_size``, but never so many that one would hold a single case."""
    return max(1, min(-(-count // batch_size), count // 2 if batch_size > 1 else count))


def _dealt(order: np.ndarray, number: int) -> list[np.ndarray]:
    return [order[place::number] for place in range(number)]


def _check(count: int, batch_size: int) -> None:
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; give a whole number of 1 or more")
    if count < 1:
        raise InputError("there is no case to train on")
