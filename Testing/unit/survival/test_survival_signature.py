"""Signatures: the printed formula is the computed number."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.models.lasso_cox import fit_lasso_cox
from SurvivalNomogramLib.models.signature import Signature, fit_signature, signature_of_lasso
from SurvivalNomogramLib.tables.covariates import Term
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


@pytest.fixture
def table() -> SurvivalTable:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(100, 4)) * [1, 10, 100, 1], columns=["ct.a", "ct.b", "ct.c", "ct.d"])
    frame["sex"] = rng.choice(["female", "male"], 100)
    frame["t"] = rng.exponential(np.exp(-frame["ct.a"] - (frame.sex == "male")))
    return read_survival_table(
        frame.assign(e=1, part=["train"] * 70 + ["test"] * 30), time="t", event="e", split="part"
    )


def test_the_signature_is_the_linear_combination_up_to_its_training_mean(table: SurvivalTable) -> None:
    signature = fit_signature("tumour", table, {"ct.a": 0.7, "ct.c": -0.02, "sex=male": 0.4})
    raw = 0.7 * table.frame["ct.a"] - 0.02 * table.frame["ct.c"] + 0.4 * (table.frame.sex == "male")
    expected = raw - raw.iloc[:70].mean()
    np.testing.assert_allclose(signature.values(table.frame), expected, atol=1e-12)
    assert signature.column == "tumour.signature"


def test_the_printed_formula_gives_the_same_number(table: SurvivalTable) -> None:
    signature = fit_signature("ring", table, {"ct.a": 0.7, "ct.b": -0.1})
    formula = signature.formula(17).split("=", 1)[1].replace("\n", " ").replace(" x ", " * ")
    patient = table.frame.iloc[0]
    for name in ("ct.a", "ct.b"):
        formula = formula.replace(name, repr(float(patient[name])))
    assert eval(formula) == pytest.approx(signature.values(table.frame)[0], rel=1e-12)


def test_a_lasso_fit_becomes_a_signature(table: SurvivalTable) -> None:
    fit = fit_lasso_cox(table)
    signature = signature_of_lasso("tumour", fit, table)
    chosen = fit.coefficients_at("min")
    assert {term.name for term in signature.terms} == {column.split("=")[0] for column in chosen}
    natural = dict(zip(["ct.a"], signature.weights / signature.spread, strict=False))
    assert natural["ct.a"] == pytest.approx(chosen["ct.a"], rel=1e-12)


def test_a_signature_survives_json(table: SurvivalTable) -> None:
    signature = fit_signature("tumour", table, {"ct.a": 0.7, "sex=male": 0.4})
    again = Signature.from_dict(json.loads(json.dumps(signature.to_dict())))
    np.testing.assert_array_equal(again.values(table.frame), signature.values(table.frame))
    with pytest.raises(InputError, match="has no 'weights'"):
        Signature.from_dict({k: v for k, v in signature.to_dict().items() if k != "weights"})


def test_empty_and_unknown_features_are_refused(table: SurvivalTable) -> None:
    with pytest.raises(InputError, match="'tumour' has no feature: choose a smaller lambda"):
        fit_signature("tumour", table, {})
    with pytest.raises(InputError, match=r"needs column 'pet\.x'"):
        fit_signature("tumour", table, {"pet.x": 1.0})


def test_a_negative_mean_is_added_in_the_formula() -> None:
    signature = Signature("s", (Term("a"),), np.array([-0.5]), np.array([-10.0]), np.array([2.0]))
    assert signature.formula() == "s.signature = -0.5 x (a + 10) / 2"
