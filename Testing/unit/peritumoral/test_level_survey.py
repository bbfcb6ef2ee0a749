"""Grey levels that a cohort's tumours would get, and the warning of too few."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.preprocessing.level_survey import LevelSurvey
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.intensity_unit import IntensityUnit
from RadiomicsCoreLib.cohort.table import check_cohort, read_cohort
from RadiomicsStudyLib.cli import main

SHAPE = (8, 16, 16)
INSIDE = np.zeros(SHAPE, np.uint8)
INSIDE[2:6, 4:12, 4:12] = 1


def pet(highest: float, seed: int = 1) -> sitk.Image:
    values = np.random.default_rng(seed).uniform(0.1, 1.0, SHAPE)
    values[INSIDE == 1] = np.linspace(2.0, highest, INSIDE.sum())
    return sitk.GetImageFromArray(values)


def test_the_survey_counts_the_levels_that_a_width_gives():
    survey = LevelSurvey()
    for highest in (4.0, 12.0, 7.0):
        survey.look("pet", pet(highest), sitk.GetImageFromArray(INSIDE))
    (found,) = survey.phases()
    assert (found.phase, found.unit, found.cases) == ("pet", IntensityUnit.SUV, 3)
    assert found.published == (1, 1, 1)  # all tumours within one bin of 25
    # From 2 to h in steps of a quarter, both ends included.
    assert found.suited == (9, 21, 41) and found.how == "binWidth 0.25"


def test_textures_of_few_levels_are_warned_of_and_counted_first_order_alone_is_not():
    image, regions = pet(12.0), {"intratumour": sitk.GetImageFromArray(INSIDE)}
    few = extract_features(image, regions, ExtractionSettings(setting={"binWidth": 25}))
    assert few.grey_levels == {"intratumour": 1}
    assert any("few grey levels at binWidth 25 (intratumour 1)" in line for line in few.warnings)
    enough = extract_features(image, regions, ExtractionSettings(setting={"binWidth": 0.25}))
    assert enough.grey_levels == {"intratumour": 41} and not enough.warnings
    plain = ExtractionSettings(setting={"binWidth": 25}, feature_classes={"firstorder": None, "shape": None})
    assert not extract_features(image, regions, plain).warnings
    counted = extract_features(image, regions, ExtractionSettings(setting={"binCount": 4}))
    assert any(
        "few grey levels at binCount 4 (intratumour 4)" in line and "larger binCount" in line
        for line in counted.warnings
    )


@pytest.mark.shared_data
def test_the_check_of_a_real_cohort_shows_what_each_phase_would_get(shared_data, tmp_path, capsys):
    survey = LevelSurvey()
    cohort = read_cohort(shared_data / "sts" / "cohort.csv")
    assert check_cohort(cohort, look=survey.look) == []
    ct, pet_phase = survey.phases()
    assert ct.unit is IntensityUnit.HU and ct.published == ct.suited
    assert pet_phase.published[1] <= 2 and pet_phase.suited[1] >= 16
    assert main(["cohort", "check", str(cohort.path)]) == 0
    told = capsys.readouterr().out
    assert "binWidth 0.25" in told and "SUV" in told
