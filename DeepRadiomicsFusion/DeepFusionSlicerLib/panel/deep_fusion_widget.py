"""The panel of the module DeepRadiomicsFusion. It binds, enables and calls Logic; it decides nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from PeritumoralSlicerLib.logic.sample_case import NAME as SAMPLE
from PeritumoralSlicerLib.logic.segment_boxes import (
    no_organ_words,
    own_segments,
    segment_items,
    still_there,
    tumour_words,
)
from RadiomicsSlicerLib.dependencies import ensure_packages, ensure_torch
from RadiomicsSlicerLib.module_widget import ModuleWidget
from RadiomicsSlicerLib.nodes import first_volume
from RadiomicsSlicerLib.runs.scene_case import SceneCase

from .apply_section import ApplySection
from .cohort_section import CohortSection
from .features_section import FeaturesSection

TITLE = "Deep Radiomics Fusion"
_SEGMENT_EVENTS = ("SegmentAdded", "SegmentRemoved", "SegmentModified")


class DeepFusionPanel(ModuleWidget):
    """Apply a model to a scan and its tumour, see what decided, compute deep features, train and fuse on a cohort."""

    title = TITLE

    def __init__(self, parent: Any, makeLogic: Callable[[], Any]) -> None:
        self._segmentation: Any = None
        self._segmentTags: list[int] = []
        self.sections: list[Any] = []  # made in setup, which may never be called, or fail
        super().__init__(parent, makeLogic)

    # --- binding ----------------------------------------------------------------------------------------------

    def connectButtons(self) -> None:
        """Make the sections, and connect the widgets that no parameter is bound to."""
        self.applying = ApplySection(self, self._onModified)
        self.features = FeaturesSection(self, self._onModified)
        self.cohort = CohortSection(self, self._onModified)
        self.sections = [self.applying, self.features, self.cohort]
        self.ui.sampleButton.connect("clicked(bool)", self.onSample)

    def connectors(self) -> Mapping[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import ItemConnector

        own = {
            "tumourSegment": ItemConnector(self.ui.tumourSelector),
            "organSegment": ItemConnector(self.ui.organSelector),
        }
        return own | {name: item for section in self.sections for name, item in section.connectors().items()}

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose the first volume and segmentation, and the tumour where there is one segment or one of that name."""
        if not parameters.volume:
            parameters.volume = first_volume()
        if not parameters.segmentation:
            parameters.segmentation = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        if parameters.tumourSegment not in own_segments(parameters.segmentation):
            parameters.tumourSegment = _likely_tumour(parameters.segmentation)
        self._observeSegmentation(parameters.segmentation)
        self._offerSegments(parameters)
        for section in self.sections:
            section.chooseDefaults(parameters)

    def mayBeChosen(self, node: Any) -> bool:
        """Tell whether a node may be the scan or hold the tumour."""
        return node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLSegmentationNode")

    def setParameterNode(self, parameters: Any) -> None:
        """Bind this parameter node instead of the present one; None: only unbind."""
        if parameters is None:
            self._observeSegmentation(None)
        super().setParameterNode(parameters)

    def cleanup(self) -> None:
        """Let go of everything."""
        super().cleanup()
        for section in self.sections:
            section.letGo()

    def onSceneEndImport(self, caller: Any, event: Any) -> None:
        """Follow a scene that was loaded; the numbers of its tables are put back in full."""
        self.logic.restoreTables()
        super().onSceneEndImport(caller, event)

    def parametersChanged(self, parameters: Any) -> None:
        """Follow the choices with boxes and tables."""
        if parameters.segmentation is not self._segmentation:
            self._observeSegmentation(parameters.segmentation)
            parameters.tumourSegment, parameters.organSegment = _likely_tumour(parameters.segmentation), ""
            self._offerSegments(parameters)
        for section in self.sections:
            section.follow(parameters)

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now; the tool tips say what is missing."""
        for section in self.sections:
            section.updateButtons(parameters)

    def stopWork(self, reason: str) -> None:
        """End the jobs, because the module or the scene is about to go."""
        for section in self.sections:
            section.stop(_("Stopped: {reason}.").format(reason=reason))

    # --- the patient ------------------------------------------------------------------------------------------

    def sceneCase(self, *, tumour: bool = True) -> SceneCase:
        """Return the chosen scan and tumour."""
        chosen = self._parameterNode
        segment = chosen.tumourSegment if tumour or chosen.tumourSegment else ""
        return SceneCase(chosen.volume, chosen.segmentation, segment, chosen.phase.strip(), chosen.organSegment)

    def onSample(self, *_args: Any) -> None:
        """Make the sample case of Peritumoral Radiomics, and choose it."""
        with self.reporting(_("The sample case could not be made.")):
            import SampleData

            SampleData.SampleDataLogic().downloadSamples(SAMPLE)
            volume = slicer.mrmlScene.GetFirstNodeByName(SAMPLE)
            self.choosePatient(volume, slicer.mrmlScene.GetFirstNodeByName(f"{SAMPLE} segmentation"))

    def choosePatient(self, volume: Any, segmentation: Any) -> None:
        """Choose a scan and a segmentation, with its tumour and organ if they are called so."""
        chosen = self._parameterNode
        modified = chosen.StartModify()
        chosen.volume, chosen.segmentation = volume, segmentation
        chosen.EndModify(modified)
        organs = [segment for name, segment in segment_items(segmentation, "") if name in ("Organ", "Liver")]
        chosen.organSegment = organs[0] if organs else ""

    def ensure(self, packages: Iterable[str], *, torch: bool) -> None:
        """Install packages that are missing, after asking; call it without a wait cursor.

        Raises:
            Cancelled: the user declined.
            DependencyError: they are not there then.
        """
        if torch:
            ensure_torch(TITLE)
        ensure_packages(list(packages), Path(self.resourcePath("requirements.txt")), TITLE)

    def ready(self, failure: str, packages: Iterable[str], *, torch: bool) -> bool:
        """Ask for packages that are missing; return whether work can begin."""
        with self.reporting(failure, waitCursor=False):
            self.ensure(packages, torch=torch)
            return True
        return False

    def newFolder(self) -> Path:
        """Return the path of a folder for a job, which is not there yet."""
        return Path(slicer.app.temporaryPath) / f"{self.moduleName}-{uuid.uuid4().hex}"

    def missingPatient(self, parameters: Any, *, tumour: bool = True) -> str:
        """Return what of the patient must be chosen first; empty if nothing is missing."""
        if not parameters.volume:
            return _("Choose a volume first.")
        if tumour and not parameters.segmentation:
            return _("Choose a segmentation first.")
        if tumour and not parameters.tumourSegment:
            return _("Choose the tumour's segment first.")
        return "" if parameters.phase.strip() else _("Say what the scan's phase is called, such as ct.")

    def _observeSegmentation(self, segmentationNode: Any) -> None:
        for tag in self._segmentTags:
            self._segmentation.RemoveObserver(tag)
        added = [getattr(slicer.vtkSegmentation, name) for name in _SEGMENT_EVENTS] if segmentationNode else []
        self._segmentTags = [segmentationNode.AddObserver(event, self._onSegments) for event in added]
        self._segmentation = segmentationNode

    def _onSegments(self, caller: Any, event: Any) -> None:
        if self._parameterNode is not None:
            self._offerSegments(self._parameterNode)
            self.updateButtons(self._parameterNode)

    def _offerSegments(self, parameters: Any) -> None:
        """Offer the segments that are there; what was chosen and is gone is not chosen any more."""
        from RadiomicsSlicerLib.connectors import fill_items

        node, ui = parameters.segmentation, self.ui
        for name, box, none in (
            ("tumourSegment", ui.tumourSelector, tumour_words()),
            ("organSegment", ui.organSelector, no_organ_words()),
        ):
            kept = "".join(still_there(node, [getattr(parameters, name)]))
            fill_items(box, segment_items(node, none), kept)
            if getattr(parameters, name) != kept:
                setattr(parameters, name, kept)


def _likely_tumour(segmentationNode: Any) -> str:
    """Return the segment that can be meant if nothing is said: the only one, or the one that is called Tumour."""
    segments = own_segments(segmentationNode)
    named = [segment for name, segment in segment_items(segmentationNode, "") if name == "Tumour"]
    return segments[0] if len(segments) == 1 else "".join(named[:1])
