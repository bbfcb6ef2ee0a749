"""Rings for a look before they are created: near the rings, known when they are there, refused where they cost much."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralSlicerLib.logic import ring_samples
from PeritumoralSlicerLib.logic.ring_limits import find_limits
from PeritumoralSlicerLib.logic.ring_samples import run_to_end, sample_steps
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.segments import segment_mask

SETTINGS = RingSettings(outer_mm=(3, 6))


@pytest.fixture
def logic(scene):
    return module.PeritumoralRadiomicsLogic()


def preview(logic, case, settings=SETTINGS, organ=None, exclusions=()):
    return logic.previewRings(case.segmentation, "Tumour", case.volume, settings, organ, exclusions)


def on_volume(case, segment):
    return segment_mask(case.segmentation, segment, case.volume).on(volume_grid(case.volume).whole) != 0


def outlined(ring, found, case):
    """Whether the centre of each voxel of the volume lies within an outline that is drawn in the world."""
    grid = volume_grid(case.volume)
    to_points = np.linalg.inv(found.to_world) @ grid.to_world
    k, j, i = np.indices(grid.size[::-1])
    places = np.einsum("ab,bkji->akji", to_points[:3, :3], np.stack([i, j, k])) + to_points[:3, 3][:, None, None, None]
    return ndimage.map_coordinates(ring.field, places[::-1], order=1, mode="constant", cval=ring.field.min()) > 0


def save_again(case):
    """Do to the labelmaps what saving a scene does: another object, another MTime, the same voxels."""
    segmentation = case.segmentation.GetSegmentation()
    copies = {}
    for number in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(number)
        labelmap = segment.GetRepresentation("Binary labelmap")
        if labelmap not in copies:
            copies[labelmap] = slicer.vtkOrientedImageData()
            copies[labelmap].DeepCopy(labelmap)
        segment.AddRepresentation("Binary labelmap", copies[labelmap])
    segmentation.InvokeEvent(slicer.vtkSegmentation.SourceRepresentationModified)


@pytest.mark.parametrize("most", [ring_samples.MOST_POINTS, 500])
def test_outlines_lie_by_the_rings_and_leave_the_scene_alone(
    make_case, oblique, logic, scene_text, draw_segment, monkeypatch, most
):
    monkeypatch.setattr(ring_samples, "MOST_POINTS", most)
    case = make_case(oblique)
    wall = np.zeros_like(case.tumour)
    wall[:, :, 25:] = True
    draw_segment(case, "Wall", wall)
    before = scene_text()
    found = preview(logic, case, exclusions=["Wall"])
    assert scene_text() == before
    assert [ring.name for ring in found.rings] == ["ring_0_3mm", "ring_0_6mm"]
    created = logic.createRings(case.segmentation, "Tumour", case.volume, SETTINGS, None, ["Wall"])
    spacing = volume_grid(case.volume).spacing[::-1]
    step = np.linalg.norm(found.to_world[:3, :3], axis=0).max()
    assert (step > 2 * max(spacing)) == (most == 500)
    for ring, segment in zip(found.rings, created, strict=True):
        expected = on_volume(case, segment) | case.tumour
        differ = outlined(ring, found, case) != expected
        inside = ndimage.distance_transform_edt(expected, sampling=spacing)
        outside = ndimage.distance_transform_edt(~expected, sampling=spacing)
        assert (inside + outside)[differ].max() <= 1.1 * step
        assert ring.volume_ml == pytest.approx(on_volume(case, segment).sum() * np.prod(spacing) / 1000, rel=0.3)


def transformed(case):
    """Put the segmentation under a rotation, so that its voxels lie obliquely to the volume's."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    turn[:3, 3] = 1.5, -4.0, 0.7
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    case.segmentation.SetAndObserveTransformNodeID(transform.GetID())


def turned(case):
    """Give the volume the same voxels in another order, as another reader may."""
    array = np.ascontiguousarray(np.flip(slicer.util.arrayFromVolume(case.volume).transpose(2, 0, 1), (0, 2)))
    to_old = np.eye(4)
    # New (k, j, i) are the old (i flipped, k, j flipped).
    _, n_j, n_i = case.tumour.shape
    to_old[:3, :3] = [[0, 0, -1], [-1, 0, 0], [0, 1, 0]]
    to_old[:3, 3] = n_i - 1, n_j - 1, 0
    matrix = volume_grid(case.volume).to_world @ to_old
    slicer.util.updateVolumeFromArray(case.volume, array)
    case.volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))


@pytest.mark.parametrize("change", [None, transformed, turned])
def test_a_segment_looked_up_at_the_points_is_the_segment_read_in_full(make_case, oblique, draw_segment, change):
    case = make_case(oblique)
    second = np.zeros_like(case.tumour)
    second[9:14, 4:9, 8:30] = True
    draw_segment(case, "Second", second)
    if change:
        change(case)
    limits = find_limits(case.segmentation, "Tumour", exclusions=["Second"])
    found = run_to_end(sample_steps(case.segmentation, "Tumour", case.volume, SETTINGS, limits))
    assert found.ground.factors == (1, 1, 1)
    grid = volume_grid(case.volume)
    start = np.rint(np.linalg.inv(grid.to_world) @ found.to_world[:, 3])[:3].astype(int)
    part = tuple(slice(a, a + n) for a, n in zip(start[::-1], found.ground.tumour.shape, strict=True))
    assert np.array_equal(found.ground.tumour, on_volume(case, "Tumour")[part])
    assert np.array_equal(found.ground.barriers[0].blocked, on_volume(case, "Second")[part])
    assert found.ground.barriers[0].blocked.any() and found.ground.tumour.any()


def test_rings_that_are_there_are_known_by_what_they_were_made_from(make_case, logic, draw_segment, scene, tmp_path):
    case = make_case()
    liver = np.ones_like(case.tumour)
    liver[:, :9] = False
    draw_segment(case, "Liver", liver)
    rings = logic.createRings(case.segmentation, "Tumour", case.volume, SETTINGS, "Liver")
    assert preview(logic, case, organ="Liver").rings == ()
    save_again(case)
    assert preview(logic, case, organ="Liver").rings == ()
    edited = on_volume(case, rings[0])
    edited[12:] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(edited.astype(np.uint8), case.segmentation, rings[0], case.volume)
    assert preview(logic, case, organ="Liver").rings == (), "an edited ring is a ring"
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"), False)
    found = slicer.util.getNode("Segmentation"), "Tumour", slicer.util.getNode("CT")
    assert logic.previewRings(*found, SETTINGS, "Liver").rings == ()
    assert logic.previewRings(*found, RingSettings(outer_mm=(3, 7)), "Liver").rings
    assert logic.previewRings(*found, SETTINGS).rings, "without the organ they are others"


@pytest.mark.parametrize("segment", ["Tumour", "Liver"])
def test_one_voxel_more_makes_other_rings(case, logic, draw_segment, segment):
    liver = np.ones_like(case.tumour)
    liver[:, :9] = False
    draw_segment(case, "Liver", liver)
    logic.createRings(case.segmentation, "Tumour", case.volume, SETTINGS, "Liver")
    drawn = on_volume(case, segment)
    drawn[tuple(np.argwhere(drawn)[7])] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn.astype(np.uint8), case.segmentation, segment, case.volume)
    assert preview(logic, case, organ="Liver").rings


def test_what_is_wrong_with_the_input_is_said_as_for_the_rings(case, logic):
    with pytest.raises(InputError, match="no ring is asked for"):
        preview(logic, case, RingSettings())
    with pytest.raises(InputError, match="has no segment 'Liver'"):
        preview(logic, case, organ="Liver")
    empty = case.segmentation.GetSegmentation().AddEmptySegment("Empty", "Empty")
    with pytest.raises(RegionError, match="segment 'Empty' is empty"):
        logic.previewRings(case.segmentation, empty, case.volume, SETTINGS)


def of_surfaces(case, monkeypatch):
    case.segmentation.CreateClosedSurfaceRepresentation()
    case.segmentation.SetSourceRepresentationToClosedSurface()
    case.segmentation.RemoveBinaryLabelmapRepresentation()


def of_many_voxels(case, monkeypatch):
    monkeypatch.setattr(ring_samples, "MOST_VOXELS", 100)


def on_another_grid(case, monkeypatch):
    monkeypatch.setattr(ring_samples, "MOST_RESAMPLED", 100)
    case.volume.SetSpacing(1.1, 0.9, 1.0)


@pytest.mark.parametrize("make_costly", [of_surfaces, of_many_voxels, on_another_grid])
def test_what_would_hold_up_the_window_is_refused_until_the_rings_are_there(case, logic, monkeypatch, make_costly):
    make_costly(case, monkeypatch)
    with pytest.raises(InputError, match="press Create rings"):
        preview(logic, case)
    assert len(logic.createRings(case.segmentation, "Tumour", case.volume, SETTINGS)) == 2
    assert preview(logic, case).rings == ()


def test_very_many_rings_are_refused(case, logic):
    with pytest.raises(InputError, match="50 rings are too many for outlines; press Create rings"):
        preview(logic, case, RingSettings(outer_mm=tuple(np.arange(1, 51) / 10)))


def test_a_preview_looks_at_a_bounded_number_of_points_however_far_the_rings_reach(scene, logic):
    volume = slicer.util.addVolumeFromArray(np.zeros((200, 300, 300), np.int16), np.diag([1.0, 1.0, 1.5, 1]), "large")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "large")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    k, j, i = np.ogrid[:200, :300, :300]
    ball = (1.5 * (k - 100)) ** 2 + (j - 150) ** 2 + (i - 150) ** 2 <= 60**2
    for name, mask in (("Tumour", ball), ("Body", np.ones((200, 300, 300), bool))):
        segmentation.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, name, volume)
    for plane in ("3d", "every_slice", "largest_slice"):
        for distance in (3, 60, 300):
            settings = RingSettings(outer_mm=(distance,), plane=plane, window=(-10, 10))
            found = logic.previewRings(segmentation, "Tumour", volume, settings, "Body")
            assert found.rings[0].field.size <= 1.4 * ring_samples.MOST_POINTS, (plane, distance)
            assert (found.rings[0].field > 0).any()


def test_a_tumour_smaller_than_the_steps_is_still_seen(make_case, logic, draw_segment, monkeypatch):
    monkeypatch.setattr(ring_samples, "MOST_POINTS", 60)
    case = make_case()
    speck = np.zeros_like(case.tumour)
    speck[11, 14, 20] = True
    draw_segment(case, "Speck", speck)
    (ring,) = logic.previewRings(case.segmentation, "Speck", case.volume, RingSettings(outer_mm=(9,))).rings
    assert (ring.field > 0).any()


def test_labelmaps_are_only_read(case, logic):
    labelmap = case.segmentation.GetSegmentation().GetSegment("Tumour").GetRepresentation("Binary labelmap")
    before = vtk_to_numpy(labelmap.GetPointData().GetScalars()).copy(), labelmap.GetMTime()
    preview(logic, case)
    assert np.array_equal(vtk_to_numpy(labelmap.GetPointData().GetScalars()), before[0])
    assert labelmap.GetMTime() == before[1]
