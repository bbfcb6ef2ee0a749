"""Terms, levels and the design matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.tables.covariates import DesignMatrix, Term, check_full_rank, level_texts, terms_of


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"age": [50, 60, 70], "stage": ["II", "I", "III"], "smoker": [True, False, True]})


def test_text_and_boolean_columns_become_categories(frame: pd.DataFrame) -> None:
    terms = terms_of(frame)
    assert [term.levels for term in terms] == [(), ("I", "II", "III"), ("False", "True")]


def test_an_ordered_categorical_keeps_its_order_and_loses_unused_levels(frame: pd.DataFrame) -> None:
    stage = pd.Categorical(frame.stage, categories=["III", "II", "I", "0"])
    assert terms_of(frame.assign(stage=stage), ["stage"])[0].levels == ("III", "II", "I")


def test_the_matrix_has_a_column_for_each_level_but_the_reference(frame: pd.DataFrame) -> None:
    design = DesignMatrix(terms_of(frame, references={"stage": "II"}))
    assert design.columns == ("age", "stage=I", "stage=III", "smoker=True")
    assert design.transform(frame).tolist() == [[50, 0, 0, 1], [60, 1, 0, 0], [70, 0, 1, 1]]
    assert design.slices() == {"age": slice(0, 1), "stage": slice(1, 3), "smoker": slice(3, 4)}


def test_whole_floats_and_integers_are_the_same_level() -> None:
    assert level_texts(pd.Series([1.0, 2.5, None])).tolist()[:2] == ["1", "2.5"]


def test_an_unseen_category_is_named_with_its_column(frame: pd.DataFrame) -> None:
    design = DesignMatrix(terms_of(frame))
    with pytest.raises(InputError, match="'stage' has the category 'IV', which the training data do not"):
        design.transform(frame.assign(stage=["I", "IV", "II"]))


def test_missing_columns_and_values_are_named(frame: pd.DataFrame) -> None:
    design = DesignMatrix(terms_of(frame))
    with pytest.raises(InputError, match="no column 'age', which the model needs"):
        design.transform(frame.drop(columns="age"))
    with pytest.raises(InputError, match="'age' has no value in row 1"):
        design.transform(frame.assign(age=[1.0, np.nan, 2.0]))
    with pytest.raises(InputError, match="'age' must hold finite numbers, but row 1 has inf"):
        design.transform(frame.assign(age=[1.0, np.inf, 2.0]))


def test_interactions_are_refused_with_a_reason(frame: pd.DataFrame) -> None:
    for asked in ("age:stage", "age*stage"):
        with pytest.raises(InputError, match="asks for an interaction"):
            terms_of(frame, [asked])


def test_a_term_needs_two_different_levels_and_a_name_once() -> None:
    with pytest.raises(InputError, match="single level 'I'"):
        Term("stage", ("I",))
    with pytest.raises(InputError, match="repeat"):
        Term("stage", ("I", "I"))
    with pytest.raises(InputError, match="'age' is named twice"):
        DesignMatrix((Term("age"), Term("age")))


def test_terms_survive_json() -> None:
    for term in (Term("age"), Term("stage", ("II", "I"))):
        assert Term.from_dict(term.to_dict()) == term


def test_collinear_and_constant_columns_are_named() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3))
    check_full_rank(x, "abc")
    with pytest.raises(ModelError, match="'d' is collinear with 'a' and 'c'"):
        check_full_rank(np.column_stack([x, 2 * x[:, 0] - x[:, 2] + 5]), "abcd")
    with pytest.raises(ModelError, match=r"'d' has the same value \(7\) in all patients"):
        check_full_rank(np.column_stack([x, np.full(30, 7.0)]), "abcd")
    with pytest.raises(ModelError, match="is collinear with"):
        check_full_rank(rng.normal(size=(5, 8)), "abcdefgh")


def test_nearly_collinear_columns_of_different_scale_pass() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=50)
    check_full_rank(np.column_stack([first * 1e6, first + 1e-4 * rng.normal(size=50)]), "ab")
