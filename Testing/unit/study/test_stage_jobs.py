"""The jobs that join the stages of a study: planted truth on tables without images."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job

from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import InputError

PATIENTS = 120


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A cohort whose end point and hazard follow one hidden number; two tables, one of which knows it."""
    folder = tmp_path_factory.mktemp("stages")
    rng = np.random.default_rng(3)
    hidden = rng.standard_normal(PATIENTS)
    ids = [f"p{k:03d}" for k in range(PATIENTS)]
    days = 500 * rng.exponential(size=PATIENTS) / np.exp(hidden) + 1
    cohort = pd.DataFrame(
        {
            "case_id": ids,
            "ct_image": "i.nii",
            "ct_mask": "m.nii",
            "relapse": (rng.random(PATIENTS) < 1 / (1 + np.exp(-2.5 * hidden))).astype(int),
            "days": np.minimum(days, 900).round(),
            "death": (days < 900).astype(int),
            "change": rng.normal(0, 3, PATIENTS).round(1),
            "sex": rng.choice(["female", "male"], PATIENTS),
            "split": np.where(np.arange(PATIENTS) % 4 == 3, "test", "train"),
        }
    )
    cohort.to_csv(folder / "cohort.csv", index=False)
    for region, signal in (("ring_0_3mm", 1.0), ("intratumour", 0.0)):
        values = rng.standard_normal((PATIENTS, 6))
        values[:, 0] = signal * hidden + 0.5 * values[:, 0]
        names = [f"ct.{region}.original_firstorder_F{k}" for k in range(6)]
        table = pd.DataFrame(values, columns=names)
        table.insert(0, "case_id", ids)
        table.to_csv(folder / f"{region}.csv", index=False)
    return folder


def signature(study, region: str, out: str, **more):
    settings = {
        "cohort": str(study / "cohort.csv"),
        "endpoint": "relapse",
        "features": {"r": str(study / f"{region}.csv")},
    }
    return run_job("signature", study / out, **{**settings, "folds": 3, **more})


@pytest.fixture(scope="module")
def signatures(study):
    signature(study, "ring_0_3mm", "ring")
    signature(study, "intratumour", "tumour")
    return study


def test_the_signature_finds_the_planted_feature_and_tells_the_optimism_of_its_in_sample_area(signatures):
    table = pd.read_csv(signatures / "ring" / "coefficients.csv")
    assert table.loc[table["standardised"].abs().iloc[1:].idxmax(), "feature"] == "ct.ring_0_3mm.original_firstorder_F0"
    areas = pd.read_csv(signatures / "ring" / "auc.csv").set_index(["part", "how"])["auc"]
    assert areas["train", "out of fold"] > 0.75
    assert areas["test", "not seen"] > 0.75
    noise = pd.read_csv(signatures / "tumour" / "auc.csv")
    assert noise["optimism"][0] > 0.05  # noise looks good on those who were fitted
    assert noise.set_index("how")["auc"]["out of fold"] < 0.65


def test_training_patients_have_the_fold_that_did_not_see_them_and_nobody_else_has_one(signatures):
    cohort = pd.read_csv(signatures / "cohort.csv").set_index("case_id")
    table = pd.read_csv(signatures / "ring" / "signatures.csv").set_index("case_id")
    is_training = cohort.loc[table.index, "split"] == "train"
    assert table["fold"].notna().equals(is_training)
    assert table["rad.signature"].notna().all()


def test_only_what_is_significant_together_stays(study):
    signature(study, "ring_0_3mm", "significant", p_below=0.01)
    table = pd.read_csv(study / "significant" / "coefficients.csv")
    assert table["feature"].tolist() == ["(intercept)", "ct.ring_0_3mm.original_firstorder_F0"]


def test_scores_stand_side_by_side_with_every_pair_and_a_figure_over_ring_sizes(signatures):
    out = signatures / "scores"
    tables = {
        name: str(signatures / folder / "signatures.csv")
        for name, folder in (("intratumour", "tumour"), ("ring_0_3mm", "ring"))
    }
    run_job("scores", out, cohort=str(signatures / "cohort.csv"), endpoint="relapse", features=tables, formats=["png"])
    rows = pd.read_csv(out / "scores.csv").set_index(["part", "model"])
    assert rows.loc[("test", "ring_0_3mm"), "auc"] > rows.loc[("test", "intratumour"), "auc"]
    assert rows.loc[("train", "ring_0_3mm"), "p_value"] < 0.01
    assert rows.loc[("train", "ring_0_3mm"), "p_against_chance"] < 1e-4
    pairs = pd.read_csv(out / "pairs.csv")
    assert pairs["p_value"][0] == pytest.approx(rows.loc[("train", "ring_0_3mm"), "p_value"])
    areas = pd.read_csv(signatures / "ring" / "auc.csv").set_index("how")["auc"]
    assert rows.loc[("train", "ring_0_3mm"), "auc"] == pytest.approx(areas["out of fold"])


def test_tables_of_many_runs_are_stacked_with_their_names(signatures):
    out = signatures / "all"
    runs = {"ring": str(signatures / "ring"), "tumour": str(signatures / "tumour"), "none": str(signatures / "nowhere")}
    result = run_job(
        "collect",
        out,
        runs=runs,
        table=["auc"],
        key="region",
        value="auc",
        by="how",
        only={"part": "train"},
        formats=["png"],
    )
    assert pd.read_csv(out / "auc.csv")["region"].value_counts().to_dict() == {"ring": 3, "tumour": 3}
    assert any("none has no table" in note for note in result.notes)
    assert (out / "figures" / "auc_by_region.png").is_file()


def test_joined_scores_keep_their_sign_and_clinical_columns_become_numbers(signatures):
    out = signatures / "joined"
    features = {
        "ring": str(signatures / "ring" / "signatures.csv"),
        "tumour": str(signatures / "tumour" / "signatures.csv"),
    }
    run_job("join", out, cohort=str(signatures / "cohort.csv"), features=features, numbers=["change", "sex"])
    case = read_cohort(out / "cohort.csv").cases[0]
    wanted = pd.read_csv(signatures / "ring" / "signatures.csv")["rad.signature"][0]
    assert case.values["ring.rad.signature"] == pytest.approx(wanted)
    assert isinstance(case.values["change"], float)
    numbers = pd.read_csv(out / "numbers.csv")
    assert list(numbers.columns) == ["case_id", "number.change", "number.sex=male"]
    cohort = pd.read_csv(signatures / "cohort.csv")
    assert (numbers["number.sex=male"] == (cohort["sex"] == "male")).all()


def test_a_score_divides_patients_at_the_trainings_cutoff_and_high_scores_die_earlier(signatures):
    out = signatures / "groups"
    run_job(
        "groups",
        out,
        cohort=str(signatures / "cohort.csv"),
        features={"s": str(signatures / "ring" / "signatures.csv")},
        time="days",
        event="death",
        score="rad.signature",
        cutoff="youden",
        endpoint="relapse",
        formats=[],
    )
    table = pd.read_csv(out / "groups.csv").set_index(["part", "group"])
    assert set(table.index.get_level_values(0)) == {"train", "test", "all together"}
    assert table.loc[("all together", "high risk"), "hazard_ratio"] > 1.5
    mean = table["restricted_mean"]
    assert mean["all together", "high risk"] < mean["all together", "low risk"]


def test_the_baseline_table_describes_by_a_binary_end_point(signatures):
    run_job(
        "baseline", signatures / "base", cohort=str(signatures / "cohort.csv"), by="relapse", describe=["change", "sex"]
    )
    table = pd.read_csv(signatures / "base" / "baseline.csv")
    assert set(table["variable"]) == {"change", "sex"}
    counts = pd.read_csv(signatures / "cohort.csv")["relapse"].value_counts()
    assert any(f"n = {counts[1]}" in name for name in table.columns)


def test_cox_models_stand_side_by_side_in_every_cohort(signatures):
    cohort = str(signatures / "cohort.csv")
    for name in ("ring", "tumour"):
        features = {name: str(signatures / name / "signatures.csv")}
        settings = {"cohort": cohort, "features": features, "time": "days", "event": "death", "bootstrap": 2}
        run_job("cox", signatures / f"cox_{name}", **settings, horizons=[300], formats=[])
    # One table for both: the column of the one model is not that of the other.
    join = {name: str(signatures / name / "signatures.csv") for name in ("ring", "tumour")}
    run_job("join", signatures / "wide", cohort=cohort, features=join)
    for name in ("ring", "tumour"):
        settings = {"cohort": cohort, "features": {"w": str(signatures / "wide" / "features.csv")}}
        settings |= {"time": "days", "event": "death", "bootstrap": 2, "covariates": [f"{name}.rad.signature"]}
        run_job("cox", signatures / f"wide_{name}", **settings, horizons=[300], formats=[])
    out = signatures / "compared"
    models = {name: str(signatures / f"wide_{name}" / "model") for name in ("ring", "tumour")}
    features = {"w": str(signatures / "wide" / "features.csv")}
    run_job("compare", out, cohort=cohort, features=features, models=models, against="tumour", formats=["png"])
    rows = pd.read_csv(out / "concordance.csv").set_index(["cohort", "model"])
    assert rows.loc[("train", "ring"), "c"] > rows.loc[("train", "tumour"), "c"]
    assert rows.loc[("train", "ring"), "p_value"] < 0.01
    own = pd.read_csv(signatures / "wide_ring" / "concordance.csv").set_index("cohort")
    assert rows.loc[("test", "ring"), "c"] == pytest.approx(own.loc["test", "harrell"])
    assert rows.loc[("train", "ring"), "patients"] == "fitted on these patients"
    assert pd.read_csv(out / "auc.csv")["horizon"].unique().tolist() == [300]
    for figure in (
        "concordance",
        "kaplan_meier",
        "roc_300",
        "calibration_300",
        "decision_curve_300",
        "coefficients_ring",
    ):
        assert (out / "figures" / f"{figure}.png").is_file()


def test_one_model_is_no_comparison(signatures):
    with pytest.raises(InputError, match="two models"):
        run_job("compare", signatures / "one", cohort=str(signatures / "cohort.csv"), models={"a": "x"})


def test_the_split_job_writes_once_and_refuses_another_split(study, tmp_path):
    out = tmp_path / "split"
    cohort = tmp_path / "cohort.csv"
    pd.read_csv(study / "cohort.csv").drop(columns="split").to_csv(cohort, index=False)
    run_job("split", out, cohort=str(cohort), dealing={"by": "ratio", "ratio": 0.7, "stratify": ["relapse"]})
    run_job("split", out, cohort=str(cohort), dealing={"by": "ratio", "ratio": 0.7, "stratify": ["relapse"]})
    with pytest.raises(InputError, match="a split is made once"):
        run_job("split", out, cohort=str(cohort), dealing={"by": "ratio", "ratio": 0.7, "seed": 5})
    run_job("split", out, cohort=str(cohort), dealing={"by": "ratio", "ratio": 0.7, "seed": 5}, replace=True)
    assert pd.read_csv(out / "parts.csv").set_index("part")["cases"].to_dict() == {"train": 84, "test": 36}


def test_one_patient_gets_what_predict_gives_the_same_patient_of_a_cohort(study):
    cohort = str(study / "cohort.csv")
    settings = {"cohort": cohort, "time": "days", "event": "death", "covariates": ["change", "sex"], "bootstrap": 2}
    run_job("cox", study / "clinical", **settings, horizons=[300], formats=[])
    model = str(study / "clinical" / "model")
    run_job("predict", study / "everybody", bundle=model, cohort=cohort)
    first = pd.read_csv(cohort).iloc[0]
    values = {"change": float(first["change"]), "sex": str(first["sex"])}
    run_job("patient", study / "one", bundle=model, image="ct.nii", mask="tumour.nii", values=values)
    said = json.loads((study / "one" / "patient.json").read_text(encoding="utf-8"))["says"]
    known = pd.read_csv(study / "everybody" / "predictions.csv").iloc[0]
    assert said["linear_predictor"] == pytest.approx(known["linear_predictor"])
    assert said["survival_300"] == pytest.approx(known["survival_300"])
    assert (study / "one" / "figures" / "patient.png").is_file()
