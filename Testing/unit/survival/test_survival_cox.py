"""The Cox model: its invariances, its predictions, its bundle, its refusals, and a real small cohort."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.cox import CoxModel, fit_cox
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


def cohort(n: int = 120, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.normal(60, 10, n), "sex": rng.choice(["female", "male"], n)})
    hazard = np.exp(0.04 * (frame.age - 60) + 0.5 * (frame.sex == "male"))
    time, censored = rng.exponential(1000 / hazard), rng.uniform(200, 3000, n)
    return frame.assign(t=np.ceil(np.minimum(time, censored) / 20) * 20, e=(time <= censored).astype(int))


def read(frame: pd.DataFrame, **options: object) -> SurvivalTable:
    arguments: dict = {"time": "t", "event": "e"} | options
    return read_survival_table(frame, **arguments)


@pytest.fixture
def model() -> CoxModel:
    return fit_cox(read(cohort()))


def test_row_order_does_not_matter(model: CoxModel) -> None:
    shuffled = fit_cox(read(cohort().sample(frac=1, random_state=3)))
    np.testing.assert_allclose(shuffled.coefficients, model.coefficients, rtol=1e-12)
    np.testing.assert_allclose(shuffled.baseline.cumulative_hazard, model.baseline.cumulative_hazard, rtol=1e-12)


def test_scale_and_shift_of_a_covariate_change_its_coefficient_alone(model: CoxModel) -> None:
    frame = cohort()
    other = fit_cox(read(frame.assign(age=frame.age * 365.25 - 4000)))
    assert other.coefficients[0] * 365.25 == pytest.approx(model.coefficients[0], rel=1e-10)
    assert other.coefficients[1] == pytest.approx(model.coefficients[1], rel=1e-10)
    new = frame.head(5)
    np.testing.assert_allclose(
        other.survival_at(new.assign(age=new.age * 365.25 - 4000), [500]),
        model.survival_at(new, [500]),
        rtol=1e-10,
    )


def test_another_reference_level_turns_the_sign_and_keeps_the_predictions(model: CoxModel) -> None:
    other = fit_cox(read(cohort(), references={"sex": "male"}))
    assert other.coefficients[1] == pytest.approx(-model.coefficients[1], rel=1e-10)
    new = cohort().head(5)
    np.testing.assert_allclose(other.survival_at(new, [300, 900]), model.survival_at(new, [300, 900]), rtol=1e-10)


def test_each_patient_twice_doubles_the_events_when_ties_are_broken(model: CoxModel) -> None:
    """With times all different, a copy a moment later is nearly the same data twice."""
    frame = cohort().assign(t=np.random.default_rng(0).permutation(120) + 1.0)
    once = fit_cox(read(frame))
    twice = fit_cox(read(pd.concat([frame, frame.assign(t=frame.t + 1e-6)], ignore_index=True)))
    np.testing.assert_allclose(twice.coefficients, once.coefficients, atol=0.02)
    np.testing.assert_allclose(np.diag(twice.covariance) * 2, np.diag(once.covariance), rtol=0.05)


def test_survival_is_the_baseline_to_the_relative_hazard(model: CoxModel) -> None:
    patient = pd.DataFrame({"age": [70.0], "sex": ["male"]})
    predictor = (70 - model.center[0]) * model.coefficients[0] + (1 - model.center[1]) * model.coefficients[1]
    at = np.searchsorted(model.baseline.times, 700, side="right") - 1
    by_hand = np.exp(-model.baseline.cumulative_hazard[at] * np.exp(predictor))
    assert model.survival_at(patient, 700)[0, 0] == pytest.approx(by_hand, rel=1e-14)


def test_survival_starts_at_one_falls_and_meets_its_median(model: CoxModel) -> None:
    frame = cohort()
    curves = model.survival_at(frame, np.append(0, model.baseline.times))
    assert (curves[:, 0] == 1).all()
    assert (np.diff(curves, axis=1) <= 0).all()
    for curve, median in zip(curves, model.median_survival(frame), strict=True):
        at = np.flatnonzero(curve <= 0.5)
        assert median == (np.append(0, model.baseline.times)[at[0]] if len(at) else np.inf)


def test_a_model_survives_json_to_the_last_bit(model: CoxModel) -> None:
    again = CoxModel.from_dict(json.loads(json.dumps(model.to_dict())))
    frame = cohort()
    np.testing.assert_array_equal(again.survival_at(frame, [200, 800]), model.survival_at(frame, [200, 800]))
    assert again.summary() == model.summary()
    assert (again.terms, again.time_unit, again.warnings) == (model.terms, "days", model.warnings)


@pytest.mark.parametrize("part", ["baseline", "coefficients", "terms", "center"])
def test_a_bundle_without_a_part_says_which(model: CoxModel, part: str) -> None:
    bundle = model.to_dict()
    del bundle[part]
    with pytest.raises(InputError, match="baseline survival" if part == "baseline" else part):
        CoxModel.from_dict(bundle)


def test_a_bundle_of_another_kind_or_shape_is_refused(model: CoxModel) -> None:
    with pytest.raises(InputError, match="kind 'logistic', not a Cox model"):
        CoxModel.from_dict(model.to_dict() | {"kind": "logistic"})
    with pytest.raises(InputError, match="1 coefficients for 2 columns"):
        CoxModel.from_dict(model.to_dict() | {"coefficients": [0.1]})


def test_a_horizon_beyond_the_follow_up_is_refused_with_the_last_event_time(model: CoxModel) -> None:
    last = model.baseline.times[-1]
    with pytest.raises(InputError, match=f"horizon 90000 is outside .* last event is at {last:g}"):
        model.survival_at(cohort(), [100, 90000])
    with pytest.raises(InputError, match="horizon -1 is outside"):
        model.survival_at(cohort(), -1)


def test_an_unseen_category_is_refused_at_prediction(model: CoxModel) -> None:
    with pytest.raises(InputError, match="'sex' has the category 'unknown'"):
        model.linear_predictor(pd.DataFrame({"age": [50.0], "sex": ["unknown"]}))


def test_only_the_training_patients_are_fitted() -> None:
    frame = cohort().assign(part=["train"] * 80 + ["test"] * 40)
    split = fit_cox(read(frame, split="part"))
    alone = fit_cox(read(frame.head(80).drop(columns="part")))
    np.testing.assert_array_equal(split.coefficients, alone.coefficients)
    assert split.n == 80


def test_the_null_model_has_the_nelson_aalen_baseline() -> None:
    frame = cohort().assign(t=np.arange(120) + 1.0)
    null = fit_cox(read(frame), [])
    at_risk = 120 - frame.t[frame.e == 1].to_numpy() + 1
    np.testing.assert_allclose(null.baseline.cumulative_hazard, np.cumsum(1 / at_risk), rtol=1e-12)
    assert null.log_likelihood == null.null_log_likelihood
    assert null.survival_at(frame, [50]).std() < 1e-15


def test_intervals_widen_with_the_confidence(model: CoxModel) -> None:
    narrow, wide = model.summary(0.8)[0], model.summary(0.99)[0]
    assert wide.lower < narrow.lower < narrow.hazard_ratio < narrow.upper < wide.upper
    with pytest.raises(InputError, match="confidence must lie between 0 and 1"):
        model.summary(95)


def test_perfect_separation_names_the_column() -> None:
    frame = cohort()
    frame["marker"] = np.where(frame.e == 1, "yes", "no")
    frame.loc[frame.index[frame.e == 0][0], "marker"] = "yes"
    with pytest.raises(ModelError, match=r"'marker=yes' separates the events .*\(monotone likelihood\)"):
        fit_cox(read(frame, covariates=["age", "marker"]))


def test_collinear_and_constant_columns_are_named() -> None:
    frame = cohort()
    with pytest.raises(ModelError, match="'months' is collinear with 'age'"):
        fit_cox(read(frame.assign(months=frame.age * 12)), ["age", "months"])
    table = read(frame)
    with pytest.raises(ModelError, match=r"'age' has the same value \(60\) in all patients"):
        fit_cox(SurvivalTable(**(vars(table) | {"frame": table.frame.assign(age=60.0)})))


def test_few_events_a_variable_are_warned_of() -> None:
    frame = cohort(40)
    for k in range(4):
        frame[f"x{k}"] = np.random.default_rng(100 + k).normal(size=40)
    model = fit_cox(read(frame))
    assert f"{model.events} events for 6 coefficients" in model.warnings[0]
    assert not fit_cox(read(cohort())).warnings


def test_more_columns_than_events_are_refused() -> None:
    frame = cohort(12)
    for k in range(12):
        frame[f"x{k}"] = np.random.default_rng(k).normal(size=12)
    with pytest.raises(ModelError, match="cannot be fitted with"):
        fit_cox(read(frame))


def test_unknown_constant_and_interaction_covariates_are_explained() -> None:
    table = read(cohort().assign(ward="A"))
    with pytest.raises(InputError, match="'weight' is not a covariate of the table; it has age, sex"):
        fit_cox(table, ["weight"])
    with pytest.raises(InputError, match=r"the same value in all .* training patients: left out: 'ward'"):
        fit_cox(table, ["ward"])
    with pytest.raises(InputError, match="interaction"):
        fit_cox(table, ["age:sex"])


@pytest.mark.shared_data
def test_the_small_sarcoma_cohort_gets_warnings_and_wide_intervals(shared_data: Path) -> None:
    table = read_survival_table(
        shared_data / "sts" / "cohort.csv",
        time="lung_metastasis_days",
        event="lung_metastasis",
        id_column="case_id",
        covariates=["age", "sex", "grade", "treatment", "mskcc_type"],
    )
    assert table.events < 30
    model = fit_cox(table, ["age", "sex", "treatment"])
    assert "events per variable, fewer than 10" in model.warnings[0]
    assert all(line.upper / line.lower > 3 for line in model.summary() if "=" in line.column)
    with pytest.raises(ModelError, match="'grade=low' separates the events"):
        fit_cox(table, ["age", "grade"])  # none of the four patients with a low grade has a metastasis
