"""One layout of our own: slices, 3D, chart and table side by side; and what is shown in it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import slicer
import slicer.util

from RadiomicsCoreLib.errors import RadiomicsError

from .segments import segment_ids, segment_mask

# Slicer's own layouts have numbers below 100; this one is ours.
LAYOUT_ID = 53471

SURROUNDING_OPACITY = 0.15
SOFT_TISSUE = (400, 40)
"""Window and level, HU."""
_AIR_BELOW = -500
"""Only CT numbers reach so low: MR and PET have none below zero."""

_SLICE = """
<item splitSize="500"><view class="vtkMRMLSliceNode" singletontag="{name}">
 <property name="orientation" action="default">{orientation}</property>
 <property name="viewlabel" action="default">{letter}</property>
 <property name="viewcolor" action="default">{colour}</property>
</view></item>"""
_SLICES = (
    ("Red", "Axial", "R", "#F34A33"),
    ("Yellow", "Sagittal", "Y", "#EDD54C"),
    ("Green", "Coronal", "G", "#6EB04B"),
)


def layout_description() -> str:
    """Return the layout as XML: the slices and 3D in a square at the left, chart over table at the right.

    Every level says its sizes: a splitter without them goes by its views' size hints, and a chart has none.
    """
    red, yellow, green = (
        _SLICE.format(name=name, orientation=orientation, letter=letter, colour=colour)
        for name, orientation, letter, colour in _SLICES
    )
    space = (
        '<item splitSize="500"><view class="vtkMRMLViewNode" singletontag="1">'
        '<property name="viewlabel" action="default">1</property></view></item>'
    )
    chart = (
        '<item splitSize="500"><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">'
        '<property name="viewlabel" action="default">P</property></view></item>'
    )
    table = (
        '<item splitSize="500"><view class="vtkMRMLTableViewNode" singletontag="TableView1">'
        '<property name="viewlabel" action="default">T</property></view></item>'
    )
    return (
        '<layout type="horizontal" split="true">'
        f'<item splitSize="600"><layout type="vertical" split="true">'
        f'<item splitSize="500"><layout type="horizontal" split="true">{red}{space}</layout></item>'
        f'<item splitSize="500"><layout type="horizontal" split="true">{green}{yellow}</layout></item>'
        "</layout></item>"
        f'<item splitSize="400"><layout type="vertical" split="true">{chart}{table}</layout></item>'
        "</layout>"
    )


def show_layout() -> bool:
    """Arrange the views; nothing happens where there are none (no main window).

    Returns:
        Whether there are views.
    """
    if not register_layout():
        return False
    slicer.app.layoutManager().setLayout(LAYOUT_ID)
    return True


def register_layout() -> bool:
    """Make the layout known to Slicer, and show it anew where a loaded scene asks for it.

    Called once Slicer has started: a scene saved in this layout finds it then, instead of a blank window.

    Returns:
        Whether there are views.
    """
    manager = slicer.app.layoutManager()
    if manager is None:
        return False
    node = manager.layoutLogic().GetLayoutNode()
    if not node.IsLayoutDescription(LAYOUT_ID):
        node.AddLayoutDescription(LAYOUT_ID, layout_description())
        if node.GetViewArrangement() == LAYOUT_ID:
            node.SetViewArrangement(LAYOUT_ID)  # the manager's setLayout does nothing for the number that it has
    return True


def show_in_space(segmentationNode: Any, inside: Collection[str] = ()) -> None:
    """Show a segmentation in the 3D views, as the button Show 3D of the Segment Editor does, and look at it.

    Args:
        segmentationNode: with tumours and rings, and maybe the organ around them.
        inside: ids of segments to be seen, such as the tumours and their rings. They are seen through all other
            segments, unless the user has given those an opacity of their own.
    """
    if segmentationNode.CreateClosedSurfaceRepresentation():
        _see_through(segmentationNode, inside)
        segmentationNode.GetDisplayNode().SetVisibility3D(True)
    manager = slicer.app.layoutManager()
    if manager is not None:
        manager.resetThreeDViews()


def _see_through(segmentationNode: Any, inside: Collection[str]) -> None:
    display = segmentationNode.GetDisplayNode()
    for segment in segment_ids(segmentationNode):
        opacity = display.GetSegmentOpacity3D(segment)
        if segment not in inside and opacity == 1:
            display.SetSegmentOpacity3D(segment, SURROUNDING_OPACITY)
        elif segment in inside and opacity == SURROUNDING_OPACITY:  # it was no tumour when it was shown the last time
            display.SetSegmentOpacity3D(segment, 1)


def show_soft_tissue(volumeNode: Any) -> None:
    """Show a CT in the window of soft tissue, unless its file or the user has chosen another one.

    Slicer's own choice for a CT reaches from air to bone, and a tumour is as grey as what is around it.
    """
    display = volumeNode.GetDisplayNode()
    if display is None or not display.GetAutoWindowLevel() or volumeNode.GetImageData() is None:
        return
    if volumeNode.GetImageData().GetScalarRange()[0] > _AIR_BELOW:
        return
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*SOFT_TISSUE)


def look_at_segment(segmentationNode: Any, segment: str, volumeNode: Any) -> None:
    """Move all slices through the middle of a segment; one that is empty or beside the volume moves none."""
    try:
        mask = segment_mask(segmentationNode, segment, volumeNode)
    except RadiomicsError:
        return
    middle = [start + (size - 1) / 2 for start, size in zip(mask.box.start, mask.box.size, strict=True)]
    r, a, s, _ = mask.grid.to_world @ (*middle, 1)
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, float(r), float(a), float(s))


def show_map(mapNode: Any, opacity: float, volumeNode: Any = None) -> None:
    """Lay a map over the scan in all slice views, with its legend; nothing happens where there are no views.

    Args:
        mapNode: None: none is shown any more.
        opacity: 0 to 1.
        volumeNode: the scan to lay it over, with the views fitted to it; None: what is shown already.
    """
    scan = {"background": volumeNode, "fit": True} if volumeNode is not None else {}
    slicer.util.setSliceViewerLayers(foreground=mapNode, foregroundOpacity=opacity, **scan)
    # Layers that are set by code come without interaction flags, and legends look at the layers with those only.
    for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        legend.Modified()


def show_volume(volumeNode: Any) -> None:
    """Show a volume alone in all slice views, fitted to it; nothing happens where there are no views."""
    slicer.util.setSliceViewerLayers(background=volumeNode, foreground=None, fit=True)


def show_table(tableNode: Any) -> None:
    """Show a table in the table views."""
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveTableID(tableNode.GetID())
    logic.PropagateTableSelection()


def show_chart(chartNode: Any) -> None:
    """Show a chart in the plot views."""
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActivePlotChartID(chartNode.GetID())
    logic.PropagatePlotChartSelection()
