"""Harrell's C with the jackknife, against the survival library's own and against patients drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from DeepRadiomicsFusionLib.evaluation.survival_score import survival_score
from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.concordance import harrell_c


def patients(rng, count):
    risk = rng.normal(size=count).round(1)  # with ties
    time, end = rng.exponential(np.exp(-risk)), rng.exponential(1.5, count)
    return np.minimum(time, end).round(2) + 0.01, (time <= end).astype(float), risk


def test_the_value_is_that_of_the_survival_library_ties_included():
    time, event, risk = patients(np.random.default_rng(0), 120)
    found = survival_score(time, event, risk)
    expected = harrell_c(time, event, risk)
    assert found.value == pytest.approx(expected.index, abs=1e-12)
    assert found.upper - found.lower == pytest.approx(2 * 1.96 * expected.se, rel=0.05)
    assert (found.cases, found.events) == (120, int(event.sum()))


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth = survival_score(*patients(rng, 2000)).value
    held = [found.lower <= truth <= found.upper for found in (survival_score(*patients(rng, 60)) for _ in range(200))]
    assert 0.90 <= np.mean(held) <= 0.99


def test_where_nothing_can_be_compared_one_line_says_so():
    with pytest.raises(InputError, match="no event among the 2 cases"):
        survival_score([1, 2], [0, 0], [0.0, 1.0])
    with pytest.raises(InputError, match="2 times, 2 events and 1 risks"):
        survival_score([1, 2], [0, 1], [0.0])
    with pytest.raises(InputError, match="the risk of case 2 is nan"):
        survival_score([1, 2], [1, 1], [0.0, np.nan])


def test_patients_of_different_groups_are_not_compared():
    """Each group's risks have a zero of their own: a shift of one group changes nothing."""
    time, event, risk = patients(np.random.default_rng(2), 90)
    groups = np.arange(90) % 3
    found = survival_score(time, event, risk, groups)
    assert survival_score(time, event, risk + 10 * groups, groups).value == pytest.approx(found.value)
    of_each = [survival_score(*(values[groups == k] for values in (time, event, risk))) for k in range(3)]
    assert min(one.value for one in of_each) < found.value < max(one.value for one in of_each)
    concordant = pairs = 0.0
    for i in range(90):
        for j in range(90):
            if groups[i] == groups[j] and event[i] and (time[i] < time[j] or (time[i] == time[j] and not event[j])):
                pairs += 1
                concordant += 1.0 if risk[i] > risk[j] else 0.5 * (risk[i] == risk[j])
    assert found.value == pytest.approx(concordant / pairs)
