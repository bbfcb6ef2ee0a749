"""Cut-offs are found on training patients, frozen, and applied unchanged."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.groups.risk_groups import (
    HIGH,
    LOW,
    CutoffMethod,
    RiskCutoff,
    given_cutoff,
    median_cutoff,
    youden_cutoff,
)


def test_the_median_splits_the_training_patients_in_halves_and_new_ones_by_the_same_value():
    cutoff = median_cutoff([1.0, 2, 3, 4])
    assert cutoff.groups([1.0, 2, 3, 4]).tolist() == [LOW, LOW, HIGH, HIGH]
    assert cutoff.groups([9.0, 8, 7]).tolist() == [HIGH] * 3


def test_youdens_cutoff_is_the_best_of_all_possible_ones():
    rng = np.random.default_rng(0)
    risk = rng.normal(size=60).round(1)
    time = rng.exponential(5 / np.exp(risk))
    cutoff = youden_cutoff(time, np.ones(60, int), risk, 3.0)

    def youden(value):
        return (risk >= value)[time <= 3].mean() - (risk >= value)[time > 3].mean()

    assert youden(cutoff.value) == pytest.approx(max(youden(value) for value in risk))
    assert (cutoff.method, cutoff.horizon, cutoff.n) == (CutoffMethod.YOUDEN, 3.0, 60)


def test_a_cutoff_cannot_be_changed_and_survives_json():
    cutoff = youden_cutoff([1.0, 2, 3, 4], [1, 1, 1, 0], [4.0, 3, 2, 1], 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cutoff.value = 1.0
    assert RiskCutoff.from_dict(cutoff.to_dict()) == cutoff


def test_a_given_value_is_taken_as_it_is():
    assert given_cutoff(0.25).is_high([0.24, 0.25]).tolist() == [False, True]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_cutoff_that_is_no_number_is_refused(bad):
    with pytest.raises(InputError, match="finite number"):
        given_cutoff(bad)


@pytest.mark.parametrize("data", [{}, {"value": "high"}, {"value": 1, "method": "best p"}])
def test_a_broken_cutoff_in_a_bundle_is_one_line(data):
    with pytest.raises(InputError, match="cut-off") as error:
        RiskCutoff.from_dict(data)
    assert "\n" not in str(error.value)


def test_a_risk_without_any_separation_has_no_youden_cutoff():
    with pytest.raises(InputError, match="use the median"):
        youden_cutoff([1.0, 2, 3, 4], [1, 1, 1, 1], [1.0, 1, 1, 1], 2)


def test_a_horizon_beyond_the_last_event_is_refused_with_its_time():
    with pytest.raises(InputError, match="last event, at 3"):
        youden_cutoff([1.0, 2, 3, 4], [1, 1, 1, 0], [4.0, 3, 2, 1], 3.5)


def test_no_patients_have_no_median():
    with pytest.raises(InputError, match="no training patients"):
        median_cutoff([])
