"""The modelling step as one thing, and what doing it again in every resample changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.cox import CoxModel, fit_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, optimism_corrected_c
from SurvivalNomogramLib.validation.cox_modelling import CoxModelling, ModellingRefit, Selection, fit_resamples


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 150
    frame = pd.DataFrame({f"x{k}": rng.normal(size=n) for k in range(8)})
    frame["days"] = rng.exponential(500 / np.exp(frame["x0"] - frame["x1"])) + 1
    frame["dead"] = rng.integers(0, 4, n) > 0
    return read_survival_table(frame, time="days", event="dead")


def names(result):
    return [term.name for term in result.model.terms]


def test_without_selection_every_covariate_is_in_the_model(table):
    result = CoxModelling().fit(table)
    assert names(result) == [term.name for term in table.terms]
    np.testing.assert_array_equal(result.model.coefficients, fit_cox(table).coefficients)


@pytest.mark.parametrize("selection", ["backward", "forward", "both", "lasso"])
def test_every_selection_finds_the_true_covariates(table, selection):
    chosen = names(CoxModelling(selection=selection).fit(table))
    assert {"x0", "x1"} <= set(chosen)


def test_screening_keeps_what_is_significant_and_what_is_asked_for(table):
    result = CoxModelling(univariable_p=0.001, keep=("x5",)).fit(table)
    assert {"x0", "x1", "x5"} <= set(names(result)) < {term.name for term in table.terms}
    assert len(result.univariable) == 8


def test_selection_never_removes_what_is_to_be_kept(table):
    assert "x5" in names(CoxModelling(selection=Selection.BACKWARD, keep=("x5",)).fit(table))
    assert "x5" in names(
        CoxModelling(selection=Selection.LASSO, keep=("x5",), lambda_choice="1se", refit=True).fit(table)
    )


def test_the_lassos_model_is_the_penalised_one_and_a_refit_is_asked_for(table):
    found = CoxModelling(selection="lasso").fit(table)
    own = dict(zip(found.model.columns, found.model.coefficients, strict=True))
    assert {name: own[name] for name in own if own[name]} == found.lasso.coefficients_at("min")
    assert np.isnan(found.model.covariance).all()
    again = CoxModelling(selection="lasso", refit=True).fit(table).model
    assert again.columns == found.model.columns and again.penalty is None
    assert np.abs(again.coefficients).sum() > np.abs(found.model.coefficients).sum()  # a penalty shrinks
    restored = CoxModel.from_dict(found.model.to_dict())
    np.testing.assert_array_equal(restored.survival_at(table.frame, 300.0), found.model.survival_at(table.frame, 300.0))


@pytest.fixture(scope="module")
def wide():
    """40 patients with 12 events, of whom 24 features each know something."""
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=40)
    frame = pd.DataFrame({f"x{k}": hidden + rng.normal(size=40) * 0.8 for k in range(24)})
    frame["days"] = np.exp(-1.5 * hidden) * rng.exponential(300, 40) + 1
    frame["dead"] = (frame["days"].rank() <= 12).astype(int)
    return read_survival_table(frame, time="days", event="dead")


def test_more_coefficients_than_events_do_not_stop_a_penalised_model(wide):
    settings = {"selection": "lasso", "alpha": 0.05, "folds": 4}
    found = CoxModelling(**settings).fit(wide)
    assert len(found.model.coefficients) >= wide.events
    again = CoxModelling(**settings, refit=True).fit(wide)
    assert again.model.penalty is not None
    assert "coefficients cannot be fitted with 12 events" in again.notes[0]


def test_events_are_counted_for_every_candidate_and_not_for_the_chosen_ones(wide):
    found = CoxModelling(univariable_p=1e-5).fit(wide)
    assert 0 < len(found.model.coefficients) < 12
    assert "12 events for 24 candidate coefficients are 0.5 events per variable" in found.model.warnings[0]


def test_a_resample_in_which_nothing_is_chosen_is_a_model_without_covariates():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({f"x{k}": rng.normal(size=60) for k in range(3)})
    frame["days"], frame["dead"] = rng.exponential(300 / np.exp(0.3 * frame["x0"])) + 1, 1  # p = 0.04
    table = read_survival_table(frame, time="days", event="dead")
    modelling = CoxModelling(univariable_p=0.05)
    refits = fit_resamples(table, modelling, BootstrapSettings(20, 1))
    found = optimism_corrected_c(
        table.time, table.event, refits, BootstrapSettings(20, 1), partitions=refits.partitions
    )
    resampled = [model for rows, model in refits.models.items() if len(rows) == 8 * 60]
    null = sum(not model.terms for model in resampled if not isinstance(model, str))
    assert found.nulls == null > 0
    assert found.used == 20 and not found.failures


def test_nothing_that_predicts_is_an_error_and_not_an_empty_model():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=40), "days": np.arange(1.0, 41), "dead": 1})
    table = read_survival_table(frame, time="days", event="dead")
    with pytest.raises(ModelError, match="no covariate has a univariable p below 1e-06"):
        CoxModelling(univariable_p=1e-6).fit(table)
    with pytest.raises(ModelError, match="leaves no covariate"):
        CoxModelling(selection="backward").fit(table)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"selection": "stepwise"}, "selection 'stepwise' is unknown; choose one of none, backward"),
        ({"univariable_p": 0.0}, "univariable_p is 0"),
        ({"lambda_choice": "max"}, "lambda_choice 'max' is unknown"),
        ({"selection": "lasso", "keep": ("a",)}, "keep a: the penalised model may drop any covariate; add --refit"),
    ],
)
def test_bad_settings_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        CoxModelling(**arguments)


def test_settings_survive_json():
    modelling = CoxModelling(0.05, "forward", ("a",))
    assert CoxModelling.from_dict(modelling.to_dict()) == modelling
    with pytest.raises(InputError, match="cannot be read"):
        CoxModelling.from_dict({"surprise": 1})


def test_models_fitted_once_give_the_same_optimism_as_refitting_for_every_measure(table):
    modelling, settings = CoxModelling(selection="backward"), BootstrapSettings(10, 3)
    folds = {"partitions": modelling.partitions(table.event, settings)}
    again = optimism_corrected_c(table.time, table.event, ModellingRefit(table, modelling), settings, **folds)
    once = optimism_corrected_c(table.time, table.event, fit_resamples(table, modelling, settings), settings, **folds)
    assert once.corrected == again.corrected
    horizon = 300.0
    rows = np.arange(len(table))
    np.testing.assert_array_equal(
        fit_resamples(table, modelling, settings).at(horizon)(rows), ModellingRefit(table, modelling, horizon)(rows)
    )


def test_resamples_that_were_not_fitted_are_refused(table):
    fitted = fit_resamples(table, CoxModelling(), BootstrapSettings(2, 0))
    with pytest.raises(ModelError, match="not resampled"):
        fitted(np.zeros(len(table), int))
