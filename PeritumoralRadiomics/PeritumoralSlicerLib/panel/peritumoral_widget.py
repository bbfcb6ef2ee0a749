"""The panel of the module PeritumoralRadiomics. It binds, enables and calls Logic; it decides nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from PeritumoralRadiomicsLib.engines.choice import engine_names
from PeritumoralRadiomicsLib.settings.presets import preset_descriptions, preset_names
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsSlicerLib.dependencies import ensure_packages, packages_for, packages_to_read
from RadiomicsSlicerLib.drawing import drawing_place, let_segments_overlap, open_segment_editor, remove_back_button
from RadiomicsSlicerLib.job_area import JobArea
from RadiomicsSlicerLib.layouts import (
    look_at_segment,
    show_chart,
    show_in_space,
    show_layout,
    show_soft_tissue,
    show_table,
)
from RadiomicsSlicerLib.module_widget import ModuleWidget
from RadiomicsSlicerLib.nodes import first_volume
from RadiomicsSlicerLib.results.widget_words import enable
from RadiomicsSlicerLib.table_panel import TablePanel
from RadiomicsSlicerLib.tables import FEATURES

from ..logic.features import FEATURE_COLUMN, resolve_settings
from ..logic.ring_tags import ringed_segments, rings_of
from ..logic.segment_boxes import besides_items, no_organ_words, own_segments, segment_items, still_there, tumour_words
from ..logic.tumour_marks import mark_only, other_tumours
from .map_section import MapSection
from .quality_view import QualityView, volume_words
from .slice_preview import Debounced, SlicePreview

TITLE = "Peritumoral Radiomics"


class PeritumoralPanel(ModuleWidget):
    """Choose scan and tumour, see and create rings, extract their features, see them as table, chart and map."""

    title = TITLE

    def __init__(self, parent: Any, makeLogic: Callable[[], Any]) -> None:
        self._segmentation: Any = None
        self._segmentTags: list[int] = []
        self.preview = SlicePreview()
        self._previewSoon = Debounced(self.onPreview)
        # Made in setup, which may never be called, or fail.
        self.extraction: Any = None
        self.maps: Any = None
        self.qualityPanel: Any = None
        self.featurePanel: Any = None
        super().__init__(parent, makeLogic)

    # --- binding ----------------------------------------------------------------------------------------------

    def connectButtons(self) -> None:
        """Connect the widgets that no parameter is bound to."""
        from RadiomicsSlicerLib.connectors import fill_items

        ui = self.ui
        self.extraction = JobArea(
            ui.extractProgressBar, ui.extractProgressLabel, ui.extractCancelButton, ui.logEdit, self._onModified
        )
        self.maps = MapSection(self, self._onModified)
        self.qualityPanel = QualityView(ui.qualityTable, ui.qualityNotesLabel)
        self.featurePanel = TablePanel(ui.featureTableView, FEATURE_COLUMN)
        ui.drawButton.connect("clicked(bool)", self.onDraw)
        ui.createRingsButton.connect("clicked(bool)", self.onCreateRings)
        ui.measureButton.connect("clicked(bool)", self.onMeasure)
        ui.otherTumourSelector.connect("checkedIndexesChanged()", self.onOtherTumours)
        ui.extractButton.connect("clicked(bool)", self.onExtract)
        ui.chartButton.connect("clicked(bool)", self.onChart)
        ui.featureTableSelector.addAttribute("vtkMRMLTableNode", FEATURES)
        ui.mapsCollapsibleButton.connect("contentsCollapsed(bool)", self._onModified)
        ui.layoutButton.connect("clicked(bool)", self.onLayout)
        ui.featureFilterEdit.connect("textChanged(QString)", self.featurePanel.filter)
        fill_items(ui.presetSelector, [(name, name) for name in preset_names()], "")
        fill_items(ui.engineSelector, [(name, name) for name in engine_names()], "")

    def connectors(self) -> Mapping[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import CheckedItemsConnector, ItemConnector, PathConnector

        ui = self.ui
        return {
            "tumourSegment": ItemConnector(ui.tumourSelector),
            "organSegment": ItemConnector(ui.organSelector),
            "exclusionSegments": CheckedItemsConnector(ui.exclusionSelector),
            "preset": ItemConnector(ui.presetSelector),
            "parameterFile": PathConnector(ui.parameterFileEdit),
            "engine": ItemConnector(ui.engineSelector),
            "chartFeature": ItemConnector(ui.chartFeatureSelector),
            **self.maps.connectors(),
        }

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose the first volume and segmentation, and the tumour where there is one segment only."""
        if not parameters.volume:
            parameters.volume = first_volume()
        if not parameters.segmentation:
            parameters.segmentation = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
        if parameters.tumourSegment not in own_segments(parameters.segmentation):
            parameters.tumourSegment = _only_segment(parameters.segmentation)
        self._observeSegmentation(parameters.segmentation)
        self._offerSegments(parameters)

    def mayBeChosen(self, node: Any) -> bool:
        """Tell whether a node may be the scan or hold the tumour."""
        return node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLSegmentationNode")

    def setParameterNode(self, parameters: Any) -> None:
        """Bind this parameter node instead of the present one; None: only unbind."""
        if parameters is None:
            self._previewSoon.forget()
            self.preview.clear()
            self._observeSegmentation(None)
            if self.maps is not None:
                self.maps.forget()
        super().setParameterNode(parameters)
        if parameters is not None:
            self._nameChoices()

    def enter(self) -> None:
        """Bind the panel; called each time that the module is opened."""
        remove_back_button()
        super().enter()

    def cleanup(self) -> None:
        """Let go of everything, of the button in the Segment Editor too."""
        super().cleanup()
        if self.featurePanel is not None:
            self.featurePanel.show(None)
        remove_back_button()

    def onSceneEndImport(self, caller: Any, event: Any) -> None:
        """Follow a scene that was loaded; the numbers of its tables are put back in full."""
        self.logic.restoreTables()
        super().onSceneEndImport(caller, event)

    def parametersChanged(self, parameters: Any) -> None:
        """Follow the choices with boxes, tables and outlines."""
        self._observe(parameters)
        self._offerOtherTumours(parameters)
        self.qualityPanel.show(parameters.qualityTable)
        if self.featurePanel.show(parameters.featureTable):
            self._offerFeatures(parameters)
        self.ui.presetLabel.text = preset_descriptions().get(parameters.preset, "")
        self._askForPreview(parameters)
        self._followMap()

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now; the tool tips say what is missing."""
        ui = self.ui
        missing = _missing(parameters)
        running = _("An extraction is running.") if self.extraction.running else ""
        mapping = _("A map is being made.") if self.maps.running else ""
        enable(ui.drawButton, "" if parameters.volume else _("Choose a volume first."))
        enable(ui.createRingsButton, missing)
        made = rings_of(parameters.segmentation, parameters.tumourSegment) if not missing else {}
        enable(ui.measureButton, missing or ("" if made else _("Create rings first.")))
        enable(ui.extractButton, missing or running)
        enable(ui.mapButton, missing or mapping)
        enable(ui.chartButton, "" if parameters.featureTable else _("Extract features first."))

    def stopWork(self, reason: str) -> None:
        """End the jobs, because the module or the scene is about to go."""
        for work in (self.extraction, self.maps):
            if work is not None:
                work.stop(_("Stopped: {reason}; nothing was kept.").format(reason=reason))

    # --- segments ---------------------------------------------------------------------------------------------

    def _observe(self, parameters: Any) -> None:
        if parameters.segmentation is not self._segmentation:
            self._observeSegmentation(parameters.segmentation)
            # Slicer calls the first segment of every segmentation Segment_1: no choice is carried over to another one.
            parameters.tumourSegment = _only_segment(parameters.segmentation)
            parameters.organSegment, parameters.exclusionSegments, parameters.mapSegment = "", [], ""
            self._offerSegments(parameters)

    def _observeSegmentation(self, segmentationNode: Any) -> None:
        events = (
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
            slicer.vtkSegmentation.SegmentModified,
            slicer.vtkSegmentation.SourceRepresentationModified,
        )
        # Not by VTKObservationMixin, which keeps every node that it ever observed: all patients of a day in memory.
        for tag in self._segmentTags:
            self._segmentation.RemoveObserver(tag)
        added = events if segmentationNode is not None else ()
        self._segmentTags = [segmentationNode.AddObserver(event, self._onSegments) for event in added]
        self._segmentation = segmentationNode

    def _onSegments(self, caller: Any, event: Any) -> None:
        if self._parameterNode is not None:
            self._offerSegments(self._parameterNode)
            self._askForPreview(self._parameterNode)
            self._followMap()
            self.updateButtons(self._parameterNode)

    def _offerSegments(self, parameters: Any) -> None:
        """Offer the segments that are there; what was chosen and is gone is not chosen any more."""
        from RadiomicsSlicerLib.connectors import fill_checked_items, fill_items

        node, ui = parameters.segmentation, self.ui
        tumour = "".join(still_there(node, [parameters.tumourSegment]))
        organ = "".join(still_there(node, [parameters.organSegment]))
        exclusions = still_there(node, parameters.exclusionSegments)
        fill_items(ui.tumourSelector, segment_items(node, tumour_words()), tumour)
        fill_items(ui.organSelector, segment_items(node, no_organ_words()), organ)
        fill_checked_items(ui.exclusionSelector, segment_items(node, ""), exclusions)
        for name, value in (("tumourSegment", tumour), ("organSegment", organ), ("exclusionSegments", exclusions)):
            if getattr(parameters, name) != value:
                setattr(parameters, name, value)
        self.maps.offerSegments(parameters)
        self._offerOtherTumours(parameters)

    def _offerOtherTumours(self, parameters: Any) -> None:
        from RadiomicsSlicerLib.connectors import fill_checked_items

        node, tumour = parameters.segmentation, parameters.tumourSegment
        chosen = tumour in own_segments(node)
        items, besides = (besides_items(node, tumour), other_tumours(node, tumour)) if chosen else ([], [])
        fill_checked_items(self.ui.otherTumourSelector, items, besides)

    def onDraw(self, *_args: Any) -> None:
        """Open the Segment Editor on the tumour, made where there is none."""
        with self.reporting(_("The Segment Editor could not be opened.")):
            chosen = self._parameterNode
            node, segment = drawing_place(chosen.volume, chosen.segmentation, chosen.tumourSegment)
            chosen.segmentation = node
            chosen.tumourSegment = segment
            show_soft_tissue(chosen.volume)
            if not open_segment_editor(chosen.volume, node, segment, self.moduleName):
                raise InputError("there is no main window to draw in")

    def onOtherTumours(self, *_args: Any) -> None:
        """Mark the checked segments as tumours of their own, and no others."""
        from RadiomicsSlicerLib.connectors import checked_items

        chosen = self._parameterNode
        if chosen is not None and chosen.segmentation and chosen.tumourSegment:
            mark_only(chosen.segmentation, chosen.tumourSegment, checked_items(self.ui.otherTumourSelector))
            self._onModified()

    # --- rings ------------------------------------------------------------------------------------------------

    def _askForPreview(self, parameters: Any) -> None:
        if not parameters.livePreview or _missing(parameters):
            self._previewSoon.forget()
            self.preview.clear()
            self._sayBelowRings("")
        else:
            self._previewSoon.ask(_occasion(parameters))

    def onPreview(self) -> Iterator[None]:
        """Show the rings as outlines, a step at a time; what is wrong with the numbers is said below them."""
        if self._parameterNode is None:
            return
        try:
            preview = yield from self.logic.previewSteps(*self._ringArguments())
        except RadiomicsError as error:
            self.preview.clear()
            self._sayBelowRings(str(error))
            return
        self.preview.show(preview)
        notes = [f"{ring.name}: {_about(ring.volume_ml)}" for ring in preview.rings]
        warnings = [*preview.warnings, *(text for ring in preview.rings for text in ring.warnings)]
        self._sayBelowRings("\n".join([", ".join(notes), *dict.fromkeys(warnings)]) if notes else "")

    def _sayBelowRings(self, text: str) -> None:
        self.ui.previewLabel.text = text
        self.ui.previewLabel.visible = bool(text)

    def onCreateRings(self, *_args: Any) -> None:
        """Add the rings as segments, and measure them."""
        with self.reporting(_("The rings could not be created.")):
            chosen = self._parameterNode
            self.logic.createRings(*self._ringArguments())
            let_segments_overlap()
            self._measure()
            show_soft_tissue(chosen.volume)
            # The segments and their table show what the outlines and the line below the numbers showed.
            self._previewSoon.settle(_occasion(chosen))
            self.preview.clear()
            self._sayBelowRings("")

    def onMeasure(self, *_args: Any) -> None:
        """Measure the rings as they are now, edited or not."""
        with self.reporting(_("The rings could not be measured.")):
            self._measure()

    def _measure(self) -> None:
        chosen = self._parameterNode
        chosen.qualityTable = self.logic.qualityTable(
            chosen.segmentation, chosen.volume, chosen.tumourSegment, chosen.qualityTable
        )
        self.qualityPanel.show(chosen.qualityTable, again=True)

    def _ringArguments(self) -> tuple[Any, ...]:
        chosen = self._parameterNode
        return (
            chosen.segmentation,
            chosen.tumourSegment,
            chosen.volume,
            self.logic.ringSettings(),
            chosen.organSegment or None,
            list(chosen.exclusionSegments),
        )

    def _nameChoices(self) -> None:
        """Give the items of the bound boxes words instead of the values that they hold."""
        words = {
            self.ui.layoutSelector: (_("begins at the tumour (cumulative)"), _("begins at the one before (bands)")),
            self.ui.planeSelector: (_("all directions (3D)"), _("the largest slice"), _("the plane of every slice")),
        }
        for box, texts in words.items():
            for number, text in enumerate(texts):
                box.setItemText(number, text)

    # --- features ---------------------------------------------------------------------------------------------

    def onExtract(self, *_args: Any) -> None:
        """Ask for packages that are missing, and extract features in a process of its own."""
        failure = _("The extraction could not be started.")
        chosen = self._parameterNode
        settings = chosen.parameterFile or chosen.preset
        ready = False
        with self.reporting(failure, waitCursor=False):
            self.ensure(packages_to_read(settings))
            self.ensure(packages_for(resolve_settings(settings, chosen.phase)))
            ready = True
        if not ready:
            return
        with self.reporting(failure):
            segments = [chosen.tumourSegment, *rings_of(chosen.segmentation, chosen.tumourSegment)]
            self.extraction.runInFolder(
                self.newFolder(),
                lambda folder: self.logic.exportJob(
                    folder,
                    chosen.segmentation,
                    segments,
                    chosen.volume,
                    settings,
                    engine=chosen.engine or None,
                    union=chosen.union,
                    phase=chosen.phase,
                ),
                self.onExtracted,
            )
            self._onModified()

    def onExtracted(self, job: Any) -> None:
        """Bring the result of a job into the scene, and show it."""
        with self.reporting(_("The features could not be extracted.")):
            chosen = self.logic.getParameterNode()
            table = self.logic.importResult(job, chosen.featureTable)
            chosen.featureTable = table
            if self.featurePanel.show(table, again=True):
                self._offerFeatures(chosen)
            show_table(table)
            self.say(_("Features are in the table {name}.").format(name=table.GetName()))

    def newFolder(self) -> Path:
        """Return the path of a folder for a job, which is not there yet."""
        return Path(slicer.app.temporaryPath) / f"{self.moduleName}-{uuid.uuid4().hex}"

    def ensure(self, packages: list[str]) -> None:
        """Install packages that are missing, after asking. Raises DependencyError if they are not there then."""
        ensure_packages(packages, Path(self.resourcePath("requirements.txt")), TITLE)

    def _offerFeatures(self, parameters: Any) -> None:
        from RadiomicsSlicerLib.connectors import fill_items

        names = self.featurePanel.column(FEATURE_COLUMN)
        fill_items(self.ui.chartFeatureSelector, [(name, name) for name in names], parameters.chartFeature)
        if names and parameters.chartFeature not in names:
            parameters.chartFeature = names[0]

    def onChart(self, *_args: Any) -> None:
        """Draw the chosen feature against the distance from the tumour's border."""
        with self.reporting(_("The chart could not be drawn.")):
            chosen = self._parameterNode
            chosen.chart = self.logic.distanceChart(chosen.featureTable, chosen.chartFeature)
            show_layout()
            show_chart(chosen.chart)

    # --- views and maps -----------------------------------------------------------------------------------------

    def _followMap(self) -> None:
        chosen = self._parameterNode
        missing = _missing(chosen)
        self.maps.follow(chosen, missing, () if missing else _occasion(chosen, chosen.mapSegment))

    def onLayout(self, *_args: Any) -> None:
        """Put slices, 3D, chart and table side by side."""
        with self.reporting(_("The views could not be arranged.")):
            show_layout()
            chosen = self._parameterNode
            for show, node in ((show_table, chosen.featureTable or chosen.qualityTable), (show_chart, chosen.chart)):
                if node is not None:
                    show(node)
            if chosen.segmentation:
                show_in_space(chosen.segmentation, {chosen.tumourSegment, *ringed_segments(chosen.segmentation)})
            if chosen.volume:
                show_soft_tissue(chosen.volume)
            if not _missing(chosen):
                look_at_segment(chosen.segmentation, chosen.tumourSegment, chosen.volume)


def _only_segment(segmentationNode: Any) -> str:
    """Return the id of the segment that can be meant if nothing is said; empty if there are several or none."""
    segments = own_segments(segmentationNode)
    return segments[0] if len(segments) == 1 else ""


def _missing(parameters: Any) -> str:
    """Return what must be chosen before anything can be done; empty if nothing is missing."""
    if not parameters.volume:
        return _("Choose a volume first.")
    if not parameters.segmentation:
        return _("Choose a segmentation first, or press Draw tumour.")
    if not parameters.tumourSegment:
        return _("Choose the tumour's segment first, or press Draw tumour.")
    return ""


def _occasion(parameters: Any, *segment_ids: str) -> tuple[Any, ...]:
    """Return everything that rings depend on, and how these segments are drawn."""
    segmentation = parameters.segmentation.GetSegmentation()
    names = (
        "tumourSegment organSegment distancesMm fractions layout plane gapMm innerRimMm "
        "useWindow windowLow windowHigh supersampling minVoxels"
    )
    besides = other_tumours(parameters.segmentation, parameters.tumourSegment)
    used = [parameters.tumourSegment, parameters.organSegment, *parameters.exclusionSegments, *besides, *segment_ids]
    segments = [segmentation.GetSegment(segment) for segment in used if segment]
    return (
        parameters.volume.GetID(),
        parameters.segmentation.GetID(),
        tuple(parameters.exclusionSegments),
        tuple(besides),
        tuple(getattr(parameters, name) for name in names.split()),
        tuple(_drawn_at(segment) for segment in segments),
    )


def _drawn_at(segment: Any) -> int:
    """Return a number that grows when a segment is drawn into."""
    if segment is None:
        return 0
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    labelmap = segment.GetRepresentation(name)
    return labelmap.GetMTime() if labelmap is not None else 0


def _about(volume_ml: float) -> str:
    return _("about {volume} ml").format(volume=volume_words(volume_ml))
