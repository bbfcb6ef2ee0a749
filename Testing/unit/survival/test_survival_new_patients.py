"""New patients are read as the training patients say, and each problem has its row and reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.bundles.bundle import ModelBundle
from SurvivalNomogramLib.bundles.new_patients import read_new_patients, row_problems
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.tables.covariates import Term
from SurvivalNomogramLib.tables.survival_table import read_survival_table


@pytest.fixture(scope="module")
def bundle():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(60, 9, 60), "sex": rng.choice(["f", "m"], 60)})
    frame.loc[[1, 2], ["age", "sex"]] = [[np.nan, "m"], [50.0, None]]
    frame["days"], frame["dead"] = rng.exponential(900, 60) + 1, rng.integers(0, 2, 60)
    missing = {"age": "median", "sex": "median"}
    table = read_survival_table(frame, time="days", event="dead", missing=missing)
    return ModelBundle(fit_cox(table), missing=table.missing)


def test_missing_values_get_the_training_median_and_mode(bundle):
    patients = read_new_patients(pd.DataFrame({"age": [None, 70.0], "sex": ["f", None]}), bundle)
    assert patients.usable.all() and len(patients.report) == 2
    assert patients.frame["age"].iloc[0] == bundle.missing.fill_["age"]
    assert patients.frame["sex"].iloc[1] == bundle.missing.fill_["sex"]


def test_every_problem_is_named_with_its_value():
    frame = pd.DataFrame({"age": [60, "sixty", None, np.inf], "sex": ["f", "f", "m", "x"]})
    problems = row_problems(frame, (Term("age"), Term("sex", ("f", "m"))))
    assert problems.tolist() == [
        "",
        "column 'age': 'sixty' is no finite number",
        "column 'age': has no value",
        "column 'age': 'inf' is no finite number",
    ]
    seen = row_problems(frame.assign(age=1), (Term("age"), Term("sex", ("f", "m"))))
    assert seen[3] == "column 'sex': 'x' is a category that the training data do not hold; known are f, m"


def test_a_code_that_was_read_as_a_number_is_the_same_level():
    frame = pd.DataFrame({"stage": [1.0, 2.0]})
    assert row_problems(frame, (Term("stage", ("1", "2")),)).tolist() == ["", ""]


def test_names_come_from_the_id_column_and_must_be_unique(bundle):
    frame = pd.DataFrame({"id": ["a", "b"], "age": [60.0, 70], "sex": ["f", "m"]})
    assert read_new_patients(frame, bundle, id_column="id").ids.tolist() == ["a", "b"]
    with pytest.raises(InputError, match="'a' twice in its column 'id'"):
        read_new_patients(frame.assign(id="a"), bundle, id_column="id")
    with pytest.raises(InputError, match="no column 'name'"):
        read_new_patients(frame, bundle, id_column="name")


def test_a_table_without_a_column_of_the_model_is_refused(bundle):
    with pytest.raises(InputError, match="no column 'sex'"):
        read_new_patients(pd.DataFrame({"age": [60.0]}), bundle)
