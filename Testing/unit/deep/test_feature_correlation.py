"""Correlations of radiomic and deep features: against scipy pair by pair, and what cannot be correlated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.explanation.correlation_figure import (
    clustered_order,
    correlation_figure,
    strongest_of_neighbours,
    strongest_pairs,
)
from DeepRadiomicsFusionLib.explanation.feature_correlation import correlate_features
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
    rows, columns = clustered_order(found.r), clustered_order(found.r.T)
    np.testing.assert_array_equal(drawn.get_array(), found.r[np.ix_(rows, columns)])
    assert drawn.get_clim() == (-1, 1)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [RADIOMIC[k] for k in rows]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [DEEP[k] for k in columns]
    assert f"mean |r| = {found.mean_absolute:.2f}, 30 patients" in figure.get_suptitle()


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


def test_features_that_hang_together_are_neighbours_whatever_their_order_in_the_table():
    rng = np.random.default_rng(3)
    for count in (60, 1600):  # linkage, and the angular order of large tables
        group = rng.permutation(np.arange(count) % 2)
        r = np.where(group[:, None] == np.arange(30) % 2, 0.8, -0.1) + 0.02 * rng.normal(size=(count, 30))
        order = clustered_order(r)
        assert sorted(order) == list(range(count))
        assert np.count_nonzero(np.diff(group[order])) == 1


def test_the_strongest_pairs_are_those_of_a_full_sort():
    r = np.random.default_rng(0).uniform(-1, 1, (40, 30))
    r[3] = np.nan
    flat = sorted((-abs(r[i, j]), i, j) for i in range(40) for j in range(30) if np.isfinite(r[i, j]))
    assert strongest_pairs(r, 12) == [(i, j) for _, i, j in flat[:12]]


def test_a_cell_of_many_pairs_shows_the_strongest_of_them():
    r = np.random.default_rng(0).uniform(-1, 1, (47, 95))
    cells = strongest_of_neighbours(r, 10)
    assert cells.shape == (10, 10)
    edges = [[*np.linspace(0, n, 10, endpoint=False).astype(int).tolist(), n] for n in r.shape]
    for i in range(10):
        for j in range(10):
            block = r[edges[0][i] : edges[0][i + 1], edges[1][j] : edges[1][j + 1]].ravel()
            assert cells[i, j] == block[np.abs(block).argmax()]


def test_a_large_table_is_drawn_in_a_bounded_size_and_tells_how_far_it_is(table):
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(20, 2600)), columns=[f"f{k}" for k in range(2600)])
    told = []
    found = correlate_features(
        wide,
        [f"f{k}" for k in range(1100)],
        [f"f{k}" for k in range(1100, 2600)],
        lambda fraction, message: told.append((fraction, message)),
    )
    assert [fraction for fraction, _ in told] == pytest.approx([500 / 1100, 1000 / 1100, 1.0])
    steps = []
    figure = correlation_figure(found, progress=lambda fraction, message: steps.append(fraction))
    assert steps == sorted(steps) and steps[-1] == 1.0 and len(steps) > 2
    assert figure.axes[0].images[0].get_array().size <= 600 * 600
    assert max(figure.get_size_inches()) < 14
