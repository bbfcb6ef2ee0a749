"""A chart of one feature against the distance from the tumour's border."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import slicer

from PeritumoralRadiomicsLib.regions.kinds import RegionKind
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsSlicerLib.tables import keep_record, put_table, record_of, reference_role, source_of, table_columns

from .features import FEATURE_COLUMN

DISTANCE_COLUMN = "distance_mm"
_ROOM = 0.05
"""Share of an axis that is left free at each end: half a marker in a chart of 100 pixels."""
_REACH = {
    # The tumour stands at its border, a ring at its outer limit, a rim inside the tumour at its depth.
    RegionKind.TUMOUR.value: lambda note: 0.0,
    RegionKind.RING.value: lambda note: note["outer_mm"],
    RegionKind.RIM.value: lambda note: note["inner_mm"],
}


def distance_chart(tableNode: Any, feature: str) -> Any:
    """Draw a feature of a table against the distance from the tumour's border.

    Called again for the same table, the same chart shows the other feature.

    Args:
        tableNode: from an extraction, with rings.
        feature: its name, as in the first column.

    Returns:
        The vtkMRMLPlotChartNode; its small table holds ``distance_mm``, the value and the region.

    Raises:
        InputError: no such feature, not a table of features, or no rings in it.
        RegionError: no region has a value of it.
    """
    record = record_of(tableNode)
    values = _row(tableNode, feature)
    places = {
        region: _REACH[note["kind"]](note) for region, note in record["regions"].items() if note["kind"] in _REACH
    }
    if not any(record["regions"][region]["kind"] != RegionKind.TUMOUR.value for region in places):
        raise InputError(f"table {tableNode.GetName()!r} has no rings; extract the rings' features first")
    shown = sorted((place, region) for region, place in places.items() if math.isfinite(values[region]))
    if not shown:
        raise RegionError(f"no region of table {tableNode.GetName()!r} has a value of {feature}; choose another")
    columns = {
        DISTANCE_COLUMN: [place for place, _ in shown],
        feature: [values[region] for _, region in shown],
        "region": [region for _, region in shown],
    }
    chart = source_of(tableNode, "chart") or _new_chart(tableNode)
    series = chart.GetNthPlotSeriesNode(0)
    table = put_table(columns, f"{tableNode.GetName()} by distance", source_of(chart, "points"))
    _link(tableNode, chart, series, table, feature)
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(*with_room(columns[DISTANCE_COLUMN]))
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(*with_room(columns[feature]))
    return chart


def with_room(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of an axis that shows these values with their markers whole.

    Slicer's own range ends at the outermost points, whose markers are cut in half there.

    Example:
        >>> with_room([0.0, 3.0, 10.0]), with_room([7.0]), with_room([0.0])
        ((-0.5, 10.5), (6.5, 7.5), (-0.5, 0.5))
    """
    low, high = min(values), max(values)
    room = _ROOM * (high - low)
    if low + room == low or high - room == high:  # one point, or points that floating numbers cannot tell apart
        room = max(0.5, _ROOM * abs(high))
    return low - room, high + room


def _row(tableNode: Any, feature: str) -> dict[str, float]:
    columns = table_columns(tableNode)
    names = columns.pop(FEATURE_COLUMN, None)
    if names is None:
        raise InputError(f"table {tableNode.GetName()!r} holds no features; choose a table that Extract made")
    if feature not in names:
        raise InputError(f"table {tableNode.GetName()!r} has no feature {feature!r}; choose one of its first column")
    row = names.index(feature)
    return {region: values[row] for region, values in columns.items()}


def _new_chart(tableNode: Any) -> Any:
    scene = slicer.mrmlScene
    name = f"{tableNode.GetName()} chart"
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", scene.GenerateUniqueName(f"{name} series"))
    series.SetPlotType(series.PlotTypeScatter)
    series.SetMarkerStyle(series.MarkerStyleCircle)
    series.SetMarkerSize(9)
    series.SetLineStyle(series.LineStyleSolid)
    series.SetColor(0.15, 0.51, 0.56)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", scene.GenerateUniqueName(name))
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetLegendVisibility(False)
    return chart


def _link(tableNode: Any, chart: Any, series: Any, table: Any, feature: str) -> None:
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(DISTANCE_COLUMN)
    series.SetYColumnName(feature)
    series.SetLabelColumnName("region")
    chart.SetTitle(feature)
    chart.SetXAxisTitle("distance from the tumour border (mm)")
    chart.SetYAxisTitle(feature)
    keep_record(chart, {"kind": "distance chart", "feature": feature}, {"features": tableNode, "points": table})
    tableNode.SetNodeReferenceID(reference_role("chart"), chart.GetID())
