"""Extraction settings are checked once, keep their values and can be written down."""

from __future__ import annotations

import json
import pickle

import pytest

from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings, MaskInterpolator
from RadiomicsCoreLib.errors import InputError


def test_the_default_is_107_features_of_the_original_image():
    settings = ExtractionSettings()
    assert settings.feature_count == 107
    assert settings.feature_names()[0] == "original_shape_Elongation"
    assert len(set(settings.feature_names())) == 107


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image_types": {"Wavelets": {}}}, "did you mean 'Wavelet'"),
        ({"image_types": {"Log": {"sigma": [1]}}}, "did you mean 'LoG'"),
        ({"image_types": {"LoG": {}}}, "LoG needs the setting sigma"),
        ({"image_types": {"LoG": {"sigma": [0]}}}, "image type LoG: setting sigma must be"),
        ({"image_types": ["Original"]}, "image_types must map names"),
        ({"feature_classes": {"firstordr": None}}, "did you mean 'firstorder'"),
        ({"feature_classes": {"glcm": ("Contrst",)}}, "did you mean 'Contrast'"),
        ({"feature_classes": {"glcm": "Contrast"}}, "takes a list of features"),
        ({"setting": {"binWidth": -1}}, "binWidth must be a number above 0; it is -1"),
        ({"window": (40, 0)}, "width must be above 0"),
        ({"window": 40}, "window must be two numbers"),
        ({"clip": (10, 10)}, "clip is .* must ascend"),
        ({"clip": (0, 1), "window": (40, 400)}, "give one of them"),
        ({"min_voxels": 0}, "min_voxels must be"),
        ({"mask_interpolator": "nearst"}, "did you mean 'nearest'"),
        ({"voxel_setting": {"kernelRadius": 0}}, "voxelSetting kernelRadius"),
    ],
)
def test_bad_settings_end_in_one_clear_line(values, message):
    with pytest.raises(InputError, match=message) as caught:
        ExtractionSettings(**values)
    assert "\n" not in str(caught.value)


def test_settings_survive_json_and_pickle():
    settings = ExtractionSettings(
        name="x",
        image_types={"LoG": {"sigma": [1.0]}},
        feature_classes={"glcm": ["Contrast"], "firstorder": None},
        window=(40, 400),
        mask_interpolator="linear",
        shared_bin_edges=True,
    )
    again = ExtractionSettings.from_dict(json.loads(json.dumps(settings.to_dict())))
    assert again == settings
    assert again.mask_interpolator is MaskInterpolator.LINEAR
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_a_name_that_is_no_setting_gets_the_near_one():
    with pytest.raises(InputError, match="did you mean 'image_types'"):
        ExtractionSettings.from_dict({"image_typs": {}})


def test_later_changes_of_the_callers_dictionary_change_nothing():
    setting = {"binWidth": 25, "distances": [1]}
    settings = ExtractionSettings(setting=setting)
    setting["binWidth"] = 5
    setting["distances"].append(2)
    assert settings.setting == {"binWidth": 25, "distances": [1]}


def test_a_window_is_level_and_width():
    assert ExtractionSettings(window=(130, 310)).intensity_limits() == (-25, 285)
    assert ExtractionSettings(clip=(-100, 200)).intensity_limits() == (-100, 200)
    assert ExtractionSettings().intensity_limits() is None


def test_every_phase_gets_its_own_window():
    settings = ExtractionSettings(name="two", phase_windows={"arterial": (130, 310), "venous": (120, 320)})
    assert settings.for_phase("venous").intensity_limits() == (-40, 280)
    assert settings.display_window() is None
    with pytest.raises(InputError, match="phases arterial, venous, not for 'ct'"):
        settings.for_phase("ct")
    with pytest.raises(InputError, match="for_phase"):
        settings.intensity_limits()
    assert ExtractionSettings().for_phase("anything") == ExtractionSettings()


def test_an_image_types_own_setting_overrides_the_common_one():
    settings = ExtractionSettings(image_types={"LoG": {"sigma": [1], "binWidth": 5}}, setting={"binWidth": 25})
    assert settings.setting_for("LoG")["binWidth"] == 5
