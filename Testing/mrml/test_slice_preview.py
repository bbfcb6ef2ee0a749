"""Outlines of rings before they are segments, in Slicer's own slice views."""

from __future__ import annotations

import ctypes.util

import numpy as np
import pytest
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralSlicerLib.panel import slice_preview
from PeritumoralSlicerLib.panel.slice_preview import SlicePreview
from RadiomicsSlicerLib.slice_views import ShownSlice

needs_egl = pytest.mark.skipif(
    ctypes.util.find_library("EGL") is None, reason="needs libegl1 and libgl1-mesa-dri to render without a display"
)
MIDDLE = np.array([19.0, 13.0, 11.0])  # of the tumour, which reaches 7.1, 6.3 and 5.2 mm along the axes


@pytest.fixture
def found(case):
    """Outlines around the tumour of the small case."""
    return module.PeritumoralRadiomicsLogic().previewRings(
        case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3, 6))
    )


class BareView:
    """A slice node with a renderer, for what needs no picture."""

    def __init__(self, name="Red"):
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(slicer.mrmlScene, True)
        self.node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if self.node is None:
            self.node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSliceNode")
            self.node.UnRegister(None)
            self.node.SetSingletonTag(name)
            self.node.SetLayoutName(name)
            self.node = slicer.mrmlScene.AddNode(self.node)
        self.node.SetOrientationToAxial()
        self.node.SetDimensions(200, 160, 1)
        self.node.SetFieldOfView(100, 80, 1)
        self.renderer = vtk.vtkRenderer()
        self.rendered = 0

    def shown(self):
        return ShownSlice(self.node, self.renderer, self.render)

    def render(self):
        self.rendered += 1

    @property
    def actors(self):
        return self.renderer.GetViewProps().GetNumberOfItems()

    @property
    def visible(self):
        actors = self.renderer.GetViewProps()
        return [bool(actors.GetItemAsObject(n).GetVisibility()) for n in range(actors.GetNumberOfItems())]


@pytest.fixture
def slices(scene):
    """Make slice views."""

    made = []

    def make(*names):
        from render_slices import SliceView

        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLInteractionNode")  # or every view warns that there is none
        made.extend(SliceView(f"Preview {name}", name, (400, 400)) for name in names)
        return made

    yield make
    for view in made:
        view.close()


def above(mm):
    """A point so far above the middle."""
    return MIDDLE + np.array([0.0, 0.0, mm])


def pixels(view):
    """The picture as (row from the top, column, RGB)."""
    picture = view.picture()
    width, height, _ = picture.GetDimensions()
    return vtk_to_numpy(picture.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].astype(int)


def has_colour(part, colour):
    return np.abs(part - np.array(colour) * 255).max(axis=-1).min() < 60


@needs_egl
def test_every_outline_is_seen_in_its_colour_at_its_distance_in_every_view(case, found, slices):
    views = slices("Axial", "Coronal")
    case.segmentation.SetDisplayVisibility(False)
    for view in views:
        view.show(case.volume)
        view.look_at(MIDDLE, 40)
    preview = SlicePreview(lambda: [ShownSlice(view.node, view.renderer, lambda: None) for view in views])
    before = [pixels(view) for view in views]
    preview.show(found)
    for view in views:  # 10 pixels a mm; from the middle to the left
        line = pixels(view)[200, :200][::-1]
        for colour, distance_mm in zip(found.colours, (10.1, 13.1), strict=True):
            assert has_colour(line[round(10 * (distance_mm - 1.2)) : round(10 * (distance_mm + 1.2))], colour)
            assert not has_colour(line[: round(10 * (distance_mm - 1.2))], colour)
    preview.clear()
    for view, picture in zip(views, before, strict=True):
        assert np.array_equal(pixels(view), picture)


@needs_egl
def test_outlines_follow_the_slice_that_is_shown(case, found, slices):
    (view,) = slices("Axial")
    case.segmentation.SetDisplayVisibility(False)
    view.show(case.volume)
    view.look_at(MIDDLE, 40)
    preview = SlicePreview(lambda: [ShownSlice(view.node, view.renderer, lambda: None)])
    preview.show(found)
    colour = found.colours[1]
    view.look_at(above(8), 40)  # the outer ring reaches 6 mm beyond the tumour's 5.2
    line = pixels(view)[200, :200][::-1]
    # Of an ellipsoid of 13.1 x 12.3 x 11.2 mm, 8 mm above its middle: 13.1 mm * sqrt(1 - (8 / 11.2)^2) = 9.2 mm.
    assert has_colour(line[75:105], colour) and not has_colour(line[115:150], colour)
    view.look_at(above(12.5), 40)
    assert not has_colour(pixels(view), colour)
    preview.clear()


@needs_egl
def test_an_outline_is_seen_in_an_oblique_slice_of_an_oblique_volume(make_case, oblique, slices):
    case = make_case(oblique)
    found = module.PeritumoralRadiomicsLogic().previewRings(
        case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(4,))
    )
    (view,) = slices("Axial")
    case.segmentation.SetDisplayVisibility(False)
    view.show(case.volume)
    middle = (oblique @ (*MIDDLE, 1))[:3]
    view.look_at(middle, 40)
    preview = SlicePreview(lambda: [ShownSlice(view.node, view.renderer, lambda: None)])
    preview.show(found)
    picture = pixels(view)
    near = np.abs(picture - np.array(found.colours[0]) * 255).max(axis=-1) < 60
    rows, columns = np.nonzero(near)
    assert len(rows) > 200
    # Each pixel of the line lies at 4 mm from the ellipsoid's surface, give or take a voxel (up to 2 mm) and the line.
    to_world = slicer.util.arrayFromVTKMatrix(view.node.GetXYToRAS())
    ras = to_world @ np.stack([columns, 399 - rows, np.zeros(len(rows)), np.ones(len(rows))])
    index = np.linalg.inv(oblique) @ ras
    inside = np.argwhere(case.tumour)[:, ::-1]
    centres = (oblique @ np.column_stack([inside, np.ones(len(inside))]).T)[:3]
    distances = [np.linalg.norm(centres - point[:, None], axis=0).min() for point in ras[:3].T[::10]]
    assert np.isfinite(index).all() and min(distances) > 2.5 and max(distances) < 6.5
    preview.clear()


def test_outlines_are_no_nodes_and_leave_nothing(case, found, scene, scene_text):
    view = BareView()
    before, nodes = scene_text(), scene.GetNumberOfNodes()
    observers = view.node.HasObserver(vtk.vtkCommand.ModifiedEvent)
    preview = SlicePreview(lambda: [view.shown()])
    preview.show(found)
    assert preview.outlines == ["ring_0_3mm", "ring_0_6mm"]
    assert view.actors == 2 and view.rendered
    assert scene_text() == before and scene.GetNumberOfNodes() == nodes
    preview.clear()
    assert view.actors == 0 and preview.outlines == []
    assert view.node.HasObserver(vtk.vtkCommand.ModifiedEvent) == observers


def test_outlines_are_replaced_by_the_next_ones(case, found):
    view = BareView()
    preview = SlicePreview(lambda: [view.shown()])
    logic = module.PeritumoralRadiomicsLogic()
    for distances in ((3, 6), (2, 4, 6), (5,)):
        settings = RingSettings(outer_mm=distances)
        preview.show(logic.previewRings(case.segmentation, "Tumour", case.volume, settings))
        assert view.actors == len(distances)


def test_only_a_slice_that_meets_the_rings_has_outlines_and_views_of_any_zoom_are_bounded(case, found):
    view = BareView()
    preview = SlicePreview(lambda: [view.shown()])
    preview.show(found)
    view.node.JumpSlice(*MIDDLE)
    assert view.visible == [True, True]
    view.node.JumpSlice(*above(40))
    assert view.visible == [False, False]
    view.node.JumpSlice(*MIDDLE)
    for field in (1.0, 5000.0):
        view.node.SetFieldOfView(field, 0.8 * field, 1)
        for outlines in preview._drawn:
            for outline in outlines._outlines:
                outline.lines()
                assert outline._reslice.GetOutput().GetNumberOfPoints() < 100_000


def test_a_scene_that_is_closed_meanwhile_does_no_harm(case, found, scene):
    view = BareView()
    preview = SlicePreview(lambda: [view.shown()])
    preview.show(found)
    scene.Clear(0)
    view.node.Modified()
    preview.clear()
    assert preview.outlines == [] and view.actors == 0


def test_views_of_a_new_layout_get_outlines_and_those_that_go_lose_them(case, found, monkeypatch):
    layout = slicer.vtkMRMLLayoutNode()
    monkeypatch.setattr(slice_preview, "layout_node", lambda: layout)
    red, green = BareView("Red"), BareView("Green")
    views = [red]
    preview = SlicePreview(lambda: [view.shown() for view in views])
    preview.show(found)
    views[:] = [green]
    layout.Modified()
    assert (red.actors, green.actors) == (0, 2)
    preview.clear()
    layout.Modified()
    assert (red.actors, green.actors) == (0, 0)


def test_without_a_window_nothing_is_drawn_and_nothing_fails(case, found):
    preview = SlicePreview()
    preview.show(found)
    assert preview.outlines == ["ring_0_3mm", "ring_0_6mm"]
    preview.clear()


class FakeWidget:
    """The calls of qMRMLSliceWidget and its view that Slicer's own annotations use (DataProbe)."""

    def __init__(self, view):
        self._view, self._renderers = view, vtk.vtkRendererCollection()
        self._renderers.AddItem(view.renderer)

    def sliceView(self):
        return self

    def sliceLogic(self):
        return self

    def GetSliceNode(self):
        return self._view.node

    def renderWindow(self):
        return self

    def GetRenderers(self):
        return self._renderers

    def scheduleRender(self):
        self._view.render()


def test_outlines_find_the_slice_views_of_the_window(case, found, monkeypatch):
    red, green = BareView("Red"), BareView("Green")
    widgets = {"Red": FakeWidget(red), "Green": FakeWidget(green)}

    class Manager:
        layout = slicer.vtkMRMLLayoutNode()

        def sliceViewNames(self):
            return tuple(widgets)

        def sliceWidget(self, name):
            return widgets[name]

        def layoutLogic(self):
            return self

        def GetLayoutNode(self):
            return self.layout

    monkeypatch.setattr(slicer.app, "layoutManager", Manager)
    preview = SlicePreview()
    preview.show(found)
    assert (red.actors, green.actors) == (2, 2) and red.rendered and green.rendered
    del widgets["Green"]
    Manager.layout.Modified()
    assert (red.actors, green.actors) == (2, 0)
    preview.clear()
    assert (red.actors, green.actors) == (0, 0)
