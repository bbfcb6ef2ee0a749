"""The walk through SurvivalNomogram that is meant for the real 3D Slicer, in the stand-in."""

from __future__ import annotations

import pytest
import walk_in_slicer
from slicer_walk.modules import panel_of

MODULE = "SurvivalNomogram"


@pytest.mark.slow
def test_the_walk_finds_nothing_wrong(window, slice_views, tmp_path):
    code = walk_in_slicer.walk_through([MODULE], tmp_path, lambda path: panel_of(MODULE).parent.grab().save(path))
    lines = (tmp_path / "walk.txt").read_text(encoding="ascii").splitlines()
    assert [line for line in lines if not line.startswith(("ok ", "gap ", "part "))] == ["0 findings"]
    assert code == 0
