"""Intervals of a predicted survival against R's survfit."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from competing_references import competing_values
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.models.cox import CoxModel, fit_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table


def fitted(name: str, covariates: list[str]) -> tuple[CoxModel, pd.DataFrame]:
    data = data_of(name)[["time", "event", *covariates]]
    table = read_survival_table(data, time="time", event="event")
    return fit_cox(table), table.frame


def test_survival_error_and_limits_equal_survfit():
    for name, case in competing_values()["intervals"].items():
        model, frame = fitted(name, case["covariates"])
        own = model.survival_interval(frame.iloc[np.array(case["rows"]) - 1], case["times"])
        for ours, theirs in (
            ("survival", "survival"),
            ("standard_error", "se"),
            ("lower", "lower"),
            ("upper", "upper"),
        ):
            np.testing.assert_allclose(getattr(own, ours).T, np.array(case[theirs], float), atol=1e-9, err_msg=name)


def test_limits_hold_the_survival_and_widen_with_confidence():
    model, frame = fitted("lung", ["age", "sex"])
    narrow, wide = model.survival_interval(frame, [300], 0.8), model.survival_interval(frame, [300], 0.99)
    assert (wide.lower < narrow.lower).all() and (narrow.lower < narrow.survival).all()
    assert (narrow.survival < narrow.upper).all() and (narrow.upper < wide.upper).all()


def test_before_the_first_event_there_is_no_interval():
    model, frame = fitted("lung", ["age"])
    own = model.survival_interval(frame.iloc[:2], [1])
    assert (own.survival == 1).all() and np.isnan(own.lower).all() and np.isnan(own.upper).all()


def test_the_null_model_has_the_interval_of_its_hazard():
    data = data_of("veteran")[["time", "event", "age"]].sort_values("time")
    table = read_survival_table(data, time="time", event="event")
    own = fit_cox(table, []).survival_interval(table.frame.iloc[:1], [100])
    # Slow and obvious: Efron's sums, one death after the other.
    hazard = variance = 0.0
    for time in np.unique(data.time[(data.event == 1) & (data.time <= 100)]):
        deaths, at_risk = int(((data.time == time) & (data.event == 1)).sum()), int((data.time >= time).sum())
        hazard += sum(1 / (at_risk - k) for k in range(deaths))
        variance += sum(1 / (at_risk - k) ** 2 for k in range(deaths))
    assert own.survival[0, 0] == pytest.approx(np.exp(-hazard), rel=1e-12)
    assert own.standard_error[0, 0] == pytest.approx(np.exp(-hazard) * np.sqrt(variance), rel=1e-12)


def test_the_model_keeps_its_intervals_in_json_and_an_old_bundle_says_that_it_has_none():
    model, frame = fitted("lung", ["age", "sex"])
    data = json.loads(json.dumps(model.to_dict()))
    again = CoxModel.from_dict(data).survival_interval(frame.iloc[:3], [200, 400])
    np.testing.assert_array_equal(again.lower, model.survival_interval(frame.iloc[:3], [200, 400]).lower)
    damaged = json.loads(json.dumps(data))
    damaged["baseline"]["drift"] = damaged["baseline"]["drift"][:-1]
    with pytest.raises(InputError, match="does not fit"):
        CoxModel.from_dict(damaged)
    del data["baseline"]["variance"], data["baseline"]["drift"]
    old = CoxModel.from_dict(data)
    np.testing.assert_array_equal(old.survival_at(frame, 200), model.survival_at(frame, 200))
    with pytest.raises(InputError, match="write it again"):
        old.survival_interval(frame, 200)
