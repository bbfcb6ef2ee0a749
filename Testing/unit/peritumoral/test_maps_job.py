"""A feature map as a job: its time first, its values, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.jobs.maps import MapsJob
from PeritumoralRadiomicsLib.maps.feature_maps import feature_map
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.registry import load_job
from RadiomicsCoreLib.progress import StatedTime

SHAPE = (9, 10, 11)


@pytest.fixture
def patient(tmp_path) -> Path:
    image = sitk.GetImageFromArray(np.random.default_rng(4).normal(0, 30, SHAPE))
    image.SetSpacing((1.0, 1.0, 3.0))
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:7, 3:8, 2:9] = 1
    region = sitk.GetImageFromArray(mask)
    region.CopyInformation(image)
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))
    sitk.WriteImage(region, str(tmp_path / "mask.nrrd"))
    return tmp_path


def job(folder: Path, **more) -> MapsJob:
    values = {"image": str(folder / "ct.nrrd"), "mask": str(folder / "mask.nrrd"), "feature": "firstorder_Mean"}
    return MapsJob.from_dict(values | {"measure": {"preset": "wu2021"}, "workers": 1} | more)


def array(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_every_voxel_of_the_region_has_the_mean_of_its_neighbours_in_the_region(patient):
    result = job(patient).run(patient / "out")
    made, values = array(result.files["map"]), array(patient / "ct.nrrd")
    inside = array(patient / "mask.nrrd") > 0
    assert np.array_equal(np.isfinite(made), inside)
    for k, j, i in np.argwhere(inside):
        box = (slice(k - 1, k + 2), slice(j - 1, j + 2), slice(i - 1, i + 2))
        assert made[k, j, i] == pytest.approx(values[box][inside[box]].mean(), rel=1e-12)
    assert sitk.ReadImage(str(result.files["map"])).GetSpacing() == (1.0, 1.0, 3.0)


def test_the_first_step_states_the_time_of_the_whole(patient):
    told: list[tuple[float, str]] = []
    job(patient).run(patient / "out", lambda fraction, message: told.append((fraction, message)))
    fraction, message = told[0]
    assert isinstance(message, StatedTime) and message.seconds_left > 0 and fraction == 0.0
    assert told[-1][0] == 1.0


def test_all_settings_hold_but_the_resampling_which_is_said(patient):
    resampled = job(patient, feature="glcm_Contrast", measure={"preset": "liu2025"}).run(patient / "out")
    assert "without its resampling to 1 x 1 x 1 mm" in resampled.notes[0]
    values = array(patient / "ct.nrrd")
    normalised = sitk.GetImageFromArray((values - values.mean()) / values.std(ddof=1) * 100)
    mask = sitk.GetImageFromArray(array(patient / "mask.nrrd"))
    expected = feature_map(normalised, mask, "glcm_Contrast", settings={"binWidth": 25})
    np.testing.assert_allclose(array(resampled.files["map"]), sitk.GetArrayFromImage(expected), rtol=1e-6)
    window = {"preset": "wu2021", "window": [0, 20]}
    cut = array(job(patient, feature="firstorder_Maximum", measure=window).run(patient / "cut").files["map"])
    assert np.nanmax(cut) == 10


def test_an_estimate_alone_makes_no_map(patient, monkeypatch):
    monkeypatch.setattr("PeritumoralRadiomicsLib.jobs.maps.feature_map", None)
    told: list[str] = []
    result = job(patient, estimate_only=True).run(patient / "out", lambda fraction, message: told.append(message))
    assert len(told) == 1 and "map" not in result.files and "none was made" in result.notes[0]


def test_neighbourhoods_reach_out_of_the_region_when_asked_and_the_job_file_repeats_it(patient):
    whole = job(patient, masked_kernel=False, kernel_radius=2).run(patient / "out")
    made, values = array(whole.files["map"]), array(patient / "ct.nrrd")
    assert made[3, 4, 4] == pytest.approx(values[1:6, 2:7, 2:7].mean(), rel=1e-12)
    load_job(patient / "out").run(patient / "again")
    assert np.array_equal(array(patient / "again" / "map.nrrd"), made, equal_nan=True)


def test_what_has_no_map_is_refused_before_anything_is_written(patient):
    wrong = {
        "shape": ({"feature": "shape_Sphericity"}, "not known"),
        "typing error": ({"feature": "glcm_Contrats"}, "'glcm_Contrast'"),
        "radius": ({"kernel_radius": 0}, "kernel_radius is 0"),
        "giant": ({"kernel_radius": 10**9}, "from 1 to 20"),
        "windows of phases": ({"measure": {"preset": "song2021"}}, "phases arterial"),
        "workers": ({"workers": 0}, "workers is 0"),
    }
    for name, (values, told) in wrong.items():
        with pytest.raises(InputError, match=told):
            job(patient, **values).run(patient / "out")
        assert not (patient / "out").exists(), name
