"""The mesh against its triangles built one by one, diameters against all pairs, and known bodies."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from PeritumoralRadiomicsLib.features import marching_cubes
from PeritumoralRadiomicsLib.features.shape import FAMILY, Solid
from RadiomicsCoreLib.errors import RegionError


def triangles_of(mask, spacing):
    """Every triangle of the mesh, cube by cube, shape (n, 3, 3), in mm."""
    padded = np.pad(mask, 1)
    found = []
    for cube in product(*(range(n - 1) for n in padded.shape)):
        pattern = sum(
            int(padded[tuple(np.add(cube, corner))]) << bit for bit, corner in enumerate(marching_cubes.CORNERS)
        )
        turned = pattern > 127
        for edges in marching_cubes._TRIANGLES[pattern ^ 255 if turned else pattern].split():
            corners = [(marching_cubes.MIDDLES[int(edge, 16)] + cube) * spacing for edge in edges]
            found.append(corners[::-1] if turned else corners)
    return np.array(found)


masks = st.builds(
    lambda seed, shape, filled: np.random.default_rng(seed).random(shape) < filled,
    st.integers(0, 10**6),
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
    st.floats(0.1, 1),
).filter(np.any)


@settings(max_examples=60, deadline=None)
@given(masks)
def test_area_volume_and_diameters_equal_the_mesh_itself(mask):
    spacing = np.array((2.5, 0.8, 1.1))
    solid = Solid(mask, spacing)
    a, b, c = np.moveaxis(triangles_of(mask, spacing), 1, 0)
    assert solid.area == pytest.approx(np.linalg.norm(np.cross(a - c, b - c), axis=1).sum() / 2)
    box_first = np.array([s.start for s in _box(mask)]) * spacing
    moved = [points - box_first for points in (a, b, c)]
    assert solid.volume == pytest.approx(np.einsum("ij,ij->", np.cross(moved[0], moved[1]), moved[2]) / 6)
    points = np.unique(np.round(np.concatenate([a, b, c]) / spacing * 2).astype(int), axis=0)
    distance = dict.fromkeys((None, 0, 1, 2), 0.0)
    for one, other in combinations(points, 2):
        apart = np.linalg.norm((one - other) * spacing / 2)
        for axis in distance:
            if axis is None or one[axis] == other[axis]:
                distance[axis] = max(distance[axis], apart)
    assert solid.diameter == pytest.approx(distance[None])
    assert [solid.diameter_across(axis) for axis in range(3)] == pytest.approx([distance[axis] for axis in range(3)])


def _box(mask):
    from PeritumoralRadiomicsLib.grey_levels.region import bounding_box

    return bounding_box(mask)


def test_mesh_is_closed_where_no_pattern_is_ambiguous():
    k, j, i = np.indices((14, 14, 14)) - 6.5
    edges = {}
    for triangle in triangles_of(k**2 + j**2 + i**2 <= 30, np.ones(3)):
        corners = [tuple(np.round(2 * corner).astype(int)) for corner in triangle]
        for n in range(3):
            edge = (corners[n], corners[(n + 1) % 3])
            edges[edge] = edges.get(edge, 0) + 1
    assert all(edges.get((end, start)) == count for (start, end), count in edges.items())


def test_ball_has_the_volume_and_nearly_the_area_of_a_ball():
    radius, spacing = 12.0, np.array((1.5, 0.75, 1.0))
    axes = [np.arange(-round(radius / s) - 1, round(radius / s) + 2) * s for s in spacing]
    k, j, i = np.meshgrid(*axes, indexing="ij")
    values = FAMILY.compute(Solid(k**2 + j**2 + i**2 <= radius**2, spacing))
    assert values["MeshVolume"] == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)
    # The mesh lies half a voxel outside the centres of the outermost voxels.
    assert 2 * radius - spacing.max() <= values["Maximum3DDiameter"] <= 2 * radius + spacing.max()
    assert values["Elongation"] == pytest.approx(1, abs=0.02)
    assert values["Flatness"] == pytest.approx(1, abs=0.02)
    assert 0.85 < values["Sphericity"] <= 1


def test_shape_does_not_change_with_place_and_turns_with_the_axes():
    mask = np.zeros((9, 10, 11), dtype=bool)
    mask[2:6, 3:9, 1:4] = np.random.default_rng(2).random((4, 6, 3)) < 0.7
    spacing = np.array((3.0, 1.0, 0.7))
    here = FAMILY.compute(Solid(mask, spacing))
    there = FAMILY.compute(Solid(np.roll(mask, (2, -1, 4), axis=(0, 1, 2)), spacing))
    assert there == pytest.approx(here, rel=1e-12)
    turned = FAMILY.compute(Solid(mask.transpose(2, 0, 1), spacing[[2, 0, 1]]))
    for name in ("VoxelVolume", "Maximum3DDiameter", "MajorAxisLength", "LeastAxisLength", "Flatness"):
        assert turned[name] == pytest.approx(here[name], rel=1e-12)
    assert turned["Maximum2DDiameterColumn"] == pytest.approx(here["Maximum2DDiameterSlice"], rel=1e-12)


def test_an_empty_mask_is_refused():
    with pytest.raises(RegionError, match="empty"):
        Solid(np.zeros((3, 3, 3), dtype=bool), (1, 1, 1))
