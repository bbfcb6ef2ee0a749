"""pyradiomics' parameter files mean here what they mean to pyradiomics."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.preprocessing.pipeline import preprocess
from PeritumoralRadiomicsLib.settings.parameter_file import parameter_text, read_parameter_file
from RadiomicsCoreLib.errors import InputError

# examples/exampleSettings/Params.yaml of pyradiomics 3 (BSD-3-Clause), comments shortened
EXAMPLE = """# This is an example of a parameters file
# image types you want to use: key is image type, value is customized kwarg settings
imageType:
  Original: {}
  LoG:
    sigma: [1.0, 3.0]  # If you include sigma values >5, remember to also increase the padDistance.
  Wavelet: {}

# Featureclasses, from which features must be calculated. If a featureclass is not mentioned, none is calculated.
featureClass:
  shape:  # disable redundant Compactness 1 and Compactness 2 features by specifying all other shape features
    - VoxelVolume
    - MeshVolume
    - SurfaceArea
    - SurfaceVolumeRatio
    - Sphericity
    - Maximum3DDiameter
    - Elongation
    - Flatness
  firstorder: [] # specifying an empty list has the same effect as specifying nothing.
  glcm:
  glrlm: # for lists none values are allowed, in this case, all features are enabled
  glszm:
  gldm:

setting:
  # Normalization: most likely not needed, CT gray values reflect absolute world values (HU).
  # Resampling:
  interpolator: 'sitkBSpline'
  resampledPixelSpacing: [2, 2, 2]
  padDistance: 10
  resegmentRange: [-3, 3]
  resegmentMode: sigma
  voxelArrayShift: 1000
  binWidth: 25
  label: 1
"""


@pytest.fixture
def example(tmp_path):
    file = tmp_path / "exampleCT.yaml"
    file.write_text(EXAMPLE, encoding="utf-8")
    return file


@pytest.fixture
def blob():
    values = np.random.default_rng(2).normal(50, 40, (20, 40, 40))
    image = sitk.GetImageFromArray(values.astype(np.int16))
    image.SetSpacing((1.2, 1.2, 3.0))
    k, j, i = np.ogrid[:20, :40, :40]
    mask = sitk.GetImageFromArray(
        (((k - 10) * 3.0) ** 2 + ((j - 20) * 1.2) ** 2 + ((i - 19) * 1.2) ** 2 < 144).astype(np.uint8)
    )
    mask.CopyInformation(image)
    return image, mask


def test_pyradiomics_example_file_runs_as_it_is_with_its_values(example, blob):
    with warnings.catch_warnings():  # pyradiomics' reader and features use deprecated parts of other packages
        warnings.simplefilter("ignore")
        extractor = pytest.importorskip("radiomics.featureextractor").RadiomicsFeatureExtractor(str(example))
        settings = read_parameter_file(example)
        image, mask = blob
        result = extract_features(image, {"tumour": mask}, settings, engine="pyradiomics")
        case = preprocess(image, {"tumour": mask}, settings)
        extractor.settings |= {"resampledPixelSpacing": None, "additionalInfo": False}
        theirs = extractor.execute(case.image, case.masks["tumour"])
    assert list(theirs) == list(result.features["tumour"])
    assert result.features["tumour"] == {name: float(value) for name, value in theirs.items()}
    assert not result.reasons


def test_json_is_read_like_yaml(example, tmp_path):
    yaml = pytest.importorskip("yaml")
    file = tmp_path / "exampleCT.json"
    file.write_text(json.dumps(yaml.safe_load(EXAMPLE)), encoding="utf-8")
    assert read_parameter_file(file) == read_parameter_file(example)


def test_without_sections_all_classes_of_the_original_image_are_on(tmp_path):
    file = tmp_path / "short.yaml"
    file.write_text("setting: {binWidth: 1e-1, force2D: true}", encoding="utf-8")
    settings = read_parameter_file(file)
    assert settings.feature_count == 116  # 107 and the 9 of shape2D
    assert settings.setting["binWidth"] == 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("setting: {binWidht: 25}", "did you mean 'binWidth'"),
        ("settings: {binWidth: 25}", "section 'settings' is not known; did you mean 'setting'"),
        ("setting: {binWidth: 0}", "binWidth must be a number above 0; it is 0"),
        ("setting: [binWidth]", "section setting must hold names and values"),
        ("imageType: {LoG: {}}", "needs the setting sigma"),
        ("setting: {binWidth: 25", "cannot be parsed: line 1"),
        ("just words", "a parameter file holds the sections"),
        ("", "a parameter file holds the sections"),
        ("peritumoral: {windw: [1, 2]}", "did you mean 'window'"),
    ],
)
def test_a_bad_file_ends_in_one_line_with_its_name(tmp_path, text, message):
    file = tmp_path / "my, file ü.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_parameter_file(file)
    assert "my, file ü.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read: No such file"):
        read_parameter_file(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"cannot be read"):
        read_parameter_file(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_parameter_file(tmp_path / "binary.yaml")


def test_yaml_that_asks_for_code_is_refused(tmp_path):
    file = tmp_path / "evil.yaml"
    file.write_text("setting: !!python/object/apply:os.getcwd []", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be parsed"):
        read_parameter_file(file)


def test_our_own_settings_are_written_and_read_back(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("peritumoral: {window: [40, 400], shared_bin_edges: true}", encoding="utf-8")
    settings = read_parameter_file(file)
    assert settings.window == (40, 400)
    assert settings.shared_bin_edges
    file.write_text(parameter_text(settings, "two\nlines"), encoding="utf-8")
    assert read_parameter_file(file) == settings
