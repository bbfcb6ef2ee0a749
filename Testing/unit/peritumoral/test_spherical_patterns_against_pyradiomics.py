"""The 3D local binary patterns against pyradiomics' own code, which is given what current systems lack.

pyradiomics' filter needs trimesh (for the vertices of a subdivided icosahedron) and functions that scipy has moved or
removed since: ``scipy.special.sph_harm`` and ``scipy.ndimage.interpolation``. Without them it yields nothing.
"""

from __future__ import annotations

import importlib.util
import sys
import types
import warnings

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine
from PeritumoralRadiomicsLib.engines.pyradiomics_engine import PyradiomicsEngine
from PeritumoralRadiomicsLib.filters.bank import filtered_images
from PeritumoralRadiomicsLib.preprocessing.filtered_image import FilteredImage


def subdivided_icosahedron(subdivisions=3, radius=1.0):
    """trimesh's icosphere from the faces of the solid: each edge's middle is a new vertex, pushed out to the sphere."""
    from scipy.spatial import ConvexHull

    golden = (1 + 5**0.5) / 2
    solid = np.array([(s, t * golden, 0) for s in (-1, 1) for t in (-1, 1)])
    vertices = np.concatenate([solid, solid[:, [2, 0, 1]], solid[:, [1, 2, 0]]]) / np.hypot(1, golden)
    faces = [tuple(face) for face in ConvexHull(vertices).simplices]
    points = [tuple(vertex) for vertex in vertices]
    for _ in range(subdivisions):
        middles, finer = {}, []
        for a, b, c in faces:
            corners = []
            for ends in ((a, b), (b, c), (c, a)):
                edge = tuple(sorted(ends))
                if edge not in middles:
                    middle = (np.array(points[edge[0]]) + np.array(points[edge[1]])) / 2
                    middles[edge] = len(points)
                    points.append(tuple(middle / np.linalg.norm(middle)))
                corners.append(middles[edge])
            ab, bc, ca = corners
            finer += [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        faces = finer
    return types.SimpleNamespace(vertices=np.array(points) * radius)


@pytest.fixture
def operations(monkeypatch):
    """pyradiomics' filters with everything that its 3D local binary pattern imports."""
    with warnings.catch_warnings():  # pyradiomics' import touches deprecated parts of numpy
        warnings.simplefilter("ignore")
        found = pytest.importorskip("radiomics.imageoperations")
    special = pytest.importorskip("scipy.special")
    ndimage = pytest.importorskip("scipy.ndimage")
    if not hasattr(special, "sph_harm"):
        # The old function took order, degree, azimuth, polar angle; the new one degree, order, polar angle, azimuth.
        # pyradiomics hands over the polar angle for the azimuth, and an azimuth from -pi to pi for the polar angle,
        # which enters through its cosine alone.
        monkeypatch.setattr(
            special, "sph_harm", lambda m, n, theta, phi: special.sph_harm_y(n, m, np.abs(phi), theta), raising=False
        )
    moved = types.ModuleType("scipy.ndimage.interpolation")
    moved.map_coordinates = ndimage.map_coordinates
    monkeypatch.setitem(sys.modules, "scipy.ndimage.interpolation", moved)
    if importlib.util.find_spec("trimesh") is None:
        package, creation = types.ModuleType("trimesh"), types.ModuleType("trimesh.creation")
        creation.icosphere = subdivided_icosahedron
        package.creation = creation
        monkeypatch.setitem(sys.modules, "trimesh", package)
        monkeypatch.setitem(sys.modules, "trimesh.creation", creation)
    return found


def volume(kind, seed=3, size=(7, 8, 9)):
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(np.random.default_rng(seed).normal(size=size), 0.7) * 400
    return sitk.GetImageFromArray(values.astype(kind))


def everywhere(image):
    mask = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
    mask.CopyInformation(image)
    return mask


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16, np.int32])
@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"lbp3DLevels": 3},
        {"lbp3DLevels": 4, "lbp3DIcosphereRadius": 1.5, "lbp3DIcosphereSubdivision": 2},
        {"lbp3DIcosphereRadius": 2, "lbp3DIcosphereSubdivision": 0},
    ],
)
def test_maps_are_those_of_pyradiomics_own_code(operations, kind, setting):
    image = volume(kind)
    theirs = [
        (name, sitk.GetArrayFromImage(derived))
        for derived, name, _ in operations.getLBP3DImage(image, everywhere(image), **setting)
    ]
    ours = list(filtered_images(image, {"LBP3D": setting}, {}))
    assert [name for name, _ in theirs] == [filtered.name for filtered in ours]
    assert len(ours) == setting.get("lbp3DLevels", 2) + 1
    for filtered, (name, expected) in zip(ours, theirs, strict=True):
        values = sitk.GetArrayFromImage(filtered.image)
        both_flat = np.isnan(expected)  # kurtosis of equal samples: NaN in newer scipy, -3 here
        assert name == "lbp-3D-k" or not both_flat.any()
        # The kurtosis of float32 samples is computed in float32 there, and rounded accordingly.
        tolerance = 1e-4 if name == "lbp-3D-k" and kind == np.float32 else 1e-9
        np.testing.assert_allclose(values[~both_flat], expected[~both_flat], rtol=tolerance, atol=tolerance)


def test_features_of_the_maps_are_those_of_the_pyradiomics_engine(operations):
    image = volume(np.float64, size=(14, 15, 16))
    inside = np.zeros((14, 15, 16), dtype=np.uint8)
    inside[3:11, 3:12, 2:13] = 1
    mask = sitk.GetImageFromArray(inside)
    types_, classes = {"LBP3D": {"binWidth": 0.5}}, {"firstorder": None, "glcm": None, "glszm": None}
    native, reference = NativeEngine(), PyradiomicsEngine()
    pairs = zip(native.filtered_images(image, types_, {}), reference.filtered_images(image, types_, {}), strict=True)
    seen = 0
    for ours, theirs in pairs:
        expected = reference.intensity_features(theirs, mask, classes)
        found = native.intensity_features(FilteredImage(ours.name, ours.image, ours.setting), mask, classes)
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
            seen += 1
    assert seen == 3 * (18 + 24 + 16)
