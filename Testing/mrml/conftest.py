"""Slicer's real scene for the tests in this folder, from ``slicer-core``; they are left out where it is absent."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scene_tools import draw_segment

HAS_SLICER_CORE = importlib.util.find_spec("slicer_core") is not None
collect_ignore_glob = [] if HAS_SLICER_CORE else ["test_*.py"]

if HAS_SLICER_CORE:
    import slicer_core_app

    # At import, because test files import modules that need a scene and the stand-ins.
    slicer_core_app.bring_up()


def pytest_report_header() -> str | None:
    """Say so where these tests cannot run."""
    return None if HAS_SLICER_CORE else "Testing/mrml is left out: pip install slicer-core"


@pytest.fixture
def scene() -> Iterator[Any]:
    """Give an empty MRML scene; a test fails if VTK or MRML reports an error or a warning."""
    app = slicer_core_app.bring_up()
    app.clear()
    yield app.scene
    reported = app.errors()
    app.clear()
    assert reported == ""


@dataclass(frozen=True)
class Case:
    """A volume and a segmentation with the segment Tumour, and what they were made from."""

    volume: Any
    segmentation: Any
    voxels: np.ndarray
    tumour: np.ndarray


OBLIQUE = np.array([[0.72, -0.5, 0.3, 12.0], [0.52, 0.7, -0.6, -40.0], [0.1, 0.35, 1.9, 31.5], [0.0, 0.0, 0.0, 1.0]])


def straightened(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix with its axes at right angles and their lengths kept."""
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    rotation, upper = np.linalg.qr(matrix[:3, :3] / lengths)
    result = matrix.copy()
    result[:3, :3] = rotation * np.sign(np.diag(upper)) * lengths
    return result


@pytest.fixture
def oblique() -> np.ndarray:
    """Give a matrix from (i, j, k) to RAS with three oblique axes of different length."""
    return straightened(OBLIQUE)


@pytest.fixture
def make_case(scene: Any) -> Callable[..., Case]:
    """Give a maker of a small case: an off-centre ellipsoid in noise."""
    import slicer

    def make(matrix: np.ndarray | None = None, dtype: str = "int16", name: str = "CT") -> Case:
        k, j, i = np.ogrid[:24, :30, :36]
        tumour = ((k - 11) / 5.2) ** 2 + ((j - 13) / 6.3) ** 2 + ((i - 19) / 7.1) ** 2 <= 1
        noise = np.random.default_rng(7).normal(90, 12, tumour.shape)
        voxels = (noise + 60 * tumour).astype(dtype)
        volume = slicer.util.addVolumeFromArray(voxels, np.eye(4) if matrix is None else matrix, name)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        case = Case(volume, segmentation, voxels, tumour)
        draw_segment(case, "Tumour", tumour)
        return case

    return make


@pytest.fixture
def case(make_case: Callable[..., Case]) -> Case:
    """Give the small case on a straight grid of 1 mm."""
    return make_case()
