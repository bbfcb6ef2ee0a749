"""The Brier score by hand, and that patients who count in part are weighed."""

from __future__ import annotations

import numpy as np
import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.brier import brier_score, squared_errors


def test_the_score_is_the_mean_squared_difference():
    assert brier_score([0, 1, 1, 0], [0.2, 0.6, 1.0, 0.5]) == pytest.approx((0.04 + 0.16 + 0 + 0.25) / 4)


def test_a_patient_who_counts_twice_weighs_as_two():
    chance = np.array([0.2, 0.6, 0.7])
    weighted = squared_errors(np.array([0, 2, 0]), np.array([1, 0, 1]), chance).sum()
    assert weighted == pytest.approx(4 * brier_score([0, 1, 1, 0], [0.2, 0.6, 0.6, 0.7]))


@pytest.mark.parametrize("chance", [[0.1, 1.2], [0.1, float("nan")], [0.1]])
def test_what_is_no_probability_of_each_case_is_refused(chance):
    with pytest.raises(InputError):
        brier_score([0, 1], chance)
