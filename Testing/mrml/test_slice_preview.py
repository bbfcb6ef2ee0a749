"""Outlines of rings before they are segments, in Slicer's own slice views."""

from __future__ import annotations

import ctypes.util

import numpy as np
import pytest
from vtk.util.numpy_support import vtk_to_numpy

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralSlicerLib.logic.rings import grow_rings
from PeritumoralSlicerLib.panel.slice_preview import SlicePreview

needs_egl = pytest.mark.skipif(
    ctypes.util.find_library("EGL") is None, reason="needs libegl1 and libgl1-mesa-dri to render without a display"
)


@pytest.fixture
def grown(case):
    return grow_rings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3, 6)))


@needs_egl
def test_slicer_draws_every_outline_in_its_colour_at_its_distance(case, grown):
    from render_slices import SliceView

    view = SliceView("Preview", "Axial", (400, 400))
    view.show(case.volume)
    view.look_at(np.array([19.0, 13.0, 11.0]), 40)
    case.segmentation.SetDisplayVisibility(False)
    preview = SlicePreview()
    preview.show(grown)
    picture = view.picture()
    width, height, _ = picture.GetDimensions()
    pixels = vtk_to_numpy(picture.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].astype(int)
    line = pixels[200, :200][::-1]  # from the centre to the left, 10 pixels a mm; the tumour reaches 7.1 mm
    for name, distance_mm in (("ring_0_3mm", 10.1), ("ring_0_6mm", 13.1)):
        colour = np.array(grown.colours[name]) * 255
        near = line[round(10 * (distance_mm - 1.2)) : round(10 * (distance_mm + 1.2))]
        assert np.abs(near - colour).max(axis=1).min() < 60, name
    preview.clear()


def test_outlines_are_not_saved_not_listed_and_leave_nothing(case, grown, scene, scene_text):
    before, nodes = scene_text(), scene.GetNumberOfNodes()
    preview = SlicePreview()
    preview.show(grown)
    assert scene_text() == before
    assert all(model.GetHideFromEditors() for model in preview.models)
    preview.clear()
    assert scene.GetNumberOfNodes() == nodes


def test_outlines_are_taken_over_by_the_next_ones(case, grown, scene):
    preview = SlicePreview()
    preview.show(grown)
    first = preview.models
    preview.show(grow_rings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 4, 6))))
    assert preview.models[:2] == first
    assert [model.GetName() for model in preview.models] == ["ring_0_2mm", "ring_0_4mm", "ring_0_6mm"]
    preview.show(grown)
    assert preview.models == first


def test_a_scene_that_is_closed_meanwhile_does_no_harm(case, grown, scene):
    preview = SlicePreview()
    preview.show(grown)
    scene.Clear(0)
    preview.clear()
    assert preview.models == []
