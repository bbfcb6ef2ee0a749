"""Gaps of features: the words of the cohort's grammar mean the same as in cox."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.tables.missing_features import MissingFeatures, fill_medians
from RadiomicsCoreLib.cohort.missing import MissingPolicies
from RadiomicsCoreLib.errors import InputError
from RadiomicsStudyLib.cli import main


@pytest.fixture
def table():
    values = {"x": [1.0, np.nan, 4.0, 10.0], "y": [0.0, 1.0, np.inf, 3.0]}
    return pd.DataFrame(values, index=list("abcd"))


def completed(words, table, training=None):
    return MissingFeatures.of(MissingPolicies.from_plain(words), table if training is None else training).complete(
        table
    )


def test_drop_leaves_cases_out_by_name(table):
    left, notes = completed("drop", table)
    assert list(left.index) == ["a", "d"]
    assert notes == ["2 cases with missing features were left out: b, c"]


@pytest.mark.parametrize("word", ["median", "mice"])
def test_gaps_get_the_median_of_the_training_cases_alone(table, word):
    left, notes = completed(word, table, training=table.iloc[[0, 1, 2]])
    assert left["x"].tolist() == [1.0, 2.5, 4.0, 10.0] and left["y"].tolist() == [0.0, 1.0, 0.5, 3.0]
    assert ("for cox and logistic alone" in notes[0]) is (word == "mice")


def test_one_column_may_be_treated_otherwise(table):
    left, _ = completed("drop,x=median", table)
    assert list(left.index) == ["a", "b", "d"] and left.loc["b", "x"] == 4.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("error", "'y' of case 'c'|'x' of case 'b'"),
        ("level", "level is for categories"),
        ("drop,y=level", "missing of 'y': level is for categories"),
        ("drop,age=median", "'age' are spoken of"),
    ],
)
def test_what_cannot_be_done_is_told(table, words, said):
    with pytest.raises(InputError, match=said):
        completed(words, table)


def test_a_feature_that_no_training_case_has_is_named(table):
    with pytest.raises(InputError, match="no training case has a value of 'x'"):
        completed("median", table, training=table.iloc[[1]])


def test_new_cases_are_filled_as_the_training_was(table):
    filled, notes = fill_medians(table, {"x": 7.0, "absent": 1.0})
    assert filled["x"].tolist() == [1.0, 7.0, 4.0, 10.0] and len(notes) == 1
    assert filled["y"].tolist() == table["y"].tolist()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--missing", "drop-features"], "--missing drop-features is now --missing median"),
        (["--missing=drop-cases"], "--missing drop-cases is now --missing drop"),
        (["--missing", "drop,ct.a.x=level"], "level is for categories"),
        (["--id", "subject"], "no column 'subject' to be the id"),
    ],
)
def test_the_words_of_fuse_are_those_of_cox_and_old_ones_are_told(tmp_path, capsys, words, said):
    (tmp_path / "c.csv").write_text("case_id,y,ct.a.x\n1,0,1\n2,1,2\n3,0,3\n", encoding="utf-8")
    assert main(["fuse", str(tmp_path / "c.csv"), "--endpoint", "y", "-o", str(tmp_path / "out"), *words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and said in lines[0]
