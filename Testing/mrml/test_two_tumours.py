"""Two tumours in one segmentation: rings of one do not enter the other, and what that costs them is told."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralSlicerLib.logic.tumour_marks import other_tumours
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.segments import segment_mask
from RadiomicsSlicerLib.tables import table_columns

SETTINGS = RingSettings(outer_mm=(4, 8))


@pytest.fixture
def logic(scene):
    return module.PeritumoralRadiomicsLogic()


def ball(centre, radius):
    k, j, i = np.ogrid[:40, :40, :60]
    return (k - 20) ** 2 + (j - 20) ** 2 + (i - centre) ** 2 <= radius**2


class Pair:
    """Two balls whose borders are 4 mm apart, and their segments A and B."""

    def __init__(self, draw_segment):
        self.volume = slicer.util.addVolumeFromArray(np.zeros((40, 40, 60), np.int16), np.eye(4), "CT")
        self.segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
        self.segmentation.CreateDefaultDisplayNodes()
        self.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(self.volume)
        self.masks = {"A": ball(20, 7), "B": ball(36, 5)}
        for name, mask in self.masks.items():
            draw_segment(self, name, mask)

    def voxels(self, segment):
        return segment_mask(self.segmentation, segment, self.volume).on(volume_grid(self.volume).whole) != 0


@pytest.fixture
def pair(scene, draw_segment):
    return Pair(draw_segment)


def alone(pair, name):
    """The rings that a tumour has where no other one is."""
    logic = module.PeritumoralRadiomicsLogic()
    rings = logic.createRings(pair.segmentation, name, pair.volume, SETTINGS, otherTumourSegments=())
    found = [pair.voxels(ring) for ring in rings]
    for ring in rings:
        pair.segmentation.GetSegmentation().RemoveSegment(ring)
    return found


def quality(logic, pair, tumour):
    return table_columns(logic.qualityTable(pair.segmentation, pair.volume, tumour))


def test_a_tumour_with_rings_is_left_out_of_the_rings_of_the_other_and_the_share_is_told(pair, logic):
    free = alone(pair, "B")
    logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    rings = logic.createRings(pair.segmentation, "B", pair.volume, SETTINGS)
    table = quality(logic, pair, "B")
    for row, (ring, whole) in enumerate(zip(rings, free, strict=True), start=1):
        assert np.array_equal(pair.voxels(ring), whole & ~pair.masks["A"])
        inside = np.count_nonzero(whole & pair.masks["A"])
        assert table["retained_fraction"][row] == pytest.approx(1 - inside / np.count_nonzero(whole))
        assert ("lies inside other tumour 'A' and is left out" in table["warnings"][row]) == (
            inside >= 0.0005 * np.count_nonzero(whole)  # what reads as 0.0 % is no warning
        )
    assert inside > 100, "the rings of this test meet the other tumour"
    assert f"{inside / np.count_nonzero(whole):.1%} of ring_0_8mm" in table["warnings"][2]


def test_rings_that_were_there_first_are_told_and_mended_by_creating_them_again(pair, logic):
    first = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert (pair.voxels(first[1]) & pair.masks["B"]).any()
    logic.createRings(pair.segmentation, "B", pair.volume, SETTINGS)
    shared = np.count_nonzero(pair.voxels(first[1]) & pair.masks["B"])
    whole = np.count_nonzero(pair.voxels(first[1]))
    words = f"{shared} of {whole} voxels of ring_0_8mm lie inside tumour 'B'; create the rings again to leave them out"
    assert words in quality(logic, pair, "A")["warnings"][2]
    again = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert not (pair.voxels(again[1]) & pair.masks["B"]).any()
    assert "create the rings again" not in quality(logic, pair, "A")["warnings"][2]


def test_a_marked_segment_is_left_out_and_an_unmarked_one_is_not(pair, logic, scene, tmp_path):
    free = alone(pair, "A")
    (_, ring) = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert np.array_equal(pair.voxels(ring), free[1]), "a segment is no tumour of its own before it is marked"
    logic.markTumour(pair.segmentation, "B")
    (_, ring) = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert np.array_equal(pair.voxels(ring), free[1] & ~pair.masks["B"])
    logic.createRings(pair.segmentation, "B", pair.volume, SETTINGS)
    logic.markTumour(pair.segmentation, "B", False)
    (_, ring) = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert np.array_equal(pair.voxels(ring), free[1])
    logic.markTumour(pair.segmentation, "B")
    scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"), False)
    assert other_tumours(slicer.util.getNode("Segmentation"), "A") == ["B"]


def test_a_call_decides_for_itself_which_tumours_are_left_out(pair, logic):
    free = alone(pair, "A")
    logic.createRings(pair.segmentation, "B", pair.volume, SETTINGS)
    none = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS, otherTumourSegments=())
    assert np.array_equal(pair.voxels(none[1]), free[1])
    logic.markTumour(pair.segmentation, "B", False)
    named = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS, otherTumourSegments=["B"])
    assert np.array_equal(pair.voxels(named[1]), free[1] & ~pair.masks["B"])


def test_another_drawing_of_the_same_tumour_is_not_left_out_and_that_is_told(pair, logic, draw_segment):
    second_reader = ball(21, 7.5)
    draw_segment(pair, "A by reader 2", second_reader)
    logic.createRings(pair.segmentation, "A by reader 2", pair.volume, SETTINGS)
    (_, ring) = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert (pair.voxels(ring) & second_reader).any()
    words = "'A by reader 2' shares more than half of its voxels with the tumour"
    assert words in quality(logic, pair, "A")["warnings"][1]
    assert words in logic.previewRings(pair.segmentation, "A", pair.volume, RingSettings(outer_mm=(5,))).warnings[0]


def test_a_tumour_drawn_a_little_into_the_other_is_still_another_one(pair, logic, draw_segment):
    neighbour = ball(29, 3)
    assert 0 < np.count_nonzero(neighbour & pair.masks["A"]) < 0.5 * np.count_nonzero(neighbour)
    draw_segment(pair, "C", neighbour)
    logic.markTumour(pair.segmentation, "C")
    (_, ring) = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS)
    assert not (pair.voxels(ring) & neighbour).any()
    assert np.array_equal(pair.voxels("A"), pair.masks["A"])


def test_marked_segments_that_are_empty_or_excluded_already_do_no_harm(pair, logic):
    pair.segmentation.GetSegmentation().AddEmptySegment("Empty", "Empty")
    for name in ("Empty", "B"):
        logic.markTumour(pair.segmentation, name)
    logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS, None, ["B"])
    assert "other tumour" not in "".join(quality(logic, pair, "A")["warnings"][1:2])


def test_outlines_stay_out_of_the_other_tumour_too(pair, logic):
    logic.markTumour(pair.segmentation, "B")
    (ring,) = logic.previewRings(pair.segmentation, "A", pair.volume, RingSettings(outer_mm=(8,))).rings
    found = logic.previewRings(pair.segmentation, "A", pair.volume, RingSettings(outer_mm=(8,)))
    start = np.rint(found.to_world[:3, 3]).astype(int)
    part = tuple(slice(a, a + n) for a, n in zip(start[::-1], ring.field.shape, strict=True))
    assert not ((ring.field > 0) & pair.masks["B"][part]).any()
    assert any("lies inside other tumour 'B'" in text for text in ring.warnings)


def test_a_ring_at_the_skin_holds_no_air_in_slicer_as_on_the_command_line(pair, logic):
    import SimpleITK as sitk

    from PeritumoralRadiomicsLib.regions.growing import grow_regions

    j, i = np.ogrid[:40, :60]
    body = np.broadcast_to((j - 20) ** 2 + (i - 20) ** 2 <= 15**2, (40, 40, 60))
    bowel = np.broadcast_to((j - 20) ** 2 + (i - 31) ** 2 <= 2**2, (40, 40, 60))
    values = np.where(body & ~bowel, 40, -1000).astype(np.int16)
    slicer.util.updateVolumeFromArray(pair.volume, values)
    rings = logic.createRings(pair.segmentation, "A", pair.volume, SETTINGS, otherTumourSegments=())
    mask = sitk.GetImageFromArray(pair.masks["A"].astype(np.uint8))
    expected = grow_regions(mask, SETTINGS, image=sitk.GetImageFromArray(values), phase="CT")
    for name, ring in zip(("ring_0_4mm", "ring_0_8mm"), rings, strict=True):
        found = pair.voxels(ring)
        np.testing.assert_array_equal(found, sitk.GetArrayFromImage(expected.full_mask(name)) != 0)
    assert not (found & ~body).any() and (found & bowel).any()
