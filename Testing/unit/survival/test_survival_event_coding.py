"""Event columns: one reading is taken, two readings are asked about."""

from __future__ import annotations

import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.tables.event_coding import read_events


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, 1],
        [1.0, 0.0, 1.0],
        ["1", "0", "1"],
        [True, False, True],
        ["TRUE", "FALSE", "TRUE"],
        ["Yes", "No", "Yes"],
        ["dead", "alive", "dead"],
        ["Deceased", "Living", "Deceased"],
        ["1:DECEASED", "0:LIVING", "1:DECEASED"],
        ["Event", "censored", "Event"],
    ],
)
def test_codings_with_one_reading_are_understood(values: list) -> None:
    assert read_events(pd.Series(values, name="status")).state.tolist() == [1, 0, 1]


@pytest.mark.parametrize("values", [[1, 2, 2], [0, 2, 2], ["A", "B", "A"], ["dead", "lost", "dead"], [1, 2, 3]])
def test_codings_with_two_readings_are_asked_about(values: list) -> None:
    with pytest.raises(InputError, match="say which value is the event"):
        read_events(pd.Series(values, name="status"))


def test_the_caller_says_which_value_is_the_event() -> None:
    assert read_events(pd.Series([1, 2, 2]), event_values=2).state.tolist() == [0, 1, 1]
    assert read_events(pd.Series([1, 2, 2]), event_values=[1]).state.tolist() == [1, 0, 0]
    assert read_events(pd.Series(["A", "B"]), censored_values="A").state.tolist() == [0, 1]
    with pytest.raises(InputError, match="event_values names '3', which event column"):
        read_events(pd.Series([1, 2, 2]), event_values=3)


def test_several_values_may_count_as_the_event() -> None:
    column = pd.Series(["relapse", "alive", "death", "alive"])
    with pytest.raises(InputError, match="holds alive, death, relapse"):
        read_events(column)
    assert read_events(column, event_values=["relapse", "death"]).state.tolist() == [1, 0, 1, 0]
    competing = read_events(column, event_values="relapse")
    assert competing.state.tolist() == [1, 0, 2, 0]
    assert competing.names == ("alive", "relapse", "death")


def test_whole_numbers_are_competing_events_in_order() -> None:
    states = read_events(pd.Series([0, 2, 1, 3, 0]))
    assert states.state.tolist() == [0, 2, 1, 3, 0]
    assert states.has_competing
    assert "1 is the event, 0 is censored, competing events 2, 3" in states.report


def test_unrecorded_events_are_marked_and_an_empty_column_is_refused() -> None:
    assert read_events(pd.Series([1, None, 0])).state.tolist() == [1, -1, 0]
    with pytest.raises(InputError, match="is empty"):
        read_events(pd.Series([None, None], name="status", dtype=object))


def test_one_state_alone_is_read() -> None:
    assert read_events(pd.Series([1, 1])).state.tolist() == [1, 1]
    assert read_events(pd.Series([0, 0])).state.tolist() == [0, 0]
    assert read_events(pd.Series(["alive", "alive"])).state.tolist() == [0, 0]
