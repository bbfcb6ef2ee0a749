"""The part of the panel for feature maps: how long one takes, making it, and its place over the scan."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from PeritumoralRadiomicsLib.maps.feature_maps import map_features
from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsSlicerLib.dependencies import packages_to_read
from RadiomicsSlicerLib.job_area import JobArea
from RadiomicsSlicerLib.layouts import show_map
from RadiomicsSlicerLib.runs.time_words import in_words
from RadiomicsSlicerLib.tables import RECORD

from ..logic.segment_boxes import segment_items, still_there
from .map_time import MapTime
from .slice_preview import Debounced


class MapSection:
    """Works on the widgets of a panel whose names begin with ``map``.

    Args:
        panel: with ``ui``, ``logic``, ``reporting``, ``newFolder`` and the parameter node.
        onIdle: called when a job has ended, however.
    """

    def __init__(self, panel: Any, onIdle: Any) -> None:
        from RadiomicsSlicerLib.connectors import fill_items

        self._panel = panel
        ui = self._ui = panel.ui
        self._overlay: tuple[Any, float] = (None, 0.0)
        self._stated: tuple[Any, ...] = ()
        self._wanted: tuple[Any, ...] = ()
        self._note = ""
        self._onIdle = onIdle
        self.time = MapTime(panel.newFolder, self.onTime)
        self.job = JobArea(ui.mapProgressBar, ui.mapProgressLabel, ui.mapCancelButton, None, onIdle)
        self._estimateSoon = Debounced(self.onEstimate)
        fill_items(ui.mapFeatureSelector, [(name, name) for name in map_features()], "")
        ui.mapVolumeSelector.addAttribute("vtkMRMLScalarVolumeNode", RECORD)
        ui.mapButton.connect("clicked(bool)", self.onMake)

    def connectors(self) -> dict[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import ItemConnector

        return {
            "mapSegment": ItemConnector(self._ui.mapSegmentSelector),
            "mapFeature": ItemConnector(self._ui.mapFeatureSelector),
        }

    def offerSegments(self, parameters: Any) -> None:
        """Offer all segments, rings too; one that is gone is not chosen any more."""
        from RadiomicsSlicerLib.connectors import fill_items

        kept = "".join(still_there(parameters.segmentation, [parameters.mapSegment], rings=True))
        items = segment_items(parameters.segmentation, _("The tumour"), rings=True)
        fill_items(self._ui.mapSegmentSelector, items, kept)
        if parameters.mapSegment != kept:
            parameters.mapSegment = kept

    def follow(self, parameters: Any, missing: str, occasion: Any) -> None:
        """State how long the map would take, and show the chosen map over the scan.

        Args:
            parameters: the parameter node.
            missing: what must be chosen first; empty if nothing is missing.
            occasion: changes with the segments.
        """
        if missing or self._ui.mapsCollapsibleButton.collapsed:
            self._estimateSoon.forget()
            self._ui.mapTimeLabel.text = missing
        else:
            self._estimateSoon.ask((_choice(parameters), occasion))
        overlay = (parameters.mapVolume, parameters.mapOpacity if parameters.mapVolume else 0.0)
        if overlay != self._overlay:
            closed = overlay[0] is None and self._overlay[0].GetScene() is None
            self._overlay = overlay
            if not closed:  # the new scene's own foreground is none of ours
                show_map(*overlay)

    @property
    def running(self) -> bool:
        """Whether a map is being made, or will be as soon as its time is stated."""
        return self.job.running or bool(self._wanted)

    def forget(self) -> None:
        """Forget what was asked for: the panel is unbound. A map that is being made goes on."""
        self._estimateSoon.forget()
        self.time.stop()
        self._wanted = ()

    def stop(self, reason: str) -> None:
        """End the map that is being made, and say why."""
        self.forget()
        self.job.stop(reason)

    def onEstimate(self) -> None:
        """Ask how long the map would take; what stands against it is said instead."""
        if self._panel._parameterNode is None:
            return
        try:
            self._ask(self._request())
        except (RadiomicsError, OSError) as error:
            self._ui.mapTimeLabel.text = str(error)

    def _ask(self, request: Any) -> None:
        self.time.ask(_choice(self._panel._parameterNode), request)
        self._stated, self._note = (), request.note
        self._ui.mapTimeLabel.text = _("Estimating how long the map takes…")

    def onTime(self, choice: tuple[Any, ...], seconds: float | None) -> None:
        """State how long the map would take, and start it if that was all that it waited for."""
        wanted, self._wanted = self._wanted == choice, ()
        if self._panel._parameterNode is None or choice != _choice(self._panel._parameterNode):
            self._onIdle()
            return
        self._stated = choice
        words = (
            _("Takes about {time} on this computer.") if seconds is not None else _("How long it takes is not known.")
        )
        self._ui.mapTimeLabel.text = " ".join(filter(None, (words.format(time=in_words(seconds or 0.0)), self._note)))
        if wanted:
            self.onMake()
        self._onIdle()

    def onMake(self, *_args: Any) -> None:
        """Make the map in a process of its own; before it starts, its time is stated."""
        failure = _("The map could not be started.")
        chosen = self._panel._parameterNode
        ready = False
        with self._panel.reporting(failure, waitCursor=False):
            self._panel.ensure(packages_to_read(_settings(chosen)))
            ready = True
        if not ready:
            return
        with self._panel.reporting(failure):
            request = self._request()
            if self._stated == _choice(chosen):
                self.job.runInFolder(
                    self._panel.newFolder(),
                    lambda folder: self._panel.logic.exportMapJob(folder, request, chosen.volume, chosen.segmentation),
                    self.onMade,
                )
            else:
                self._ask(request)
                self._wanted = _choice(chosen)
            self._panel.updateButtons(chosen)

    def onMade(self, job: Any) -> None:
        """Bring the map of a job into the scene; it is shown over the scan because it is chosen."""
        with self._panel.reporting(_("The map could not be made.")):
            chosen = self._panel.logic.getParameterNode()
            chosen.mapVolume = self._panel.logic.importResult(job, chosen.mapVolume)

    def _request(self) -> Any:
        chosen = self._panel._parameterNode
        return self._panel.logic.requestMap(
            chosen.volume,
            chosen.segmentation,
            chosen.mapSegment or chosen.tumourSegment,
            chosen.mapFeature,
            chosen.mapRadius,
            _settings(chosen),
            chosen.phase,
        )


def _settings(parameters: Any) -> str:
    return parameters.parameterFile or parameters.preset


def _choice(parameters: Any) -> tuple[Any, ...]:
    """Return what the time of a map depends on, apart from the region's voxels."""
    names = ("tumourSegment", "mapSegment", "mapFeature", "mapRadius", "preset", "parameterFile", "phase")
    return tuple(getattr(parameters, name) for name in names)
