"""The sample case: offered in Sample Data, made on this computer, ready for the panel."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import slicer.util

from PeritumoralSlicerLib.logic.sample_case import CATEGORY, NAME, load_sample, register_sample


@pytest.fixture
def sample_data(window, monkeypatch):
    """Slicer's Sample Data module, as far as it takes sources; its own checks of them are made."""
    sources = []

    def register(category, sampleName, thumbnailFileName, uris, fileNames, customDownloader):
        assert isinstance(uris, list) and len(uris) == len(fileNames)
        sources.append((category, sampleName, thumbnailFileName, customDownloader))

    module = types.ModuleType("SampleData")
    module.SampleDataLogic = types.SimpleNamespace(registerCustomSampleDataSource=register)
    monkeypatch.setitem(sys.modules, "SampleData", module)
    return sources


@pytest.fixture
def small_scan():
    """A scan on an oblique grid, and its masks."""
    image = sitk.GetImageFromArray(np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6))
    image.SetOrigin((-31.0, 12.0, 7.5))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetDirection((0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    tumour = image > 60
    organ = image > 30
    return image, {"Liver": organ, "Tumour": tumour}


def test_the_module_registers_its_sample_once_slicer_has_started(window, sample_data):
    module = importlib.import_module("PeritumoralRadiomics")
    module.PeritumoralRadiomics(types.SimpleNamespace())
    assert sample_data == []
    for slot in window.app.started:
        slot()
    [(category, name, thumbnail, _)] = sample_data
    assert (category, name) == (CATEGORY, NAME)
    assert Path(thumbnail).is_file()


def test_choosing_the_sample_puts_it_into_the_scene(window, sample_data, small_scan, tmp_path):
    register_sample(tmp_path / "picture.png", lambda: small_scan)
    sample_data[0][3](None)
    assert slicer.mrmlScene.GetFirstNodeByName(NAME).IsA("vtkMRMLScalarVolumeNode")


def test_every_voxel_is_where_it_was(window, small_scan):
    image, masks = small_scan
    volume, segmentation = load_sample(lambda: small_scan)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(volume), sitk.GetArrayFromImage(image))
    to_ras = __import__("vtk").vtkMatrix4x4()
    volume.GetIJKToRASMatrix(to_ras)
    lps = image.TransformIndexToPhysicalPoint((3, 2, 1))
    assert to_ras.MultiplyPoint((3, 2, 1, 1))[:3] == pytest.approx((-lps[0], -lps[1], lps[2]))
    for name, mask in masks.items():
        found = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, volume)
        np.testing.assert_array_equal(found, sitk.GetArrayFromImage(mask))


def test_the_real_sample_is_ready_for_rings(panel):
    module = importlib.import_module("PeritumoralRadiomics")
    load_sample(module._sampleScan)
    panel.enter()
    panel._parameterNode.tumourSegment = "Tumour"
    panel._parameterNode.organSegment = "Liver"
    panel.ui.createRingsButton.click()
    assert panel._parameterNode.qualityTable.GetNumberOfRows() == 4
