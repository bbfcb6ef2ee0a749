"""The walk through the panel that is meant for the real 3D Slicer, in the stand-in."""

from __future__ import annotations

import pytest
import slicer
import slicer.util
import walk_in_slicer


@pytest.mark.slow
def test_the_walk_through_the_panel_finds_nothing_wrong(panel, window, tmp_path, monkeypatch):
    monkeypatch.setattr(slicer.util, "saveScene", lambda path: slicer.mrmlScene.WriteToMRB(path))
    monkeypatch.setattr(slicer.util, "loadScene", lambda path: slicer.mrmlScene.ReadFromMRB(path, False))
    folder = tmp_path / "walk"
    folder.mkdir()
    step = walk_in_slicer.Walk(folder, lambda path: panel.parent.grab().save(path))
    monkeypatch.setattr(slicer.util, "errorDisplay", step.note_error)
    walk_in_slicer.walk(panel, step)
    assert step.failed == []
    assert len(step.lines) == 18
    assert len(list(folder.glob("*.png"))) == 9


def test_a_check_that_fails_and_a_message_are_findings(window, tmp_path):
    step = walk_in_slicer.Walk(tmp_path, lambda path: None)
    step.check("two is one", 2 == 1)
    step.until("never", lambda: False, seconds=0.05)
    step.note_error("nobody expected this", windowTitle="Slicer")
    assert step.failed == ["FAILED two is one", "FAILED never", "message: nobody expected this"]
