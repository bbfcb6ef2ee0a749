"""A chart of several series of points: curves, marks or floating bars, each with a small table that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from ..tables import put_table

COLOURS = (
    (0.15, 0.45, 0.70),
    (0.84, 0.37, 0.00),
    (0.00, 0.55, 0.42),
    (0.74, 0.35, 0.58),
    (0.55, 0.47, 0.10),
    (0.35, 0.35, 0.35),
    (0.33, 0.66, 0.88),
    (0.60, 0.20, 0.15),
)
"""Told apart by colour-blind eyes, on white and on dark grey (after Okabe and Ito)."""
_CHART, _POINTS = "PeritumoralRadiomics.Chart", "PeritumoralRadiomics.Points"


@dataclass(frozen=True)
class Series:
    """Points of a chart, in order.

    Attributes:
        name: in the legend.
        x, y: of the points.
        colour: (red, green, blue), 0 to 1; None: the next of :data:`COLOURS`.
        width: of the line between them; 0: no line.
        dashed: a line of reference.
        marks: size of the points' marks; 0: none.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: tuple[float, float, float] | None = None
    width: int = 3
    dashed: bool = False
    marks: int = 0


@dataclass(frozen=True)
class Axes:
    """Titles of a chart and its axes, and the ranges that are shown; None: of the points."""

    title: str
    x: str
    y: str
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


def put_chart(name: str, series: Sequence[Series], axes: Axes, *, legend: bool = True) -> Any:
    """Show series in the chart of a name; that of an earlier call is filled anew, with its place in the views.

    Args:
        name: of the chart.
        series: at least one point altogether.
        axes: titles and ranges.
        legend: whether the names are shown.

    Returns:
        The vtkMRMLPlotChartNode.
    """
    chart = _chart_of(name)
    modified = chart.StartModify()
    try:
        _remove_series(chart)
        for number, one in enumerate(series):
            chart.AddAndObservePlotSeriesNodeID(_series(name, one, number).GetID())
        chart.SetTitle(axes.title)
        chart.SetXAxisTitle(axes.x)
        chart.SetYAxisTitle(axes.y)
        chart.SetLegendVisibility(legend)
        for points, given, auto, put in (
            ([x for one in series for x in one.x], axes.x_range, chart.SetXAxisRangeAuto, chart.SetXAxisRange),
            ([y for one in series for y in one.y], axes.y_range, chart.SetYAxisRangeAuto, chart.SetYAxisRange),
        ):
            auto(False)
            put(*(given or _with_room(points)))
    finally:
        chart.EndModify(modified)
    return chart


def _chart_of(name: str) -> Any:
    for node in slicer.util.getNodesByClass("vtkMRMLPlotChartNode"):
        if node.GetAttribute(_CHART) == name:
            return node
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAttribute(_CHART, name)
    return node


def _remove_series(chart: Any) -> None:
    series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    chart.RemoveAllPlotSeriesNodeIDs()
    for one in series:
        table = one.GetTableNode()
        slicer.mrmlScene.RemoveNode(one)
        if table is not None and table.GetAttribute(_POINTS):
            slicer.mrmlScene.RemoveNode(table)


def _series(chart: str, one: Series, number: int) -> Any:
    scene = slicer.mrmlScene
    table = put_table({"x": _floats(one.x), "y": _floats(one.y)}, f"{chart}: {one.name}")
    table.SetAttribute(_POINTS, "1")
    table.SetHideFromEditors(True)
    node = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", one.name)
    node.SetAndObserveTableNodeID(table.GetID())
    node.SetXColumnName("x")
    node.SetYColumnName("y")
    node.SetPlotType(node.PlotTypeScatter)
    node.SetLineStyle(
        node.LineStyleNone if not one.width else node.LineStyleDash if one.dashed else node.LineStyleSolid
    )
    node.SetLineWidth(max(1, one.width))
    node.SetMarkerStyle(node.MarkerStyleCircle if one.marks else node.MarkerStyleNone)
    node.SetMarkerSize(max(1, one.marks))
    node.SetColor(*(one.colour or COLOURS[number % len(COLOURS)]))
    return node


def _floats(values: Sequence[float]) -> list[float]:
    return [float(value) for value in values]


def _with_room(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room
