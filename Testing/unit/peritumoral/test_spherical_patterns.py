"""The 3D local binary patterns against a slow version written from the definition."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.filters.bank import filtered_images
from PeritumoralRadiomicsLib.filters.spherical_patterns import icosphere, pattern_maps


@pytest.fixture
def volume():
    return np.random.default_rng(3).normal(size=(6, 7, 8))


def slow_maps(array, voxel, levels, radius, subdivisions):
    """One voxel, sample by sample, harmonic by harmonic."""
    from scipy.ndimage import map_coordinates
    from scipy.stats import kurtosis

    directions = icosphere(subdivisions)
    samples = [
        map_coordinates(array, [[v + radius * d] for v, d in zip(voxel, direction, strict=True)], order=3)[0]
        for direction in directions
    ]
    signs = [float(sample >= array[voxel]) for sample in samples]
    norms = []
    for degree in range(levels):
        values = np.array([[harmonic(degree, m, d) for m in range(-degree, degree + 1)] for d in directions])
        coefficients = [sum(s * y for s, y in zip(signs, column, strict=True)) for column in values.T]
        expansion = [sum(c * y for c, y in zip(coefficients, row, strict=True)) for row in values]
        norms.append(np.sqrt(sum(value**2 for value in expansion)).real)
    return [*norms, kurtosis(samples)]


def harmonic(degree, order, direction):
    special = pytest.importorskip("scipy.special")
    if not hasattr(special, "sph_harm_y"):
        pytest.skip("scipy before 1.15 has no sph_harm_y")
    azimuth, polar = np.arccos(direction[2]), np.arctan2(direction[1], direction[0])
    return special.sph_harm_y(degree, order, abs(polar), azimuth)


@pytest.mark.parametrize(("levels", "radius", "subdivisions"), [(2, 1.0, 1), (3, 1.5, 0)])
def test_maps_equal_the_definition_voxel_by_voxel(volume, levels, radius, subdivisions):
    maps = pattern_maps(volume, levels, radius, subdivisions)
    assert len(maps) == levels + 1
    for voxel in [(0, 0, 0), (3, 3, 4), (5, 6, 7), (2, 5, 1)]:
        expected = slow_maps(volume, voxel, levels, radius, subdivisions)
        assert [values[voxel] for values in maps] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_icosphere_has_the_known_number_of_vertices_on_the_unit_sphere():
    for subdivisions in range(4):
        points = icosphere(subdivisions)
        assert len(points) == 10 * 4**subdivisions + 2
        assert np.linalg.norm(points, axis=1) == pytest.approx(1)


def test_constant_image_has_kurtosis_minus_three_away_from_the_border():
    maps = pattern_maps(np.zeros((5, 5, 5)), 2, 1.0, 1)
    assert maps[2][2, 2, 2] == -3


def test_filter_yields_one_image_a_level_and_the_kurtosis(volume):
    image = sitk.GetImageFromArray(volume)
    names = [filtered.name for filtered in filtered_images(image, {"LBP3D": {"lbp3DLevels": 3}}, {})]
    assert names == ["lbp-3D-m1", "lbp-3D-m2", "lbp-3D-m3", "lbp-3D-k"]
