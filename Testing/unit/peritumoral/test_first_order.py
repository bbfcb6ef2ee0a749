"""First-order statistics against numpy and scipy on the bare list of intensities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from PeritumoralRadiomicsLib.features.first_order import FAMILY, Intensities


def expected_values(x, levels, volume, shift):
    from scipy import stats

    p = np.unique(levels, return_counts=True)[1] / len(levels)
    low, high = np.percentile(x, [10, 90])
    robust = x[(x >= low) & (x <= high)]
    constant = np.ptp(x) == 0
    return {
        "Energy": np.sum((x + shift) ** 2),
        "TotalEnergy": volume * np.sum((x + shift) ** 2),
        "Entropy": stats.entropy(p, base=2),
        "Minimum": x.min(),
        "10Percentile": low,
        "90Percentile": high,
        "Maximum": x.max(),
        "Mean": x.mean(),
        "Median": np.median(x),
        "InterquartileRange": np.subtract(*np.percentile(x, [75, 25])),
        "Range": np.ptp(x),
        "MeanAbsoluteDeviation": np.mean(np.abs(x - x.mean())),
        "RobustMeanAbsoluteDeviation": np.mean(np.abs(robust - robust.mean())) if robust.size else np.nan,
        "RootMeanSquared": np.sqrt(np.mean((x + shift) ** 2)),
        "StandardDeviation": x.std(),
        "Skewness": 0.0 if constant else stats.skew(x),
        "Kurtosis": 0.0 if constant else stats.kurtosis(x, fisher=False),
        "Variance": x.var(),
        "Uniformity": np.sum(p**2),
    }


@settings(max_examples=60, deadline=None)
@example(np.array([0.0, 1.0]), 0)  # no value between the 10th and the 90th percentile
@given(arrays(np.float64, st.integers(2, 60), elements=st.integers(-1000, 1000).map(float)), st.integers(0, 2000))
def test_values_equal_numpy_and_scipy(x, shift):
    levels = np.floor(x / 25).astype(int)
    counts = np.unique(levels, return_counts=True)[1]
    table = Intensities(x[None], None, counts[None], 2.5, shift=shift)
    values = FAMILY.compute(table, list(FAMILY.features))
    for name, expected in expected_values(x, levels, 2.5, shift).items():
        assert values[name][0] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), name


def test_places_that_are_not_inside_do_not_count():
    random = np.random.default_rng(0)
    x, inside = random.normal(size=(5, 40)), random.random((5, 40)) < 0.6
    counts = np.ones((5, 3))
    values = FAMILY.compute(Intensities(x, inside, counts, 1.0))
    for row in range(5):
        alone = FAMILY.compute(Intensities(x[row, inside[row]][None], None, counts[:1], 1.0))
        for name in values:
            assert values[name][row] == pytest.approx(alone[name][0], rel=1e-12), name


def test_a_constant_that_floating_point_cannot_add_up_has_no_spread():
    x = np.full((1, 1000), 0.1)
    values = FAMILY.compute(Intensities(x, None, np.array([[1000]]), 1.0))
    assert values["Variance"][0] == 0
    assert values["Skewness"][0] == 0
    assert values["Kurtosis"][0] == 0


def test_excess_kurtosis_is_three_less():
    x = np.random.default_rng(1).normal(size=(1, 500))
    plain, excess = (Intensities(x, None, np.ones((1, 4)), 1.0, excess_kurtosis=flag) for flag in (False, True))
    names = ["Kurtosis"]
    assert FAMILY.compute(excess, names)["Kurtosis"] == pytest.approx(FAMILY.compute(plain, names)["Kurtosis"] - 3)
