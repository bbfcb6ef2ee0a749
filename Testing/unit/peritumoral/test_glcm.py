"""Co-occurrence matrices against a loop over all pairs of voxels; features against the textbook's sums."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.engines.native_engine import GreyLevels
from PeritumoralRadiomicsLib.features.glcm import FAMILY
from PeritumoralRadiomicsLib.grey_levels.cooccurrence import cooccurrence
from PeritumoralRadiomicsLib.grey_levels.neighbours import lengths_mm, offsets
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings

SPACING = (2.0, 0.7, 0.9)


def random_region(seed, shape, filled, highest):
    """Mask and grey levels (0 outside) of a random region of at least two voxels."""
    random = np.random.default_rng(seed)
    mask = random.random(shape) < filled
    mask.flat[:2] = True
    return mask, np.where(mask, random.integers(1, highest + 1, shape), 0)


def table_of(mask, levels, own):
    region = Region(mask, SPACING, own)
    grey = GreyLevels(region, levels[mask])
    return cooccurrence(region, grey.rank, grey.present, grey.highest)


def slow_matrices(levels, own):
    """Direction to {(i, j): count}, by visiting every voxel and its neighbour."""
    shape = levels.shape
    found = {}
    for offset in offsets(shape, own.distances, own):
        counts = Counter()
        for voxel in product(*(range(n) for n in shape)):
            other = tuple(v + d for v, d in zip(voxel, offset, strict=True))
            if any(o < 0 or o >= n for o, n in zip(other, shape, strict=True)):
                continue
            i, j = int(levels[voxel]), int(levels[other])
            if i and j:
                counts[i, j] += 1
                if own.symmetrical_glcm:
                    counts[j, i] += 1
        if counts:
            found[offset] = counts
    return found


own_settings = st.builds(
    FeatureSettings,
    distances=st.sampled_from([(1,), (2,), (1, 2)]),
    force_2d=st.booleans(),
    force_2d_dimension=st.integers(0, 2),
    symmetrical_glcm=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 4), st.integers(2, 5), st.integers(1, 5)),
    st.floats(0.2, 1),
    st.integers(1, 6),
    own_settings,
)
def test_matrices_equal_a_loop_over_all_pairs(seed, shape, filled, highest, own):
    mask, levels = random_region(seed, shape, filled, highest)
    table = table_of(mask, levels, own)
    expected = list(slow_matrices(levels[Region(mask, SPACING, own).box], own).values())
    assert table.count == len(expected)
    for g, counts in enumerate(expected):
        chosen = table.group == g
        total = sum(counts.values())
        got = dict(zip(zip(table.i[chosen], table.j[chosen], strict=True), table.p[chosen], strict=True))
        assert got == pytest.approx({pair: count / total for pair, count in counts.items()})


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.booleans())
def test_features_equal_the_textbooks_sums(seed, highest, symmetrical):
    own = FeatureSettings(symmetrical_glcm=symmetrical)
    mask, levels = random_region(seed, (4, 5, 6), 0.8, highest)
    values = FAMILY.compute(table_of(mask, levels, own), list(FAMILY.features))
    directions = [slow_features(counts, int(levels.max())) for counts in slow_matrices(levels, own).values()]
    for name in directions[0]:
        expected = np.mean([direction[name] for direction in directions])
        assert values[name][0] == pytest.approx(expected, rel=1e-8, abs=1e-10), name


def slow_features(counts, highest):
    """All features of one direction, each by its definition, on the full matrix."""
    n = highest
    p = np.zeros((n, n))
    for (i, j), count in counts.items():
        p[i - 1, j - 1] = count
    p /= p.sum()
    cells = [(i, j, p[i - 1, j - 1]) for i in range(1, n + 1) for j in range(1, n + 1)]
    px, py = p.sum(axis=1), p.sum(axis=0)
    mx, my = sum(i * w for i, _, w in cells), sum(j * w for _, j, w in cells)
    sx = np.sqrt(sum((i - mx) ** 2 * w for i, _, w in cells))
    sy = np.sqrt(sum((j - my) ** 2 * w for _, j, w in cells))
    sums = [sum(w for i, j, w in cells if i + j == k) for k in range(2, 2 * n + 1)]
    differences = [sum(w for i, j, w in cells if abs(i - j) == k) for k in range(n)]
    mean_difference = sum(k * w for k, w in enumerate(differences))
    hxy = entropy(w for *_, w in cells)
    hxy1 = -sum(w * np.log2(px[i - 1] * py[j - 1]) for i, j, w in cells if w)
    hxy2 = entropy(a * b for a in px for b in py)
    with np.errstate(divide="ignore", invalid="ignore"):
        m = np.nan_to_num(p / np.sqrt(np.outer(px, py)))
    flat = np.count_nonzero(px) == 1 or np.count_nonzero(py) == 1
    return {
        "Autocorrelation": sum(i * j * w for i, j, w in cells),
        "JointAverage": mx,
        "ClusterProminence": sum((i + j - mx - my) ** 4 * w for i, j, w in cells),
        "ClusterShade": sum((i + j - mx - my) ** 3 * w for i, j, w in cells),
        "ClusterTendency": sum((i + j - mx - my) ** 2 * w for i, j, w in cells),
        "SumVariance": sum((k - mx - my) ** 2 * w for k, w in enumerate(sums, start=2)),
        "Contrast": sum((i - j) ** 2 * w for i, j, w in cells),
        "Correlation": 1.0 if flat else sum((i - mx) * (j - my) * w for i, j, w in cells) / (sx * sy),
        "DifferenceAverage": mean_difference,
        "Dissimilarity": sum(abs(i - j) * w for i, j, w in cells),
        "DifferenceEntropy": entropy(differences),
        "DifferenceVariance": sum((k - mean_difference) ** 2 * w for k, w in enumerate(differences)),
        "JointEnergy": sum(w**2 for *_, w in cells),
        "JointEntropy": hxy,
        "Imc1": 0.0 if max(entropy(px), entropy(py)) == 0 else (hxy - hxy1) / max(entropy(px), entropy(py)),
        "Imc2": np.sqrt(max(0.0, 1 - np.exp(-2 * (hxy2 - hxy)))) if hxy2 - hxy > 1e-12 else 0.0,
        "Idm": sum(w / (1 + k**2) for k, w in enumerate(differences)),
        "Idmn": sum(w / (1 + k**2 / n**2) for k, w in enumerate(differences)),
        "Id": sum(w / (1 + k) for k, w in enumerate(differences)),
        "Idn": sum(w / (1 + k / n) for k, w in enumerate(differences)),
        "InverseVariance": sum(w / k**2 for k, w in enumerate(differences) if k),
        "MaximumProbability": p.max(),
        "SumAverage": sum(k * w for k, w in enumerate(sums, start=2)),
        "SumEntropy": entropy(sums),
        "SumSquares": sum((i - mx) ** 2 * w for i, _, w in cells),
        "MCC": np.linalg.svd(m, compute_uv=False)[1],
    }


def entropy(weights):
    return -sum(w * np.log2(w) for w in weights if w)


def test_weights_merge_the_directions_by_their_length():
    own = FeatureSettings(weighting_norm="euclidean")
    mask, levels = random_region(3, (4, 5, 6), 0.7, 5)
    table = table_of(mask, levels, own)
    merged = Counter()
    for offset, counts in slow_matrices(levels, own).items():
        for pair, count in counts.items():
            merged[pair] += count * np.exp(-(lengths_mm(offset, SPACING, "euclidean") ** 2))
    total = sum(merged.values())
    got = dict(zip(zip(table.i, table.j, strict=True), table.p, strict=True))
    assert got == pytest.approx({pair: count / total for pair, count in merged.items()})
