"""The logistic model. Numbers against R's glm: test_survival_against_r."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.logistic import LogisticModel, fit_logistic, separating_columns
from SurvivalNomogramLib.tables.binary_table import read_binary_table


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": rng.normal(50, 5, 150), "sex": rng.choice(["f", "m"], 150)})
    odds = np.exp(0.2 * (data.a - 50) + 0.8 * (data.sex == "m") - 0.5)
    return data.assign(y=(rng.random(150) < odds / (1 + odds)).astype(int))


def test_the_score_is_zero_at_the_maximum(frame: pd.DataFrame) -> None:
    model = fit_logistic(read_binary_table(frame, event="y"))
    rest = frame.y - model.predict_probability(frame)
    assert abs(rest.sum()) < 1e-8
    assert abs((rest * frame.a).sum()) < 1e-6
    assert abs((rest * (frame.sex == "m")).sum()) < 1e-8


def test_without_covariates_the_probability_is_the_rate(frame: pd.DataFrame) -> None:
    model = fit_logistic(read_binary_table(frame, event="y"), [])
    np.testing.assert_allclose(model.predict_probability(frame), frame.y.mean(), rtol=1e-12)
    assert model.log_likelihood == pytest.approx(model.null_log_likelihood, rel=1e-12)


def test_a_model_survives_json(frame: pd.DataFrame) -> None:
    model = fit_logistic(read_binary_table(frame, event="y"))
    again = LogisticModel.from_dict(json.loads(json.dumps(model.to_dict())))
    np.testing.assert_array_equal(again.predict_probability(frame), model.predict_probability(frame))
    assert again.summary() == model.summary()
    with pytest.raises(InputError, match="has no 'intercept'"):
        LogisticModel.from_dict({k: v for k, v in model.to_dict().items() if k != "intercept"})
    with pytest.raises(InputError, match="kind 'cox', not a logistic model"):
        LogisticModel.from_dict({"kind": "cox"})


def test_complete_and_quasi_complete_separation_name_the_column(frame: pd.DataFrame) -> None:
    complete = frame.assign(marker=frame.y * 2.0 + np.linspace(0, 0.5, 150))
    with pytest.raises(ModelError, match="'marker' separates the outcomes"):
        fit_logistic(read_binary_table(complete, event="y"))
    quasi = frame.assign(site=np.where((frame.y == 1) & (frame.a > 55), "liver", "other"))
    assert quasi.site.nunique() == 2
    with pytest.raises(ModelError, match="'site=other' separates the outcomes"):
        fit_logistic(read_binary_table(quasi, event="y"), ["sex", "site"])


def test_separation_by_two_columns_together_names_both() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 3))
    event = (x[:, 0] + x[:, 2] > 0).astype(int)
    assert separating_columns(x, event) == [0, 2]
    assert separating_columns(x, rng.integers(0, 2, 60)) == []


def test_one_outcome_only_is_refused_and_few_events_are_warned_of(frame: pd.DataFrame) -> None:
    table = read_binary_table(frame, event="y")
    with pytest.raises(ModelError, match="the same outcome"):
        fit_logistic(table.rows(table.event == 1))
    few = table.rows(np.concatenate((np.flatnonzero(table.event)[:12], np.flatnonzero(table.event == 0))))
    assert "12 events for 2 coefficients" in fit_logistic(few).warnings[0]
