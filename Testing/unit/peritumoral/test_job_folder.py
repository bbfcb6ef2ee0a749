"""An extraction as a folder: the same values as in this process, one clear line when something is wrong."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.choice import engine_names
from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.jobs import job_folder
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import Cancelled, InputError, RadiomicsError

SETTINGS = ExtractionSettings(name="quick", feature_classes={"firstorder": None, "glcm": ("Contrast", "MCC")})
ENGINE = engine_names()[0]


@pytest.fixture
def image() -> sitk.Image:
    values = np.random.default_rng(3).normal(100, 30, (18, 20, 22))
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing((0.7, 0.9, 1.6))
    image.SetOrigin((-12.3, 45.6, 7.89))
    angle = math.radians(17)
    image.SetDirection((math.cos(angle), -math.sin(angle), 0, math.sin(angle), math.cos(angle), 0, 0, 0, 1))
    return image


@pytest.fixture
def regions(image) -> dict[str, sitk.Image]:
    mask = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    mask.CopyInformation(image)
    mask[5:15, 6:14, 4:12] = 1
    empty = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    empty.CopyInformation(image)
    return {"intratumour": mask[5:15, 6:14, 4:12], "ring / odd: name": mask, "nothing": empty}


def test_the_result_is_that_of_this_process_to_the_last_bit(image, regions, tmp_path):
    notes = {"volume": "CT", "numbers": [1, 2.5]}
    job_folder.write_job(tmp_path / "a" / "job", image, regions, SETTINGS, ENGINE, notes=notes)
    job_folder.run_job(tmp_path / "a" / "job")
    found = asdict(job_folder.read_result(tmp_path / "a" / "job"))
    expected = asdict(extract_features(image, regions, SETTINGS, engine=ENGINE))
    for values in (found, expected):
        values.pop("timings")
    features = found.pop("features"), expected.pop("features")
    assert found == expected
    assert found["reasons"].keys() == {"nothing"}
    for region, row in features[1].items():
        assert list(features[0][region]) == list(row)
        assert np.array_equal(list(features[0][region].values()), list(row.values()), equal_nan=True)
    assert job_folder.read_notes(tmp_path / "a" / "job") == notes


def test_another_process_needs_no_path_settings(image, regions, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    job_folder.write_job(tmp_path / "job", image, regions, SETTINGS, ENGINE)
    command = job_folder.job_command(sys.executable, tmp_path / "job")
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    steps = [job_folder.read_progress(line) for line in done.stdout.splitlines()]
    assert steps[0] == (0.0, "reading the image") and steps[-1] == (1.0, "features done")
    assert job_folder.read_result(tmp_path / "job").engine == ENGINE


@pytest.mark.parametrize(
    "line", ["", "ITK warning", '{"fraction"', '{"fraction": "x", "message": ""}', '{"fraction": 1}']
)
def test_other_lines_are_no_progress(line):
    assert job_folder.read_progress(line) is None


def test_a_job_that_failed_tells_why_on_reading(image, tmp_path):
    other = sitk.Image(5, 5, 5, sitk.sitkUInt8)
    job_folder.write_job(tmp_path, image, {"elsewhere": other}, SETTINGS, ENGINE)
    with pytest.raises(RadiomicsError) as here:
        job_folder.run_job(tmp_path)
    with pytest.raises(RadiomicsError) as there:
        job_folder.read_result(tmp_path)
    assert str(here.value) == str(there.value)


def test_a_stopped_job_has_no_result_and_can_be_written_anew(image, regions, tmp_path):
    job_folder.write_job(tmp_path, image, regions, SETTINGS, ENGINE)
    job_folder.cancel_job(tmp_path)
    with pytest.raises(Cancelled):
        job_folder.run_job(tmp_path)
    with pytest.raises(InputError, match="has no result: the job was stopped or ended by force"):
        job_folder.read_result(tmp_path)
    job_folder.write_job(tmp_path, image, regions, SETTINGS, ENGINE)
    job_folder.run_job(tmp_path)
    assert job_folder.read_result(tmp_path).features


def test_a_place_that_cannot_be_written_is_refused(image, regions, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        job_folder.write_job(tmp_path / "file" / "job", image, regions, SETTINGS, ENGINE)
    with pytest.raises(InputError, match=r"does not exist|cannot be read"):
        job_folder.run_job(tmp_path / "nowhere")
