"""The part of the panel for deep features of the current regions, joined with radiomic ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsSlicerLib.job_area import JobArea
from RadiomicsSlicerLib.layouts import show_table
from RadiomicsSlicerLib.results.widget_words import enable, tell
from RadiomicsSlicerLib.runs.job_boxes import choice_items, give_tool_tips
from RadiomicsSlicerLib.table_panel import TablePanel
from RadiomicsSlicerLib.tables import FEATURES

from ..logic.deep_tables import FEATURE_COLUMN, region_names
from ..logic.packages import packages_of_network


class FeaturesSection:
    """Works on the widgets from the network's box to the table of features; arguments as of the other sections."""

    def __init__(self, panel: Any, onIdle: Callable[[], None]) -> None:
        from RadiomicsSlicerLib.connectors import fill_items

        self._panel = panel
        ui = self._ui = panel.ui
        self._wrong = ""
        self._offered: list[str] = []
        self.job = JobArea(ui.featuresProgressBar, ui.featuresProgressLabel, ui.featuresCancelButton, None, onIdle)
        self.table = TablePanel(ui.featureTableView, FEATURE_COLUMN)
        fill_items(ui.networkSelector, choice_items("deep_features", "network"), "")
        give_tool_tips(ui, "deep_features", {"networkSelector": "network", "regionsSelector": "regions"})
        for box in (ui.joinSelector, ui.deepTableSelector):
            box.addAttribute("vtkMRMLTableNode", FEATURES)
        ui.featureFilterEdit.connect("textChanged(QString)", self.table.filter)
        ui.featuresButton.connect("clicked(bool)", self.onCompute)

    def connectors(self) -> dict[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import CheckedItemsConnector, ItemConnector

        return {
            "network": ItemConnector(self._ui.networkSelector),
            "regions": CheckedItemsConnector(self._ui.regionsSelector),
        }

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose the first network, whose weights come in a package, and all regions."""
        if not parameters.network:
            parameters.network = choice_items("deep_features", "network")[0][1]
        self._offerRegions(parameters)

    def follow(self, parameters: Any) -> None:
        """Say where the network's weights are, offer the regions that the rings make, show the table."""
        tell(self._ui.weightsLabel, self._panel.logic.weights(parameters.network) if parameters.network else "")
        self._offerRegions(parameters)
        self.table.show(parameters.deepTable)
        self._ui.featureTableView.visible = parameters.deepTable is not None

    def _offerRegions(self, parameters: Any) -> None:
        """Offer the regions that the distances make; where all were checked, all are."""
        from RadiomicsSlicerLib.connectors import fill_checked_items

        try:
            names, self._wrong = region_names(parameters.ringsMm), ""
        except RadiomicsError as error:
            self._wrong = str(error)
            return
        whole = (not self._offered and not parameters.regions) or set(parameters.regions) == set(self._offered)
        kept = [name for name in names if whole or name in parameters.regions]
        self._offered = names
        fill_checked_items(self._ui.regionsSelector, [(name, name) for name in names], kept)
        if kept != list(parameters.regions):
            parameters.regions = kept

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now."""
        running = _("Deep features are being computed.") if self.job.running else ""
        nothing = "" if parameters.regions else _("Check a region first.")
        enable(self._ui.featuresButton, self._panel.missingPatient(parameters) or self._wrong or nothing or running)

    def stop(self, reason: str) -> None:
        """End the job, and say why."""
        self.job.stop(reason)

    def letGo(self) -> None:
        """Forget the table that is shown."""
        self.table.show(None)

    def onCompute(self, *_args: Any) -> None:
        """Ask for packages that are missing, and compute in the background."""
        failure, chosen = _("Deep features could not be computed."), self._panel._parameterNode
        if not self._panel.ready(failure, packages_of_network(chosen.network), torch=True):
            return
        with self._panel.reporting(failure):
            case = self._panel.sceneCase()
            asked = chosen.network, chosen.ringsMm, list(chosen.regions)
            self.job.runInFolder(
                self._panel.newFolder(),
                lambda folder: self._panel.logic.exportDeepFeatures(folder, case, *asked),
                self.onComputed,
            )
            self._panel.updateButtons(chosen)

    def onComputed(self, run: Any) -> None:
        """Bring the features into the scene, and show them."""
        with self._panel.reporting(_("Deep features could not be computed.")):
            chosen = self._panel.logic.getParameterNode()
            table = self._panel.logic.importDeepFeatures(run, chosen.deepTable, chosen.joinTable)
            chosen.deepTable = table
            self.table.show(table, again=True)
            show_table(table)
            self._panel.say(_("Features are in the table {name}.").format(name=table.GetName()))
