"""Subgroups and interaction tests against R's coxph and anova."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.groups.subgroups import OVERALL, subgroup_analysis, subgroup_levels, subgroup_table


@pytest.fixture(scope="module")
def colon():
    data = data_of("colon")
    return data, (data["rx"] == "Lev+5FU").astype(float)


def test_hazard_ratios_and_interaction_p_equal_r(r_values, colon):
    data, arm = colon
    rows = subgroup_analysis(data["time"], data["event"], arm, data, ["sex", "node4", "differ"])
    for case in r_values["subgroups"]:
        own = [row for row in rows if row.variable == case["column"]]
        assert [row.level for row in own] == case["levels"]
        for row, truth in zip(own, case["hr"], strict=True):
            np.testing.assert_allclose([row.hazard_ratio, row.lower, row.upper], truth[:3], rtol=1e-6)
            assert [row.n, row.events] == truth[3:]
            assert row.interaction_p == pytest.approx(case["p"], abs=1e-8)


def test_the_overall_line_comes_first_and_the_levels_add_up_to_it(colon):
    data, arm = colon
    rows = subgroup_analysis(data["time"], data["event"], arm, data, ["sex"])
    assert rows[0].variable == OVERALL
    assert rows[0].n == sum(row.n for row in rows[1:])
    assert len(subgroup_table(rows)) == 3


def test_a_numeric_column_is_cut_at_the_given_value_or_the_median(colon):
    data, _ = colon
    assert list(subgroup_levels(data, "age", 65).cat.categories) == ["< 65", ">= 65"]
    halves = subgroup_levels(data, "age").value_counts()
    assert abs(halves.iloc[0] - halves.iloc[1]) < 60


def test_a_level_without_events_or_with_one_arm_says_why_it_has_no_ratio():
    time, event = np.arange(1.0, 13), np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1])
    frame = pd.DataFrame({"site": ["a"] * 4 + ["b"] * 4 + ["c"] * 4})
    rows = subgroup_analysis(time, event, [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1], frame, ["site"])
    by_level = {row.level: row for row in rows}
    assert by_level["b"].reason == "0 events" and np.isnan(by_level["b"].hazard_ratio)
    assert by_level["c"].reason == "exposure is 1 in all"
    assert np.isnan(by_level["a"].interaction_p)


def test_patients_without_the_value_are_in_no_level(colon):
    data, arm = colon
    data = data.assign(sex=data["sex"].astype(float).where(data.index % 10 > 0))
    rows = subgroup_analysis(data["time"], data["event"], arm, data, ["sex"])
    assert sum(row.n for row in rows[1:]) == data["sex"].notna().sum() < rows[0].n


def test_an_unknown_column_and_a_constant_exposure_are_refused(colon):
    data, arm = colon
    with pytest.raises(InputError, match="'stage' is not in the table"):
        subgroup_analysis(data["time"], data["event"], arm, data, ["stage"])
    with pytest.raises(InputError, match="exposure is 1 in all"):
        subgroup_analysis(data["time"], data["event"], np.ones(len(data)), data, ["sex"])
