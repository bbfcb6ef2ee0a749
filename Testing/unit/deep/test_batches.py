"""Batches: every case once, sizes even, and an event in each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from DeepRadiomicsFusionLib.training.batches import event_balanced_batches, shuffled_batches
from RadiomicsCoreLib.errors import InputError


@given(st.integers(1, 120), st.integers(2, 40), st.integers(0, 5))
def test_every_case_comes_once_and_no_batch_is_too_large_or_a_single_case(count, size, seed):
    batches = shuffled_batches(count, size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    lengths = [len(batch) for batch in batches]
    assert max(lengths) <= max(size, 3)
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= min(2, count)


@given(st.lists(st.booleans(), min_size=2, max_size=120).filter(any), st.integers(1, 40), st.integers(0, 5))
def test_events_are_dealt_evenly_and_no_batch_lacks_one(event, size, seed):
    batches = event_balanced_batches(np.array(event), size, np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(event)))
    events = [int(np.array(event)[batch].sum()) for batch in batches]
    assert min(events) >= 1
    assert max(events) - min(events) <= 1
    assert max(map(len, batches)) - min(map(len, batches)) <= 1


def test_the_same_generator_deals_the_same_and_the_next_epoch_differs():
    event = np.arange(30) % 3 == 0
    one, other, next_epoch = (
        event_balanced_batches(event, 8, np.random.default_rng(s)) for s in ([1, 0], [1, 0], [1, 1])
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, next_epoch, strict=True))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: event_balanced_batches(np.zeros(5), 2, rng), "no case has an event"),
        (lambda rng: shuffled_batches(5, 0, rng), "batch_size is 0"),
        (lambda rng: shuffled_batches(0, 4, rng), "no case to train on"),
    ],
)
def test_what_cannot_be_dealt_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call(np.random.default_rng(0))
