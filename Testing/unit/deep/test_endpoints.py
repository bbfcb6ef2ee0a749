"""Binary endpoints from a cohort table."""

from __future__ import annotations

import pandas as pd
import pytest

from DeepRadiomicsFusionLib.tables.endpoints import read_endpoint, read_endpoints
from RadiomicsCoreLib.errors import InputError


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "case_id": ["a", "b", "c", "d"],
            "egfr": [1.0, None, 0.0, 1.0],
            "kras": [None, None, 1.0, 0.0],
            "stage": ["I", "II", None, "II"],
            "grade": [1, 2, 3, 2],
            "alive": [True, True, True, True],
            "none": [None, None, None, None],
        }
    )


def test_cases_without_a_label_are_left_out_of_their_endpoint_only(table):
    egfr, kras = read_endpoints(table, ["egfr", "kras"])
    assert egfr.case_ids == ("a", "c", "d")
    assert egfr.outcome.tolist() == [1, 0, 1]
    assert kras.case_ids == ("c", "d")
    assert kras.unlabelled == ("a", "b")
    assert egfr.summary == "egfr: 3 cases, 2 with the outcome, 1 without a label left out"


def test_a_text_can_be_named_as_the_outcome(table):
    endpoint = read_endpoint(table, "stage", positive="II")
    assert (endpoint.case_ids, endpoint.outcome.tolist()) == (("a", "b", "d"), [0, 1, 1])


@pytest.mark.parametrize(
    ("column", "line"),
    [
        ("stage", r"endpoint 'stage' holds text \('I', 'II'\); code it as 0 and 1"),
        ("grade", "endpoint 'grade' holds 2; code it as 0 and 1"),
        ("alive", "endpoint 'alive' is 1 for all 4 labelled cases; both classes"),
        ("none", "endpoint 'none' has no label at all"),
        ("death", "no column 'death'; it has 'case_id', 'egfr'"),
    ],
)
def test_a_column_that_is_no_binary_endpoint_is_refused_in_one_line(table, column, line):
    with pytest.raises(InputError, match=line) as caught:
        read_endpoint(table, column)
    assert "\n" not in str(caught.value)


def test_a_positive_text_that_does_not_stand_there_is_refused(table):
    with pytest.raises(InputError, match="with positive='III' it must hold that text"):
        read_endpoint(table, "stage", positive="III")


def test_a_case_that_stands_twice_is_refused(table):
    table.loc[3, "case_id"] = "a"
    with pytest.raises(InputError, match="has 'a' twice"):
        read_endpoint(table, "egfr")


def test_no_endpoint_is_refused(table):
    with pytest.raises(InputError, match="no endpoint is named"):
        read_endpoints(table, [])
