"""Multiple imputation against R's mice, planted truth, and what must always hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.imputation.chained_equations import ImputationSettings, impute, survival_outcome
from SurvivalNomogramLib.imputation.conditional_draws import draw_levels, draw_numbers
from SurvivalNomogramLib.imputation.rubin import pool
from SurvivalNomogramLib.models.imputed import fit_cox_imputed, fit_logistic_imputed
from SurvivalNomogramLib.tables.binary_table import BinaryTable
from SurvivalNomogramLib.tables.covariates import Term
from SurvivalNomogramLib.tables.survival_table import SurvivalTable

FOLDER = Path(__file__).resolve().parents[2] / "reference" / "imputation"
TERMS = (Term("age"), Term("sex", ("female", "male")), Term("ecog", ("none", "some", "much")))
TERMS = (*TERMS, Term("karno"), Term("wt_loss"))


def of_mice() -> dict[str, Any]:
    return json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))


def lung() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "data" / "lung_missing.csv")


def survival_table(data: pd.DataFrame, terms: tuple[Term, ...] = TERMS) -> SurvivalTable:
    return SurvivalTable(
        frame=data[[term.name for term in terms]],
        time=data["time"].to_numpy(float),
        event=data["event"].to_numpy(int),
        terms=terms,
        ids=np.arange(len(data)).astype(object),
    )


def assert_within_monte_carlo_error(pooled: Any, theirs: dict[str, Any], m: int, m_r: int) -> None:
    # An estimate pooled over m tables has the Monte Carlo variance between / m (White 2011, section 7.3).
    error = np.sqrt(np.array(theirs["between"]) * (1 / m + 1 / m_r))
    assert (np.abs(pooled.estimate - theirs["estimate"]) < 3.5 * error).all()
    np.testing.assert_allclose(np.sqrt(np.diag(pooled.covariance)), theirs["se"], rtol=0.15)
    np.testing.assert_allclose(pooled.missing_information, theirs["fmi"], atol=0.2)


def test_rubins_rules_equal_mice():
    case = of_mice()["rubin"]
    covariances = np.array([np.diag(row) for row in case["var"]])
    own = pool(("age", "sex", "karno"), np.array(case["coef"]), covariances, case["dfcom"])
    theirs, table = case["pooled"], own.table()
    np.testing.assert_allclose(own.estimate, theirs["estimate"], atol=1e-12)
    np.testing.assert_allclose(np.diag(own.covariance), theirs["total"], atol=1e-12)
    np.testing.assert_allclose(own.degrees, theirs["df"], rtol=1e-10)
    np.testing.assert_allclose(own.missing_information, theirs["fmi"], atol=1e-12)
    np.testing.assert_allclose(np.log(table["lower"]), theirs["lower"], atol=1e-12)
    np.testing.assert_allclose(np.log(table["upper"]), theirs["upper"], atol=1e-12)
    np.testing.assert_allclose(table["p"], theirs["p"], atol=1e-12)


@pytest.mark.slow
def test_the_cox_model_agrees_with_mice_within_monte_carlo_error():
    reference = of_mice()
    fit = fit_cox_imputed(survival_table(lung()), settings=ImputationSettings(count=30, iterations=5))
    assert fit.model.columns == ("age", "sex=male", "ecog=some", "ecog=much", "karno", "wt_loss")
    assert_within_monte_carlo_error(fit.pooled, reference["cox"], 30, reference["m"])
    np.testing.assert_array_equal(fit.model.coefficients, fit.pooled.estimate)
    means = [np.mean([table[name].mean() for table in fit.tables]) for name in reference["means"]]
    np.testing.assert_allclose(means, list(reference["means"].values()), atol=0.6)


@pytest.mark.slow
def test_the_logistic_model_agrees_with_mice_within_monte_carlo_error():
    reference, data = of_mice(), lung()
    table = BinaryTable(
        frame=data[[term.name for term in TERMS]],
        event=data["event"].to_numpy(int),
        terms=TERMS,
        ids=np.arange(len(data)).astype(object),
    )
    fit = fit_logistic_imputed(table, settings=ImputationSettings(count=30, iterations=5))
    assert_within_monte_carlo_error(fit.pooled, reference["logistic"], 30, reference["m"])


def test_observed_values_stay_and_drawn_ones_were_seen():
    data = lung()
    outcome = survival_outcome(data["time"].to_numpy(float), data["event"].to_numpy())
    first, second = impute(data, TERMS, outcome, ImputationSettings(count=2, iterations=2, seed=7))
    for term in TERMS:
        known = data[term.name].notna()
        assert (first[term.name][known] == data[term.name][known]).all()
        assert set(first[term.name]) <= set(data[term.name][known])
        assert known.all() or (first[term.name] != second[term.name]).any()
    again = impute(data, TERMS, outcome, ImputationSettings(count=2, iterations=2, seed=7))
    pd.testing.assert_frame_equal(again[1], second)


def test_imputation_finds_the_effect_that_dropping_the_patients_distorts():
    rng = np.random.default_rng(6)
    n = 600
    a = rng.normal(size=n)
    b = 0.8 * a + 0.6 * rng.normal(size=n)
    event = (rng.random(n) < 1 / (1 + np.exp(-(a + b)))).astype(int)
    # Whether b is known depends on a and the event: the complete patients are no fair sample.
    b[rng.random(n) < 1 / (1 + np.exp(-(1.5 * a + 1.5 * event - 1)))] = np.nan
    table = BinaryTable(
        frame=pd.DataFrame({"a": a, "b": b}),
        event=event,
        terms=(Term("a"), Term("b")),
        ids=np.arange(n).astype(object),
    )
    fit = fit_logistic_imputed(table, settings=ImputationSettings(count=10, iterations=5))
    error = np.sqrt(np.diag(fit.pooled.covariance))
    assert (np.abs(fit.pooled.estimate - [0, 1, 1]) < 2.5 * error).all()
    complete = np.isfinite(b)
    share = event[complete].mean()
    assert share < 0.4 < event.mean()  # dropping them would misstate the risk


def test_levels_are_drawn_with_the_models_probabilities():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3000, 1))
    scores = np.column_stack((np.zeros(3000), 0.5 + x[:, 0], -0.5 - x[:, 0]))
    probability = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    known = (np.cumsum(probability, axis=1) < rng.random((3000, 1))).sum(axis=1)
    drawn = draw_levels(known, 3, x, np.full((20_000, 1), 1.0), rng)
    truth = np.exp([0, 1.5, -1.5]) / np.exp([0, 1.5, -1.5]).sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 20_000, truth, atol=0.03)


def test_a_covariate_that_separates_the_levels_is_imputed_all_the_same():
    x = np.linspace(-1, 1, 40)[:, np.newaxis]
    drawn = draw_levels(
        (x[:, 0] > 0).astype(int), 2, x, np.array([[-1.0]] * 50 + [[1.0]] * 50), np.random.default_rng(1)
    )
    assert drawn[:50].mean() < 0.2 and drawn[50:].mean() > 0.8


def test_numbers_follow_the_line_of_the_others():
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, (500, 1))
    wanted = rng.uniform(3, 7, (400, 1))
    error = draw_numbers(2 * x[:, 0] + rng.normal(size=500), x, wanted, rng) - 2 * wanted[:, 0]
    assert error.mean() == pytest.approx(0, abs=0.25)
    assert error.std() == pytest.approx(1, abs=0.2)


def test_the_outcome_of_the_models_is_nelson_aalens():
    own = survival_outcome(np.array([1.0, 2, 2, 3]), np.array([1, 2, 0, 1]))
    hazard = 1 / 4
    np.testing.assert_allclose(own[:, 0], [1, 0, 0, 1])
    np.testing.assert_allclose(own[:, 1], [hazard, hazard, hazard, hazard + 1])
    np.testing.assert_allclose(own[:, 3], [0, 1 / 3, 1 / 3, 1 / 3])


def test_other_cohorts_teach_the_imputation_nothing():
    data = lung()
    table = survival_table(data)
    labels = np.where(np.arange(len(data)) < 150, "train", "test").astype(object)
    strange = data.copy()
    strange.loc[strange.index >= 150, "karno"] = 1e6
    settings = ImputationSettings(count=2, iterations=2)
    fits = [
        fit_cox_imputed(
            SurvivalTable(
                frame=frame[[term.name for term in TERMS]],
                time=table.time,
                event=table.event,
                terms=TERMS,
                ids=table.ids,
                split=labels,
            ),
            settings=settings,
        )
        for frame in (data, strange)
    ]
    np.testing.assert_array_equal(fits[0].model.coefficients, fits[1].model.coefficients)
    assert fits[0].model.n == 150 and any("imputed 2 times" in line for line in fits[0].model.warnings)


def test_what_cannot_be_imputed_is_refused():
    data = lung()
    complete = data.dropna()
    with pytest.raises(InputError, match="nothing to impute"):
        fit_cox_imputed(survival_table(complete))
    with pytest.raises(InputError, match="'karno' has 5 values"):
        fit_cox_imputed(
            survival_table(data.assign(karno=data["karno"].where(data.index < data.index[data["karno"].notna()][5])))
        )
    with pytest.raises(InputError, match="count of the imputations is 1"):
        ImputationSettings(count=1)


@pytest.mark.parametrize("verb", ["cox", "logistic"])
def test_the_verbs_impute_where_they_are_asked_to(verb, tmp_path):
    frame = lung()
    asked = {"cohort": frame, "event": "event", "covariates": ["age", "sex", "karno"], "imputations": 3}
    asked |= {"columns": {"missing": "mice"}, "bootstrap": 5, "formats": []}
    if verb == "cox":
        asked |= {"time": "time", "horizons": [200.0]}
    result = run_job(verb, tmp_path / "fit", **asked)
    assert not result.failures
    pooled = read_csv(tmp_path / "fit" / "imputed_coefficients.csv").set_index("column")
    assert (pooled["missing_information"] > 0).all()
    bundle = load_bundle(tmp_path / "fit" / "model")
    assert bundle.model.n == len(frame)  # nobody is dropped
    np.testing.assert_allclose(bundle.model.coefficients, pooled["coefficient"][list(bundle.model.columns)], rtol=1e-9)
    assert any("imputed 3 times" in note for note in result.notes)
    run_job(
        "predict", tmp_path / "new", bundle=tmp_path / "fit" / "model", cohort=frame.drop(columns=["event", "time"])
    )
    assert read_csv(tmp_path / "new" / "predictions.csv")["linear_predictor"].notna().all()


def test_covariates_are_chosen_in_every_imputation_and_those_of_most_are_pooled(tmp_path):
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.normal(size=(160, 4)), columns=["strong", "gappy", "noise", "other"])
    death = rng.exponential(500 * np.exp(-0.9 * frame["strong"] - 0.9 * frame["gappy"])) + 1
    frame["days"], frame["dead"] = np.minimum(death, 900), (death < 900).astype(int)
    frame.loc[rng.random(160) < 0.25, "gappy"] = np.nan
    asked = {"cohort": frame, "time": "days", "event": "dead", "imputations": 4, "columns": {"missing": "mice"}}
    asked |= {"modelling": {"univariable_p": 0.01}, "bootstrap": 2, "formats": []}
    result = run_job("cox", tmp_path, **asked)
    shares = read_csv(tmp_path / "imputed_selection.csv").set_index("covariate")["share_chosen"]
    assert shares["strong"] == shares["gappy"] == 1
    chosen = set(read_csv(tmp_path / "imputed_coefficients.csv")["column"])
    assert chosen == set(shares.index[shares >= 0.5])
    predicted = run_job("predict", tmp_path / "p", bundle=tmp_path / "model", cohort=frame)
    assert any("a new patient cannot be" in note for note in predicted.notes)
    assert any("not imputed" in note for note in result.notes)
