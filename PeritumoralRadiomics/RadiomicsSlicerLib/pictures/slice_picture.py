"""The slice views as they are seen: tumour, rings and maps, as PNG for a page."""

from __future__ import annotations

import base64

import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy


def slice_pictures() -> list[tuple[str, str]]:
    """Return a caption and a PNG in base64 of each slice view that shows something; none without a main window."""
    manager = slicer.app.layoutManager()
    found = []
    for name in manager.sliceViewNames() if manager is not None else ():
        widget = manager.sliceWidget(name)
        widget.sliceView().forceRender()
        window = widget.sliceView().renderWindow()
        if min(window.GetSize()) < 2:
            continue
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(window)
        grab.SetInputBufferTypeToRGB()
        grab.ReadFrontBufferOff()
        grab.Update()
        values = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars())
        if values.min() == values.max():
            continue
        writer = vtk.vtkPNGWriter()
        writer.SetInputConnection(grab.GetOutputPort())
        writer.WriteToMemoryOn()
        writer.Write()
        png = base64.b64encode(vtk_to_numpy(writer.GetResult()).tobytes()).decode("ascii")
        orientation = widget.sliceLogic().GetSliceNode().GetOrientation()
        found.append((f"{orientation} slice, as it was seen", png))
    return found
