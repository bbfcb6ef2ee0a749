"""Bad settings end in one line that names the setting and the value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import RULES, VOXEL_RULES, check_known, check_settings


def test_the_rules_cover_every_setting_of_pyradiomics_own_schema():
    radiomics = pytest.importorskip("radiomics")
    yaml = pytest.importorskip("yaml")
    schema = yaml.safe_load((Path(radiomics.__file__).parent / "schemas" / "paramSchema.yaml").read_text())
    assert set(RULES) == set(schema["mapping"]["setting"]["mapping"])
    assert set(VOXEL_RULES) == set(schema["mapping"]["voxelSetting"]["mapping"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("binWidth", 0),
        ("binWidth", -25),
        ("binWidth", "wide"),
        ("binWidth", float("nan")),
        ("binWidth", True),
        ("binCount", 2.5),
        ("resampledPixelSpacing", [1, 1]),
        ("resampledPixelSpacing", [1, -1, 1]),
        ("resampledPixelSpacing", 1),
        ("interpolator", "sitkCubic"),
        ("normalize", "yes"),
        ("distances", [0]),
        ("sigma", [1.0, -2.0]),
        ("force2Ddimension", 3),
        ("resegmentMode", "relativ"),
        ("weightingNorm", "cosine"),
        ("gldm_a", -1),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_setting(name, value):
    with pytest.raises(InputError, match=rf"setting {name} must be .*; it is ") as caught:
        check_settings({name: value})
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("binWidth", 0.1),
        ("resampledPixelSpacing", [1, 1, 0]),
        ("resampledPixelSpacing", None),
        ("interpolator", "sitkLinear"),
        ("interpolator", 3),
        ("weightingNorm", None),
        ("wavelet", "bior1.1"),
        ("distances", [1, 2]),
    ],
)
def test_values_that_pyradiomics_takes_are_taken(name, value):
    check_settings({name: value})


def test_a_misspelt_setting_gets_the_near_one():
    with pytest.raises(InputError, match=re.escape("'binWith' is not known; did you mean 'binWidth'?")):
        check_settings({"binWith": 25})


def test_a_misspelt_wavelet_gets_the_near_one():
    with pytest.raises(InputError, match="did you mean 'coif1'"):
        check_settings({"wavelet": "coiff1"})


def test_a_name_like_nothing_gets_the_list_of_known_ones():
    with pytest.raises(InputError, match="known are ct, pet"):
        check_known("phase", "zzz", ["ct", "pet"])
