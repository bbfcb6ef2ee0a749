"""Tone differences against every voxel's mean neighbour; features against the textbook's sums."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.engines.native_engine import GreyLevels
from PeritumoralRadiomicsLib.features.ngtdm import FAMILY, tone_differences
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings


def slow_matrix(levels, own):
    """Level to (n_i, s_i)."""
    matrix = {}
    reach = max(own.distances)
    for voxel in zip(*np.nonzero(levels), strict=True):
        around = []
        for step in product(range(-reach, reach + 1), repeat=3):
            if max(map(abs, step)) not in own.distances or (own.force_2d and step[own.force_2d_dimension]):
                continue
            other = tuple(v + s for v, s in zip(voxel, step, strict=True))
            if all(0 <= o < n for o, n in zip(other, levels.shape, strict=True)) and levels[other]:
                around.append(int(levels[other]))
        level = int(levels[voxel])
        number, difference = matrix.get(level, (0, 0.0))
        if around or own.profile != "ibsi":
            number += 1
        matrix[level] = number, difference + (abs(level - np.mean(around)) if around else 0.0)
    return matrix


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 4), st.integers(2, 5), st.integers(1, 5)),
    st.floats(0.3, 1),
    st.integers(1, 5),
    st.builds(
        FeatureSettings,
        distances=st.sampled_from([(1,), (2,), (1, 2)]),
        force_2d=st.booleans(),
        force_2d_dimension=st.integers(0, 2),
        profile=st.sampled_from(["pyradiomics", "ibsi"]),
    ),
)
def test_matrix_and_features_equal_the_definition(seed, shape, filled, highest, own):
    random = np.random.default_rng(seed)
    mask = random.random(shape) < filled
    mask.flat[:2] = True
    levels = np.where(mask, random.integers(1, highest + 1, shape), 0)
    matrix = slow_matrix(levels, own)
    voxels = sum(number for number, _ in matrix.values())
    region = Region(mask, (1, 1, 1), own)
    grey = GreyLevels(region, levels[mask])
    table = tone_differences(region, grey.rank, grey.present)
    assert table.s[0] == pytest.approx([matrix[level][1] for level in sorted(matrix)])
    if voxels == 0:
        return
    p = {level: number / voxels for level, (number, _) in matrix.items() if number}
    s = {level: matrix[level][1] for level in p}
    pairs = list(product(p, p))
    total = sum(s.values())
    weighted = sum(p[i] * s[i] for i in p)
    busy = sum(abs(i * p[i] - j * p[j]) for i, j in pairs)
    spread = sum(p[i] * p[j] * (i - j) ** 2 for i, j in pairs)
    expected = {
        "Coarseness": 1 / weighted if weighted else 1e6,
        "Contrast": spread / (len(p) * (len(p) - 1)) * total / voxels if len(p) > 1 else 0.0,
        "Busyness": weighted / busy if busy > 1e-12 else 0.0,
        "Complexity": sum(abs(i - j) * (p[i] * s[i] + p[j] * s[j]) / (p[i] + p[j]) for i, j in pairs) / voxels,
        "Strength": sum((p[i] + p[j]) * (i - j) ** 2 for i, j in pairs) / total if total else 0.0,
    }
    values = {name: value[0] for name, value in FAMILY.compute(table).items()}
    if busy <= 1e-12:
        # i p_i are equal for all levels: 0 / 0 up to rounding, in pyradiomics as well.
        expected.pop("Busyness")
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, rel=1e-9), name
