"""The jobs from a table to an output folder, on public data and on the real sarcoma cohort."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job
from survival_references import REFERENCE

from RadiomicsCoreLib.errors import Cancelled, InputError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.report.cox_report import default_horizons
from SurvivalNomogramLib.tables.table_columns import SurvivalColumns

FEW = {"bootstrap": 5, "seed": 1}
PNG, NONE = {"formats": ["png"]}, {"formats": []}
COLUMNS = {"time": "time", "event": "event", "columns": {"split": "split", "id": "patient"}}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    frame = pd.read_csv(REFERENCE / "data" / "gbsg2.csv").drop(columns=["lp", "estrec", "menostat"])
    frame.insert(0, "patient", [f"P{k:03d}" for k in range(len(frame))])
    frame["split"] = np.where(np.arange(len(frame)) % 3 == 0, "test", "train")
    path = tmp_path_factory.mktemp("cohort") / "cohort.csv"
    frame.to_csv(path, index=False)
    return path, frame


@pytest.fixture(scope="module")
def fitted(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("cox")
    backward = {"modelling": {"selection": "backward"}, "horizons": [365, 1095]}
    return out, run_job("cox", out, cohort=cohort[0], **COLUMNS, **backward, **FEW, **PNG)


@pytest.fixture(scope="module")
def validated(cohort, fitted, tmp_path_factory):
    out = tmp_path_factory.mktemp("validation")
    asked = {"subgroups": ["tgrade", "age"], "cuts": {"age": 60}}
    return out, run_job("validate", out, bundle=fitted[0] / "model", cohort=cohort[0], **asked, **FEW, **PNG)


def test_a_cox_job_writes_tables_figures_and_a_bundle(fitted):
    out, result = fitted
    assert not result.failures
    assert all(path.exists() for path in [*result.files.values(), *result.tables.values()])
    wanted = {
        "univariable.csv",
        "selection.csv",
        "coefficients.csv",
        "proportional_hazards.csv",
        "concordance.csv",
        "groups.csv",
        "baseline_by_risk.csv",
        "baseline_by_cohort.csv",
        "nomogram_points.csv",
        "notes.txt",
        "study.json",
        "job.yaml",
    }
    assert wanted <= {path.name for path in out.iterdir()}
    pictures = {"nomogram", "schoenfeld", "kaplan_meier_train", "kaplan_meier_test", "risk_by_outcome"}
    assert pictures <= {path.stem for path in (out / "figures").iterdir()}


def test_the_bundle_says_where_it_comes_from(fitted):
    stored = json.loads((fitted[0] / "model" / "model.json").read_text(encoding="utf-8"))
    assert len(stored["provenance"]["training_data_sha256"]) == 64
    assert stored["provenance"]["versions"]["numpy"] == np.__version__
    assert stored["settings"]["modelling"]["selection"] == "backward"
    assert stored["cutoff"]["method"] == "median"


def test_the_cut_off_is_fitted_on_training_patients_and_applied_unchanged(fitted, cohort):
    bundle = load_bundle(fitted[0] / "model")
    frame = cohort[1]
    training = frame[frame["split"] == "train"]
    assert bundle.cutoff.value == pytest.approx(np.median(bundle.model.linear_predictor(training)))
    groups = read_csv(fitted[0] / "groups.csv")
    test = groups[groups["cohort"] == "test"]
    high = bundle.cutoff.is_high(bundle.model.linear_predictor(frame[frame["split"] == "test"]))
    assert test["n"].tolist() == [int((~high).sum()), int(high.sum())]


def test_training_c_is_corrected_and_test_c_is_not(fitted):
    table = read_csv(fitted[0] / "concordance.csv").set_index("cohort")
    assert table.loc["train", "harrell_corrected"] == pytest.approx(
        table.loc["train", "harrell"] - table.loc["train", "optimism"]
    )
    assert np.isnan(table.loc["test", "harrell_corrected"])
    assert table.loc["test", "harrell_lower"] < table.loc["test", "harrell"] < table.loc["test", "harrell_upper"]
    assert np.isnan(table.loc["train", "harrell_lower"])
    assert np.isnan(table.loc["train", "harrell_corrected_lower"])  # five resamples have no percentiles
    assert any("5 resamples have no percentiles" in note for note in fitted[1].notes)


def test_figures_of_training_patients_have_no_interval_but_that_of_the_corrected_value(validated):
    for name, column in (("auc_train", "auc"), ("brier_train", "brier")):
        table = read_csv(validated[0] / f"{name}.csv")
        assert {f"{column}_apparent", f"{column}_corrected", "corrected_lower"} <= set(table.columns)
        assert not {"lower", "upper", "se", column} & set(table.columns)
        assert set(table["patients"]) == {"fitted on these patients"}
    summary = read_csv(validated[0] / "calibration_summary_train.csv")
    assert {"ici_corrected", "slope_corrected_lower"} <= set(summary.columns)
    assert not {"ici_lower", "slope_lower"} & set(summary.columns)


def test_groups_of_training_patients_say_so_and_stand_beside_their_out_of_fold_groups(fitted, validated):
    wanted = {
        "train": {"fitted on these patients"},
        "train out of fold": {"out of fold"},
        "test": {"not fitted"},
    }
    for folder in (fitted[0], validated[0]):
        groups = read_csv(folder / "groups.csv")
        assert {name: set(rows["patients"]) for name, rows in groups.groupby("cohort")} == wanted
        assert groups.groupby("cohort")["n"].sum()["train out of fold"] == 457
        pictures = {path.stem for path in (folder / "figures").iterdir()}
        assert {"kaplan_meier_train", "kaplan_meier_train_out_of_fold"} <= pictures
    assert set(read_csv(validated[0] / "subgroups_train.csv")["patients"]) == {"fitted on these patients"}
    assert set(read_csv(validated[0] / "subgroups_train_out_of_fold.csv")["patients"]) == {"out of fold"}


def test_an_external_cohort_has_an_interval_for_every_figure(fitted, cohort, tmp_path):
    test = cohort[1][cohort[1]["split"] == "test"]
    asked = {"bundle": fitted[0] / "model", "horizons": [1095], "bootstrap": 200, "seed": 1}
    run_job("validate", tmp_path, cohort=test, **asked, **NONE)
    concordance = read_csv(tmp_path / "concordance.csv").iloc[0]
    summary = read_csv(tmp_path / "calibration_summary_test.csv").iloc[0]
    rows = {"harrell": concordance, "uno": concordance}
    rows |= dict.fromkeys(("slope", "observed_to_expected", "ici", "e50", "e90"), summary)
    for name, row in rows.items():
        assert row[f"{name}_lower"] < row[name] < row[f"{name}_upper"], name
    curve = read_csv(tmp_path / "decision_curve_test_1095.csv")
    curve = curve[(curve["model"] == "model") & (curve["threshold"] < 0.5)]
    assert (curve["net_benefit_lower"] <= curve["net_benefit"]).all()
    assert (curve["net_benefit"] <= curve["net_benefit_upper"]).all()


def test_a_validation_job_corrects_training_and_leaves_the_test_cohort_as_it_is(validated):
    out, result = validated
    assert not result.failures
    train, test = read_csv(out / "calibration_train.csv"), read_csv(out / "calibration_test.csv")
    assert "observed_corrected" in train.columns and "observed_corrected" not in test.columns
    assert "net_benefit_corrected" in read_csv(out / "decision_curve_train_365.csv").columns
    concordance = read_csv(out / "concordance.csv")
    assert concordance["validation"].tolist() == ["internal, corrected", "as is"]
    for name in ("auc_train", "auc_test", "brier_train", "brier_test", "groups", "subgroups_test"):
        assert len(read_csv(out / f"{name}.csv"))
    assert {"forest_train", "roc_test", "calibration_train"} <= {p.stem for p in (out / "figures").iterdir()}


def test_validation_of_the_test_cohort_equals_the_functions_on_its_arrays(validated, fitted, cohort):
    from SurvivalNomogramLib.validation.concordance import harrell_c

    frame = cohort[1][cohort[1]["split"] == "test"]
    model = load_bundle(fitted[0] / "model").model
    own = harrell_c(frame["time"], frame["event"], model.linear_predictor(frame)).index
    table = read_csv(validated[0] / "concordance.csv").set_index("cohort")
    assert table.loc["test", "harrell"] == pytest.approx(own, abs=1e-12)


def test_a_cut_of_no_subgroup_is_refused(fitted, cohort, tmp_path):
    with pytest.raises(InputError, match="a cut is given for 'tsize', which is not among the subgroups age"):
        asked = {"subgroups": ["age"], "cuts": {"tsize": 20}}
        run_job("validate", tmp_path / "v", bundle=fitted[0] / "model", cohort=cohort[0], **asked, **FEW, **PNG)


def test_two_models_are_compared_on_every_cohort(fitted, cohort, tmp_path):
    from SurvivalNomogramLib.validation.concordance import harrell_c

    small = {"covariates": ["tsize", "tgrade"], "horizons": [365, 1095]}
    run_job("cox", tmp_path / "small", cohort=cohort[0], **COLUMNS, **small, **FEW, **NONE)
    asked = {"against": tmp_path / "small" / "model", "bootstrap": 20, "seed": 1}
    result = run_job("validate", tmp_path / "v", bundle=fitted[0] / "model", cohort=cohort[0], **asked, **NONE)
    assert not result.failures
    table = read_csv(tmp_path / "v" / "comparison.csv")
    assert table["measure"].iloc[0] == "likelihood ratio" and table["p_value"].iloc[0] < 0.001
    wanted = {"C difference", "C difference (bootstrap)", "AUC difference", "nri", "nri_events", "nri_nonevents", "idi"}
    for label in ("train", "test"):
        assert set(table["measure"][table["cohort"] == label]) == wanted
    frame = cohort[1][cohort[1]["split"] == "test"]
    old, new = (load_bundle(folder / "model").model for folder in (tmp_path / "small", fitted[0]))
    c = [harrell_c(frame["time"], frame["event"], model.linear_predictor(frame)).index for model in (old, new)]
    own = table[(table["cohort"] == "test") & (table["measure"] == "C difference")]["estimate"].iloc[0]
    assert own == pytest.approx(c[1] - c[0], abs=1e-12)


def test_test_patients_of_an_unseen_category_are_left_out_by_name_and_the_rest_is_done(cohort, tmp_path):
    frame = cohort[1].copy()
    unseen = frame.index[frame["split"] == "test"][:2]
    frame.loc[unseen, "tgrade"] = "IV"
    result = run_job("cox", tmp_path / "c", cohort=frame, **COLUMNS, **FEW, **PNG)
    assert not result.failures
    left_out = [note for note in result.notes if note.startswith("patient ")]
    assert [note.split()[1] for note in left_out] == frame.loc[unseen, "patient"].tolist()
    assert all("'IV' is a category that the training data do not hold; known are I, II, III" in n for n in left_out)
    concordance = read_csv(tmp_path / "c" / "concordance.csv").set_index("cohort")
    assert concordance.loc["test", "n"] == (frame["split"] == "test").sum() - 2


def test_notes_say_that_training_aucs_flatter_and_which_aucs_rest_on_few_patients(validated, fitted, cohort, tmp_path):
    flattering = [note for note in validated[1].notes if "fitted on, too good by nature" in note]
    assert [note.split(":")[0] for note in flattering] == ["train"]
    assert not any("rests on" in note for note in validated[1].notes)
    few = cohort[1][cohort[1]["split"] == "test"][:60]
    cases = int(((few["time"] <= 365) & (few["event"] == 1)).sum())
    assert 0 < cases < 10
    asked = {"bundle": fitted[0] / "model", "cohort": few, "horizons": [365]}
    result = run_job("validate", tmp_path / "v", **asked, **FEW, **PNG)
    assert any(f"test: the AUC at 365 days rests on {cases} cases" in note for note in result.notes)


def test_another_table_is_never_taken_for_the_training_data(fitted, cohort, tmp_path):
    changed = cohort[1].assign(time=cohort[1]["time"] + 1)
    result = run_job("validate", tmp_path / "v", bundle=fitted[0] / "model", cohort=changed, **FEW, **NONE)
    assert not result.failures
    table = read_csv(tmp_path / "v" / "concordance.csv")
    assert set(table["validation"]) == {"as is"}
    assert table["cohort"].tolist() == ["test", "train (not fitted)"]
    assert any("457 of 686 patients bear the ids of fitted patients" in line for line in result.warnings)


def test_an_external_table_without_a_split_and_in_another_unit_is_read(fitted, cohort, tmp_path):
    frame = cohort[1][cohort[1]["split"] == "test"].drop(columns="split")
    frame = frame.assign(time=frame["time"] / 365.25, event=np.where(frame["event"] == 1, "dead", "alive"))
    asked = {"bundle": fitted[0] / "model", "cohort": frame, "time_unit": "years", "event": "event"}
    run_job("validate", tmp_path / "v", **asked, **FEW, **NONE)
    own = read_csv(tmp_path / "v" / "concordance.csv")
    assert own["cohort"].tolist() == ["all"]
    full = read_csv(fitted[0] / "concordance.csv").set_index("cohort")
    assert own["harrell"].iloc[0] == pytest.approx(full.loc["test", "harrell"], abs=1e-12)


def test_a_cohort_followed_too_briefly_for_a_horizon_says_so_and_the_rest_is_written(fitted, cohort, tmp_path):
    frame = cohort[1][cohort[1]["split"] == "test"].copy()
    frame["event"] = frame["event"].where(frame["time"] <= 900, 0)
    frame["time"] = frame["time"].clip(upper=900)
    out = tmp_path / "v"
    result = run_job("validate", out, bundle=fitted[0] / "model", cohort=frame, **FEW, **NONE)
    assert any("test at 1095: the cohort's last event is at" in line for line in result.failures)
    assert read_csv(out / "auc_test.csv")["horizon"].tolist() == [365]
    assert "NOT DONE test at 1095" in (out / "notes.txt").read_text(encoding="utf-8")


def test_a_cohort_without_events_says_so_and_the_others_are_done(cohort, tmp_path):
    frame = cohort[1].assign(event=cohort[1]["event"].where(cohort[1]["split"] == "train", 0))
    result = run_job("cox", tmp_path / "cox", cohort=frame, horizons=[730], **COLUMNS, **FEW, **NONE)
    assert any("concordance of test: none of the" in line for line in result.failures)
    assert read_csv(tmp_path / "cox" / "concordance.csv")["harrell"].notna().tolist() == [True, False]
    result = run_job("validate", tmp_path / "val", bundle=tmp_path / "cox" / "model", cohort=frame, **FEW, **NONE)
    assert any("test: none of its 229 patients had an event" in line for line in result.failures)
    assert len(read_csv(tmp_path / "val" / "calibration_train.csv"))


def test_a_cohort_where_all_have_the_event_is_modelled_and_validated(tmp_path):
    frame = pd.read_csv(REFERENCE / "data" / "veteran.csv").drop(columns="lp").assign(event=1)
    result = run_job("cox", tmp_path / "c", cohort=frame, time="time", event="event", **FEW, **PNG)
    assert any("all 137 patients have the event" in line for line in result.warnings)
    model = tmp_path / "c" / "model"
    assert not run_job("validate", tmp_path / "val", bundle=model, cohort=frame, **FEW, **PNG).failures


def test_a_single_new_patient_cannot_be_validated_and_every_reason_is_given(fitted, cohort, tmp_path):
    one = cohort[1][cohort[1]["event"] == 1].iloc[[0]].drop(columns="split")
    result = run_job("validate", tmp_path / "v", bundle=fitted[0] / "model", cohort=one, **FEW, **NONE)
    assert any("no two patients can be compared" in line for line in result.failures)
    assert all("\n" not in line for line in result.failures)


def test_a_nomogram_job_draws_the_bundle_and_reads_a_patient(fitted, cohort, tmp_path):
    patient = cohort[1].iloc[7].to_dict()
    out = tmp_path / "n"
    run_job("nomogram", out, bundle=fitted[0] / "model", horizons=[730], patient=patient)
    assert {path.suffix for path in (out / "figures").iterdir()} == {".svg", ".pdf", ".png"}
    values = read_csv(out / "patient.csv").set_index("what")["value"]
    model = load_bundle(fitted[0] / "model").model
    expected = model.survival_at(pd.DataFrame([patient]), 730)[0, 0]
    assert values["survival_730"] == pytest.approx(expected, abs=1e-10)


def test_a_predict_job_gives_every_patient_a_row_and_those_it_cannot_predict_a_reason(fitted, cohort, tmp_path):
    frame = cohort[1].drop(columns=["time", "event", "split"]).head(6)
    frame.loc[2, "tgrade"], frame.loc[4, "pnodes"] = "IV", np.nan
    result = run_job("predict", tmp_path / "p", bundle=fitted[0] / "model", cohort=frame)
    table = read_csv(tmp_path / "p" / "predictions.csv")
    assert table["patient"].tolist() == frame["patient"].tolist()
    assert table["reason"].iloc[2] == (
        "column 'tgrade': 'IV' is a category that the training data do not hold; known are I, II, III"
    )
    assert table["reason"].iloc[4] == "column 'pnodes': has no value"
    assert len(result.failures) == 2
    model = load_bundle(fitted[0] / "model").model
    good = [0, 1, 3, 5]
    np.testing.assert_allclose(
        table["survival_365"].iloc[good], model.survival_at(frame.iloc[good], 365)[:, 0], atol=1e-10
    )


def test_missing_values_of_new_patients_are_filled_as_in_training(cohort, tmp_path):
    frame = cohort[1].copy()
    frame.loc[frame.index % 11 == 0, "tsize"] = np.nan
    asked = {"time": "time", "event": "event", "covariates": ["tsize", "pnodes"], "columns": {"missing": "median"}}
    run_job("cox", tmp_path / "cox", cohort=frame.drop(columns="split"), **asked, **FEW, **NONE)
    new = pd.DataFrame({"tsize": [None, 30.0], "pnodes": [3, 3]})
    result = run_job("predict", tmp_path / "p", bundle=tmp_path / "cox" / "model", cohort=new)
    bundle = load_bundle(tmp_path / "cox" / "model")
    assert any("1 missing filled with" in note for note in result.notes)
    median = float(frame["tsize"].median())
    expected = bundle.model.linear_predictor(pd.DataFrame({"tsize": [median], "pnodes": [3]}))
    assert read_csv(tmp_path / "p" / "predictions.csv")["linear_predictor"].iloc[0] == pytest.approx(expected[0])


def test_competing_events_add_cumulative_incidence_and_a_warning(tmp_path):
    frame = pd.read_csv(REFERENCE / "data" / "pbc.csv")
    states = {"time": "time", "event": "state", "event_values": ["2"], "censored_values": ["0"]}
    covariates = {"covariates": ["age", "bili", "albumin"]}
    result = run_job("cox", tmp_path / "c", cohort=frame, **states, **covariates, **FEW, **PNG)
    assert not result.failures
    table = read_csv(tmp_path / "c" / "cumulative_incidence.csv")
    assert set(table["cause"].astype(str)) == {"1", "2"}
    assert any("competing events" in note for note in result.notes)


def test_lasso_chooses_among_many_columns_and_shows_its_path(tmp_path):
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(rng.normal(size=(n, 40)), columns=[f"f{k}" for k in range(40)])
    frame["days"] = rng.exponential(400 / np.exp(0.6 * frame["f0"] + 0.6 * frame["f1"])) + 1
    frame["dead"] = rng.integers(0, 4, n) > 0
    asked = {"time": "days", "event": "dead", "modelling": {"selection": "lasso", "lambda_choice": "1se"}}
    out = tmp_path / "c"
    run_job("cox", out, cohort=frame, bootstrap=2, **asked, **PNG)
    coefficients = read_csv(out / "coefficients.csv").set_index("column")
    assert {"f0", "f1"} <= set(coefficients.index)
    # The model that is stored and drawn is the penalised signature itself, up to the signature's z-scores.
    signature = read_csv(out / "signature.csv")["lasso.signature"].to_numpy()
    risk = load_bundle(out / "model").model.linear_predictor(frame)
    np.testing.assert_allclose(risk - risk.mean(), signature - signature.mean(), atol=1e-9)
    assert coefficients["standard_error"].isna().all()
    spread = frame["f0"].std()
    assert coefficients.loc["f0", "hazard_ratio_per_sd"] == pytest.approx(
        np.exp(coefficients.loc["f0", "coefficient"] * spread)
    )
    assert "lambda" in read_csv(out / "selection.csv").columns
    assert {"lasso_path", "lasso_validation"} <= {path.stem for path in (out / "figures").iterdir()}


@pytest.mark.shared_data
def test_the_small_real_cohort_gets_a_warning_and_wide_intervals_and_no_false_certainty(shared_data, tmp_path):
    columns = SurvivalColumns(
        "follow_up_days", "death", covariates=("age", "sex", "grade", "mskcc_type"), id_column="case_id"
    )
    table = columns.read(shared_data / "sts" / "cohort.csv")
    assert table.events < 15
    asked = {"time": "follow_up_days", "event": "death", "covariates": ["age", "sex"], "bootstrap": 40, "seed": 1}
    result = run_job("cox", tmp_path, cohort=shared_data / "sts" / "cohort.csv", **asked, **PNG)
    assert any("events per variable, fewer than 10" in line for line in result.warnings)
    concordance = read_csv(tmp_path / "concordance.csv")
    assert concordance["harrell_corrected_upper"].isna().all()  # 40 resamples
    assert concordance["harrell_corrected"].iloc[0] < concordance["harrell"].iloc[0]
    assert "events per variable" in (tmp_path / "notes.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event": 0}, "no event"),
        ({"time": -3.0}, "follow-up cannot be negative"),
        ({"time": 0.0}, "is 0 in"),
        ({"time": "12 days"}, "times must be plain numbers"),
        ({"patient": "P1"}, "'P1' twice in its column 'patient'"),
    ],
)
def test_bad_tables_stop_a_job_with_one_line_before_anything_is_written(cohort, tmp_path, change, words):
    with pytest.raises(InputError, match=words) as error:
        run_job("cox", tmp_path / "out", cohort=cohort[1].assign(**change), **COLUMNS, **FEW, **PNG)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_horizons_beyond_the_last_event_are_refused_with_its_time(fitted, cohort, tmp_path):
    with pytest.raises(InputError, match=r"beyond the last event, at \d+ days"):
        run_job("cox", tmp_path / "c", cohort=cohort[0], horizons=[9999], **COLUMNS, **FEW, **PNG)
    model = fitted[0] / "model"
    for verb, asked in (("nomogram", {}), ("validate", {"cohort": cohort[0]}), ("predict", {"cohort": cohort[0]})):
        with pytest.raises(InputError, match="beyond the last event"):
            run_job(verb, tmp_path / verb, bundle=model, horizons=[9999], **asked)


def test_a_patient_with_an_unseen_category_and_a_table_without_a_column_are_refused(fitted, cohort, tmp_path):
    patient = {**cohort[1].iloc[0].to_dict(), "tgrade": "IV"}
    with pytest.raises(InputError, match="category 'IV'"):
        run_job("nomogram", tmp_path / "n", bundle=fitted[0] / "model", patient=patient, **PNG)
    with pytest.raises(InputError, match="no column 'pnodes'"):
        run_job("predict", tmp_path / "p", bundle=fitted[0] / "model", cohort=cohort[1].drop(columns="pnodes"))
    with pytest.raises(InputError, match="none of the 686 patients can be predicted"):
        run_job("predict", tmp_path / "q", bundle=fitted[0] / "model", cohort=cohort[1].assign(pnodes=np.nan))


def test_an_unknown_cutoff_is_refused_and_a_given_one_is_kept(cohort, tmp_path):
    with pytest.raises(InputError, match="cutoff 'best' is unknown; give median, youden or a number"):
        run_job("cox", tmp_path / "c", cohort=cohort[0], cutoff="best", **COLUMNS)
    run_job("cox", tmp_path / "c", cohort=cohort[0], cutoff=0.25, bootstrap=2, **COLUMNS, **NONE)
    assert load_bundle(tmp_path / "c" / "model").cutoff.value == 0.25


def test_progress_rises_and_can_stop_a_job(cohort, tmp_path):
    seen = []
    run_job("cox", tmp_path / "a", lambda f, m: seen.append(f), cohort=cohort[0], **COLUMNS, **FEW, **NONE)
    assert seen == sorted(seen) and seen[-1] == 1.0

    def stop(fraction, message):
        if fraction > 0.4:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_job("cox", tmp_path / "b", stop, cohort=cohort[0], **COLUMNS, **FEW, **NONE)


def test_default_horizons_are_round_and_within_the_events(cohort):
    table = SurvivalColumns("time", "event", id_column="patient").read(cohort[0]).training
    horizons = default_horizons(table)
    assert horizons == tuple(sorted(horizons)) and len(horizons) == 3
    assert all(table.time[table.event == 1].min() <= h <= table.time[table.event == 1].max() for h in horizons)


def test_hazard_ratios_of_one_deviation_stand_in_the_univariable_table_too(fitted, cohort):
    rows = read_csv(fitted[0] / "univariable.csv").set_index("column")
    spread = cohort[1].loc[cohort[1]["split"] == "train", "tsize"].std()
    assert rows.loc["tsize", "sd"] == pytest.approx(spread)
    for name in ("hazard_ratio", "lower", "upper"):
        assert rows.loc["tsize", f"{name}_per_sd"] == pytest.approx(rows.loc["tsize", name] ** spread, rel=1e-4)
    assert np.isnan(rows.loc["horTh=yes", "sd"])
