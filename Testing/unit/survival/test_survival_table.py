"""Survival and binary tables: what is understood, what is asked, what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.tables.binary_table import read_binary_table
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


@pytest.fixture
def patients() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e", "f"],
            "days": [501.0, 756, 90, 40, 610, 33],
            "dead": [0, 0, 1, 1, 0, 1],
            "age": [61.0, 17, 70, np.nan, 50, 44],
            "sex": ["male", "female", None, "male", "female", "female"],
            "group": ["train", "train", "train", "train", "test", "test"],
        }
    )


def read(frame: pd.DataFrame | str | Path, **changes: object) -> SurvivalTable:
    arguments: dict = {"time": "days", "event": "dead", "id_column": "id", "split": "group"} | changes
    return read_survival_table(frame, **arguments)


def test_a_table_carries_times_events_terms_and_labels(patients: pd.DataFrame) -> None:
    table = read(patients)
    assert list(table.ids) == ["a", "b", "e", "f"]
    assert table.time.tolist() == [501, 756, 610, 33]
    assert table.event.tolist() == [0, 0, 0, 1]
    assert [term.name for term in table.terms] == ["age", "sex"]
    assert table.terms[1].levels == ("female", "male")
    assert list(table.training.ids) == ["a", "b"]
    assert table.part("test").split is None


def test_a_file_with_semicolons_and_a_byte_order_mark_reads_like_the_frame(
    patients: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "patients.csv"
    patients.to_csv(path, sep=";", index=False, encoding="utf-8-sig")
    from_file, from_frame = read(path), read(patients)
    pd.testing.assert_frame_equal(from_file.frame, from_frame.frame)
    assert from_file.report == from_frame.report


def test_dropped_patients_are_reported(patients: pd.DataFrame) -> None:
    patients.loc[4, "days"] = np.nan
    report = "\n".join(read(patients).report)
    assert "column 'days': 1 patients without a value dropped (first: e)" in report
    assert "column 'age': 1 patients without a value dropped" in report
    assert "column 'sex': 1 patients without a value dropped" in report


def test_medians_and_modes_come_from_the_training_patients(patients: pd.DataFrame) -> None:
    patients.loc[4, "age"] = np.nan
    table = read(patients, missing="median")
    assert len(table) == 6
    assert table.frame.loc["d", "age"] == table.frame.loc["e", "age"] == np.median([61, 17, 70])
    assert table.frame.loc["c", "sex"] == "male"
    assert "column 'age': 2 missing filled with 61" in table.report


def test_a_missing_level_becomes_a_category(patients: pd.DataFrame) -> None:
    table = read(patients, missing={"sex": "level", "age": "median"})
    assert table.terms[1].levels == ("female", "male", "missing")
    assert table.frame.loc["c", "sex"] == "missing"


def test_a_missing_level_of_a_number_is_refused(patients: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="'age' is numeric and misses 1 values"):
        read(patients, missing="level")


def test_missing_values_can_be_an_error(patients: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"'age' misses 1 values \(first in row d\)"):
        read(patients, missing="error")
    with pytest.raises(InputError, match="choose one of drop, median, level, mice, error"):
        read(patients, missing="impute")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("days", -3.0, r"'days' holds -3 \(patient b\): a follow-up cannot be negative"),
        ("days", 0.0, r"'days' is 0 in 1 patients \(first: b\)"),
        ("days", "12 months", r"'days' holds '12 months' \(patient b\): times must be plain numbers"),
        ("days", np.inf, r"'days' holds inf"),
        ("id", "a", "the cohort has 'a' twice in its column 'id'"),
        ("id", None, "no name in row 2 of the column 'id'"),
        ("age", "old", "column 'age' mixes numbers and text: row b has 'old'"),
        ("age", np.inf, "column 'age' must hold finite numbers"),
        ("dead", 7, r"event column 'dead' holds 0, 1, 7: say which value is the event"),
    ],
)
def test_a_bad_cell_is_named_in_one_line(patients: pd.DataFrame, column: str, value: object, message: str) -> None:
    patients[column] = patients[column].astype(object)
    patients.loc[1, column] = value
    with pytest.raises(InputError, match=message) as caught:
        table = read(patients)
        from SurvivalNomogramLib.tables.covariates import DesignMatrix

        DesignMatrix(table.terms).transform(table.frame)
    assert "\n" not in str(caught.value)


def test_no_event_is_refused_and_all_events_are_warned_of(patients: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="'dead' holds no event"):
        read(patients.assign(dead=0))
    assert "all 6 patients have the event" in read(patients.assign(dead=1)).warnings[0]


def test_a_constant_covariate_is_left_out_with_a_warning(patients: pd.DataFrame) -> None:
    table = read(patients.assign(stage="II"))
    assert "stage" not in table.frame
    assert table.warnings == ("1 column has the same value in all 2 training patients: left out: 'stage'",)


def test_an_identifier_is_not_taken_for_a_category(patients: pd.DataFrame) -> None:
    many = pd.concat([patients] * 10, ignore_index=True)
    many["image"] = [f"{k}.nii.gz" for k in range(60)]
    with pytest.raises(InputError, match="'image' has 40 different texts in 40 rows"):
        read(many, id_column=None, covariates=["age", "image"], missing="median")


def test_unknown_and_doubled_columns_are_named(patients: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no column 'weeks'"):
        read(patients, time="weeks")
    with pytest.raises(InputError, match="'age:sex' asks for an interaction"):
        read(patients, covariates=["age:sex"])
    with pytest.raises(InputError, match="'dead' is outcome, split or id"):
        read(patients, covariates=["age", "dead"])
    with pytest.raises(InputError, match="column 'age' stands twice"):
        read(pd.concat([patients, patients[["age"]]], axis=1))
    with pytest.raises(InputError, match="no level 'other' to serve as the reference"):
        read(patients, references={"sex": "other"})
    with pytest.raises(InputError, match="no patient labelled 'train'"):
        read(patients.assign(group="A"))
    with pytest.raises(InputError, match="time unit 'hours' is unknown"):
        read(patients, time_unit="hours")
    with pytest.raises(InputError, match=r"absent\.csv cannot be read"):
        read("absent.csv")


def test_a_reference_level_comes_first(patients: pd.DataFrame) -> None:
    table = read(patients, references={"sex": "male"})
    assert table.terms[1].levels == ("male", "female")
    assert table.terms[1].columns == ("sex=female",)


def test_numeric_codes_become_categories_on_request(patients: pd.DataFrame) -> None:
    table = read(patients.assign(stage=[1, 10, 2, 2, 1, 1]), categorical=["stage"])
    assert table.terms[-1].levels == ("1", "10")
    table = read(patients.assign(stage=[1, 10, 2, np.nan, 1, 1]), categorical=["stage"], missing="median")
    assert table.terms[-1].levels == ("1", "2", "10")


def test_times_change_their_unit(patients: pd.DataFrame) -> None:
    table = read(patients).in_unit("years")
    assert table.time[0] == pytest.approx(501 / 365.25)
    assert table.time_unit == "years"


def test_competing_events_are_kept_as_states(patients: pd.DataFrame) -> None:
    table = read(patients.assign(dead=[0, 1, 2, 1, 2, 1]), covariates=["age"], missing="median")
    assert table.state is not None
    assert table.state.tolist() == [0, 1, 2, 1, 2, 1]
    assert table.event.tolist() == [0, 1, 0, 1, 0, 1]
    assert read(patients, covariates=["age"]).state is None


def test_rows_may_repeat_as_in_a_bootstrap(patients: pd.DataFrame) -> None:
    table = read(patients).rows(np.array([1, 1, 0]))
    assert table.ids.tolist() == ["b", "b", "a"]
    assert table.frame.age.tolist() == [17, 17, 61]
    assert len(table.rows(np.array([True, False, True]))) == 2


def test_a_binary_table_reads_its_end_point(patients: pd.DataFrame) -> None:
    answers = patients.assign(dead=["no", "no", "yes", "yes", "no", "yes"])
    table = read_binary_table(answers, event="dead", covariates=["sex"])
    assert table.event.tolist() == [0, 0, 1, 0, 1]
    assert table.terms[0].levels == ("female", "male")
    with pytest.raises(InputError, match="end point 'dead' has 3 values"):
        read_binary_table(patients.assign(dead=[0, 1, 2, 0, 1, 2]), event="dead", covariates=["age"])
