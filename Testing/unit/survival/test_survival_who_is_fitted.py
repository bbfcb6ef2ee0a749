"""Who is fitted, on what: split, covariates, other outcomes, and patients that a model knows already."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.tables.other_outcomes import looks_like_an_outcome
from SurvivalNomogramLib.tables.uninformative import uninformative

END_POINT = {"time": "days", "event": "death"}
QUICK = {"bootstrap": 3, "formats": []}
N = 90


def patients() -> pd.DataFrame:
    """90 patients, 60 of them train; the time of the metastasis is the follow-up where there was none."""
    random = np.random.default_rng(3)
    age, marker = random.normal(62, 9, N).round(1), random.normal(size=N)
    death = random.exponential(900 * np.exp(-0.8 * marker))
    censored = random.uniform(300, 2500, N)
    days = np.minimum(death, censored).round() + 1
    metastasis = random.random(N) < 0.4
    return pd.DataFrame(
        {
            "case_id": [f"p{k:02d}" for k in range(N)],
            "split": np.where(np.arange(N) < 60, "Train", "External"),
            "age": age,
            "lung_metastasis": metastasis.astype(int),
            "lung_metastasis_days": np.where(metastasis, (days * random.uniform(0.2, 0.9, N)).round(), days),
            "days": days,
            "death": (death <= censored).astype(int),
            "marker": marker,
        }
    )


def features(cohort: pd.DataFrame) -> pd.DataFrame:
    """Features of a ring: one that tells, one that does not, a constant, a near-constant and a twin."""
    random = np.random.default_rng(4)
    good = cohort["marker"] + 0.1 * random.normal(size=N)
    return pd.DataFrame(
        {
            "case_id": cohort["case_id"],
            "ct.ring_0_3mm.good": good,
            "ct.ring_0_3mm.noise": random.normal(size=N),
            "ct.ring_0_3mm.constant": 7.0,
            "ct.ring_0_3mm.nearly": np.where(np.arange(N) == 5, 1.0, 0.0),
            "ct.ring_0_3mm.twin": good,
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    cohort = patients()
    cohort.to_csv(folder / "cohort.csv", index=False)
    features(cohort).to_csv(folder / "rings.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def fitted(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("cox")
    tables = {"features": {"rings": files / "rings.csv"}}
    return out, run_job("cox", out, cohort=files / "cohort.csv", **tables, **END_POINT, **QUICK)


def test_a_split_is_honoured_without_a_word_and_everyone_is_accounted_for(files, fitted):
    cohort = patients()
    train = cohort[cohort["split"] == "Train"]
    model = load_bundle(fitted[0] / "model").model
    assert (model.n, model.events) == (60, train["death"].sum())
    assert "fitted on 60 patients with" in fitted[1].notes[0] and "External: 30 patients" in fitted[1].notes[0]
    who = json.loads((fitted[0] / "study.json").read_text(encoding="utf-8"))["patients"]
    assert who["parts"]["train"] == {"n": 60, "events": int(train["death"].sum())}
    assert who["parts"]["External"]["n"] == 30 and who["left_out"] == {}


def test_patients_that_are_left_out_are_counted_by_reason(files, tmp_path):
    cohort = patients()
    cohort.loc[[1, 2], "days"] = np.nan
    cohort.loc[3, "split"] = None
    cohort.loc[[4, 70], "age"] = np.nan
    run_job("cox", tmp_path / "c", cohort=cohort, covariates=["age", "marker"], **END_POINT, **QUICK)
    who = json.loads((tmp_path / "c" / "study.json").read_text(encoding="utf-8"))["patients"]
    assert who["left_out"] == {"without 'days'": 2, "without 'split'": 1, "without a value of a covariate": 2}
    assert who["parts"]["train"]["n"] + who["parts"]["External"]["n"] == N - 5


def test_feature_tables_are_the_covariates_and_clinical_columns_are_named(fitted):
    names = {term.name for term in load_bundle(fitted[0] / "model").model.terms}
    assert names == {"ct.ring_0_3mm.good", "ct.ring_0_3mm.noise"}


def test_constant_nearly_constant_and_twin_columns_are_left_out_with_a_count(fitted):
    told = "\n".join(fitted[1].warnings)
    for count, name in (
        ("same value in all 60", "constant"),
        ("more than 95%", "nearly"),
        ("values of another", "twin"),
    ):
        assert any(count in line and f"'ct.ring_0_3mm.{name}'" in line for line in told.splitlines())


def test_columns_are_compared_over_the_patients_that_they_are_given_for():
    frame = pd.DataFrame({"a": [1.0] * 95 + [2.0] * 5, "b": [1.0] * 96 + [2.0] * 4, "c": ["x"] * 96 + ["y"] * 4})
    found = uninformative(frame)
    assert found.nearly == ("b", "c")  # 95 of 100 are not more than 95 %
    assert uninformative(frame, ["b", "c"]).names == frozenset()
    assert uninformative(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}), ["b"]).twins == {"a": "b"}


def test_another_outcome_of_the_cohort_is_no_covariate_and_is_told_named_or_not(files, tmp_path):
    cohort = patients()
    result = run_job("cox", tmp_path / "c", cohort=cohort, **END_POINT, **QUICK)
    names = {term.name for term in load_bundle(tmp_path / "c" / "model").model.terms}
    assert names == {"age", "marker"}
    told = [line for line in result.warnings if "looks like another outcome" in line]
    assert {line.split("'")[1] for line in told} == {"lung_metastasis", "lung_metastasis_days"}
    named = {"covariates": ["age", "lung_metastasis_days"]}
    result = run_job("cox", tmp_path / "n", cohort=cohort, **named, **END_POINT, **QUICK)
    assert any("'lung_metastasis_days' looks like another outcome" in line for line in result.warnings)


def test_names_of_ordinary_covariates_do_not_look_like_outcomes():
    rows = 40
    random = np.random.default_rng(0)
    ordinary = [
        "age",
        "age_years",
        "er_status",
        "smoking_years",
        "grade",
        "tumour_volume",
        "metastasis",
        "time_to_surgery",
    ]
    outcomes = ["death", "os_months", "pfs", "days_to_recurrence", "event", "vital_status", "FollowUp", "recurrence"]
    frame = pd.DataFrame({name: random.integers(0, 50, rows) for name in [*ordinary, *outcomes]})
    frame["t"], frame["e"] = random.integers(60, 99, rows), random.integers(0, 2, rows)
    suspects = {name for name in [*ordinary, *outcomes] if looks_like_an_outcome(frame, name, "t", "e")}
    assert suspects == set(outcomes)
    frame["follow_up_in_months"], frame["same"] = frame["t"] / 30.4375, 1 - frame["e"]
    assert looks_like_an_outcome(frame, "follow_up_in_months", "t", "e")
    assert "same as e" in looks_like_an_outcome(frame, "same", "t", "e")


def labels(folder) -> dict[str, str]:
    table = read_csv(folder / "concordance.csv")
    return dict(zip(table["cohort"], table["validation"], strict=True))


def test_fitted_patients_are_known_whatever_the_order_the_file_and_the_ids(files, fitted, tmp_path):
    joined = patients().merge(features(patients()), on="case_id")
    bundle = fitted[0] / "model"
    shuffled = joined.sample(frac=1, random_state=1).rename(columns={"case_id": "hospital_number"})
    shuffled["hospital_number"] = [f"x{k}" for k in range(N)]
    columns = {"columns": {"id": "hospital_number"}}
    run_job("validate", tmp_path / "all", bundle=bundle, cohort=shuffled, **columns, **QUICK)
    assert labels(tmp_path / "all") == {"train": "internal, corrected", "External": "as is"}
    subset = joined[joined["split"] == "Train"].head(40).drop(columns=["split", "case_id"])
    result = run_job("validate", tmp_path / "part", bundle=bundle, cohort=subset, **QUICK)
    assert labels(tmp_path / "part") == {"train": "fitted patients, not corrected"}
    assert any("40 of 40 patients are those that the model was fitted on" in line for line in result.warnings)
    mixture = pd.concat([joined.head(20), joined.tail(25)]).drop(columns="split")
    run_job("validate", tmp_path / "mix", bundle=bundle, cohort=mixture, **QUICK)
    table = read_csv(tmp_path / "mix" / "concordance.csv").set_index("cohort")
    assert table["n"].to_dict() == {"train": 20, "new patients": 25}


def test_predict_says_whom_the_model_knows(files, fitted, tmp_path):
    joined = patients().merge(features(patients()), on="case_id").drop(columns=["split", "days", "death"])
    result = run_job("predict", tmp_path / "p", bundle=fitted[0] / "model", cohort=joined)
    told = read_csv(tmp_path / "p" / "predictions.csv")
    assert told["model_knows"].tolist() == ["fitted"] * 60 + ["new"] * 30
    assert any("60 of 90 patients" in line for line in result.warnings)


def test_another_hospitals_namesakes_are_taken_for_others_and_told(files, fitted, tmp_path):
    joined = patients().merge(features(patients()), on="case_id").drop(columns="split")
    joined["ct.ring_0_3mm.good"] += 0.25
    joined["days"] += 11
    result = run_job("validate", tmp_path / "v", bundle=fitted[0] / "model", cohort=joined, **QUICK)
    assert labels(tmp_path / "v") == {"all": "as is"}
    assert any("60 of 90 patients bear the ids of fitted patients" in line for line in result.warnings)


def test_a_bundle_holds_no_name_and_no_value_of_a_patient(fitted):
    stored = json.loads((fitted[0] / "model" / "model.json").read_text(encoding="utf-8"))
    assert len(stored["fitted"]["rows"]) == stored["fitted"]["patients"] == 60
    text = json.dumps(stored["fitted"])
    assert not any(f'"p{k:02d}"' in text for k in range(N))


def test_a_patient_in_two_parts_is_refused(tmp_path):
    cohort = patients().assign(patient=lambda frame: [f"P{k % 85}" for k in range(N)])
    with pytest.raises(InputError, match="patient 'P0' has cases in the parts 'train' and 'External'"):
        run_job("cox", tmp_path / "c", cohort=cohort, covariates=["age"], **END_POINT, **QUICK)


def test_a_signature_of_the_same_patients_is_told_with_their_number_and_goes_with_the_model(tmp_path):
    rng = np.random.default_rng(8)
    cohort = patients()
    frame = cohort.drop(columns=[name for name in cohort if name not in ("case_id", "split", "days", "death", "age")])
    features = pd.DataFrame({f"ct.tumour.f{k}": rng.normal(size=N) for k in range(4)})
    features["ct.tumour.f0"] += cohort["marker"]
    features.insert(0, "case_id", cohort["case_id"])
    features.to_csv(tmp_path / "features.csv", index=False)
    lasso = {"selection": "lasso", "folds": 3}
    run_job("cox", tmp_path / "s", cohort=frame, features={"f": tmp_path / "features.csv"}, modelling=lasso,
            **END_POINT, **QUICK)  # fmt: skip
    asked = {"features": {"s": tmp_path / "s" / "signature.csv"}, "covariates": ["age", "lasso.signature"], **END_POINT}
    second = run_job("cox", tmp_path / "c", cohort=frame, **asked, **QUICK)
    told = [line for line in second.warnings if "OPTIMISTIC" in line]
    assert len(told) == 1 and "table s: OPTIMISTIC: the signature was fitted on 60 of these 90 cases" in told[0]
    assert not any("could not be checked" in line for line in second.warnings)
    drawn = run_job("nomogram", tmp_path / "n", bundle=tmp_path / "c" / "model", formats=[])
    assert any("OPTIMISTIC" in line for line in drawn.warnings)


def test_a_network_that_has_seen_the_patients_is_refused_and_the_warning_goes_with_the_model(files, tmp_path):
    cohort = patients()
    folder = tmp_path / "net"
    folder.mkdir()
    signature = pd.DataFrame({"case_id": cohort["case_id"], "net.signature": cohort["marker"]})
    signature.to_csv(folder / "signatures.csv", index=False)
    seen = {"cases": ["p00", "p01", "p77"], "patients": ["p00", "p01", "p77"]}
    (folder / "study.json").write_text(json.dumps({"seen": {"signatures.csv": seen}}), encoding="utf-8")
    asked = {"cohort": cohort, "features": {"net": folder / "signatures.csv"}, **QUICK}
    for verb, end_point in (("cox", END_POINT), ("logistic", {"event": "death"})):
        with pytest.raises(InputError, match="'net' was trained on 3 of 90 cases"):
            run_job(verb, tmp_path / verb, **asked, **end_point)
    result = run_job("cox", tmp_path / "c", accept_seen=True, **asked, **END_POINT)
    assert any(line.startswith("OPTIMISTIC") for line in result.warnings)
    drawn = run_job("nomogram", tmp_path / "n", bundle=tmp_path / "c" / "model", formats=[])
    assert any(line.startswith("OPTIMISTIC") for line in drawn.warnings)
