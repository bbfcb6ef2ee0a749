"""Axis numbers against R's pretty."""

from __future__ import annotations

import numpy as np
from survival_references import values_of_r

from RadiomicsCoreLib.figures.pretty_numbers import pretty


def test_the_numbers_equal_rs_pretty():
    for case in values_of_r()["pretty"]:
        low, high, n = case["input"]
        np.testing.assert_allclose(pretty(low, high, int(n)), np.atleast_1d(case["pretty"]), rtol=1e-12, atol=1e-12)


def test_they_cover_the_range_evenly():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        low, high = np.sort(rng.normal(scale=10.0 ** rng.integers(-5, 6), size=2))
        values = pretty(low, high, 10)
        step = np.diff(values)
        assert values[0] <= low + 1e-9 * step[0] and values[-1] >= high - 1e-9 * step[0], seed
        np.testing.assert_allclose(step, step[0], rtol=1e-6)
        assert 4 <= len(values) <= 22, seed
