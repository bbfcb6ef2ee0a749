"""The slice views as they are seen: tumour, rings and maps, as PNG for a page."""

from __future__ import annotations

import base64

import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..slice_views import shown_slices


def slice_pictures() -> list[tuple[str, str]]:
    """Return a caption and a PNG in base64 of each slice view that shows something; none without a main window."""
    found = []
    for view in shown_slices():
        window = view.renderer.GetRenderWindow()
        if window is None or min(window.GetSize()) < 2:
            continue
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        grab.Update()
        values = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars())
        if not values.size or values.min() == values.max():
            continue
        writer = vtk.vtkPNGWriter()
        writer.SetInputConnection(grab.GetOutputPort())
        writer.WriteToMemoryOn()
        writer.Write()
        png = base64.b64encode(vtk_to_numpy(writer.GetResult()).tobytes()).decode("ascii")
        found.append((f"{view.node.GetOrientation()} slice, as it was seen", png))
    return found
