"""What every function on arrays refuses, with the value and the patient."""

from __future__ import annotations

import numpy as np
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.estimation.outcome_checks import check_horizon, check_outcome, check_probability, check_score


def test_lists_and_truth_values_become_arrays():
    time, event = check_outcome([1, 2], [True, False])
    assert time.dtype == float and event.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("time", "event", "words"),
    [
        ([], [], "there are no patients"),
        ([1, 2], [1], r"time has shape \(2,\) and event \(1,\)"),
        ([1, np.nan], [1, 0], "time of patient 2 is nan"),
        ([1, np.inf], [1, 0], "time of patient 2 is inf"),
        ([1, 2], [1, 0.5], "event of patient 2 is 0.5"),
        ([1, 2], [0, 0], "none of the 2 patients had an event"),
    ],
)
def test_bad_outcomes_are_refused(time, event, words):
    with pytest.raises(InputError, match=words):
        check_outcome(time, event)


def test_no_event_is_allowed_where_nothing_is_estimated_from_events():
    assert check_outcome([1, 2], [0, 0], need_events=False)[1].tolist() == [0, 0]


def test_all_events_are_allowed():
    assert check_outcome([1, 2], [1, 1])[1].tolist() == [1, 1]


def test_scores_probabilities_and_horizons_are_checked():
    with pytest.raises(InputError, match="marker has shape"):
        check_score([[1.0]], 1, "marker")
    with pytest.raises(InputError, match=r"predicted risk of patient 1 is -0\.1"):
        check_probability([-0.1], 1)
    time, event = np.array([1.0, 5, 9]), np.array([1, 1, 0])
    assert check_horizon(5, time, event) == 5
    for horizon, words in ((6, "beyond the last event, at 5"), (0, "must be above 0"), (np.nan, "must be above 0")):
        with pytest.raises(InputError, match=words):
            check_horizon(horizon, time, event)
