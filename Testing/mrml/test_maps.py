"""Maps as overlays: where they lie, what they hold, and what the slice view shows."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from RadiomicsCoreLib.errors import RegionError
from RadiomicsCoreLib.geometry import IndexBox
from RadiomicsSlicerLib.maps import map_values, put_map
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.tables import record_of, source_of


@pytest.fixture
def values(make_case):
    """Some values in the tumour's box, NaN outside the tumour."""
    tumour = make_case().tumour
    found = np.argwhere(tumour)
    low, high = found.min(axis=0), found.max(axis=0) + 1
    part = tumour[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    numbers = np.random.default_rng(5).normal(-3, 2, part.shape).astype(np.float32)
    box = IndexBox(tuple(int(n) for n in low[::-1]), part.shape[::-1])
    return np.where(part, numbers, np.nan), box


def test_a_map_lies_on_the_scan_and_keeps_its_values(make_case, oblique, values):
    numbers, box = values
    case = make_case(oblique)
    node = put_map(numbers, box, case.volume, name="Entropy", record={"feature": "x"}, sources={})
    assert np.array_equal(map_values(node), numbers, equal_nan=True)
    place = np.linalg.inv(volume_grid(case.volume).to_world) @ volume_grid(node).to_world
    assert np.allclose(place[:3, 3], box.start, atol=1e-9) and np.allclose(place[:3, :3], np.eye(3))
    assert record_of(node)["feature"] == "x" and source_of(node, "volume") is case.volume


def test_only_the_region_is_shown_in_the_range_of_its_values(case, values):
    numbers, box = values
    display = put_map(numbers, box, case.volume, name="m", record={}, sources={}).GetDisplayNode()
    inside = numbers[np.isfinite(numbers)]
    assert display.GetWindowLevelMin() == pytest.approx(inside.min(), rel=1e-6)
    assert display.GetWindowLevelMax() == pytest.approx(inside.max(), rel=1e-6)
    assert display.GetApplyThreshold() and display.GetColorNode().GetName() == "Iron"
    outside = record_of(display.GetDisplayableNode())["outside"]
    assert outside < display.GetLowerThreshold() < inside.min() <= inside.max() < display.GetUpperThreshold()


def test_a_map_can_be_replaced_in_its_place(case, values):
    numbers, box = values
    first = put_map(numbers, box, case.volume, name="m", record={}, sources={})
    volumes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    again = put_map(numbers + 5, box, case.volume, name="m", record={}, sources={}, mapNode=first)
    assert again is first
    assert np.allclose(map_values(again), numbers + 5, equal_nan=True)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == volumes
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 1


def test_constant_values_are_shown_and_no_values_are_refused(case, values, scene_text):
    numbers, box = values
    before = scene_text()
    with pytest.raises(RegionError, match="no value at any voxel"):
        put_map(np.full_like(numbers, np.nan), box, case.volume, name="m", record={}, sources={})
    assert scene_text() == before
    constant = np.where(np.isfinite(numbers), 1e7, np.nan)
    node = put_map(constant, box, case.volume, name="m", record={}, sources={})
    assert np.array_equal(map_values(node), constant, equal_nan=True)
    assert node.GetDisplayNode().GetLowerThreshold() < 1e7 < node.GetDisplayNode().GetUpperThreshold()


def test_a_map_survives_saving_and_loading(scene, case, values, tmp_path):
    numbers, box = values
    put_map(numbers, box, case.volume, name="Entropy map", record={"feature": "x"}, sources={})
    path = str(tmp_path / "scene.mrb")
    assert scene.WriteToMRB(path)
    scene.Clear(0)
    assert scene.ReadFromMRB(path, False)
    node = slicer.util.getNode("Entropy map")
    assert np.array_equal(map_values(node), numbers, equal_nan=True)
    assert source_of(node, "volume").GetName() == "CT"
    assert node.GetDisplayNode().GetColorNode().GetName() == "Iron"
