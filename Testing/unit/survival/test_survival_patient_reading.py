"""One patient read from a bundle: as R's survfit, as ``predict`` of the whole table, and what is said of gaps."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from competing_references import competing_table, competing_values
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.bundles.bundle import ModelBundle, save_bundle
from SurvivalNomogramLib.bundles.patient_reading import read_patient, survival_curve
from SurvivalNomogramLib.groups.risk_groups import HIGH, LOW, median_cutoff
from SurvivalNomogramLib.models.competing_causes import fit_competing_causes
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.logistic import fit_logistic
from SurvivalNomogramLib.nomogram.points import make_nomogram
from SurvivalNomogramLib.tables.binary_table import read_binary_table
from SurvivalNomogramLib.tables.missing_values import MissingValues
from SurvivalNomogramLib.tables.survival_table import read_survival_table

COVARIATES = ["horTh", "age", "tsize", "tgrade", "pnodes"]


def bundle_of(covariates, name="gbsg2", horizons=(365.0, 1000.0)):
    """A bundle of a Cox model with nomogram and cut-off, and the patients that it was fitted on."""
    table = read_survival_table(data_of(name), time="time", event="event", covariates=covariates)
    model = fit_cox(table)
    cutoff = median_cutoff(model.linear_predictor(table.frame))
    missing = MissingValues("median").fit(table.frame)
    return ModelBundle(model, make_nomogram(model, table.frame, horizons), cutoff, missing), table.frame


@pytest.fixture(scope="module")
def breast():
    return bundle_of(COVARIATES)


def test_survival_and_its_interval_equal_survfit():
    for name, case in competing_values()["intervals"].items():
        bundle, frame = bundle_of(case["covariates"], name, case["times"])
        for place, row in enumerate(np.array(case["rows"]) - 1):
            found = read_patient(bundle, frame.iloc[row].to_dict()).horizons
            for ours, theirs in (("probability", "survival"), ("lower", "lower"), ("upper", "upper")):
                values = np.array(case[theirs], float)[:, place]
                np.testing.assert_allclose([getattr(one, ours) for one in found], values, atol=1e-9, err_msg=name)


def test_points_groups_and_curve_are_those_of_the_whole_table(breast):
    bundle, frame = breast
    table = bundle.nomogram.predict_table(frame)
    points = bundle.nomogram.points_of(frame)
    groups = bundle.cutoff.groups(bundle.model.linear_predictor(frame))
    times = np.array([0.0, 200.0, 1500.0])
    for row in range(0, len(frame), 97):
        found = read_patient(bundle, frame.iloc[row].to_dict())
        assert found.points == pytest.approx(points.iloc[row].to_dict(), abs=1e-9)
        assert found.total_points == pytest.approx(table["total_points"].iloc[row], abs=1e-9)
        assert found.linear_predictor == pytest.approx(table["linear_predictor"].iloc[row], abs=1e-10)
        assert found.median == table["median_survival"].iloc[row]
        assert (found.group, found.missing, found.notes, found.outside) == (groups[row], (), (), ())
        own = survival_curve(found, times)[1]
        np.testing.assert_allclose(own, bundle.model.survival_at(frame.iloc[[row]], times)[0], atol=1e-12)


def test_texts_from_a_box_are_read_as_numbers_and_levels(breast):
    bundle, frame = breast
    row = frame.iloc[5].to_dict()
    texts = {name: str(value) for name, value in row.items()}
    assert read_patient(bundle, texts).linear_predictor == read_patient(bundle, row).linear_predictor


def test_with_competing_events_the_horizons_hold_the_incidence_of_the_multi_state_model():
    for name, case in competing_values()["competing"].items():
        table = competing_table(name, ties=False)
        model = fit_cox(table)
        nomogram = make_nomogram(model, table.frame, case["times"])
        bundle = ModelBundle(model, nomogram, competing=fit_competing_causes(table, model))
        for place, row in enumerate(np.array(case["rows"]) - 1):
            found = read_patient(bundle, table.frame.iloc[row].to_dict())
            expected = np.array(case["survival_incidence"])[:, place]
            np.testing.assert_allclose([one.probability for one in found.horizons], expected, atol=1e-10, err_msg=name)
            assert found.is_incidence and np.isnan(found.median)
            np.testing.assert_allclose(survival_curve(found, np.array(case["times"]))[1], expected, atol=1e-10)


def test_a_logistic_model_gives_its_probability():
    data = data_of("lung")
    data["y"] = ((data["time"] <= 365) & (data["event"] == 1)).astype(int)
    table = read_binary_table(data, event="y", covariates=["age", "sex"])
    model = fit_logistic(table)
    found = read_patient(ModelBundle(model, make_nomogram(model, table.frame)), table.frame.iloc[0].to_dict())
    assert found.probability == pytest.approx(model.predict_probability(table.frame.iloc[[0]])[0], abs=1e-12)
    with pytest.raises(InputError, match="Cox"):
        survival_curve(found)


def test_a_gap_is_read_from_the_model_without_it_before_anything_is_filled(breast):
    bundle, frame = breast
    fewer, _ = bundle_of([name for name in COVARIATES if name != "pnodes"])
    patient = {**frame.iloc[3].to_dict(), "pnodes": float("nan")}
    found = read_patient(bundle, patient, [fewer])
    assert found.bundle is fewer and found.missing == ("pnodes",)
    assert found.linear_predictor == fewer.model.linear_predictor(frame.iloc[[3]])[0]
    assert "pnodes" in found.notes[0] and "without it" in found.notes[0]


def test_without_such_a_model_it_is_filled_as_in_training_and_said(breast):
    bundle, frame = breast
    patient = frame.iloc[3].to_dict() | {"pnodes": ""}
    found = read_patient(bundle, patient)
    filled = frame.iloc[[3]].assign(pnodes=frame["pnodes"].median())
    assert found.linear_predictor == pytest.approx(bundle.model.linear_predictor(filled)[0], abs=1e-12)
    assert found.notes == (f"pnodes: no value; filled with {frame['pnodes'].median():g}, as in training",)


def test_without_either_there_is_no_prediction_and_the_gap_is_named(breast):
    bundle, _ = breast
    found = read_patient(replace(bundle, missing=MissingValues()), {"age": 50, "horTh": "no", "tgrade": "II"})
    assert not found.is_predicted and found.horizons == () and found.group == ""
    assert found.missing == ("tsize", "pnodes") and "tsize, pnodes" in found.notes[0]
    with pytest.raises(InputError, match="no survival curve"):
        survival_curve(found)


def test_a_value_outside_the_training_range_is_predicted_and_named(breast):
    bundle, frame = breast
    found = read_patient(bundle, {**frame.iloc[3].to_dict(), "age": 104})
    assert found.outside == ("age",) and found.is_predicted


@pytest.mark.parametrize("age", [500, 1e5, -1e5])
def test_a_value_far_outside_is_predicted_without_a_warning(breast, age):
    bundle, frame = breast
    found = read_patient(bundle, {**frame.iloc[3].to_dict(), "age": age})
    assert all(0 <= one.probability <= 1 for one in found.horizons)
    curve = survival_curve(found)[1]
    assert (np.diff(curve) <= 0).all() and curve[0] == 1


@pytest.mark.parametrize(("name", "value"), [("tgrade", "IV"), ("age", "old"), ("age", float("inf")), ("age", 1e200)])
def test_a_value_that_the_model_cannot_take_is_one_line_with_its_name(breast, name, value):
    bundle, frame = breast
    with pytest.raises(InputError, match=name):
        read_patient(bundle, {**frame.iloc[3].to_dict(), name: value})


def test_the_group_is_high_from_the_cut_off_on(breast):
    bundle, frame = breast
    row = read_patient(bundle, frame.iloc[3].to_dict())
    at = replace(bundle, cutoff=replace(bundle.cutoff, value=row.linear_predictor))
    above = replace(bundle, cutoff=replace(bundle.cutoff, value=row.linear_predictor + 1e-9))
    groups = [read_patient(each, frame.iloc[3].to_dict()).group for each in (at, above)]
    assert groups == [HIGH, LOW]


def test_a_program_without_pandas_can_read_a_patient(breast, tmp_path):
    bundle, frame = breast
    path = save_bundle(bundle, tmp_path)
    values = {name: str(value) for name, value in frame.iloc[3].to_dict().items()}
    code = (
        "import sys, json; sys.modules['pandas'] = None; sys.modules['matplotlib'] = None\n"
        "from SurvivalNomogramLib.bundles.bundle import load_bundle\n"
        "from SurvivalNomogramLib.bundles.patient_reading import read_patient\n"
        "from SurvivalNomogramLib.report.patient_sketches import curve_sketch, nomogram_sketch\n"
        "bundle = load_bundle(sys.argv[1]); found = read_patient(bundle, json.loads(sys.argv[2]))\n"
        "nomogram_sketch(bundle.nomogram, found), curve_sketch(found)\n"
        "print(repr(found.linear_predictor))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path), json.dumps(values)], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) == read_patient(bundle, values).linear_predictor
