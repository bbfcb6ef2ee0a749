"""The job for principal components: fitted on train, given to new patients, taken by a Cox model (liu2025)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv
from SurvivalNomogramLib.bundles.bundle import load_bundle

N, TRAINED = 80, 55
END_POINT = {"time": "days", "event": "death"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two tables of features that follow two hidden variables, of which the first one drives the deaths."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(2)
    first, second = random.normal(size=(2, N))
    death, censored = random.exponential(800 * np.exp(-first)), random.uniform(300, 2000, N)
    cohort = pd.DataFrame({"case_id": [f"p{k}" for k in range(N)]})
    cohort["split"] = np.where(np.arange(N) < TRAINED, "train", "test")
    cohort["days"], cohort["death"] = np.minimum(death, censored) + 1, (death <= censored).astype(int)
    cohort.to_csv(folder / "cohort.csv", index=False)
    for name, mixed in (("tumour", first), ("ring", second)):
        table = {f"ct.{name}.f{k}": mixed * (k + 1) + 0.1 * random.normal(size=N) + 100 * k for k in range(4)}
        pd.DataFrame({"case_id": cohort["case_id"], **table}).to_csv(folder / f"{name}.csv", index=False)
    return folder


def tables(files) -> dict:
    return {"features": {name: files / f"{name}.csv" for name in ("tumour", "ring")}}


@pytest.fixture(scope="module")
def fitted(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("pca")
    return out, run_job("pca", out, cohort=files / "cohort.csv", **tables(files), share=0.95, formats=["png"])


def test_components_are_those_of_the_covariance_of_the_training_z_scores(files, fitted):
    train = pd.concat([pd.read_csv(files / f"{name}.csv").iloc[:, 1:] for name in ("tumour", "ring")], axis=1)
    x = train.to_numpy()
    z = (x - x[:TRAINED].mean(axis=0)) / x[:TRAINED].std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.cov(z[:TRAINED], rowvar=False))
    expected = z @ vectors[:, ::-1][:, :2]
    table = read_csv(fitted[0] / "components.csv")
    assert list(table.columns) == ["case_id", "PC1", "PC2"] and len(table) == N
    for k, name in enumerate(("PC1", "PC2")):
        np.testing.assert_allclose(np.abs(table[name]), np.abs(expected[:, k]), atol=1e-8)
    variance = read_csv(fitted[0] / "variance.csv")
    np.testing.assert_allclose(variance["share"], values[::-1][:2] / values.sum(), atol=1e-10)
    loadings = read_csv(fitted[0] / "loadings.csv").set_index("feature")
    assert loadings.shape == (8, 2) and (fitted[0] / "figures" / "loadings.png").is_file()
    assert "fitted on 55 patients (train); test: 25 patients, only predicted" in fitted[1].notes[0]


def test_predict_gives_the_components_of_new_patients(files, fitted, tmp_path):
    run_job("predict", tmp_path / "p", bundle=fitted[0] / "model", cohort=files / "cohort.csv", **tables(files))
    pd.testing.assert_frame_equal(read_csv(tmp_path / "p" / "components.csv"), read_csv(fitted[0] / "components.csv"))
    with pytest.raises(InputError, match="no survival at a horizon"):
        asked = {"bundle": fitted[0] / "model", "cohort": files / "cohort.csv", "horizons": [365]}
        run_job("predict", tmp_path / "q", **asked, **tables(files))
    with pytest.raises(InputError, match="holds no nomogram"):
        run_job("nomogram", tmp_path / "n", bundle=fitted[0] / "model")


def test_features_that_models_chose_go_into_components_and_those_into_a_cox_model(files, tmp_path):
    for name in ("tumour", "ring"):
        asked = {
            "features": {name: files / f"{name}.csv"},
            "modelling": {"selection": "lasso", "folds": 3, "refit": True},
            **END_POINT,
        }
        asked["modelling"]["keep"] = [f"ct.{name}.f0"]  # the ring predicts nothing: its LASSO would be empty
        run_job("cox", tmp_path / name, cohort=files / "cohort.csv", bootstrap=2, formats=[], **asked)
    chosen_by = [tmp_path / name / "model" for name in ("tumour", "ring")]
    run_job("pca", tmp_path / "pca", cohort=files / "cohort.csv", **tables(files), chosen_by=chosen_by, formats=[])
    chosen = [term.name for path in chosen_by for term in load_bundle(path).model.terms]
    assert load_bundle(tmp_path / "pca" / "model").model.features == tuple(chosen)
    components = {"pca": tmp_path / "pca" / "components.csv"}
    run_job("cox", tmp_path / "all", cohort=files / "cohort.csv", features=components, bootstrap=2, **END_POINT)
    assert {term.name for term in load_bundle(tmp_path / "all" / "model").model.terms} >= {"PC1"}
    concordance = read_csv(tmp_path / "all" / "concordance.csv").set_index("cohort")
    assert concordance.loc["test", "harrell"] > 0.6


def test_settings_out_of_bounds_are_refused(files, tmp_path):
    with pytest.raises(InputError, match=r"share is 1\.5"):
        run_job("pca", tmp_path / "p", cohort=files / "cohort.csv", share=1.5)
    with pytest.raises(InputError, match="give one of them"):
        run_job("pca", tmp_path / "p", cohort=files / "cohort.csv", covariates=["a"], chosen_by=["m"])
