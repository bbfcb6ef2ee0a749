"""Comparable pairs against counting them one by one."""

from __future__ import annotations

import numpy as np
import pytest

from RadiomicsCoreLib.statistics.comparable_pairs import pair_sums


def pairs_one_by_one(time, event, risk, weight):
    """The slow, obvious count of weighted pairs: concordant, discordant, tied risk, for each patient."""
    sums = np.zeros((3, len(time)))
    for i in range(len(time)):
        for j in range(len(time)):
            comes_first = time[i] < time[j] or (time[i] == time[j] and not event[j])
            if i == j or not event[i] or not comes_first:
                continue
            kind = 2 if risk[i] == risk[j] else int(risk[i] < risk[j])
            sums[kind, [i, j]] += weight[i]
    return sums


@pytest.mark.parametrize("seed", range(6))
def test_the_merge_count_equals_counting_pair_by_pair(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    time, risk = rng.integers(1, 8, n).astype(float), rng.integers(0, 5, n).astype(float)
    event = rng.integers(0, 2, n)
    # Uno's weights depend on the event's time alone.
    weight = np.array([0.5 + 0.25 * t for t in time])
    np.testing.assert_allclose(
        np.array(pair_sums(time, event, risk, weight)), pairs_one_by_one(time, event, risk, weight), atol=1e-9
    )


def test_a_patient_alone_is_in_no_pair():
    assert [found.tolist() for found in pair_sums(np.ones(1), np.ones(1), np.ones(1), np.ones(1))] == [[0.0]] * 3
