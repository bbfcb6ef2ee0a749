"""Slices to patients: against scikit-learn by hand, and the stated rules for ties."""

from __future__ import annotations

import numpy as np
import pytest

from DeepRadiomicsFusionLib.deep_features.slice_aggregation import aggregate_slices
from DeepRadiomicsFusionLib.settings.deep_feature_settings import SliceRule
from RadiomicsCoreLib.errors import InputError


@pytest.mark.parametrize("seed", range(5))
def test_the_larger_cluster_is_scikit_learns_larger_cluster_averaged(seed):
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(seed)
    rows = np.vstack([rng.normal(0, 1, (9, 40)), rng.normal(1.5, 1, (6, 40))])[rng.permutation(15)]
    labels = KMeans(2, n_init=10, random_state=3).fit(rows).labels_
    larger = labels == np.argmax(np.bincount(labels))
    found = aggregate_slices(rows, SliceRule.LARGER_CLUSTER, seed=3)
    np.testing.assert_array_equal(found.used, larger)
    np.testing.assert_allclose(found.features, rows[larger].mean(axis=0), rtol=1e-12)


def test_the_same_seed_gives_the_same_patient_and_slice_order_does_not_matter():
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(0, 0.1, (8, 5)), rng.normal(4, 0.1, (5, 5))])
    first = aggregate_slices(rows, seed=1)
    np.testing.assert_array_equal(first.features, aggregate_slices(rows, seed=1).features)
    turned = aggregate_slices(rows[::-1], seed=1)
    np.testing.assert_allclose(turned.features, first.features, rtol=1e-12)
    np.testing.assert_array_equal(turned.used[::-1], first.used)


def test_of_two_clusters_of_one_size_the_tighter_one_is_kept():
    loose, tight = np.array([[0.0], [1.0], [2.0]]), np.array([[50.0], [50.1], [50.2]])
    found = aggregate_slices(np.vstack([loose, tight]))
    assert found.features == pytest.approx([50.1])
    assert found.used.tolist() == [False] * 3 + [True] * 3


def test_of_two_equally_tight_clusters_that_of_the_lowest_slice_is_kept():
    found = aggregate_slices(np.array([[8.0], [9.0], [0.0], [1.0]]))
    assert found.features == pytest.approx([8.5])


@pytest.mark.parametrize("rows", [[[2.0]], [[2.0], [4.0]], [[3.0], [3.0], [3.0]], [[1.0], [1.0], [5.0]]])
def test_fewer_than_three_different_slices_are_averaged(rows):
    assert aggregate_slices(np.array(rows)).features == pytest.approx(np.mean(rows))


def test_mean_and_maximum_are_those_of_numpy():
    rows = np.random.default_rng(2).normal(size=(6, 3))
    np.testing.assert_allclose(aggregate_slices(rows, "mean").features, rows.mean(axis=0))
    np.testing.assert_allclose(aggregate_slices(rows, "maximum").features, rows.max(axis=0))


@pytest.mark.parametrize(
    ("rows", "rule", "message"),
    [
        (np.empty((0, 3)), "mean", "at least one"),
        (np.ones(3), "mean", "one row a slice"),
        (np.array([[1.0], [np.nan]]), "mean", "slice 2 has a deep feature that is not finite"),
        (np.ones((2, 2)), "median", "choose from mean, maximum, larger_cluster"),
    ],
)
def test_bad_slices_end_in_one_clear_line(rows, rule, message):
    with pytest.raises(InputError, match=message):
        aggregate_slices(rows, rule)
