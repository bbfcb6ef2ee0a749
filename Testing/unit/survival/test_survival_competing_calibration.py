"""Calibration of an incidence against riskRegression's groups, cmprsk's smooth curve and a planted error."""

from __future__ import annotations

import numpy as np
import pytest
from competing_references import competing_data, competing_values

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.competing.competing_calibration import CompetingCalibration, calibrate_incidence


def calibrations(name: str) -> list[tuple[CompetingCalibration, dict, dict]]:
    data, case = competing_data(name), competing_values()["competing"][name]
    time, state, risk = data["time"].to_numpy(), data["state"].to_numpy(), np.array(case["risk"])
    return [
        (
            calibrate_incidence(time, state, risk[:, k], horizon, cause=case["cause"]),
            case["groups"][k],
            case["smooth"][k],
        )
        for k, horizon in enumerate(case["times"])
    ]


def test_groups_equal_plot_calibration():
    for name in ("pbc", "mgus2"):
        for own, groups, _ in calibrations(name):
            np.testing.assert_allclose(own.groups.predicted, groups["Pred"], atol=1e-12)
            # prodlim gives none where the last patient of a group had an event; the incidence stays what it was.
            known = np.isfinite(np.array(groups["Obs"], float))
            np.testing.assert_allclose(own.groups.observed[known], np.array(groups["Obs"], float)[known], atol=1e-12)
            seen = np.isfinite(own.groups.observed)
            assert known.sum() >= 4 and seen[known].all()
            assert (own.groups.lower[seen] <= own.groups.observed[seen]).all() and (
                own.groups.observed[seen] <= own.groups.upper[seen]
            ).all()


def test_smooth_curve_and_slope_equal_those_of_crr():
    for name in ("pbc", "mgus2"):
        for own, _, smooth in calibrations(name):
            figures = [own.ici, own.e50, own.e90, own.slope]
            np.testing.assert_allclose(figures, [smooth[key] for key in ("ici", "e50", "e90", "slope")], atol=1e-7)


def test_a_risk_that_forgets_the_competitors_is_seen_in_the_ratio():
    rng = np.random.default_rng(5)
    n = 3000
    own, other = rng.exponential(10, n), rng.exponential(4, n)  # hazards 0.1 and 0.25
    time, state = np.minimum(own, other), np.where(own < other, 1, 2)
    truth = 0.1 / 0.35 * (1 - np.exp(-0.35 * 5))
    spread = np.clip(truth * np.exp(rng.normal(0, 0.05, n)), 0, 1)
    right = calibrate_incidence(time, state, spread, 5.0)
    assert right.observed_to_expected == pytest.approx(1, abs=0.07)
    forgetful = calibrate_incidence(time, state, spread * (1 - np.exp(-0.5)) / truth, 5.0)
    assert forgetful.observed_to_expected == pytest.approx(truth / (1 - np.exp(-0.5)), abs=0.05)


def test_one_prediction_for_all_has_a_ratio_and_no_slope():
    data = competing_data("pbc")
    own = calibrate_incidence(data["time"], data["state"], np.full(len(data), 0.3), 1500, cause=2, groups=1)
    assert np.isnan(own.slope) and len(own.groups.n) == 1
    assert own.observed_to_expected == pytest.approx(competing_values()["competing"]["pbc"]["overall"][1] / 0.3)


def test_too_many_groups_are_refused():
    with pytest.raises(InputError, match="groups is 3"):
        calibrate_incidence([1, 2, 3, 4], [1, 2, 1, 0], [0.1, 0.2, 0.3, 0.4], 2, groups=3)
