"""Rings in Slicer's own slice views, rendered offscreen."""

from __future__ import annotations

import ctypes.util

import numpy as np
import pytest
from vtk.util.numpy_support import vtk_to_numpy

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsSlicerLib.layouts import show_map

pytestmark = pytest.mark.skipif(
    ctypes.util.find_library("EGL") is None, reason="needs libegl1 and libgl1-mesa-dri to render without a display"
)


def pixels(view) -> np.ndarray:
    """Return the picture as (row from the top, column, RGB)."""
    picture = view.picture()
    width, height, _ = picture.GetDimensions()
    return vtk_to_numpy(picture.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].astype(int)


def test_every_ring_is_seen_around_the_tumour_in_its_colour(make_case):
    from render_slices import SliceView

    case = make_case()
    case.segmentation.GetSegmentation().GetNthSegment(0).SetColor(1, 0, 0)
    case.segmentation.GetDisplayNode().SetSliceIntersectionThickness(3)
    rings = module.PeritumoralRadiomicsLogic().createRings(
        case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 4))
    )
    view = SliceView("Test", "Axial", (400, 400))
    view.show(case.volume)
    view.look_at(np.array([19.0, 13.0, 11.0]), 40)
    picture = pixels(view)
    colours = {"Tumour": (255, 0, 0)}
    for ring in rings:
        segment = case.segmentation.GetSegmentation().GetSegment(ring)
        colours[segment.GetName()] = tuple(round(255 * channel) for channel in segment.GetColor())
    # Along the line from the centre to the left: 10 pixels a mm, the tumour reaches 7.1 mm along this axis.
    line = picture[200, :200][::-1]
    for name, distance_mm in (("Tumour", 7.1), ("ring_0_2mm", 9.1), ("ring_0_4mm", 11.1)):
        near = line[round(10 * (distance_mm - 1.2)) : round(10 * (distance_mm + 1.2))]
        assert np.abs(near - colours[name]).max(axis=1).min() < 40, name
    assert (picture[200, 200] > 0).all()  # the scan is seen through the tumour


def coloured(picture: np.ndarray) -> np.ndarray:
    """Return which pixels are neither black, grey nor white."""
    return picture.max(axis=2) - picture.min(axis=2) > 60


def test_a_map_shows_its_legend_at_once_and_takes_it_along(make_case):
    from render_slices import SliceView

    case = make_case()
    case.segmentation.GetDisplayNode().SetVisibility(False)
    view = SliceView("Legend", "Axial", (500, 400))  # is there first, as in the application
    view.show(case.volume)
    view.look_at(np.array([19.0, 13.0, 11.0]), 60)
    logic = module.PeritumoralRadiomicsLogic()
    made = logic.featureMap(case.volume, case.segmentation, "Tumour", "firstorder_Range", 1)
    assert not coloured(pixels(view)).any()
    show_map(made, 0.8)
    picture = pixels(view)
    bar = picture[:, 460:]
    assert coloured(picture[:, :400]).sum() > 1000, "the map is not shown"
    assert coloured(bar).sum() > 1000, "the legend is not shown"
    show_map(None, 0.0)
    assert not coloured(pixels(view)).any()


def heights_of_text(picture: np.ndarray) -> list[int]:
    """Return the heights of the lines of white text, from above."""
    rows = (picture.min(axis=2) > 200).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rows.astype(int), [0]])))
    return [int(b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def test_the_digits_of_a_legend_are_smaller_than_its_title(make_case):
    from render_slices import SliceView

    case = make_case()
    case.segmentation.GetDisplayNode().SetVisibility(False)
    view = SliceView("Text", "Axial", (700, 700))
    logic = module.PeritumoralRadiomicsLogic()
    show_map(logic.featureMap(case.volume, case.segmentation, "Tumour", "firstorder_Range", 1), 1.0, case.volume)
    case.volume.GetDisplayNode().AutoWindowLevelOff()
    case.volume.GetDisplayNode().SetWindowLevelMinMax(5000, 6000)
    title, *digits = heights_of_text(pixels(view))
    assert len(digits) >= 3 and title > max(digits)
