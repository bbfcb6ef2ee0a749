"""Radiomic features of a tumour and its rings as a table and a chart, in Slicer's Python console.

Run ``01_rings_in_the_console.py`` first: it makes the scan and the segmentation; or name your own nodes.
"""

import slicer

from PeritumoralRadiomics import PeritumoralRadiomicsLogic
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

volume = slicer.util.getNode("Scan")
segmentation = slicer.util.getNode("Segmentation")
logic = PeritumoralRadiomicsLogic()
logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(2, 4, 6, 8), layout="bands"))

# The 107 features of a published study; a pyradiomics parameter file does as well: "Params.yaml".
table = logic.extract(segmentation, None, volume, "wu2021")
print(table.GetNumberOfRows(), "features of", table.GetNumberOfColumns() - 1, "regions")

# A feature against the distance from the tumour's border.
chart = logic.distanceChart(table, "original_firstorder_Mean")

# Show both, if there is a window.
if slicer.app.layoutManager():
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView)
    selection = slicer.app.applicationLogic().GetSelectionNode()
    selection.SetActivePlotChartID(chart.GetID())
    selection.SetActiveTableID(table.GetID())
    slicer.app.applicationLogic().PropagatePlotChartSelection()
    slicer.app.applicationLogic().PropagateTableSelection()
