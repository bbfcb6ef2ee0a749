"""``fuse`` and ``apply`` from tables to an output folder, and back to new patients."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table_files import apply_to_tables, fuse_tables

from DeepRadiomicsFusionLib.evaluation.metrics import EvaluationSettings
from DeepRadiomicsFusionLib.jobs.fuse import FuseJob
from DeepRadiomicsFusionLib.jobs.fusion_tables import FOLDS_INTERVAL
from DeepRadiomicsFusionLib.models.classifier_bundle import load_bundle
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from RadiomicsCoreLib.cohort.columns import CohortColumns
from RadiomicsCoreLib.cohort.missing import MissingPolicies
from RadiomicsCoreLib.errors import Cancelled, DependencyError, InputError, ModelError
from RadiomicsCoreLib.files.tables import read_csv, write_csv, write_json
from RadiomicsCoreLib.jobs.registry import load_job
from RadiomicsCoreLib.statistics.roc import auc

pytest.importorskip("skops", reason="needs the extra 'deep': bundles are stored with skops")

QUICK = FuseJob(
    cohort=Path("cohort.csv"),
    endpoint="relapse",
    features={},
    selection=SelectionSettings(selector="mrmr", largest=3),
    cross_validation=CrossValidationSettings(3, 2),
    classifiers=("lr", "nb"),
    inner_folds=2,
    evaluation=EvaluationSettings(100, 99),
    formats=(),
)


def study(bin_width=25):
    extraction = {"ct": {"setting": {"binWidth": bin_width}}}
    return {"made_with": {"engine": {"name": "native", "version": "1"}, "extraction": extraction}}


def make_cohort(folder):
    """90 cases in a folder: radiomics of tumour and ring, deep features, an endpoint with gaps, three parts."""
    rng = np.random.default_rng(0)
    ids = [f"{k:03d}" for k in range(90)]
    names = [f"ct.{region}.original_glcm_F{k}" for region in ("intratumour", "ring_0_3mm") for k in range(4)]
    radiomics = pd.DataFrame(rng.standard_normal((90, 8)), columns=names)
    deep = pd.DataFrame(rng.standard_normal((90, 4)), columns=[f"ct.ring_0_3mm.resnet18_{k}" for k in range(4)])
    score = 1.5 * radiomics["ct.ring_0_3mm.original_glcm_F0"] + 1.5 * deep["ct.ring_0_3mm.resnet18_1"]
    outcome = (score + rng.logistic(size=90) > 0).astype(float)
    outcome[[3, 70]] = np.nan
    table = pd.DataFrame({"case_id": ids, "relapse": outcome, "split": ["train"] * 60 + ["test"] * 30})
    for name, frame in (("radiomics", radiomics), ("deep", deep)):
        (folder / name).mkdir()
        frame.insert(0, "case_id", ids)
        write_csv(folder / name / "features.csv", frame)
        write_json(folder / name / "study.json", study())
    write_csv(folder / "cohort.csv", table)
    return folder


def features(folder):
    return {name: folder / name / "features.csv" for name in ("radiomics", "deep")}


@pytest.fixture
def cohort(tmp_path):
    return make_cohort(tmp_path)


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    """A finished study, to read only."""
    folder = make_cohort(tmp_path_factory.mktemp("study"))
    settings = replace(QUICK, formats=("png",))
    fuse_tables(features(folder), folder / "cohort.csv", "relapse", folder / "out", settings)
    return folder / "out"


def test_a_fusion_study_leaves_tables_figures_and_a_bundle(fused):
    models = read_csv(fused / "models.csv").set_index("model")
    assert list(models.index) == ["radiomics.signature", "deep.signature", "fusion", "lr", "nb", "best classifier"]
    assert (models["cases"] == 59).all()
    assert models.loc["fusion", "pooled_auc"] > models.loc["radiomics.signature", "pooled_auc"]
    assert (models["auc_lower"] <= models["auc"]).all()
    assert set(models["patients"]) == {"training, out of fold"} and set(models["interval"]) == {FOLDS_INTERVAL}
    others = read_csv(fused / "models_other_parts.csv").set_index("model")
    assert (others["part"] == "test").all()
    assert (others["cases"] == 29).all()
    assert others["threshold"].to_dict() == models["threshold"].to_dict()
    figures = {path.name for path in (fused / "figures").iterdir()}
    assert {"roc_train.png", "roc_test.png", "p_values_train.png", "calibration_fusion.png"} <= figures
    assert (fused / "model" / "model.json").is_file()
    notes = (fused / "notes.txt").read_text()
    assert "2 cases have no label of relapse" in notes
    assert "out-of-fold, the mean over 2 repeats of 3 folds" in notes
    assert "too high by the choice" in notes


def test_tables_agree_with_each_other(fused):
    models = read_csv(fused / "models.csv").set_index("model")
    predictions = read_csv(fused / "predictions.csv")
    found = auc(predictions["outcome"].to_numpy(), predictions["fusion"].to_numpy())
    assert models.loc["fusion", "pooled_auc"] == pytest.approx(found.value)
    assert not (fused / "delong_train.csv").exists()
    delong = read_csv(fused / "delong_test.csv").set_index("model")
    assert delong.loc["lr", "lr"] == 1
    compared = read_csv(fused / "comparison.csv").set_index(["part", "model", "against"]).sort_index()
    row = compared.loc[("train", "radiomics.signature", "fusion")]
    expected = models.loc["radiomics.signature", "auc"] - models.loc["fusion", "auc"]
    assert row["difference"] == pytest.approx(expected) and row["patients"] == "training, out of fold"
    assert compared.loc[("test", "lr", "nb"), "p"] == pytest.approx(delong.loc["lr", "nb"])
    assert set(compared.loc["test", "test"]) == {"DeLong's test"}
    selected = read_csv(fused / "selected_features.csv").query("model == 'nb'")
    assert {"ct.ring_0_3mm.resnet18_1", "ct.ring_0_3mm.original_glcm_F0"} == set(selected["feature"][:2])
    assert (selected["share_of_folds"] == selected["folds"] / 6).all()
    assert "deep.signature = " in (fused / "signatures.txt").read_text()


def test_the_same_seed_writes_the_same_tables(fused, cohort):
    fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "again", QUICK)
    for name in ("models.csv", "predictions.csv", "signatures.csv", "delong_test.csv"):
        assert (cohort / "again" / name).read_bytes() == (fused / name).read_bytes()


def test_the_job_file_of_a_study_and_of_predictions_repeat_them(fused, cohort):
    again = load_job(fused).run(cohort / "again")
    apply_to_tables(fused / "model", features(fused.parent), cohort / "new", formats=())
    load_job(cohort / "new").run(cohort / "newer")
    for ours, other, names in (
        (again.folder, fused, ("models.csv", "predictions.csv", "signatures.csv", "models_other_parts.csv")),
        (cohort / "newer", cohort / "new", ("predictions.csv",)),
    ):
        for name in names:
            assert (ours / name).read_bytes() == (other / name).read_bytes(), name
    ours, other = (json.loads((folder / "study.json").read_text()) for folder in (fused, again.folder))
    assert ours["settings_hash"] == other["settings_hash"]


def test_the_bundle_predicts_the_other_part_as_the_study_did(fused, cohort):
    bundle = load_bundle(fused / "model")
    deployed = bundle.settings["deployed"]
    expected = read_csv(fused / "predictions_other_parts.csv").set_index("case_id")[deployed]
    result = apply_to_tables(
        fused / "model", features(cohort), cohort / "new", cohort=cohort / "cohort.csv", formats=("png",)
    )
    found = read_csv(cohort / "new" / "predictions.csv").set_index("case_id")
    assert found.loc[expected.index, "probability"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-12)
    assert (found["positive"] == (found["probability"] >= bundle.threshold)).all()
    assert {"predictions", "evaluation"} <= set(result.tables)
    assert {"roc.png", "calibration.png"} <= {path.name for path in result.files["figures"].iterdir()}


def test_one_refitted_model_can_be_bundled_instead(cohort):
    settings = replace(QUICK, bundled="refit", deployed="fusion", signature_for="region")
    fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", settings)
    bundle = load_bundle(cohort / "out" / "model")
    assert list(bundle.model.signatures) == [
        "radiomics.ct.intratumour.signature",
        "radiomics.ct.ring_0_3mm.signature",
        "deep.ct.ring_0_3mm.signature",
    ]


def test_the_ring_sweep_and_the_permutation_test_are_part_of_a_study(cohort):
    settings = replace(QUICK, sweep=True, permutations=19, classifiers=(), deployed="radiomics.signature")
    settings = replace(settings, cross_validation=CrossValidationSettings(3, 1))
    radiomics = {"radiomics": cohort / "radiomics" / "features.csv"}
    result = fuse_tables(radiomics, cohort / "cohort.csv", "relapse", cohort / "out", settings)
    table = read_csv(cohort / "out" / "ring_sweep.csv")
    assert list(table["region"]) == ["intratumour", "ring_0_3mm", "intra_ring_0_3mm"]
    assert any("chosen inside the inner folds" in note for note in result.notes)
    assert any("19 permutations of the labels through the whole procedure" in note for note in result.notes)


def test_features_made_otherwise_are_refused_when_applying(fused, cohort):
    write_json(cohort / "deep" / "study.json", study(bin_width=10))
    write_json(cohort / "radiomics" / "study.json", study(bin_width=10))
    with pytest.raises(ModelError, match=r"trained with extraction.ct.setting.binWidth = 25, these"):
        apply_to_tables(fused / "model", features(cohort), cohort / "new")


def test_a_case_with_nan_features_gets_a_reason_and_the_others_a_prediction(fused, cohort):
    tables = {name: read_csv(path) for name, path in features(cohort).items()}
    tables["deep"].loc[5, "ct.ring_0_3mm.resnet18_1"] = np.nan
    result = apply_to_tables(fused / "model", tables, cohort / "new", formats=())
    found = read_csv(cohort / "new" / "predictions.csv").set_index("case_id")
    assert np.isnan(found.loc["005", "probability"])
    assert found.loc["005", "reason"] == "1 features are NaN, the first is ct.ring_0_3mm.resnet18_1"
    assert found["probability"].notna().sum() == 89
    assert any("1 of 90 cases have no prediction" in note for note in result.notes)


def test_a_second_reading_filters_features_inside_the_folds(cohort):
    second = read_csv(cohort / "radiomics" / "features.csv")
    second["ct.ring_0_3mm.original_glcm_F0"] = np.random.default_rng(5).permutation(
        second["ct.ring_0_3mm.original_glcm_F0"]
    )
    settings = replace(QUICK, classifiers=("lr",))
    fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", settings, readings=[second])
    selected = read_csv(cohort / "out" / "selected_features.csv")
    assert "ct.ring_0_3mm.original_glcm_F0" not in set(selected["feature"])
    assert "ct.ring_0_3mm.resnet18_1" in set(selected["feature"])


def test_cancelling_stops_and_leaves_no_bundle(cohort):
    def cancel(fraction, message):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", QUICK, progress=cancel)
    assert not (cohort / "out" / "model").exists()


# --- bad input ---------------------------------------------------------------------------------------------


def changed(cohort, change):
    table = read_csv(cohort / "cohort.csv")
    write_csv(cohort / "cohort.csv", change(table))
    return cohort


def fuse(cohort, settings=QUICK, **options):
    return fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", settings, **options)


@pytest.mark.parametrize(
    ("change", "options", "line"),
    [
        (lambda t: t.assign(relapse=1), {}, "endpoint 'relapse' is 1 for all 90 labelled cases"),
        (lambda t: t.assign(relapse=["yes", "no"] * 45), {}, r"endpoint 'relapse' holds text \('no', 'yes'\)"),
        (lambda t: t.drop(columns="relapse"), {}, "the table has no column 'relapse'"),
        (lambda t: t.assign(case_id=[f"x{k}" for k in range(90)]), {}, "radiomics have no case in common"),
        (lambda t: t.assign(split="external"), {}, "no case has the split 'train'"),
        (
            lambda t: t.assign(split=[None, *["train"] * 89]),
            {"columns": CohortColumns(missing=MissingPolicies({"*": "error"}))},
            "1 cases have no 'split', the first is '000'",
        ),
        (lambda t: t, {"columns": CohortColumns(patient="patient_id")}, "no column 'patient_id' to be the patient"),
        (
            lambda t: t.assign(person=[f"p{k % 45}" for k in range(90)]),
            {"columns": CohortColumns(patient="person")},
            "patients are in the training and in the test part, the first is 'p",
        ),
    ],
)
def test_a_cohort_that_cannot_be_used_is_refused_in_one_line(cohort, change, options, line):
    with pytest.raises(InputError, match=line) as caught:
        fuse(changed(cohort, change), **options)
    assert "\n" not in str(caught.value)


def test_too_few_cases_for_the_folds_are_refused(cohort):
    with pytest.raises(InputError, match="folds need at least 40 cases of each class"):
        fuse(cohort, replace(QUICK, cross_validation=CrossValidationSettings(40, 1)))


def test_a_missing_package_is_told_before_anything_is_fitted(cohort, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    told = []
    with pytest.raises(DependencyError, match="install peritumoral-radiomics"):
        fuse_tables(
            features(cohort),
            cohort / "cohort.csv",
            "relapse",
            cohort / "out",
            QUICK,
            progress=lambda *a: told.append(a),
        )
    assert told == []


def test_nan_and_constant_features_are_told_or_dropped(cohort):
    table = read_csv(cohort / "deep" / "features.csv")
    table.loc[7, "ct.ring_0_3mm.resnet18_0"] = np.nan
    table["ct.ring_0_3mm.resnet18_2"] = 5.0
    write_csv(cohort / "deep" / "features.csv", table)
    with pytest.raises(InputError, match=r"'ct.ring_0_3mm.resnet18_0' of case '007'"):
        fuse(cohort, columns=CohortColumns(missing=MissingPolicies({"*": "error"})))
    result = fuse(cohort)
    assert "train: 1 cases with missing features were left out: 007" in result.notes
    assert "007" not in set(read_csv(cohort / "out" / "predictions.csv")["case_id"])
    assert "ct.ring_0_3mm.resnet18_2" not in set(read_csv(cohort / "out" / "selected_features.csv")["feature"])


def test_medians_of_the_training_fill_gaps_of_the_study_and_of_new_cases(cohort):
    path = cohort / "deep" / "features.csv"
    table = read_csv(path).set_index("case_id")
    name = "ct.ring_0_3mm.resnet18_1"
    table.loc[["007", "065"], name] = np.nan
    write_csv(path, table.reset_index())
    job = replace(QUICK, columns=CohortColumns(missing=MissingPolicies({"*": "median"})), classifiers=("lr",))
    done = fuse(cohort, replace(job, deployed="lr", select=("*.resnet18_*",)))
    assert any(note.startswith("train: 1 missing values of 1 features were filled") for note in done.notes)
    labelled = read_csv(cohort / "cohort.csv").query("split == 'train'").dropna(subset="relapse")["case_id"]
    bundle = load_bundle(cohort / "out" / "model")
    assert bundle.medians[name] == pytest.approx(table.loc[labelled, name].median())
    assert set(bundle.medians) <= {column for column in table if ".resnet18_" in column}
    found = read_csv(cohort / "out" / "predictions_other_parts.csv").set_index("case_id").loc["065", "lr"]
    apply_to_tables(cohort / "out" / "model", features(cohort), cohort / "new", formats=())
    assert read_csv(cohort / "new" / "predictions.csv").set_index("case_id").loc["065", "probability"] == found


def test_features_that_all_are_constant_are_refused(cohort):
    table = read_csv(cohort / "deep" / "features.csv")
    table.iloc[:, 1:] = 5.0
    with pytest.raises(InputError, match="all 4 features are constant"):
        fuse_tables({"deep": table}, cohort / "cohort.csv", "relapse", cohort / "out", QUICK)


def test_an_unknown_model_or_setting_is_refused(cohort):
    with pytest.raises(InputError, match=r"model 'xgboost' is unknown; choose from radiomics.signature"):
        fuse(cohort, replace(QUICK, deployed="xgboost"))
    with pytest.raises(InputError, match="classifier 'xgboost' is not known"):
        replace(QUICK, classifiers=("xgboost",))
    with pytest.raises(InputError, match="bundled is 'all'; choose from folds, refit"):
        replace(QUICK, bundled="all")
    with pytest.raises(InputError, match="permutations must be 0 or at least 19"):
        replace(QUICK, permutations=5)


def test_a_bundle_that_needs_a_missing_region_is_refused(fused, cohort):
    radiomics = read_csv(cohort / "radiomics" / "features.csv")
    with pytest.raises(ModelError, match="trained on region 'ring_0_3mm', which these features lack"):
        apply_to_tables(fused / "model", {"radiomics": radiomics.iloc[:, :5]}, cohort / "new")


def test_the_study_says_how_it_was_made(fused):
    study = json.loads((fused / "study.json").read_text())
    assert study["job"] == "fuse"
    assert study["settings"]["cross_validation"] == {"folds": 3, "repeats": 2, "seed": 0}
    assert study["settings"]["selection"]["selector"] == "mrmr"
    assert "scikit-learn" in study["versions"]


def test_a_model_that_cannot_be_fitted_is_left_out_with_its_reason(cohort, monkeypatch):
    def broken(self, samples, workspace=None):
        raise ModelError("it did not settle")

    monkeypatch.setattr("DeepRadiomicsFusionLib.models.rad_score.RadScoreLearner.fit", broken)
    done = fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", QUICK)
    models = read_csv(cohort / "out" / "models.csv").set_index("model")
    assert models.loc[["lr", "nb", "best classifier"], "auc"].notna().all()
    for name in ("radiomics.signature", "deep.signature", "fusion"):
        assert "it did not settle (repeat 1, fold 1)" in models.loc[name, "reason"]
        assert any(note.startswith(f"{name} was left out: it did not settle") for note in done.notes)
    assert (cohort / "out" / "model" / "model.json").is_file()
    with pytest.raises(ModelError, match="fusion, the model to deploy, cannot be fitted: it did not settle"):
        fuse_tables(
            features(cohort), cohort / "cohort.csv", "relapse", cohort / "no", replace(QUICK, deployed="fusion")
        )


def test_applying_to_cases_of_the_training_is_told(fused, cohort):
    done = apply_to_tables(fused / "model", features(cohort), cohort / "applied", formats=())
    start = "59 of 90 cases were in the training of the model, by their ids, the first is '000'"
    assert any(note.startswith(start) for note in done.notes)


def test_the_bundle_carries_whom_a_network_has_seen_on_to_new_patients(cohort):
    seen = {"features.csv": {"cases": ["061", "elsewhere"], "patients": ["061", "elsewhere"]}}
    write_json(cohort / "deep" / "study.json", study() | {"seen": seen})
    with pytest.raises(InputError, match="table 'deep' was trained on 1 of 88 cases, the first is '061'"):
        fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", QUICK)
    settings = replace(QUICK, accept_seen=True, deployed="fusion")
    fuse_tables(features(cohort), cohort / "cohort.csv", "relapse", cohort / "out", settings)
    assert load_bundle(cohort / "out" / "model").provenance["seen_by_networks"]["deep"]["cases"] == ["061", "elsewhere"]
    done = apply_to_tables(cohort / "out" / "model", features(cohort), cohort / "applied", formats=())
    assert any("1 of 90 cases were in the training of the network of the table deep" in note for note in done.notes)


def test_a_part_without_features_or_of_one_class_is_left_out_with_its_reason(cohort):
    changed(cohort, lambda t: t.assign(split=["train"] * 60 + ["test"] * 15 + ["external"] * 15))
    for name in ("radiomics", "deep"):
        path = cohort / name / "features.csv"
        write_csv(path, read_csv(path).iloc[:75])  # the other hospital's features are not there yet
    done = fuse(cohort)
    assert any(note.startswith("15 of 90 cases have no row in the table deep") for note in done.notes)
    assert set(read_csv(cohort / "out" / "models_other_parts.csv")["part"]) == {"test"}
    table = read_csv(cohort / "cohort.csv")
    features_of = read_csv(cohort / "deep" / "features.csv")
    positives = table.query("split == 'test' and relapse == 1")["case_id"]
    features_of.loc[features_of["case_id"].isin(positives), "ct.ring_0_3mm.resnet18_0"] = np.nan
    write_csv(cohort / "deep" / "features.csv", features_of)
    done = fuse(cohort)
    assert any(note.startswith("test: its ") and "do not have both outcomes" in note for note in done.notes)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda t: t.assign(relapse=[np.nan] * 60 + [0, 1] * 15),
            "no case of the split 'train' has a label of 'relapse'",
        ),
        (lambda t: t.assign(patient=["p0", None, *[f"q{k}" for k in range(88)]]), "case '001' has no patient"),
    ],
)
def test_no_labelled_training_case_or_no_patient_is_said(cohort, change, line):
    changed(cohort, change)
    with pytest.raises(InputError, match=line):
        fuse(cohort)


def test_patients_with_several_cases_are_said_to_make_intervals_narrow(cohort):
    changed(cohort, lambda t: t.assign(patient=[f"p{k // 2}" for k in range(90)]))
    done = fuse(cohort, replace(QUICK, classifiers=("lr",)))
    (note,) = [note for note in done.notes if note.startswith("train: 59 cases of 30 patients")]
    assert "are too narrow" in note


def test_cases_of_the_training_are_evaluated_apart_from_new_ones(fused, cohort):
    apply_to_tables(fused / "model", features(cohort), cohort / "new", cohort=cohort / "cohort.csv", formats=("png",))
    rows = read_csv(cohort / "new" / "evaluation.csv").set_index("part")
    assert rows["cases"].to_dict() == {"new cases": 29, "cases of the training": 59}
    deployed = load_bundle(fused / "model").settings["deployed"]
    expected = read_csv(fused / "models_other_parts.csv").set_index("model").loc[deployed, "auc"]
    assert rows.loc["new cases", "auc"] == pytest.approx(expected)
    names = {path.name for path in (cohort / "new" / "figures").iterdir()}
    assert {"roc.png", "roc_training.png"} <= names


@pytest.mark.parametrize("labels", [[1.0] * 30, [1.0] + [0.0] * 29, [np.nan] * 30])
def test_outcomes_that_cannot_be_evaluated_leave_the_predictions_and_a_note(fused, cohort, labels):
    ids = [f"{k:03d}" for k in range(60, 90)]
    table = pd.DataFrame({"case_id": ids, "relapse": labels})
    done = apply_to_tables(fused / "model", features(cohort), cohort / "new", cohort=table)
    assert any("nothing could be evaluated: that needs two of each class" in note for note in done.notes)
    assert read_csv(cohort / "new" / "predictions.csv")["probability"].notna().all()
    assert (cohort / "new" / "study.json").is_file() and not (cohort / "new" / "evaluation.csv").exists()
    assert not (cohort / "new" / "figures").exists()


def test_a_wrong_outcome_column_or_a_feature_of_text_is_told_before_anything_is_written(fused, cohort):
    table = read_csv(cohort / "cohort.csv")
    with pytest.raises(InputError, match="has no column 'relapse'"):
        apply_to_tables(
            fused / "model", features(cohort), cohort / "new", cohort=table.rename(columns={"relapse": "x"})
        )
    assert not (cohort / "new").exists()
    tables = {name: read_csv(path) for name, path in features(cohort).items()}
    for name in [column for column in tables["deep"] if column != "case_id"]:
        tables["deep"][name] = "high"
    with pytest.raises(InputError, match=r"feature column 'ct.ring_0_3mm.resnet18_\d' holds text \('high'\)"):
        apply_to_tables(fused / "model", tables, cohort / "new")
