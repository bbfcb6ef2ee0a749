"""Features of given regions as a job: exact numbers, reasons, masks on crops, the same again."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.result_file import read_result, write_result
from PeritumoralRadiomicsLib.jobs.measure import MeasureJob
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.registry import job_from, load_job
from RadiomicsCoreLib.jobs.result import JobStatus

MEAN = "original_firstorder_Mean"
SHAPE = (12, 20, 24)


@pytest.fixture
def patient(tmp_path) -> Path:
    """An image and masks; the second mask is stored on a crop of the image's grid, the third is empty."""
    values = np.random.default_rng(2).normal(40, 20, SHAPE).astype(np.float32)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((1.0, 1.5, 2.0))
    image.SetOrigin((-7.0, 3.0, 11.0))
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:8, 5:12, 6:15] = 1
    whole = sitk.GetImageFromArray(mask)
    whole.CopyInformation(image)
    for name, one in {"ct": image, "tumour": whole, "crop": whole[5:16, 4:13, 2:9], "empty": whole * 0}.items():
        sitk.WriteImage(one, str(tmp_path / f"{name}.nrrd"))
    return tmp_path


def job(folder: Path, **more) -> MeasureJob:
    regions = {"tumour": str(folder / "tumour.nrrd"), "crop": str(folder / "crop.nrrd")}
    values = {"image": str(folder / "ct.nrrd"), "regions": regions, "measure": {"preset": "wu2021"}, "workers": 1}
    return MeasureJob.from_dict(values | more)


def inside(folder: Path) -> np.ndarray:
    read = {name: sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{name}.nrrd"))) for name in ("ct", "tumour")}
    return read["ct"][read["tumour"] > 0].astype(float)


def test_features_are_written_a_row_a_region_and_feature_and_in_full_precision(patient):
    result = job(patient).run(patient / "out")
    with result.tables["features"].open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["region"] for row in rows] == ["tumour"] * 107 + ["crop"] * 107
    shown = {(row["region"], row["feature"]): float(row["value"]) for row in rows}
    found = read_result(result.files["exact numbers"])
    assert shown["tumour", MEAN] == pytest.approx(inside(patient).mean())
    assert found.features["tumour"][MEAN] == pytest.approx(inside(patient).mean(), rel=1e-12)
    assert (result.status, found.engine) == (JobStatus.DONE, "native")


def test_a_mask_on_a_crop_of_the_grid_gives_what_the_whole_mask_gives(patient):
    found = read_result(job(patient).run(patient / "out").files["exact numbers"])
    assert found.features["crop"] == found.features["tumour"]
    assert [line for line in found.warnings if "few grey levels" not in line] == []


def test_an_empty_region_is_nan_with_a_reason_and_stops_no_other(patient):
    regions = {"ring": str(patient / "empty.nrrd"), "tumour": str(patient / "tumour.nrrd")}
    result = job(patient, regions=regions).run(patient / "out")
    found = read_result(result.files["exact numbers"])
    assert all(map(math.isnan, found.features["ring"].values())) and len(found.features["ring"]) == 107
    assert "ring" in found.reasons and result.warnings[0].startswith("ring has no features: ")
    assert found.features["tumour"][MEAN] == pytest.approx(inside(patient).mean())


def test_settings_in_full_give_what_their_preset_gives_and_the_job_file_repeats_it(patient):
    full = {"full": job(patient).measure.extraction().to_dict()}
    first = job(patient, measure=full).run(patient / "full")
    job(patient).run(patient / "preset")
    load_job(patient / "full").run(patient / "again")
    tables = {name: (patient / name / "features.csv").read_bytes() for name in ("full", "preset", "again")}
    assert len(set(tables.values())) == 1
    assert first.files["record"].is_file()


def test_a_result_file_keeps_every_bit(patient):
    found = read_result(job(patient).run(patient / "out").files["exact numbers"])
    values = {"a": 0.1 + 0.2, "b": 5e-324, "c": -0.0, "d": math.nan, "e": 1e300}
    odd = type(found)({"r": values}, {"r": "why"}, ("w",), "native", "1", None)
    write_result(patient / "odd.json", odd)
    again = read_result(patient / "odd.json")
    assert repr(again) == repr(odd)
    (patient / "other.json").write_text('{"features": 3}')
    with pytest.raises(InputError, match="not the result"):
        read_result(patient / "other.json")


def test_what_cannot_be_measured_is_refused_before_anything_is_written(patient):
    wrong = {
        "no region": ({"regions": {}}, "no region"),
        "no settings": ({"measure": {}}, "say what to measure"),
        "two settings": ({"measure": {"preset": "wu2021", "full": {}}}, "preset and full"),
        "a wrong setting": ({"measure": {"full": {"setting": {"binWidht": 3}}}}, "'binWidth'"),
        "an unknown phase": ({"measure": {"preset": "song2021"}, "phase": "portal"}, "portal"),
        "a missing mask": ({"regions": {"a": "nowhere.nii"}}, "nowhere.nii"),
        "workers": ({"workers": 0}, "workers is 0"),
    }
    for name, (values, told) in wrong.items():
        with pytest.raises(InputError, match=told):
            job(patient, **values).run(patient / "out")
        assert not (patient / "out").exists(), name


def test_settings_in_full_come_back_from_a_job():
    settings = ExtractionSettings(
        setting={"binWidth": 5, "resampledPixelSpacing": [1, 1, 2]},
        image_types={"Original": {}, "LoG": {"sigma": [1.0, 3.0]}},
        feature_classes={"firstorder": ("Mean",), "glcm": None},
        window=(40, 400),
        mask_interpolator="linear",
        profile="ibsi",
    )
    values = {"verb": "measure", "image": "a", "regions": {"x": "b"}, "measure": {"full": settings.to_dict()}}
    made = job_from(values)
    assert made.measure.extraction() == settings  # type: ignore[attr-defined]
    assert job_from({"verb": "measure", **made.to_dict()}) == made
