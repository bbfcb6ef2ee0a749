"""Correlations of radiomic and deep features: against scipy pair by pair, and what cannot be correlated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.explanation.feature_correlation import correlate_features, correlation_figure
from RadiomicsCoreLib.errors import InputError


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 7)) @ rng.normal(size=(7, 7)) + 1e4
    return pd.DataFrame(values, columns=["r0", "r1", "r2", "d0", "d1", "d2", "d3"])


RADIOMIC, DEEP = ["r0", "r1", "r2"], ["d0", "d1", "d2", "d3"]


def test_every_correlation_is_scipys(table):
    from scipy.stats import pearsonr

    found = correlate_features(table, RADIOMIC, DEEP)
    expected = [[pearsonr(table[a], table[b]).statistic for b in DEEP] for a in RADIOMIC]
    np.testing.assert_allclose(found.r, expected, atol=1e-10)
    assert found.mean_absolute == pytest.approx(np.abs(expected).mean())


def test_patients_with_a_missing_feature_are_left_out(table):
    table.loc[4, "d1"] = np.nan
    found = correlate_features(table, RADIOMIC, DEEP)
    assert found.patients == 29
    np.testing.assert_allclose(found.r, correlate_features(table.drop(index=4), RADIOMIC, DEEP).r)


def test_a_constant_feature_is_named_and_does_not_enter_the_mean(table):
    table["d2"] = 0.1 + 0.2
    found = correlate_features(table, RADIOMIC, DEEP)
    assert found.constant == ("d2",)
    assert np.isnan(found.r[:, 2]).all()
    assert found.mean_absolute == pytest.approx(correlate_features(table, RADIOMIC, ["d0", "d1", "d3"]).mean_absolute)


def test_the_heat_map_shows_the_correlations_on_a_scale_from_minus_one_to_one(table):
    found = correlate_features(table, RADIOMIC, DEEP)
    figure = correlation_figure(found, "ct")
    drawn = figure.axes[0].images[0]
    np.testing.assert_array_equal(drawn.get_array(), found.r)
    assert drawn.get_clim() == (-1, 1)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == RADIOMIC
    assert f"mean |r| = {found.mean_absolute:.2f}, 30 patients" in figure.axes[0].get_title(loc="left")


def test_the_table_has_one_row_a_radiomic_feature(table):
    found = correlate_features(table, RADIOMIC, DEEP)
    assert found.rows()[1] == {"feature": "r1", **dict(zip(DEEP, found.r[1], strict=True))}


@pytest.mark.parametrize(
    ("change", "radiomic", "message"),
    [
        (lambda t: t, ["r9"], "no column 'r9'"),
        (lambda t: t, [], "no radiomic feature is named"),
        (lambda t: t.assign(r0="high"), RADIOMIC, "column 'r0' holds text"),
        (lambda t: t.head(2), RADIOMIC, "2 of 2 patients"),
        (lambda t: t.assign(r0=1.0, r1=2.0, r2=3.0), RADIOMIC, "no radiomic feature varies"),
    ],
)
def test_bad_tables_end_in_one_clear_line(table, change, radiomic, message):
    with pytest.raises(InputError, match=message):
        correlate_features(change(table), radiomic, DEEP)
