"""Contributions of bundles: exact for fold models by linearity, at the level of signatures for a fusion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from table_files import table_file, table_files

from DeepRadiomicsFusionLib.explanation.contributions import explain_model
from DeepRadiomicsFusionLib.explanation.shapley import ShapleyMethod, shapley_values
from DeepRadiomicsFusionLib.jobs.contributions import ContributionsJob
from DeepRadiomicsFusionLib.models.classifier_bundle import ClassifierBundle, save_bundle
from DeepRadiomicsFusionLib.models.cross_validation import MeanOfModels
from DeepRadiomicsFusionLib.models.fusion import FusedModel, LogisticFusion
from DeepRadiomicsFusionLib.models.rad_score import RadScore
from DeepRadiomicsFusionLib.networks.training_record import record_of
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsCoreLib.jobs.registry import load_job

FEATURES = [f"ct.intratumour.original_glcm_F{n}" for n in range(5)]


def contributions_job(bundle, features, out, *, training=None, **options):
    """Run the job on a saved bundle; ``training`` are the training patients of a cohort table."""
    save_bundle(bundle, out.parent / "model")
    if training is not None:
        split = ["train" if name in training else "test" for name in next(iter(features.values()))["case_id"]]
        ids = next(iter(features.values()))["case_id"]
        options["cohort"] = table_file(pd.DataFrame({"case_id": ids, "split": split}), out)
    return ContributionsJob(bundle=out.parent / "model", features=table_files(features, out), **options).run(out)


def rad_score(names: list[str], weights: list[float]) -> RadScore:
    size = len(names)
    return RadScore(tuple(names), np.array(weights), 0.2, np.zeros(size), np.ones(size), 0.1)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(15, 5)), columns=FEATURES, index=[f"P{n}" for n in range(15)])


@pytest.fixture
def folds():
    return MeanOfModels((rad_score(FEATURES[:3], [1.0, -2.0, 0.5]), rad_score(FEATURES[2:], [0.3, 1.5, -0.7])))


@pytest.fixture
def fused():
    signatures = {"tumour": rad_score(FEATURES[:2], [1.0, -1.0]), "ring": rad_score(FEATURES[2:], [0.5, 0.5, 2.0])}
    return FusedModel(signatures, LogisticFusion(("tumour", "ring"), np.array([1.2, 0.6]), -0.3, np.ones(2), False))


def test_a_mean_of_fold_models_has_the_exact_values_of_the_mean_itself(table, folds):
    found = explain_model(folds, table, table.head(6))
    whole = shapley_values(
        lambda rows: folds.predict(pd.DataFrame(rows, columns=FEATURES)), table.to_numpy(), table.head(6).to_numpy()
    )
    assert found.names == tuple(FEATURES) and found.method is ShapleyMethod.EXACT
    np.testing.assert_allclose(found.values, whole.values, atol=1e-12)
    np.testing.assert_allclose(found.inputs, table.to_numpy())
    assert found.base == pytest.approx(whole.base)


def test_a_fusion_is_explained_by_its_signatures(table, fused):
    found = explain_model(fused, table, table)
    assert found.names == ("tumour", "ring")
    np.testing.assert_allclose(found.values.sum(axis=1), fused.predict(table) - fused.predict(table).mean())


def test_the_job_writes_tables_and_pictures_that_sum_up(table, fused, tmp_path):
    bundle = ClassifierBundle(fused, "relapse", 0.5, record_of(FEATURES))
    frame = table.rename_axis("case_id").reset_index()
    frame.loc[4, FEATURES[0]] = np.nan
    out = tmp_path / "out"
    training = [f"P{n}" for n in range(10)]
    done = contributions_job(bundle, {"radiomics": frame}, out, training=training, cases=("P3", "P4", "P12"))
    rows = read_csv(done.tables["contributions"])
    # The base is the mean over the training patients; the one with a gap cannot be one of them.
    whole = table.loc[training].drop(index="P4")
    assert rows["base"][0] == pytest.approx(fused.predict(whole).mean())
    assert rows["case_id"].tolist() == ["P3", "P12"]
    np.testing.assert_allclose(rows["tumour"] + rows["ring"], rows["prediction"] - rows["base"], atol=1e-12)
    assert read_csv(done.tables["overall"])["input"].tolist()[0] in ("tumour", "ring")
    assert sorted(path.name for path in (out / "patients").iterdir()) == ["P12.png", "P12.svg", "P3.png", "P3.svg"]
    load_job(out).run(tmp_path / "again")
    assert (tmp_path / "again" / "contributions.csv").read_bytes() == done.tables["contributions"].read_bytes()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"cases": ("P99",)}, InputError, "no case 'P99'"),
        ({"most_background": 0}, InputError, "most_background is 0"),
    ],
)
def test_bad_requests_end_in_one_clear_line(table, fused, tmp_path, change, error, message):
    bundle = ClassifierBundle(fused, "relapse", 0.5, record_of(FEATURES))
    with pytest.raises(error, match=message):
        contributions_job(bundle, {"radiomics": table}, tmp_path / "out", **change)


def test_features_of_other_regions_are_refused(table, fused, tmp_path):
    bundle = ClassifierBundle(fused, "relapse", 0.5, record_of(FEATURES))
    other = table.rename(columns=lambda name: name.replace("intratumour", "ring_0_3mm"))
    with pytest.raises(ModelError, match="trained on region 'intratumour'"):
        contributions_job(bundle, {"radiomics": other}, tmp_path / "out")


def test_the_background_is_whom_the_bundle_was_trained_on(table, fused, tmp_path):
    trained = [f"P{n}" for n in range(5, 12)]
    bundle = ClassifierBundle(
        fused, "relapse", 0.5, record_of(FEATURES), provenance={"training_cases": [*trained, "Z"]}
    )
    done = contributions_job(bundle, {"radiomics": table}, tmp_path / "out", cases=("P0",))
    assert read_csv(done.tables["contributions"])["base"][0] == pytest.approx(fused.predict(table.loc[trained]).mean())
    # Elsewhere none of them is in the tables, and all of the tables count.
    other = table.rename(index=lambda name: f"new {name}")
    done = contributions_job(bundle, {"radiomics": other}, tmp_path / "new", cases=("new P0",))
    assert read_csv(done.tables["contributions"])["base"][0] == pytest.approx(fused.predict(table).mean())
