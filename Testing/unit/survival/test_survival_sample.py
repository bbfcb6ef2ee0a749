"""The sample that comes with the module SurvivalNomogram is what its script makes."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from make_survival_sample import COVARIATES, FIGURES, SAMPLE, measured

from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table


@pytest.fixture
def rows():
    with (SAMPLE / "sample_patients.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_model_is_that_of_the_patients():
    table = read_survival_table(
        SAMPLE / "sample_patients.csv", time="follow_up_days", event="death", covariates=COVARIATES
    )
    model, fitted = load_bundle(SAMPLE / "cox" / "model").model, fit_cox(table)
    assert model.columns == fitted.columns
    np.testing.assert_allclose(model.coefficients, fitted.coefficients, rtol=1e-8)


def test_figures_and_tables_are_there_and_small():
    figures = {path.stem for folder in ("cox", "validation") for path in (SAMPLE / folder / "figures").glob("*.png")}
    assert figures == set(FIGURES)
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 1_000_000


def test_the_entropy_of_the_ring_tells_who_dies(rows):
    """The truth of the sample: invasion shows in the rim, and drives the hazard; the log hazard ratio is positive."""
    table = read_survival_table(
        SAMPLE / "sample_patients.csv", time="follow_up_days", event="death", covariates=COVARIATES
    )
    line = fit_cox(table).summary()[-1]
    assert line.column == "ct.ring_0_6mm.original_glcm_JointEntropy" and line.coefficient > 0 and line.p < 0.05


@pytest.mark.slow
def test_the_sample_case_is_measured_as_it_stands_in_the_table(rows):
    row = measured(3)
    for name, value in row.items():
        if isinstance(value, str) and name.startswith("ct."):
            assert float(rows[3][name]) == pytest.approx(float(value), rel=1e-4)
        else:
            assert rows[3][name] == str(value)
