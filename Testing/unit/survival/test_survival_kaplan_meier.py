"""Kaplan-Meier, log-rank, median and restricted mean against R's survival package."""

from __future__ import annotations

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.estimation.kaplan_meier import (
    censoring_weights,
    compare_groups,
    curves_table,
    kaplan_meier,
    median_follow_up,
    survival_at,
)


def numbers(values):
    return np.array([np.nan if value is None else value for value in np.atleast_1d(values)], float)


def test_survival_interval_and_median_equal_r(r_values):
    for case in r_values["kaplan_meier"]:
        data = data_of(case["data"])
        for level in case["curves"]:
            inside = data[case["column"]].astype(str) == str(level["level"])
            curve = kaplan_meier(data["time"][inside], data["event"][inside])
            table, truth = curve.table_at(level["times"]), level["log-log"]
            for column in ("survival", "lower", "upper", "se"):
                np.testing.assert_allclose(table[column], numbers(truth[column]), atol=1e-10)
            assert table["at_risk"].tolist() == truth["at_risk"]
            np.testing.assert_allclose(curve.median(), numbers(truth["median"]))


def test_the_restricted_mean_and_its_error_equal_r(r_values):
    for case in r_values["kaplan_meier"]:
        data = data_of(case["data"])
        for level in case["curves"]:
            inside = data[case["column"]].astype(str) == str(level["level"])
            curve = kaplan_meier(data["time"][inside], data["event"][inside])
            for share in (0.5, 1):
                own = curve.restricted_mean(share * curve.last_time)
                np.testing.assert_allclose(own, level[f"rmean_{share:g}"], rtol=1e-10)


def test_log_rank_and_hazard_ratios_equal_r(r_values):
    for case in r_values["kaplan_meier"]:
        data = data_of(case["data"])
        own = compare_groups(data["time"], data["event"], data[case["column"]])
        assert own.chi_square == pytest.approx(case["chisq"], rel=1e-9)
        assert own.p_value == pytest.approx(case["p"], abs=1e-9)
        truth = np.column_stack([np.atleast_1d(case[name]) for name in ("hr", "hr_lower", "hr_upper")])
        np.testing.assert_allclose(np.array(list(own.hazard_ratios.values())), truth, rtol=1e-6)


def test_the_group_table_holds_one_row_a_group_with_all_that_a_paper_reports():
    data = data_of("lung")
    table = compare_groups(data["time"], data["event"], data["sex"], levels=["male", "female"]).table(365)
    assert table["group"].tolist() == ["male", "female"]
    assert table["n"].sum() == len(data)
    assert table["events"].sum() == data["event"].sum()
    assert table["hazard_ratio"].iloc[0] == 1 and table["hazard_ratio"].iloc[1] < 1
    assert (table["restricted_mean"] < 365).all()


def test_where_nobody_is_left_the_survival_is_zero_and_has_no_interval_as_in_r():
    curve = kaplan_meier([2, 1, 3], [1, 1, 1])
    assert curve.survival[-1] == 0
    assert np.isnan([curve.lower[-1], curve.upper[-1]]).all() and np.isfinite(curve.lower[:-1]).all()


def test_a_curve_without_events_is_flat_and_its_median_is_not_reached():
    curve = kaplan_meier([3, 5, 9], [0, 0, 0])
    assert curve.at([1, 9]).tolist() == [1, 1]
    assert np.isnan(curve.median()[0])


def test_a_group_without_events_has_no_hazard_ratio_and_no_made_up_interval():
    time, event = np.arange(1.0, 13), np.array([1] * 6 + [0] * 6)
    ratio = compare_groups(time, event, ["a"] * 6 + ["b"] * 6).hazard_ratios["b"]
    assert np.isnan(ratio).all()


def test_the_fast_survival_equals_the_curve():
    data = data_of("gbsg2")
    curve = kaplan_meier(data["time"], data["event"])
    time, event = data["time"].to_numpy(float), data["event"].to_numpy()
    for horizon in (100, 567, 1000.5, 2000):
        assert survival_at(time, event, horizon) == pytest.approx(curve.at(horizon)[0], abs=1e-14)


def test_the_censoring_weights_of_all_patients_sum_to_their_number():
    data = data_of("colon")
    time, event = data["time"].to_numpy(float), data["event"].to_numpy()
    cases, controls = censoring_weights(time, event, 1500)
    assert (cases + controls).sum() == pytest.approx(len(data), rel=1e-9)


def test_the_median_follow_up_is_the_reverse_kaplan_meier_median():
    time, event = np.array([1.0, 2, 3, 4, 5]), np.array([1, 0, 1, 0, 0])
    assert median_follow_up(time, event) == kaplan_meier(time, 1 - event).median()[0] == 4


def test_the_long_table_holds_every_step_of_every_curve():
    curves = {"a": kaplan_meier([1, 2], [1, 0]), "b": kaplan_meier([1, 2, 3], [1, 0, 1])}
    assert curves_table(curves)["group"].tolist() == ["a", "a", "b", "b", "b"]


def test_a_time_beyond_the_follow_up_is_refused_with_the_last_one():
    curve = kaplan_meier([1, 2, 3], [1, 0, 0])
    with pytest.raises(InputError, match="ends at 3"):
        curve.at([10])
    with pytest.raises(InputError, match="ends at 3"):
        curve.restricted_mean(10)


def test_one_group_alone_cannot_be_compared():
    with pytest.raises(InputError, match="two groups are needed"):
        compare_groups([1, 2], [1, 0], ["a", "a"])
    with pytest.raises(InputError, match="'c' is not among the levels a, b"):
        compare_groups([1, 2], [1, 0], ["a", "c"], levels=["a", "b"])


@pytest.mark.slow
def test_the_interval_covers_the_true_survival_in_95_of_100_simulated_cohorts():
    rng = np.random.default_rng(11)
    hits, runs, truth = 0, 300, np.exp(-0.5)
    for _ in range(runs):
        death, lost = rng.exponential(1, 150), rng.exponential(2, 150)
        curve = kaplan_meier(np.minimum(death, lost), (death <= lost).astype(int))
        row = curve.table_at(0.5).iloc[0]
        hits += row["lower"] <= truth <= row["upper"]
    assert 0.93 <= hits / runs <= 0.97
