"""The presets have the number of features that the papers report."""

from __future__ import annotations

import pytest

from PeritumoralRadiomicsLib.settings.parameter_file import read_parameter_file
from PeritumoralRadiomicsLib.settings.presets import (
    preset,
    preset_descriptions,
    preset_details,
    preset_names,
    preset_yaml,
)
from RadiomicsCoreLib.errors import InputError


@pytest.mark.parametrize(("name", "count"), [("wu2021", 107), ("zhang2024", 851), ("liu2025", 1316)])
def test_a_preset_has_the_papers_number_of_features(name, count):
    names = preset(name).feature_names()
    assert len(names) == len(set(names)) == count


def test_the_features_of_liu2025_divide_as_in_the_paper():
    names = preset("liu2025").feature_names()
    counts = {
        "shape": sum("_shape_" in name for name in names),
        "first order": sum(name.startswith("original_firstorder") for name in names),
        "wavelet": sum(name.startswith("wavelet") for name in names),
        "LoG": sum(name.startswith("log-sigma") for name in names),
    }
    assert counts == {"shape": 14, "first order": 18, "wavelet": 744, "LoG": 465}


def test_song2021_has_a_window_for_each_phase():
    settings = preset("song2021")
    assert settings.for_phase("arterial").intensity_limits() == (-25, 285)
    assert settings.for_phase("venous").intensity_limits() == (-40, 280)
    assert settings.feature_count == 61


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_printed_as_a_parameter_file_reads_back_the_same(name, tmp_path):
    file = tmp_path / f"{name}.yaml"
    file.write_text(preset_yaml(name), encoding="utf-8")
    assert read_parameter_file(file) == preset(name)


def test_every_preset_has_a_description_and_a_source():
    assert list(preset_descriptions()) == preset_names()
    assert all(preset_details(name).source for name in preset_names())


def test_a_misspelt_preset_gets_the_near_one():
    with pytest.raises(InputError, match="did you mean 'liu2025'"):
        preset("liu2024")
