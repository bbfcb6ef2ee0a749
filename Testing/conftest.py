"""What all tests share: the packages on the path, and the real patients' images where they are present."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run: a finding is a finding, not luck. Search further with HYPOTHESIS_PROFILE=explore.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOT = Path(__file__).resolve().parents[1]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")
for module in MODULES:
    if str(ROOT / module) not in sys.path:
        sys.path.insert(0, str(ROOT / module))
sys.path.append(str(ROOT / "Testing" / "tools"))  # what several tests share
# Worker processes that a test starts find the packages the same way.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT / module) for module in MODULES] + [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real patients' images (see its README); the test is skipped where it is absent."""
    folder = Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real patients' images are not here: {folder} (set PERITUMORAL_SHARED_DATA)")
    return folder


@pytest.fixture
def draw_segment() -> Callable[[Any, str, np.ndarray], str]:
    """Give Slicer's own way to draw a mask as a segment of a case."""
    from scene_tools import draw_segment

    return draw_segment


@pytest.fixture
def scene_text() -> Callable[[], str]:
    """Give the scene as text, with all segments' voxels."""
    from scene_tools import scene_as_text

    return scene_as_text
