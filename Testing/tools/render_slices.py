"""Draw Slicer's slice views without a window: ``python Testing/tools/render_slices.py [FOLDER]``.

The views are Slicer's own (slice logic and displayable managers of ``slicer-core``), rendered offscreen by Mesa's
software renderer, so no display is needed (Debian: libegl1 libgl1-mesa-dri libgl1). The pictures of the README are
made from the sample case, which is made up, or from a patient of the shared data where it is there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import slicer_core_app
import vtk

ROOT = Path(__file__).resolve().parents[2]
_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceView:
    """One slice view of Slicer, drawn into memory.

    Args:
        name: "Red", "Yellow", "Green"; the orientation follows from ``orientation``.
        orientation: "Axial", "Coronal" or "Sagittal".
        size: pixels (width, height).
    """

    def __init__(self, name: str, orientation: str = "Axial", size: tuple[int, int] = (640, 560)) -> None:
        app = slicer_core_app.bring_up()
        self.renderer = vtk.vtkRenderer()
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self.window = vtk.vtkEGLRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(8)
        self.window.SetSize(*size)
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self._image = self._image_actor()  # before the segments, which are drawn over it
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(app.logic)
        for manager in _MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.group.SetRenderer(self.renderer)
        self.group.Initialize(factory, self.renderer)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(app.logic)
        if app.logic.GetSliceLogics() is None:
            app.logic.SetSliceLogics(vtk.vtkCollection())
        app.logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(app.scene)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(app.scene, True)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation(orientation)
        self.group.SetMRMLDisplayableNode(self.node)

    def show(self, volumeNode: Any, overlay: Any = None, opacity: float = 0.5) -> None:
        """Show a volume, and another one over it."""
        composite = self.logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(volumeNode.GetID())
        composite.SetForegroundVolumeID(overlay.GetID() if overlay else None)
        composite.SetForegroundOpacity(opacity)
        self.logic.ResizeSliceNode(*self.window.GetSize())
        self.logic.FitSliceToBackground()

    def look_at(self, ras: np.ndarray, field_of_view_mm: float | None = None) -> None:
        """Move the slice through a point, and zoom so that so many mm fit into its width."""
        self.logic.SetSliceOffset(float(ras @ np.array(self.node.GetSliceToRAS().MultiplyPoint((0, 0, 1, 0))[:3])))
        if field_of_view_mm:
            width, height = self.window.GetSize()
            self.node.SetFieldOfView(field_of_view_mm, field_of_view_mm * height / width, 1)
            matrix = self.node.GetSliceToRAS()
            for axis in range(3):
                matrix.SetElement(axis, 3, float(ras[axis]))
            self.node.UpdateMatrices()

    def picture(self) -> Any:
        """Return the view as vtkImageData, RGB."""
        connection = self.logic.GetImageDataConnection()
        self._image.GetMapper().SetInputConnection(connection)
        self._image.SetVisibility(bool(connection))
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        return grab.GetOutput()

    def save(self, path: Path) -> None:
        """Write the view as PNG."""
        writer = vtk.vtkPNGWriter()
        writer.SetFileName(str(path))
        writer.SetInputData(self.picture())
        writer.Write()

    def _image_actor(self) -> Any:
        """Make what CTK's light box does in the application: the blended slices as background."""
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(actor)
        return actor
