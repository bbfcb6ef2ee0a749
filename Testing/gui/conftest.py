"""Slicer's window for the tests in this folder; they are left out where PySide6 or slicer-core is absent."""

from __future__ import annotations

import ctypes.util
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_tools import draw_segment

MISSING = [name for name in ("slicer_core", "PySide6") if importlib.util.find_spec(name) is None]
WHY_NOT = f"pip install {' '.join(MISSING)}" if MISSING else ""

if not MISSING:
    stand_in = str(Path(__file__).resolve().parent / "slicer_stand_in")
    if stand_in not in sys.path:
        sys.path.append(stand_in)
    try:
        import slicer_window
    except ImportError as error:  # a library that Qt needs from the system
        WHY_NOT = str(error)

collect_ignore_glob = ["test_*.py"] if WHY_NOT else []


def pytest_report_header() -> str | None:
    """Say so where these tests cannot run."""
    return f"Testing/gui is left out: {WHY_NOT}" if WHY_NOT else None


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Any]:
    """Give Slicer with a window and an empty scene.

    A test fails of everything that Slicer would print and swallow (see ``slicer_stand_in/faults.py``), if VTK reports
    an error, or if a cursor stays busy.
    """
    app = slicer_window.slicer_core_app.bring_up()
    app.clear()
    with slicer_window.window() as found:
        found.app.temporaryPath = str(tmp_path)
        yield found
    reported = app.errors()
    app.clear()
    assert found.faults.found == []
    assert reported == ""
    assert found.app.cursors == 0


@pytest.fixture
def panel(window: Any) -> Any:
    """Give the panel of PeritumoralRadiomics, open, on an empty scene."""
    made = window.open_panel("PeritumoralRadiomics")
    assert window.faults.found == []
    return made


@pytest.fixture
def slice_views(window: Any) -> Any:
    """Give the layout manager with Slicer's own slice views, drawn into memory."""
    if ctypes.util.find_library("EGL") is None:
        pytest.skip("needs libegl1 and libgl1-mesa-dri to render without a display")
    window.app.layout_manager.open_views()
    return window.app.layout_manager


@dataclass(frozen=True)
class Case:
    """A volume of 1 mm voxels with a ball of 7 mm in it, as the segment Tumour."""

    volume: Any
    segmentation: Any
    ball: np.ndarray


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """Give a maker of a small case."""
    import slicer

    def make(name: str = "CT") -> Case:
        k, j, i = np.ogrid[:44, :44, :44]
        ball = (k - 22) ** 2 + (j - 22) ** 2 + (i - 22) ** 2 <= 49
        noise = np.random.default_rng(3).normal(60, 9, ball.shape)
        volume = slicer.util.addVolumeFromArray((noise + 50 * ball).astype(np.int16), name=name)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{name} segmentation")
        segmentation.CreateDefaultDisplayNodes()
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        case = Case(volume, segmentation, ball)
        draw_segment(case, "Tumour", ball)
        return case

    return make


@pytest.fixture
def case(panel: Any, make_case: Callable[..., Case]) -> Case:
    """Give a small case, and a panel that has chosen it."""
    made = make_case()
    panel.enter()
    return made


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Give a way to let Qt's events go on until something is so."""

    def wait(condition: Callable[[], Any], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not so after {seconds} s"
            slicer_window.APPLICATION.processEvents()
            time.sleep(0.005)

    return wait
