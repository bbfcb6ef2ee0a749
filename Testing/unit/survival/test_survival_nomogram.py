"""The nomogram against rms::nomogram and against the model that it stands for."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from survival_references import data_of, values_of_r

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.logistic import fit_logistic
from SurvivalNomogramLib.nomogram.points import Nomogram, make_nomogram, numeric_ticks
from SurvivalNomogramLib.tables.binary_table import read_binary_table
from SurvivalNomogramLib.tables.survival_table import read_survival_table

CASES = values_of_r()["nomograms"]


def own_nomogram(case):
    """The same model as R's, and the frame it was fitted on."""
    data = data_of(case["name"].split("_")[0])
    covariates = [variable["name"] for variable in case["variables"]]
    if case["logistic"]:
        data["y"] = ((data["time"] <= 365) & (data["event"] == 1)).astype(int)
        table = read_binary_table(data, event="y", covariates=covariates)
        return make_nomogram(fit_logistic(table), table.frame), table.frame
    table = read_survival_table(data, time="time", event="event", covariates=covariates)
    ticks = {v["name"]: v["values"] for v in case["variables"]} if "ranges" in case["name"] else None
    horizons = np.quantile(table.time[table.event == 1], [0.25, 0.5, 0.75])
    return make_nomogram(fit_cox(table), table.frame, horizons.tolist(), ticks=ticks), table.frame


@pytest.fixture(scope="module")
def lung():
    return own_nomogram(CASES[0])


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_points_of_every_value_equal_rms(case):
    nomogram, _ = own_nomogram(case)
    for variable, axis in zip(case["variables"], nomogram.axes, strict=True):
        own = dict(zip(axis.values, axis.points, strict=True))
        assert len(own) == len(variable["values"]), "other ticks than rms"
        points = [own[value] for value in variable["values"]]
        np.testing.assert_allclose(points, variable["points"], atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_total_points_and_linear_predictor_stand_as_in_rms(case):
    nomogram, _ = own_nomogram(case)
    np.testing.assert_allclose(nomogram.total_ticks, case["total"], atol=1e-9)
    np.testing.assert_allclose(nomogram.predictor_ticks, case["lp_at"], atol=1e-12)
    np.testing.assert_allclose(nomogram.total_points_of(np.array(case["lp_at"])), case["lp_points"], atol=1e-6)


@pytest.mark.parametrize("case", [c for c in CASES if not c["logistic"]], ids=lambda case: case["name"])
def test_predictions_equal_the_cox_model_to_1e_10(case):
    nomogram, frame = own_nomogram(case)
    table = nomogram.predict_table(frame)
    survival = nomogram.model.survival_at(frame, nomogram.horizons)
    np.testing.assert_allclose(table[[f"survival_{h:g}" for h in nomogram.horizons]], survival, atol=1e-10)
    np.testing.assert_allclose(table["linear_predictor"], nomogram.model.linear_predictor(frame), atol=1e-10)
    np.testing.assert_array_equal(table["median_survival"], nomogram.model.median_survival(frame))
    for k in range(0, len(frame), 37):
        one = nomogram.predict(frame.iloc[k].to_dict())
        np.testing.assert_allclose(list(one.survival.values()), survival[k], atol=1e-10)
        assert one.total_points == pytest.approx(table["total_points"].iloc[k], abs=1e-9)


def test_a_logistic_nomogram_gives_the_models_probability():
    nomogram, frame = own_nomogram(CASES[-1])
    expected = nomogram.model.predict_probability(frame)
    np.testing.assert_allclose(nomogram.predict_table(frame)["probability"], expected, atol=1e-10)
    assert nomogram.predict(frame.iloc[0].to_dict()).probability == pytest.approx(expected[0], abs=1e-10)
    assert {axis.label for axis in nomogram.outcome_axes()} == {"Linear predictor", "Probability"}


def test_reading_the_figure_by_hand_gives_the_prediction(lung):
    # Sum the points of the axes, look the total up on the survival axis: what a clinician does.
    nomogram, _ = lung
    axis = next(axis for axis in nomogram.outcome_axes() if "survival" in axis.label)
    for survival, total in zip(axis.values, axis.total_points, strict=True):
        assert nomogram.survival_of(total, nomogram.horizons[:1])[0, 0] == pytest.approx(survival, abs=1e-10)
    assert max(axis.points.max() for axis in nomogram.axes) == pytest.approx(100)
    assert min(axis.points.min() for axis in nomogram.axes) == 0


def test_the_median_axis_stands_where_survival_crosses_one_half(lung):
    nomogram, _ = lung
    axis = nomogram.outcome_axes()[-1]
    for time, total in zip(axis.values, axis.total_points, strict=True):
        assert nomogram.survival_of(total, [time])[0, 0] == pytest.approx(0.5, abs=1e-10)
        read_off = nomogram.median_of(total)[0]
        assert time - 0.01 * nomogram.model.baseline.times[-1] <= read_off <= time


def test_with_few_events_the_median_axis_shows_the_events_and_no_time_between_them():
    data = data_of("lung")[:9].assign(event=1)
    table = read_survival_table(data, time="time", event="event", covariates=["age"])
    nomogram = make_nomogram(fit_cox(table), table.frame)
    axis = next(axis for axis in nomogram.outcome_axes() if axis.label.startswith("Median"))
    np.testing.assert_array_equal(nomogram.median_of(axis.total_points), axis.values)


@pytest.mark.parametrize("longest", [540, 892, 1000, 1010])
def test_the_longest_median_that_a_patient_can_have_lies_on_the_median_axis(longest):
    times = [100, 180, 260, 310, 390, 407, 480, 530, longest]
    ages = [70, 64, 71, 60, 66, 58, 61, 50, 52]
    followed = {"time": [*times, *[1200] * 9], "event": [1] * 9 + [0] * 9, "age": [*ages, *range(40, 67, 3)]}
    data = data_of("lung")[:18].assign(**followed)
    table = read_survival_table(data, time="time", event="event", covariates=["age"])
    nomogram = make_nomogram(fit_cox(table), table.frame)
    axis = next(axis for axis in nomogram.outcome_axes() if axis.label.startswith("Median"))
    reached = nomogram.median_of(np.linspace(nomogram.total_ticks[0], nomogram.total_ticks[-1], 500))
    assert reached[np.isfinite(reached)].max() == longest
    assert axis.values.max() >= longest * 0.95


def test_a_value_outside_the_axis_is_predicted_and_named(lung):
    nomogram, frame = lung
    patient = {**frame.iloc[0].to_dict(), "age": 120.0}
    prediction = nomogram.predict(patient)
    assert prediction.outside == ("age",)
    expected = nomogram.model.survival_at(pd.DataFrame([patient]), nomogram.horizons)[0]
    np.testing.assert_allclose(list(prediction.survival.values()), expected, atol=1e-10)


def test_a_horizon_beyond_the_last_event_is_refused_with_its_time(lung):
    nomogram, frame = lung
    last = nomogram.model.baseline.times[-1]
    with pytest.raises(InputError, match=f"beyond the last event, at {last:g} days; choose a horizon up to {last:g}"):
        make_nomogram(nomogram.model, frame, [5000])
    with pytest.raises(InputError, match="beyond the last event"):
        nomogram.survival_of(50.0, [5000])
    with pytest.raises(InputError, match="horizon -1 must be above 0"):
        replace(nomogram, horizons=(-1.0,))
    with pytest.raises(InputError, match="before the first event"):
        replace(nomogram, horizons=(0.001,))


def test_an_unseen_category_and_a_missing_covariate_are_one_line(lung):
    nomogram, frame = lung
    patient = frame.iloc[0].to_dict()
    with pytest.raises(InputError, match="'sex' has the category 'other', which the training data do not"):
        nomogram.predict({**patient, "sex": "other"})
    with pytest.raises(InputError, match="no column 'age'"):
        nomogram.predict({key: value for key, value in patient.items() if key != "age"})
    with pytest.raises(InputError, match="'age' has no value"):
        nomogram.predict({**patient, "age": None})


def test_an_interaction_is_refused_clearly():
    data = data_of("lung")
    data["age:ecog"] = data["age"] * data["ecog"]
    table = read_survival_table(data, time="time", event="event", covariates=["age", "ecog", "age:ecog"])
    with pytest.raises(ModelError, match="'age:ecog' is an interaction, and a nomogram has one axis"):
        make_nomogram(fit_cox(table), table.frame, [365])


def test_a_model_without_covariates_has_no_nomogram():
    table = read_survival_table(data_of("lung"), time="time", event="event", covariates=["age"])
    with pytest.raises(ModelError, match="no covariates"):
        make_nomogram(fit_cox(table, []), table.frame, [365])


def test_ticks_of_the_wrong_kind_are_refused(lung):
    nomogram, frame = lung
    with pytest.raises(InputError, match="'sex', which is not a numeric covariate"):
        make_nomogram(nomogram.model, frame, [365], ticks={"sex": [0, 1]})
    with pytest.raises(InputError, match="'age' needs two or more different finite values"):
        make_nomogram(nomogram.model, frame, [365], ticks={"age": [40]})


def test_cox_and_logistic_questions_are_not_mixed_up(lung):
    nomogram, _ = lung
    logistic, _ = own_nomogram(CASES[-1])
    with pytest.raises(InputError, match="ask for survival_of"):
        nomogram.probability_of(50.0)
    with pytest.raises(InputError, match="ask for probability_of"):
        logistic.survival_of(50.0, [365])
    with pytest.raises(InputError, match="takes no horizons"):
        replace(logistic, horizons=(365.0,))


def test_few_values_are_their_own_ticks_and_many_get_round_numbers():
    assert numeric_ticks(np.array([3.0, 1, 2, 2, np.nan])) == (1.0, 2.0, 3.0)
    assert numeric_ticks(np.arange(39.0, 83)) == tuple(np.arange(35.0, 86, 5))


def test_a_nomogram_survives_json(lung):
    nomogram, frame = lung
    again = Nomogram.from_dict(json.loads(json.dumps(nomogram.to_dict())), nomogram.model)
    pd.testing.assert_frame_equal(again.predict_table(frame), nomogram.predict_table(frame))
    with pytest.raises(InputError, match="cannot be read"):
        Nomogram.from_dict({"ticks": {}}, nomogram.model)


def test_the_points_table_holds_every_tick(lung):
    nomogram, _ = lung
    table = nomogram.points_table()
    assert set(table["variable"]) == {"age", "sex", "ecog", "wt_loss"}
    assert table["points"].between(0, 100).all()
