"""Filling of missing values: fitted on training, applied elsewhere, told of."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.tables.missing_values import MissingValues


@pytest.fixture
def training() -> pd.DataFrame:
    return pd.DataFrame({"age": [40.0, 50, 90, np.nan], "grade": ["low", "high", "high", None]})


def test_new_patients_get_the_training_values(training: pd.DataFrame) -> None:
    filler = MissingValues("median").fit(training)
    new = pd.DataFrame({"age": [np.nan, 1.0], "grade": [None, "low"]})
    filled = filler.transform(new)
    assert filled.age.tolist() == [50.0, 1.0]
    assert filled.grade.tolist() == ["high", "low"]
    assert new.age.isna().any(), "the caller's frame is left as it was"


def test_a_filler_survives_json(training: pd.DataFrame) -> None:
    filler = MissingValues({"age": "median", "grade": "level"}).fit(training)
    again = MissingValues.from_dict(json.loads(json.dumps(filler.to_dict())))
    pd.testing.assert_frame_equal(again.transform(training), filler.transform(training))
    assert again.transform(training).grade.iloc[-1] == "missing"


def test_columns_without_a_policy_of_their_own_must_be_complete(training: pd.DataFrame) -> None:
    filler = MissingValues({"age": "median"}).fit(training)
    with pytest.raises(InputError, match="'grade' misses 1 values"):
        filler.transform(training)


def test_a_column_without_any_value_is_refused(training: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="'age' has no value in any training patient"):
        MissingValues("median").fit(training.assign(age=np.nan))


def test_codes_of_categories_get_the_mode_not_the_median() -> None:
    codes = pd.DataFrame({"stage": [1.0, 1.0, 4.0, 4.0, 4.0, np.nan]})
    filled = MissingValues("median").fit(codes, ["stage"]).transform(codes)
    assert filled.stage.tolist() == ["1", "1", "4", "4", "4", "4"]


def test_a_star_speaks_for_all_columns_that_are_not_named() -> None:
    frame = pd.DataFrame({"a": [1.0, None, 3.0, 5.0], "b": [1.0, 2.0, None, 4.0]})
    filled = MissingValues({"*": "drop", "a": "median"}).fit(frame).transform(frame)
    assert filled["a"].tolist() == [1.0, 3.0, 5.0]
    with pytest.raises(InputError, match="column 'b' misses 1 values"):
        MissingValues({"a": "median"}).fit(frame).transform(frame)
