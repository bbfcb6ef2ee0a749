"""Cumulative incidence against R's cmprsk and against what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.estimation.competing_risks import cumulative_incidence


def test_incidence_and_variance_equal_cuminc(r_values):
    data, case = data_of("pbc"), r_values["cuminc"]
    own = cumulative_incidence(data["time"], data["state"])
    for row, estimate, variance in zip(case["rows"], case["est"], case["var"], strict=True):
        table = own.incidence[row.split()[1]].table_at(case["times"])
        np.testing.assert_allclose(table["incidence"], estimate, atol=1e-12)
        np.testing.assert_allclose(table["se"] ** 2, variance, atol=1e-12)


def test_incidence_equals_cuminc_in_groups(r_values):
    data, case = data_of("pbc"), r_values["cuminc"]
    for row, estimate, variance in zip(case["by_rows"], case["by_est"], case["by_var"], strict=True):
        group, cause = row.split()
        inside = data["sex"] == group
        own = cumulative_incidence(data["time"][inside], data["state"][inside]).incidence[cause]
        for k, time in enumerate(case["times"]):
            if estimate[k] is None or time > own.last_time:
                continue
            assert own.at([time])[0] == pytest.approx(estimate[k], abs=1e-12)
            assert own.table_at([time])["se"].iloc[0] ** 2 == pytest.approx(variance[k], abs=1e-12)


def test_the_incidences_add_up_to_one_minus_event_free_survival():
    data = data_of("pbc")
    own = cumulative_incidence(data["time"], data["state"])
    times = [100, 1000, 3000]
    total = sum(curve.at(times) for curve in own.incidence.values())
    np.testing.assert_allclose(total, 1 - own.event_free.at(times), atol=1e-12)


def test_kaplan_meier_overstates_a_competing_risk():
    data = data_of("pbc")
    own = cumulative_incidence(data["time"], data["state"], names={1: "transplant", 2: "death"})
    assert (1 - own.naive["death"].at(4000)[0]) > own.incidence["death"].at([4000])[0]


def test_with_one_cause_the_incidence_is_one_minus_kaplan_meier():
    data = data_of("lung")
    own = cumulative_incidence(data["time"], data["event"])
    np.testing.assert_allclose(own.incidence["1"].at([200, 500]), 1 - own.event_free.at([200, 500]), atol=1e-12)


def test_no_event_and_a_time_beyond_the_follow_up_are_refused():
    with pytest.raises(InputError, match="there is no event"):
        cumulative_incidence([1, 2], [0, 0])
    with pytest.raises(InputError, match="ends at 2"):
        cumulative_incidence([1, 2], [1, 0]).incidence["1"].at([3])
