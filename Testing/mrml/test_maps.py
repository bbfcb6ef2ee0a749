"""Maps as overlays: where they lie, what they hold, and what the slice view shows."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.maps.feature_maps import feature_map, feature_maps, map_features
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.errors import Cancelled, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsCoreLib.jobs.process import read_line
from RadiomicsSlicerLib.nodes import volume_grid, volume_image
from RadiomicsSlicerLib.segments import segment_mask
from RadiomicsSlicerLib.tables import record_of, source_of
from RadiomicsSlicerLib.volumes.overlays import map_values, put_map


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
    beyond = (inside < display.GetWindowLevelMin()) | (inside > display.GetWindowLevelMax())
    assert 0 < beyond.mean() < 0.03  # outliers do not take the contrast
    assert display.GetApplyThreshold() and display.GetColorNode().GetName() == "Radiomics map"
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
    assert node.GetDisplayNode().GetColorNode().GetName() == "Radiomics map"


# --- the Logic's verb --------------------------------------------------------------------------------------


@pytest.fixture
def logic(scene):
    return module.PeritumoralRadiomicsLogic()


def expected_map(case, mask: np.ndarray, feature: str, radius: int) -> np.ndarray:
    """The library's map on the whole volume."""
    image = volume_image(case.volume)
    region = sitk.GetImageFromArray(mask.astype(np.uint8))
    region.CopyInformation(image)
    made = feature_map(image, region, feature, kernel_radius=radius, settings={"binWidth": 25})
    return sitk.GetArrayFromImage(made)


@pytest.mark.parametrize("feature", ["firstorder_Entropy", "glcm_Contrast"])
def test_the_map_of_a_ring_is_the_librarys_on_the_whole_scan(make_case, oblique, logic, feature):
    case = make_case(oblique)
    ring = logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))[0]
    seen = []
    node = logic.featureMap(
        case.volume, case.segmentation, ring, feature, 1, progress=lambda fraction, message: seen.append(fraction)
    )
    mask = segment_mask(case.segmentation, ring, case.volume).on(volume_grid(case.volume).whole)
    expected = expected_map(case, mask, feature, 1).astype(np.float32)
    found = np.full(expected.shape, np.nan)
    start = np.rint((np.linalg.inv(volume_grid(case.volume).to_world) @ volume_grid(node).to_world)[:3, 3]).astype(int)
    values = map_values(node)
    found[tuple(slice(a, a + n) for a, n in zip(start[::-1], values.shape, strict=True))] = values
    assert np.array_equal(found, expected, equal_nan=True)
    assert seen[-1] == 1.0 and node.GetName() == f"{feature} of ring_0_3mm"
    assert record_of(node)["kernel_radius"] == 1 and source_of(node, "segmentation") is case.segmentation


def test_a_map_takes_all_settings_but_the_resampling_and_says_so(case, logic):
    node = logic.featureMap(case.volume, case.segmentation, "Tumour", "glcm_Contrast", 1, "liu2025")
    normalised = (case.voxels - case.voxels.mean()) / case.voxels.std(ddof=1) * 100
    region = sitk.GetImageFromArray(case.tumour.astype(np.uint8))
    expected = feature_map(
        sitk.GetImageFromArray(normalised), region, "glcm_Contrast", kernel_radius=1, settings={"binWidth": 25}
    )
    whole = sitk.GetArrayFromImage(expected)
    found = map_values(node)
    assert np.isfinite(found).sum() == case.tumour.sum()
    np.testing.assert_allclose(found[np.isfinite(found)], whole[np.isfinite(whole)], rtol=1e-6)
    words = "The map lies on the scan's own voxels: bin width 25 as in liu2025, without its resampling to 1 x 1 x 1 mm."
    assert record_of(node)["note"] == words


def test_a_map_keeps_to_the_window_of_its_phase(case, logic):
    hot = case.voxels.copy()
    hot.flat[np.flatnonzero(case.tumour)[0]] = 2000
    slicer.util.updateVolumeFromArray(case.volume, hot)
    given = (case.volume, case.segmentation, "Tumour", "firstorder_Maximum", 1)
    plain = logic.featureMap(*given, "wu2021")
    windowed = logic.featureMap(*given, "song2021", phase="arterial")
    assert (np.nanmax(map_values(plain)), np.nanmax(map_values(windowed))) == (2000, 130 + 310 / 2)
    assert record_of(windowed)["intensity_limits"] == [130 - 310 / 2, 130 + 310 / 2]


def test_a_map_made_in_another_process_is_the_same(case, logic, tmp_path):
    here = logic.featureMap(case.volume, case.segmentation, "Tumour", "original_glcm_Contrast", 1)
    request = logic.requestMap(case.volume, case.segmentation, "Tumour", "glcm_Contrast", 1)
    assert request.seconds() > 0
    job = logic.exportMapJob(tmp_path / "job", request, case.volume, case.segmentation)
    run = subprocess.run(job.command(sys.executable), capture_output=True, text=True, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    lines = [read_line(line) for line in run.stdout.splitlines()]
    assert lines[0].seconds_left > 0 and lines[-1].status == "done"
    there = logic.importResult(job)
    assert np.array_equal(map_values(here), map_values(there), equal_nan=True)
    assert record_of(here) == record_of(there)
    assert logic.importResult(job, there) is there


def test_what_has_no_map_is_refused_and_the_scene_is_as_it_was(case, logic, scene_text):
    case.segmentation.GetSegmentation().AddEmptySegment("empty", "empty")
    before = scene_text()
    ct, seg = case.volume, case.segmentation

    def stop(fraction, message):
        raise Cancelled("stopped")

    for act, kind, words in (
        (lambda: logic.featureMap(ct, seg, "Tumour", "shape_Sphericity"), InputError, "has no map"),
        (lambda: logic.featureMap(ct, seg, "Tumour", "wavelet-LLH_glcm_Contrast"), InputError, "has no map"),
        (lambda: logic.featureMap(ct, seg, "Tumour", "glcm_Contrast", 0), InputError, "kernel_radius"),
        (lambda: logic.featureMap(ct, seg, "Tumour", "glcm_Contrast", 1, "song2021"), InputError, "phases arterial"),
        (lambda: logic.featureMap(ct, seg, "empty", "glcm_Contrast"), RegionError, "'empty' is empty"),
        (lambda: logic.featureMap(None, seg, "Tumour", "glcm_Contrast"), InputError, "not chosen"),
        (lambda: logic.featureMap(ct, seg, "Tumour", "glcm_Contrast", progress=stop), Cancelled, "stopped"),
    ):
        with pytest.raises(kind, match=words):
            act()
        assert scene_text() == before


def test_every_feature_that_is_offered_has_a_map():
    offered = map_features()
    assert len(offered) == 18 + 75 and len(set(offered)) == len(offered)
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 100, (4, 4, 4)))
    mask = sitk.GetImageFromArray(np.ones((4, 4, 4), np.uint8))
    assert set(feature_maps(image, mask, offered)) == set(offered)
