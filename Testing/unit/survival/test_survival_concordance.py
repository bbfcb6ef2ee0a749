"""Concordance against R's survival package, and on bad input."""

from __future__ import annotations

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.validation.concordance import concordance_difference, harrell_c, uno_c


def test_harrells_c_and_its_error_equal_r_on_six_data_sets_with_ties(r_values):
    for case in r_values["concordance"]:
        data = data_of(case["data"])
        own = harrell_c(data["time"], data["event"], data["lp"])
        assert own.index == pytest.approx(case["c"], abs=1e-10), case["data"]
        assert own.se == pytest.approx(case["se"], abs=1e-10), case["data"]
        assert own.concordant == case["counts"]["concordant"]
        assert own.discordant == case["counts"]["discordant"]
        assert own.tied_risk == case["counts"]["tied.x"]


def test_unos_c_equals_r_on_six_data_sets(r_values):
    for case in r_values["concordance"]:
        data = data_of(case["data"])
        own = uno_c(data["time"], data["event"], data["lp"], tau=case["uno_tau"])
        assert own.index == pytest.approx(case["uno"], abs=1e-10), case["data"]


def test_the_difference_of_two_models_equals_r(r_values):
    case, data = r_values["comparison"], data_of("lung")
    small = harrell_c(data["time"], data["event"], case["lp_small"])
    big = harrell_c(data["time"], data["event"], case["lp_big"])
    difference = concordance_difference(small, big)
    assert difference.difference == pytest.approx(case["delta"], abs=1e-10)
    assert difference.se == pytest.approx(case["delta_se"], abs=1e-10)
    assert difference.lower < difference.difference < difference.upper


def test_the_index_does_not_depend_on_the_order_of_patients_and_turns_with_the_sign():
    rng = np.random.default_rng(1)
    time, event, risk = rng.exponential(5, 80).round(1) + 0.1, rng.integers(0, 2, 80), rng.normal(size=80)
    shuffled = rng.permutation(80)
    first = harrell_c(time, event, risk).index
    assert harrell_c(time[shuffled], event[shuffled], risk[shuffled]).index == pytest.approx(first, abs=1e-14)
    assert harrell_c(time, event, -risk).index == pytest.approx(1 - first, abs=1e-14)


def test_without_censoring_unos_c_is_harrells():
    rng = np.random.default_rng(2)
    time, risk = rng.exponential(5, 60), rng.normal(size=60)
    ones = np.ones(60, int)
    assert uno_c(time, ones, risk).index == pytest.approx(harrell_c(time, ones, risk).index, abs=1e-14)


def test_the_interval_covers_the_true_value_in_95_of_100_simulated_cohorts():
    # Two groups with hazards 2:1, no censoring: P(group 1 fails first | different groups) = 2/3.
    truth = 0.5 * 0.5 + 0.5 * (2 / 3)  # half of the pairs are tied in risk
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(500):
        group = np.repeat([0, 1], 100)
        own = harrell_c(rng.exponential(1 / (1.0 + group)), np.ones(200, int), group)
        low, high = own.interval()
        hits += low <= truth <= high
    assert 0.93 <= hits / 500 <= 0.97


@pytest.mark.parametrize(
    ("time", "event", "risk", "words"),
    [
        ([1, 2, 0], [1, 0, 1], [1, 2, 3], "time of patient 3 is 0"),
        ([1, 2, -4], [1, 0, 1], [1, 2, 3], "time of patient 3 is -4"),
        ([1, 2, 3], [1, 2, 1], [1, 2, 3], "event of patient 2 is 2"),
        ([1, 2, 3], [0, 0, 0], [1, 2, 3], "none of the 3 patients had an event"),
        ([1, 2, 3], [1, 0, 1], [1, np.nan, 3], "risk of patient 2 is nan"),
        ([1, 2, 3], [1, 0, 1], [1, 2], "one value for each of the 3 patients"),
        ([3, 1, 1], [1, 0, 0], [1, 2, 3], "no two patients can be compared"),
    ],
)
def test_bad_input_ends_in_one_line_that_names_the_value(time, event, risk, words):
    with pytest.raises(InputError, match=words) as error:
        harrell_c(time, event, risk)
    assert "\n" not in str(error.value)


def test_uno_refuses_a_tau_that_is_not_positive_and_events_that_nobody_is_left_to_weigh():
    with pytest.raises(InputError, match="tau is 0"):
        uno_c([1, 2], [1, 1], [1, 0], tau=0)
    with pytest.raises(InputError, match="give an earlier tau"):
        uno_c([1, 9], [1, 1], [1, 0], censoring=(np.array([1.0, 5.0]), np.array([1, 0])))
