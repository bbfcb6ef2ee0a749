"""Flat shapes against known figures, and every direction of the plane."""

from __future__ import annotations

import numpy as np
import pytest

from PeritumoralRadiomicsLib.features.shape_2d import FAMILY, Outline
from RadiomicsCoreLib.errors import RegionError


def test_a_rectangle_has_its_corners_cut_off():
    rows, columns, spacing = 4, 6, (9.0, 0.5, 2.0)
    values = FAMILY.compute(Outline(np.ones((1, rows, columns), dtype=bool), spacing, 0), list(FAMILY.features))
    area = (rows * columns - 4 / 8) * 0.5 * 2.0
    perimeter = 2 * (rows - 1) * 0.5 + 2 * (columns - 1) * 2.0 + 4 * np.hypot(0.25, 1.0)
    assert values["MeshSurface"] == pytest.approx(area)
    assert values["Perimeter"] == pytest.approx(perimeter)
    assert values["PerimeterSurfaceRatio"] == pytest.approx(perimeter / area)
    assert values["PixelSurface"] == pytest.approx(24)
    assert values["Sphericity"] == pytest.approx(2 * np.sqrt(np.pi * area) / perimeter)
    assert values["SphericalDisproportion"] == pytest.approx(1 / values["Sphericity"])
    assert values["MaximumDiameter"] == pytest.approx(np.hypot(columns * 2.0, (rows - 1) * 0.5))
    assert values["MajorAxisLength"] == pytest.approx(4 * np.std(np.arange(columns) * 2.0))
    assert values["MinorAxisLength"] == pytest.approx(4 * np.std(np.arange(rows) * 0.5))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_plane_may_lie_across_any_axis(axis):
    flat = np.random.default_rng(4).random((7, 8)) < 0.6
    reference = FAMILY.compute(Outline(flat[None], (5.0, 1.0, 2.0), 0))
    spacing = list(np.insert([1.0, 2.0], axis, 5.0))
    assert FAMILY.compute(Outline(np.expand_dims(flat, axis), spacing, axis)) == pytest.approx(reference)


def test_diagonal_pixels_are_two_figures():
    diagonal = np.eye(2, dtype=bool)[None]
    single = np.ones((1, 1, 1), dtype=bool)
    two, one = (Outline(mask, (1, 1, 1), 0) for mask in (diagonal, single))
    assert two.area == pytest.approx(2 * one.area)
    assert two.perimeter == pytest.approx(2 * one.perimeter)


def test_thick_and_empty_regions_are_refused():
    with pytest.raises(RegionError, match="2 slices"):
        Outline(np.ones((2, 3, 3), dtype=bool), (1, 1, 1), 0)
    with pytest.raises(RegionError, match="empty"):
        Outline(np.zeros((1, 3, 3), dtype=bool), (1, 1, 1), 0)
