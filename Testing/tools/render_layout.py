"""Make a picture of our layout, slices, 3D, chart and table side by side: ``python Testing/tools/render_layout.py``.

What it is made of, as no 3D Slicer was at hand:

- The places and sizes of the views are worked out from the layout's own XML, as Qt's splitters do it.
- Slices and 3D are drawn by Slicer's own displayable managers (``slicer-core``), into memory.
- The chart is drawn by VTK's chart, as in Slicer, from our chart node and with its settings.
- The table is the stand-in's over Qt (``Testing/gui/slicer_stand_in``); the bars above the views show the colours and
  letters of the XML and are painted here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "Testing/tools", "Testing/gui/slicer_stand_in"):
    sys.path.insert(0, str(ROOT / folder))

import numpy as np  # noqa: E402
import slicer  # noqa: E402
import slicer_window  # noqa: E402
import vtk  # noqa: E402
from PySide6 import QtCore, QtGui  # noqa: E402
from render_slices import SliceView, load_patient  # noqa: E402

SIZE = (1500, 900)
BAR, GAP = 20, 4
FEATURE = "original_firstorder_Mean"


@dataclass(frozen=True)
class Place:
    """A view of the layout.

    Attributes:
        element: its XML.
        box: left, top, width, height in pixels, bar and all.
    """

    element: ElementTree.Element
    box: tuple[int, int, int, int]

    @property
    def name(self) -> str:
        """Its singleton tag."""
        return self.element.get("singletontag", "")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height below the bar."""
        return self.box[2], self.box[3] - BAR

    def property(self, name: str) -> str:
        """Return a property of the XML; empty without it."""
        found = self.element.find(f"property[@name='{name}']")
        return "" if found is None else found.text or ""


def places(layout: ElementTree.Element, box: tuple[int, int, int, int]) -> list[Place]:
    """Return where every view of a layout lies: sizes as the splitters', equal where none is said."""
    items = layout.findall("item")
    wanted = [int(item.get("splitSize", 0)) for item in items]
    weights = wanted if any(wanted) else [1] * len(items)
    axis = 0 if layout.get("type") == "horizontal" else 1
    room = box[2 + axis] - GAP * (len(items) - 1)
    edges = [round(room * sum(weights[:n]) / sum(weights)) for n in range(len(items) + 1)]
    found = []
    for number, item in enumerate(items):
        part = list(box)
        part[axis] = box[axis] + edges[number] + GAP * number
        part[2 + axis] = edges[number + 1] - edges[number]
        inner = (part[0], part[1], part[2], part[3])
        view, nested = item.find("view"), item.find("layout")
        if view is not None:
            found.append(Place(view, inner))
        elif nested is not None:
            found += places(nested, inner)
    return found


def as_picture(window: Any) -> QtGui.QImage:
    """Return what a render window shows."""
    from vtk.util.numpy_support import vtk_to_numpy

    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    return _image_of(grab.GetOutput(), vtk_to_numpy)


def _image_of(data: Any, to_numpy: Any) -> QtGui.QImage:
    width, height, _ = data.GetDimensions()
    values = np.ascontiguousarray(to_numpy(data.GetPointData().GetScalars()).reshape(height, width, 3)[::-1])
    return QtGui.QImage(values.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888).copy()


def draw_slice(place: Place, case: Any) -> QtGui.QImage:
    """Draw a slice view around the tumour."""
    from vtk.util.numpy_support import vtk_to_numpy

    view = SliceView(place.name, place.property("orientation"), place.size)
    view.show(case.volume)
    view.look_at(np.array(case.segmentation.GetSegmentCenterRAS("Tumour")), 150)
    return _image_of(view.picture(), vtk_to_numpy)


def draw_space(place: Place, case: Any) -> QtGui.QImage:
    """Draw the 3D view with Slicer's display of segmentations."""
    from PeritumoralSlicerLib.logic.ring_tags import ringed_segments
    from RadiomicsSlicerLib.layouts import show_in_space

    show_in_space(case.segmentation, {"Tumour", *ringed_segments(case.segmentation)})
    node = slicer.vtkMRMLViewNode()
    node.SetSingletonTag(place.name)
    node = slicer.mrmlScene.AddNode(node)
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(node.GetBackgroundColor())
    renderer.SetBackground2(node.GetBackgroundColor2())
    renderer.GradientBackgroundOn()
    renderer.SetUseDepthPeeling(True)
    renderer.SetMaximumNumberOfPeels(20)
    window = vtk.vtkEGLRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetAlphaBitPlanes(1)
    window.SetMultiSamples(0)  # or translucent rings are not peeled
    window.SetSize(*place.size)
    window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    factory.RegisterDisplayableManager("vtkMRMLSegmentationsDisplayableManager3D")
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.Initialize(factory, renderer)
    group.SetMRMLDisplayableNode(node)
    window.Render()
    renderer.ResetCamera()
    camera = renderer.GetActiveCamera()
    camera.SetPosition(*np.add(camera.GetFocalPoint(), (0, 400, 90)))
    camera.SetViewUp(0, 0, 1)
    renderer.ResetCamera()
    camera.Zoom(1.2)
    return as_picture(window)


def draw_chart(place: Place, case: Any) -> QtGui.QImage:
    """Draw the chart node with VTK's chart and the settings that Slicer takes from it."""
    node = case.chart
    series = node.GetNthPlotSeriesNode(0)
    table = series.GetTableNode().GetTable()
    chart = vtk.vtkChartXY()
    plot = chart.AddPlot(vtk.vtkChart.LINE)
    plot.SetInputData(table, series.GetXColumnName(), series.GetYColumnName())
    plot.SetColorF(*series.GetColor())
    plot.SetWidth(series.GetLineWidth())
    plot.SetMarkerStyle(vtk.vtkPlotPoints.CIRCLE)
    plot.SetMarkerSize(series.GetMarkerSize())
    chart.SetTitle(node.GetTitle())
    chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
    for number, title, shown in (
        (vtk.vtkAxis.BOTTOM, node.GetXAxisTitle(), node.GetXAxisRange()),
        (vtk.vtkAxis.LEFT, node.GetYAxisTitle(), node.GetYAxisRange()),
    ):
        axis = chart.GetAxis(number)
        axis.SetBehavior(vtk.vtkAxis.FIXED)
        axis.SetUnscaledRange(*shown)
        axis.SetTitle(title)
        axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
        axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())
        axis.SetGridVisible(node.GetGridVisibility())
    actor = vtk.vtkContextActor()  # a vtkContextView would make a window of its own first, which wants a display
    actor.GetScene().AddItem(chart)
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    renderer.AddActor(actor)
    actor.GetScene().SetRenderer(renderer)
    window = vtk.vtkEGLRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(8)
    window.SetSize(*place.size)
    window.AddRenderer(renderer)
    return as_picture(window)


def draw_table(place: Place, case: Any) -> QtGui.QImage:
    """Draw the table of features."""
    view = slicer.qMRMLTableView()
    view.setMRMLTableNode(case.table)
    view.resize(*place.size)
    view.show()
    slicer_window.APPLICATION.processEvents()
    picture = view.grab().toImage()
    view.hide()
    return picture


DRAWN_BY = {
    "vtkMRMLSliceNode": draw_slice,
    "vtkMRMLViewNode": draw_space,
    "vtkMRMLPlotViewNode": draw_chart,
    "vtkMRMLTableViewNode": draw_table,
}


@dataclass(frozen=True)
class Case:
    """What the views show."""

    volume: Any
    segmentation: Any
    table: Any
    chart: Any


def make_case(patient: Path) -> Case:
    """Create rings of a patient, extract their features, and chart one of them."""
    from PeritumoralRadiomics import PeritumoralRadiomicsLogic
    from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

    volume, segmentation = load_patient(patient)
    logic = PeritumoralRadiomicsLogic()
    logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(3, 6, 9), window=(-150, 250)))
    table = logic.extract(segmentation, None, volume, "wu2021")
    return Case(volume, segmentation, table, logic.distanceChart(table, FEATURE))


def compose(case: Case) -> QtGui.QImage:
    """Draw every view into its place."""
    from RadiomicsSlicerLib.layouts import layout_description

    picture = QtGui.QImage(*SIZE, QtGui.QImage.Format.Format_RGB32)
    picture.fill(QtGui.QColor("#d8d8d8"))
    found = places(ElementTree.fromstring(layout_description()), (0, 0, *SIZE))
    drawn = [(place, DRAWN_BY[place.element.get("class", "")](place, case)) for place in found]
    painter = QtGui.QPainter(picture)
    for place, view in drawn:
        left, top, width, _ = place.box
        bar = QtCore.QRect(left, top, width, BAR)
        painter.fillRect(bar, QtGui.QColor(place.property("viewcolor") or "#b6b6b6"))
        painter.drawText(bar.adjusted(8, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, place.property("viewlabel"))
        painter.drawImage(left, top + BAR, view)
    painter.end()
    return picture


def main(words: list[str]) -> int:
    """Draw the layout into a folder."""
    folder = Path(words[0]) if words else ROOT / "Resources" / "Screenshots"
    shared = Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    patient = shared / "sts" / "STS_023"
    if not patient.is_dir():
        sys.stderr.write(f"{patient} is not here: the picture is made from a public patient\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with slicer_window.window():
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLInteractionNode")
        compose(make_case(patient)).save(str(folder / "layout.png"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
