"""The unit of an image's numbers, and the grey levels that follow from it."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.jobs.extract import ExtractJob, phase_unit
from PeritumoralRadiomicsLib.settings.intensity_unit import IntensityUnit, common_unit, unit_of
from PeritumoralRadiomicsLib.settings.measure_settings import MeasureSettings
from PeritumoralRadiomicsLib.settings.presets import preset_names
from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.images.reading import read_image

RNG = np.random.default_rng(5)


def image(values: np.ndarray) -> sitk.Image:
    return sitk.GetImageFromArray(values)


def test_the_unit_is_told_by_the_rule():
    soft_tissue = RNG.normal(40, 60, (20, 30, 30))
    lung = np.where(RNG.random((20, 30, 30)) < 0.5, -850.0, 40.0)
    pet = RNG.gamma(1.5, 1.0, (20, 30, 30))
    cases = [
        (soft_tissue.astype(np.int16), "ct", IntensityUnit.HU),
        (lung.astype(np.float32), "arterial", IntensityUnit.HU),
        (lung.astype(np.float32), "pet", IntensityUnit.HU),
        (pet, "pet", IntensityUnit.SUV),
        (pet, "FDG_1", IntensityUnit.SUV),
        (pet, "t1", IntensityUnit.UNKNOWN),  # MR scaled to small numbers
        (pet * 5000, "pet", IntensityUnit.UNKNOWN),  # Bq/ml
        (np.abs(soft_tissue * 20), "adapted", IntensityUnit.UNKNOWN),  # "pt" within a word is no PET
        (np.full((3, 3, 3), np.nan), "ct", IntensityUnit.UNKNOWN),
    ]
    assert [(phase, unit_of(image(values), phase)) for values, phase, _ in cases] == [
        (phase, unit) for _, phase, unit in cases
    ]
    assert common_unit([IntensityUnit.HU, IntensityUnit.SUV]) is IntensityUnit.UNKNOWN
    assert common_unit([]) is IntensityUnit.UNKNOWN


@pytest.mark.shared_data
def test_real_ct_pet_and_mr_are_told_apart(shared_data):
    cohort = read_cohort(shared_data / "sts" / "cohort.csv")
    assert (phase_unit(cohort, "ct"), phase_unit(cohort, "pet")) == (IntensityUnit.HU, IntensityUnit.SUV)
    cases = shared_data / "pyradiomics_cases"
    found = {path.stem: unit_of(read_image(path), "image") for path in sorted(cases.glob("**/*_image.nrrd"))}
    expected = {name: IntensityUnit.HU if "lung" in name else IntensityUnit.UNKNOWN for name in found}
    assert found == expected and len(found) >= 4


def test_a_preset_keeps_its_levels_in_hu_and_gets_others_elsewhere_unless_the_user_says_so():
    for name in preset_names():
        measure = MeasureSettings(preset=name)
        assert measure.for_unit(IntensityUnit.HU) == (measure, "")
        suv, told = measure.for_unit(IntensityUnit.SUV)
        if name == "liu2025":  # it normalises first: its width is one of normalised numbers
            assert (suv, told) == (measure, "")
            continue
        assert suv.extraction().setting["binWidth"] == 0.25 and "bin width of 25 is for HU" in told
        unknown = measure.for_unit(IntensityUnit.UNKNOWN)[0].extraction().setting
        assert unknown["binCount"] == 32 and "binWidth" not in unknown
    for own in ({"bin_width": 1.0}, {"bin_count": 64}, {"bins": "published"}):
        job = ExtractJob.from_dict({"cohort": "c.csv", "measure": {"preset": "wu2021", **own}})
        assert job.measure.for_unit(IntensityUnit.SUV) == (job.measure, "")
