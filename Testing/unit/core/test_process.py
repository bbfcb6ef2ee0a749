"""A job in a process of its own: its lines, how it ends, and its end by force."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import Cancelled
from RadiomicsCoreLib.jobs.process import job_command, read_line, run_steps, run_with_lines
from RadiomicsCoreLib.jobs.record import job_text
from RadiomicsCoreLib.jobs.registry import job_from


@pytest.fixture
def job_file(tmp_path) -> Path:
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 20, (8, 9, 10)).astype(np.float32))
    mask = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    mask.CopyInformation(image)
    mask[2:8, 2:7, 2:6] = 1
    sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
    sitk.WriteImage(mask, str(tmp_path / "mask.nrrd"))
    path = tmp_path / "mine.yaml"
    job = {"image": "image.nrrd", "mask": "mask.nrrd", "feature": "firstorder_Mean", "measure": {"preset": "wu2021"}}
    path.write_text(job_text(job_from({"verb": "maps", **job})))
    return path


def test_another_python_runs_the_job_and_tells_its_steps_and_its_end(job_file, tmp_path):
    words = job_command(sys.executable, job_file, tmp_path / "out")
    # Neither the path nor the folder of this process helps it.
    run = subprocess.run(words, cwd="/", env={"PATH": ""}, capture_output=True, text=True, timeout=120)
    lines = [line for line in map(read_line, run.stdout.splitlines()) if line]
    assert (run.returncode, run.stderr) == (0, "")
    assert lines[0].fraction == 0.0 and (lines[0].seconds_left or 0) > 0
    assert lines[-1].status == "done" and lines[-1].fraction is None
    assert [line.fraction for line in lines[:-1]] == sorted(line.fraction for line in lines[:-1])
    assert (tmp_path / "out" / "map.nrrd").is_file()


def test_the_last_line_says_why_nothing_was_done(job_file, tmp_path):
    said: list[str] = []
    (tmp_path / "mask.nrrd").unlink()
    assert run_with_lines(job_file, tmp_path / "out", said.append) == 2
    last = read_line(said[-1])
    assert last is not None and last.status == "failed" and "mask.nrrd does not exist" in last.message
    said.clear()
    job_file.write_text("verb: mapz")
    assert run_with_lines(job_file, tmp_path / "out", said.append) == 2
    assert "did you mean 'maps'" in said[-1]


def test_a_job_that_is_stopped_or_runs_out_of_memory_says_so(job_file, tmp_path, monkeypatch):
    for error, code, status in ((Cancelled("stop"), 130, "stopped"), (MemoryError(), 2, "failed")):
        said: list[str] = []

        def fail(*given, error=error, **more):
            raise error

        monkeypatch.setattr("PeritumoralRadiomicsLib.jobs.maps.feature_map", fail)
        assert run_with_lines(job_file, tmp_path / "out", said.append) == code
        assert json.loads(said[-1])["status"] == status


def test_jobs_come_one_after_the_other_and_the_first_that_fails_ends_them(job_file, tmp_path):
    said: list[str] = []
    second = tmp_path / "second.yaml"
    second.write_text(job_file.read_text())
    steps = [(job_file, tmp_path / "one"), (second, tmp_path / "two")]
    assert run_steps(steps, said.append) == 0
    lines = [line for line in map(read_line, said) if line]
    fractions = [line.fraction for line in lines[:-1]]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and 0.5 in fractions and fractions[-1] == 1.0
    assert [line.status for line in lines if line.status] == ["done"]
    assert (tmp_path / "one" / "map.nrrd").is_file() and (tmp_path / "two" / "map.nrrd").is_file()
    (tmp_path / "mask.nrrd").unlink()
    assert run_steps([(job_file, tmp_path / "a"), (second, tmp_path / "b")], said.append) == 2
    assert json.loads(said[-1])["status"] == "failed" and not (tmp_path / "b").exists()


def test_lines_of_others_are_not_taken_for_steps():
    others = [
        "",
        "WARNING: x",
        "{",
        "[1]",
        "{}",
        '{"message": "x"}',
        '{"fraction": 0.1}',
        '{"fraction": "a", "message": "x"}',
    ]
    others += ['{"fraction": NaN, "message": "x"}', '{"fraction": true, "message": "x"}', '{"status": 3, "message": 1}']
    assert [line for line in others if read_line(line)] == []


@pytest.mark.skipif(sys.platform == "win32", reason="ended by taskkill there")
def test_a_job_can_be_ended_at_any_time(job_file, tmp_path):
    text = job_file.read_text().replace("firstorder_Mean", "glcm_MCC").replace("kernel_radius: 1", "kernel_radius: 8")
    job_file.write_text(text)
    words = job_command(sys.executable, job_file, tmp_path / "out")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == -signal.SIGTERM
    assert not (tmp_path / "out" / "study.json").exists()
