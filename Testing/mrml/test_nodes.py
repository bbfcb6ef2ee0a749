"""Volumes and segments to images and back, compared with Slicer's own conversions and with plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsSlicerLib.nodes import add_volume, volume_grid, volume_image
from RadiomicsSlicerLib.segments import add_segment, find_segment, get_tag, segment_mask, set_tag

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def linear_transform(matrix: np.ndarray, name: str = "moved"):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def rotation(degrees: float, shift=(3.0, -2.0, 5.0)) -> np.ndarray:
    matrix = np.eye(4)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix[:3, :3] = [[c, -s, 0], [s, c, 0], [0, 0, 1]]
    matrix[:3, 3] = shift
    return matrix


def nonlinear_transform():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    spline = vtk.vtkThinPlateSplineTransform()
    points = [[(0, 0, 0), (9, 0, 0), (0, 9, 0), (0, 0, 9)], [(0, 0, 0), (9, 1, 0), (0, 9, 2), (1, 0, 9)]]
    for setter, places in zip((spline.SetSourceLandmarks, spline.SetTargetLandmarks), points, strict=True):
        landmarks = vtk.vtkPoints()
        for place in places:
            landmarks.InsertNextPoint(place)
        setter(landmarks)
    node.SetAndObserveTransformToParent(spline)
    return node


def world_points(volume, indices: np.ndarray) -> np.ndarray:
    """Where Slicer places voxels (i, j, k): RAS, one by one, parent transforms included."""
    matrix, points = vtk.vtkMatrix4x4(), []
    volume.GetIJKToRASMatrix(matrix)
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(volume.GetParentTransformNode(), None, to_world)
    for index in indices:
        points.append(to_world.TransformPoint(matrix.MultiplyPoint([*index, 1])[:3]))
    return np.array(points)


# --- volumes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_a_volume_keeps_its_values_and_type(make_case, dtype):
    case = make_case(dtype=dtype)
    image = volume_image(case.volume)
    values = sitk.GetArrayFromImage(image)
    assert values.dtype == np.dtype(dtype)
    assert np.array_equal(values, case.voxels)


@pytest.mark.parametrize("transformed", [False, True])
def test_every_voxel_of_an_oblique_volume_lies_where_slicer_shows_it(make_case, oblique, transformed):
    case = make_case(oblique)
    if transformed:
        case.volume.SetAndObserveTransformNodeID(linear_transform(rotation(20)).GetID())
    image = volume_image(case.volume)
    indices = np.array([(0, 0, 0), (35, 0, 0), (0, 29, 0), (0, 0, 23), (11, 7, 3)])
    lps = [image.TransformIndexToPhysicalPoint([int(n) for n in index]) for index in indices]
    assert np.allclose(np.array(lps) * [-1, -1, 1], world_points(case.volume, indices), atol=1e-9)


def test_a_box_of_a_volume_is_the_same_part_of_the_whole(make_case, oblique):
    case = make_case(oblique)
    box = IndexBox((5, 6, 7), (10, 9, 8))
    part, whole = volume_image(case.volume, box), volume_image(case.volume)
    expected = whole[5:15, 6:15, 7:15]
    assert np.array_equal(sitk.GetArrayFromImage(part), sitk.GetArrayFromImage(expected))
    assert np.allclose(part.GetOrigin(), expected.GetOrigin(), atol=1e-9)


def test_the_image_is_a_copy_of_the_volume(case):
    image = volume_image(case.volume)
    slicer.util.arrayFromVolume(case.volume)[:] = 0
    assert sitk.GetArrayViewFromImage(image).max() > 0


def test_a_volume_that_is_put_into_the_scene_lies_voxel_on_voxel(make_case, oblique):
    case = make_case(oblique)
    case.volume.SetAndObserveTransformNodeID(linear_transform(rotation(-35)).GetID())
    box = IndexBox((4, 5, 6), (7, 8, 9))
    node = add_volume(volume_image(case.volume, box), box, case.volume, "map")
    assert np.array_equal(slicer.util.arrayFromVolume(node), case.voxels[6:15, 5:13, 4:11])
    here = world_points(node, np.array([(0, 0, 0), (6, 7, 8)]))
    there = world_points(case.volume, np.array([(4, 5, 6), (10, 12, 14)]))
    assert np.allclose(here, there, atol=1e-9)


def test_what_cannot_be_read_as_an_image_is_refused_in_one_line(make_case):
    case = make_case()
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    colour = slicer.util.addVolumeFromArray(
        np.zeros((4, 4, 4, 3), np.uint8), name="photo", nodeClassName="vtkMRMLVectorVolumeNode"
    )
    gone = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "gone")
    slicer.mrmlScene.RemoveNode(gone)
    for node, words in (
        (None, "is not chosen"),
        (empty, "'nothing' holds no voxels"),
        (colour, "3 values a voxel"),
        (gone, "no longer in the scene"),
    ):
        with pytest.raises(InputError, match=words):
            volume_image(node)
    case.volume.SetAndObserveTransformNodeID(nonlinear_transform().GetID())
    with pytest.raises(GeometryError, match=r"nonlinear transform 'warp'.*harden"):
        volume_image(case.volume)
    sheared = np.eye(4)
    sheared[0, 1] = 0.2
    case.volume.SetAndObserveTransformNodeID(linear_transform(sheared).GetID())
    with pytest.raises(GeometryError, match="not at right angles"):
        volume_image(case.volume)


# --- segments ----------------------------------------------------------------------------------------------


def by_slicer(case, segment: str) -> np.ndarray:
    """The segment's voxels by Slicer's own export."""
    segment_id = find_segment(case.segmentation, segment)
    return slicer.util.arrayFromSegmentBinaryLabelmap(case.segmentation, segment_id, case.volume) != 0


def full(case, segment: str) -> np.ndarray:
    return segment_mask(case.segmentation, segment, case.volume).on(volume_grid(case.volume).whole) != 0


def test_a_segment_comes_back_voxel_for_voxel(make_case, oblique):
    case = make_case(oblique)
    mask = segment_mask(case.segmentation, "Tumour", case.volume)
    assert np.array_equal(full(case, "Tumour"), case.tumour)
    assert np.array_equal(full(case, "Tumour"), by_slicer(case, "Tumour"))
    assert mask.box.size[::-1] == tuple(np.ptp(np.nonzero(case.tumour), axis=1) + 1)
    assert mask.warnings == ()


def test_the_mask_lies_on_the_image(make_case, oblique):
    case = make_case(oblique)
    mask = segment_mask(case.segmentation, "Tumour", case.volume)
    ours, whole = mask.image(), volume_image(case.volume)
    for corner in ((0, 0, 0), tuple(n - 1 for n in ours.GetSize())):
        there = whole.TransformPhysicalPointToContinuousIndex(ours.TransformIndexToPhysicalPoint(corner))
        assert np.allclose(there, np.add(corner, mask.box.start), atol=1e-6)


def test_overlapping_segments_and_several_layers_stay_apart(case, draw_segment):
    masks = {"Tumour": case.tumour, "big": np.zeros_like(case.tumour), "far": np.zeros_like(case.tumour)}
    masks["big"][3:20, 2:25, 5:30] = True
    masks["far"][0:3, 0:4, 0:5] = True
    for name in ("big", "far"):
        draw_segment(case, name, masks[name])
    case.segmentation.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert case.segmentation.GetSegmentation().GetNumberOfLayers() == 2
    for name, mask in masks.items():
        assert np.array_equal(full(case, name), mask)


def test_a_segment_on_a_coarser_grid_is_read_as_slicer_reads_it(make_case, oblique):
    case = make_case(oblique)
    coarse = oblique.copy()
    coarse[:3, 0] *= 2.3
    coarse[:3, 3] += 0.7
    pet = slicer.util.addVolumeFromArray(np.zeros((24, 30, 16), np.float32), coarse, "PET")
    segment = case.segmentation.GetSegmentation().AddEmptySegment("PET tumour", "PET tumour")
    drawn = np.zeros((24, 30, 16), np.uint8)
    drawn[5:12, 8:20, 4:11] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, case.segmentation, segment, pet)
    assert np.array_equal(full(case, "PET tumour"), by_slicer(case, "PET tumour"))
    (warning,) = segment_mask(case.segmentation, "PET tumour", case.volume).warnings
    assert "another grid" in warning and "nearest voxels" in warning


@pytest.mark.parametrize("moved", ["both", "segmentation", "volume"])
def test_parent_transforms_are_never_ignored(make_case, oblique, moved):
    case = make_case(oblique)
    nodes = {"both": (case.volume, case.segmentation), "segmentation": (case.segmentation,), "volume": (case.volume,)}
    transform = linear_transform(rotation(4, (2.0, 1.0, -1.5)))
    for node in nodes[moved]:
        node.SetAndObserveTransformNodeID(transform.GetID())
    assert np.array_equal(full(case, "Tumour"), by_slicer(case, "Tumour"))
    assert np.array_equal(full(case, "Tumour"), case.tumour) == (moved == "both")
    for node in nodes[moved]:
        node.HardenTransform()
    assert np.array_equal(full(case, "Tumour"), by_slicer(case, "Tumour"))


def test_a_flipped_volume_of_the_same_lattice_is_met_voxel_for_voxel(make_case, oblique):
    case = make_case(oblique)
    turned = oblique.copy()
    turned[:, [0, 2]] = turned[:, [2, 0]]
    turned[:3, 1] *= -1
    turned[:3, 3] += oblique[:3, 1] * 29
    values = np.ascontiguousarray(np.flip(case.voxels.transpose(2, 1, 0), 1))
    other = slicer.util.addVolumeFromArray(values, turned, "turned")
    mask = segment_mask(case.segmentation, "Tumour", other)
    assert mask.warnings == ()
    expected = np.flip(case.tumour.transpose(2, 1, 0), 1)
    assert np.array_equal(mask.on(volume_grid(other).whole) != 0, expected)


def test_what_lies_outside_the_volume_is_left_out_and_said(make_case):
    case = make_case()
    small = slicer.util.addVolumeFromArray(case.voxels[:12], np.eye(4), "half")
    mask = segment_mask(case.segmentation, "Tumour", small)
    assert np.array_equal(mask.on(volume_grid(small).whole) != 0, case.tumour[:12])
    lost = case.tumour[12:].sum() / case.tumour.sum()
    assert mask.warnings == (f"{lost:.1%} of segment 'Tumour' lies outside volume 'half' and is left out",)


def test_a_closed_surface_is_converted_on_a_copy(make_case, oblique, scene_text):
    case = make_case(oblique)
    case.segmentation.CreateClosedSurfaceRepresentation()
    case.segmentation.SetSourceRepresentationToClosedSurface()
    case.segmentation.RemoveBinaryLabelmapRepresentation()
    before = scene_text()
    found = full(case, "Tumour")
    assert scene_text() == before
    overlap = 2 * (found & case.tumour).sum() / (found.sum() + case.tumour.sum())
    assert overlap > 0.93  # surface smoothing moves the border by part of a voxel
    assert np.array_equal(found, by_slicer(case, "Tumour"))


def test_a_segment_that_cannot_be_read_is_refused_in_one_line(make_case, oblique, scene_text):
    case = make_case(oblique)
    segmentation = case.segmentation.GetSegmentation()
    segmentation.AddEmptySegment("empty", "empty")
    for number in (1, 2):
        segmentation.AddEmptySegment(f"twin{number}", "twin")
    away = oblique.copy()
    away[:3, 3] += 1000
    other_patient = slicer.util.addVolumeFromArray(case.voxels, away, "another patient")
    before = scene_text()
    for arguments, kind, words in (
        ((None, "Tumour", case.volume), InputError, "the segmentation is not chosen"),
        ((case.segmentation, "Tumor", case.volume), InputError, "no segment 'Tumor'; it has Tumour, empty"),
        ((case.segmentation, "", case.volume), InputError, "not chosen"),
        ((case.segmentation, "twin", case.volume), InputError, "2 segments named 'twin'"),
        ((case.segmentation, "empty", case.volume), RegionError, "'empty' is empty"),
        ((case.segmentation, "Tumour", other_patient), GeometryError, "does not overlap with volume 'another patient'"),
    ):
        with pytest.raises(kind, match=words) as caught:
            segment_mask(*arguments)
        assert "\n" not in str(caught.value)
    assert scene_text() == before
    case.segmentation.SetAndObserveTransformNodeID(nonlinear_transform().GetID())
    with pytest.raises(GeometryError, match="nonlinear"):
        segment_mask(case.segmentation, "Tumour", case.volume)


@pytest.mark.parametrize("transformed", [False, True])
def test_a_mask_becomes_a_segment_and_comes_back(make_case, oblique, transformed):
    case = make_case(oblique)
    if transformed:
        case.segmentation.SetAndObserveTransformNodeID(linear_transform(rotation(15)).GetID())
    mask = np.zeros((4, 5, 6), bool)
    mask[1:, 2:, :3] = True
    box = IndexBox((20, 10, 8), (6, 5, 4))
    segment = add_segment(case.segmentation, mask, box, case.volume, name="ours", colour=(1, 0, 0))
    expected = np.zeros_like(case.tumour)
    expected[8:12, 10:15, 20:26] = mask
    assert np.array_equal(full(case, segment), expected)
    assert np.array_equal(by_slicer(case, "ours"), expected)


def test_tags_of_any_text_survive_saving(scene, case, tmp_path):
    text = '{"name": "a|b: c", "umlaut": "\\u00fc", "quote": "\\""}'
    set_tag(case.segmentation, find_segment(case.segmentation, "Tumour"), "Test.Tag", text)
    path = str(tmp_path / "scene.mrb")
    assert scene.WriteToMRB(path)
    scene.Clear(0)
    assert scene.ReadFromMRB(path, False)
    node = slicer.util.getNode("Segmentation")
    assert get_tag(node, find_segment(node, "Tumour"), "Test.Tag") == text.replace("|", "\\u007c")
