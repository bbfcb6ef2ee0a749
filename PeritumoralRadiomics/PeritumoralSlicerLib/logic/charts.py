"""A chart of one feature against the distance from the tumour's border."""

from __future__ import annotations

import math
from typing import Any

import slicer

from PeritumoralRadiomicsLib.regions.kinds import RegionKind
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsSlicerLib.tables import keep_record, put_table, record_of, reference_role, source_of, table_columns

from .features import FEATURE_COLUMN

DISTANCE_COLUMN = "distance_mm"
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
    return chart


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
