"""Draw Slicer's slice views without a window: ``python Testing/tools/render_slices.py [FOLDER]``.

The views are Slicer's own (slice logic and displayable managers of ``slicer-core``), rendered offscreen by Mesa's
software renderer, so no display is needed (Debian: libegl1 libgl1-mesa-dri libgl1). The pictures of the README are
made from the sample case, which is made up, or from a patient of the shared data where it is there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import slicer_core_app
import vtk
from slicer_walk.cases import load_patient

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

    def close(self) -> None:
        """Take the view out of the scene."""
        self.group.SetMRMLDisplayableNode(None)
        app = slicer_core_app.bring_up()
        app.logic.GetSliceLogics().RemoveItem(self.logic)
        composite = self.logic.GetSliceCompositeNode()
        self.logic.SetMRMLScene(None)
        for node in (composite, self.node):
            if node is not None and node.GetScene() is not None:
                app.scene.RemoveNode(node)
        self.window.Finalize()

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


def side_by_side(views: list[SliceView], path: Path) -> None:
    """Write the pictures of several views beside each other as one PNG."""
    append = vtk.vtkImageAppend()
    append.SetAppendAxis(0)
    for view in views:
        append.AddInputData(view.picture())
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(append.GetOutputPort())
    writer.Write()


def draw_rings(patient: Path, path: Path) -> None:
    """Draw rings that an intensity window keeps out of bone and air, in two slice views."""
    from PeritumoralRadiomics import PeritumoralRadiomicsLogic
    from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

    volume, segmentation = load_patient(patient)
    settings = RingSettings(outer_mm=(3, 6, 9), window=(-150, 250))
    PeritumoralRadiomicsLogic().createRings(segmentation, "Tumour", volume, settings)
    centre = np.array(segmentation.GetSegmentCenterRAS("Tumour"))
    views = [SliceView("Red", "Axial"), SliceView("Green", "Coronal")]
    for view in views:
        view.show(volume)
        view.look_at(centre, 150)
    side_by_side(views, path)


def draw_map(patient: Path, path: Path) -> None:
    """Draw a map of tumour and ring over the scan, with its legend, in two slice views."""
    from PeritumoralRadiomics import PeritumoralRadiomicsLogic
    from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

    volume, segmentation = load_patient(patient)
    logic = PeritumoralRadiomicsLogic()
    settings = RingSettings(outer_mm=(9,), window=(-150, 250))
    (ring,) = logic.createRings(segmentation, "Tumour", volume, settings)
    segmentation.GetDisplayNode().SetAllSegmentsOpacity2DFill(0.0)
    views = [SliceView("Map Red", "Axial"), SliceView("Map Green", "Coronal")]  # first: they wait for legends
    overlay = logic.featureMap(volume, segmentation, ring, "firstorder_Entropy", kernelRadius=2)
    centre = np.array(segmentation.GetSegmentCenterRAS("Tumour"))
    for view in views:
        view.show(volume, overlay, 0.8)
        view.look_at(centre - (28, 0, 0), 190)  # to the left, clear of the legend
    slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLColorLegendDisplayNode").Modified()
    side_by_side(views, path)


def main(words: list[str]) -> int:
    """Draw all pictures into a folder."""
    folder = Path(words[0]) if words else ROOT / "Resources" / "Screenshots"
    shared = Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    patient = shared / "sts" / "STS_023"
    if not patient.is_dir():
        sys.stderr.write(f"{patient} is not here: the pictures are made from a public patient\n")
        return 1
    sys.path.insert(0, str(ROOT / "PeritumoralRadiomics"))
    slicer_core_app.bring_up()
    folder.mkdir(parents=True, exist_ok=True)
    draw_rings(patient, folder / "rings_in_slice_view.png")
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLInteractionNode")
    draw_map(patient, folder / "map_in_slice_view.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
