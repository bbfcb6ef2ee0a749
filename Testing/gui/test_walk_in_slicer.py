"""The walk through the panels that is meant for the real 3D Slicer, in the stand-in."""

from __future__ import annotations

import time

import pytest
import slicer
import slicer.util
import walk_in_slicer
from slicer_walk import cases
from slicer_walk.heartbeat import Heartbeat
from slicer_walk.modules import OURS, WALKS, modules_here, panel_of, walk_of
from slicer_walk.walk import Walk, WalkEnded

MODULE = "PeritumoralRadiomics"


@pytest.fixture
def step(window, tmp_path):
    """A walk that takes no pictures."""
    with Walk(tmp_path / "walk", lambda path: None) as made:
        yield made


def walked(folder):
    """Walk as in Slicer, with pictures of the panel; return the exit code and the lines."""
    code = walk_in_slicer.walk_through([MODULE], folder, lambda path: panel_of(MODULE).parent.grab().save(path))
    return code, (folder / "walk.txt").read_text(encoding="ascii").splitlines()


@pytest.mark.slow
def test_the_walk_finds_nothing_wrong_with_the_sample_case(window, slice_views, tmp_path, monkeypatch):
    monkeypatch.setattr("slicer_walk.peritumoral.patient_folder", lambda: None)
    code, lines = walked(tmp_path)
    assert [line for line in lines if not line.startswith(("ok ", "gap ", "part "))] == ["0 findings"]
    assert code == 0
    gaps = [line for line in lines if line.startswith("gap ")]
    assert len(gaps) == sum(line.startswith("part ") for line in lines) >= 12
    assert len(list(tmp_path.glob("*.png"))) == 13


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_walk_goes_on_with_a_real_patient(window, slice_views, shared_data, tmp_path, monkeypatch):
    from slicer_walk import peritumoral

    monkeypatch.setenv("PERITUMORAL_SHARED_DATA", str(shared_data))
    panel = window.open_panel(MODULE)
    with Walk(tmp_path, lambda path: None) as step:
        peritumoral._patient(panel, step, *cases.load_patient(cases.patient_folder()))
    assert step.failed == []
    assert any(line.startswith("gap ") and "200 mm typed" in line for line in step.lines)


def test_a_broken_panel_ends_the_walk_within_a_minute(window, slice_views, tmp_path, monkeypatch):
    from PeritumoralSlicerLib.panel import peritumoral_widget

    monkeypatch.setattr(peritumoral_widget, "QualityView", lambda *_: 1 / 0)
    started = time.monotonic()
    code = walk_in_slicer.main([str(tmp_path), MODULE])
    assert time.monotonic() - started < 60
    assert code == 2
    assert "ZeroDivisionError" in (tmp_path / "walk.txt").read_text(encoding="ascii")
    window.faults.found.clear()


def test_a_check_that_fails_is_a_finding_and_the_walk_goes_on(step):
    step.check("two is one", 2 == 1)
    step.check("one is one", 1 == 1)
    assert step.failed == ["two is one"]
    assert step.lines == ["FAILED two is one", "ok     one is one"]
    assert (step.folder / "walk.txt").read_text() == "FAILED two is one\nok     one is one\n"


def test_what_does_not_come_to_be_ends_the_walk(step):
    with pytest.raises(WalkEnded, match="never"):
        step.until("never", lambda: False, seconds=0.05)
    assert step.failed == ["never"]


def test_messages_questions_and_swallowed_exceptions_are_findings_of_their_part(step, window):
    with step.part("talk"):
        slicer.util.errorDisplay("it failed", detailedText="Traceback")
        assert slicer.util.confirmOkCancelDisplay("install?")
        with window.faults.swallowed():
            _ = 1 / 0
    assert [line.split(" in talk: ")[1][:9] for line in step.lines if line.startswith("FAILED")] == [
        "it failed",
        "install?",
        "Traceback",
    ]
    with step.part("silence"):
        pass
    assert len(step.failed) == 3
    window.faults.found.clear()


def test_a_dialog_that_was_expected_is_none(step):
    with step.part("talk"):
        slicer.util.errorDisplay("it failed")
        assert step.dialogs.take() == (["it failed"], [])
    assert step.failed == []


def test_a_window_that_waits_for_an_answer_is_closed_and_a_finding(step):
    import qt

    box = qt.QMessageBox()
    box.setWindowTitle("Save changes?")
    with step.part("ask"):
        box.exec()
    assert [text for text in step.failed if "a window waited for an answer: QMessageBox Save changes?" in text]


def test_the_longest_gap_of_a_part_is_told(step):
    with step.part("sleep"):
        step.live(0.05)
        time.sleep(0.3)
        step.live(0.05)
    (line,) = [line for line in step.lines if line.startswith("gap ")]
    assert 0.3 <= float(line.split()[1]) < 0.6


def test_time_that_the_walk_itself_takes_is_no_gap(window):
    heart = Heartbeat()
    heart.reset()
    with heart.paused():
        time.sleep(0.3)
        slicer.app.processEvents()
    assert heart.longest_gap() < 0.2
    heart.stop()


def test_every_module_that_is_here_has_a_walk(window):
    here = modules_here()
    assert MODULE in here and set(here) <= set(WALKS) <= set(OURS)
    assert all(callable(walk_of(module)) for module in WALKS)


def test_a_module_without_a_walk_is_a_finding(window, tmp_path):
    assert walk_in_slicer.walk_through(["SurvivalNomogram?"], tmp_path, print) == 1
