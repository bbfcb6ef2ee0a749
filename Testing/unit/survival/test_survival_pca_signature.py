"""Principal components that keep a stated share of the variance."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.pca_signature import PrincipalComponents, fit_components, plot_loadings
from SurvivalNomogramLib.tables.binary_table import BinaryTable, read_binary_table
from SurvivalNomogramLib.tables.survival_table import read_survival_table


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(90, 3)) * [3.0, 2.0, 1.0]
    x = hidden @ rng.normal(size=(3, 12)) + 0.2 * rng.normal(size=(90, 12))
    data = pd.DataFrame(x * np.geomspace(1, 1000, 12), columns=[f"f{k}" for k in range(12)])
    return data.assign(y=rng.integers(0, 2, 90), part=["train"] * 60 + ["test"] * 30)


@pytest.fixture
def table(frame: pd.DataFrame) -> BinaryTable:
    return read_binary_table(frame, event="y", split="part")


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 0.999, 1.0])
def test_the_fewest_components_that_keep_the_share_are_kept(table: BinaryTable, share: float) -> None:
    components = fit_components(table, share=share)
    x = table.training.frame.to_numpy()
    spectrum = np.sort(np.linalg.eigvalsh(np.corrcoef(x.T)))[::-1]
    shares = np.cumsum(spectrum) / spectrum.sum()
    needed = int(np.flatnonzero(shares >= share - 1e-9)[0]) + 1
    assert len(components.names) == needed
    np.testing.assert_allclose(components.explained, spectrum[:needed] / spectrum.sum(), rtol=1e-9)


def test_scores_of_training_are_uncorrelated_with_the_components_variances(table: BinaryTable) -> None:
    components = fit_components(table)
    scores = components.transform(table.training.frame)
    covariance = np.cov(scores.to_numpy().T)
    np.testing.assert_allclose(covariance, np.diag(components.explained * 12), atol=1e-10)
    assert scores.index.equals(table.training.frame.index)


def test_the_test_patients_do_not_move_the_components(frame: pd.DataFrame, table: BinaryTable) -> None:
    changed = frame.copy()
    changed.loc[60:, "f0":"f11"] *= 100
    again = fit_components(read_binary_table(changed, event="y", split="part"))
    np.testing.assert_array_equal(again.loadings, fit_components(table).loadings)


def test_the_largest_loading_is_positive_and_rows_are_orthonormal(table: BinaryTable) -> None:
    loadings = fit_components(table).loadings
    assert (loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)] > 0).all()
    np.testing.assert_allclose(loadings @ loadings.T, np.eye(len(loadings)), atol=1e-12)


def test_more_features_than_patients_are_reduced() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(20, 50)), columns=[f"f{k}" for k in range(50)])
    table = read_binary_table(frame.assign(y=np.arange(20) % 2), event="y")
    assert len(fit_components(table, share=1.0).names) <= 19


def test_components_survive_json_and_enter_a_cox_model(frame: pd.DataFrame, table: BinaryTable) -> None:
    components = fit_components(table)
    again = PrincipalComponents.from_dict(json.loads(json.dumps(components.to_dict())))
    pd.testing.assert_frame_equal(again.transform(frame), components.transform(frame))
    scores = components.transform(frame).assign(t=np.arange(90) + 1.0, e=frame.y)
    assert fit_cox(read_survival_table(scores, time="t", event="e")).columns == components.names


def test_unusable_requests_are_refused(frame: pd.DataFrame, table: BinaryTable) -> None:
    with pytest.raises(InputError, match="share must lie above 0"):
        fit_components(table, share=95)
    with pytest.raises(InputError, match="'f99' is not a numeric covariate"):
        fit_components(table, ["f99"])
    with pytest.raises(InputError, match="no numeric covariate"):
        fit_components(read_binary_table(frame[["y"]].assign(sex=["m", "f"] * 45), event="y"))
    constant = table.rows(np.zeros(10, int))
    with pytest.raises((ModelError, InputError)):
        fit_components(constant)


def test_the_heat_map_names_features_and_components(table: BinaryTable) -> None:
    figure = plot_loadings(fit_components(table), most=5)
    axes = figure.axes[0]
    assert len(axes.get_yticklabels()) == 5
    assert axes.get_xticklabels()[0].get_text().startswith("PC1 (")
    figure.savefig(io.BytesIO(), format="png")
