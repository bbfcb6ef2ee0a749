"""Warnings of codes that enter as numbers, of collinear columns, and of patients lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from SurvivalNomogramLib.tables.covariate_warnings import (
    code_warnings,
    collinearity_warnings,
    inflation_factors,
    lost_warning,
)
from SurvivalNomogramLib.tables.covariates import Term


def test_inflation_factors_are_the_diagonal_of_the_inverse_correlation_matrix():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4))
    np.testing.assert_allclose(inflation_factors(x), np.diag(np.linalg.inv(np.corrcoef(x.T))), rtol=1e-8)
    assert np.isinf(inflation_factors(np.column_stack((x, x[:, 0] - x[:, 1])))[-1])


def test_collinear_columns_are_named_and_others_are_not():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(100, 3)), columns=["volume", "diameter", "age"])
    frame["diameter"] = frame["volume"] + 0.1 * frame["diameter"]
    told = collinearity_warnings(frame, [Term(name) for name in frame.columns])
    assert len(told) == 1
    assert "'volume'" in told[0] and "'diameter'" in told[0] and "'age'" not in told[0]
    assert collinearity_warnings(frame[["volume", "age"]], [Term("volume"), Term("age")]) == []


@pytest.mark.parametrize(
    ("name", "values", "is_told"),
    [
        ("stage", [1, 2, 3, 4], True),
        ("tumour_grade", [1, 2, 3, 3], True),
        ("pT", [1, 2, 3, 4], True),
        ("FIGO stage", [1, 2, 3, 4], True),
        ("stage", [0, 1, 0, 1], False),  # two codes have one step: a number is no different
        ("grade_score", [1.5, 2.25, 3, 4], False),
        ("weight", [1, 2, 3, 4], False),
        ("percentage", [1, 2, 3, 4], False),
        ("ct.ring_0_3mm.mean", [1, 2, 3, 4], False),
    ],
)
def test_codes_of_stage_and_grade_that_enter_as_numbers_are_told(name, values, is_told):
    frame = pd.DataFrame({name: np.array(values, float)})
    assert bool(code_warnings(frame, [Term(name)])) == is_told
    assert not code_warnings(frame.astype(str), [Term(name, ("1.0", "2.0"))])


def test_the_total_of_lost_patients_is_told():
    (told,) = lost_warning(60, {"without 'days'": 3, "without a value of a covariate": 17})
    assert told.startswith("20 of 80 patients (25 %)")
