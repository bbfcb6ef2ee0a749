"""The part of the panel that applies a model: what it is, its answer as a board, contributions, maps, what it sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from DeepRadiomicsFusionLib.settings.training_settings import Task
from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsSlicerLib.drawing import let_segments_overlap
from RadiomicsSlicerLib.job_area import JobArea
from RadiomicsSlicerLib.layouts import look_at_segment, show_chart, show_layout, show_map, show_volume
from RadiomicsSlicerLib.results.text_table import Head, Row, TextTable
from RadiomicsSlicerLib.results.widget_words import enable, tell
from RadiomicsSlicerLib.runs.job_boxes import choice_items, give_tool_tips
from RadiomicsSlicerLib.tables import RECORD, record_of, source_of

from ..logic.answers import shown_rows
from ..logic.packages import networks_of, packages_of_card

_WITHOUT_MASK = ("full_slice",)


class ApplySection:
    """Works on the widgets of a panel from the model's box to the button that shows what the network sees.

    Args:
        panel: with ``ui``, ``logic``, ``reporting``, ``ready``, ``sceneCase`` and the parameter node.
        onIdle: called when a job has ended, however.
    """

    def __init__(self, panel: Any, onIdle: Callable[[], None]) -> None:
        from RadiomicsSlicerLib.connectors import fill_items

        self._panel = panel
        ui = self._ui = panel.ui
        self._card: Any = None
        self._path: str | None = None
        self._wrong = ""
        self._board: Any = None
        self._overlay: tuple[Any, float] = (None, 0.0)
        heads = (
            Head(_("End point"), _("What the model says something of.")),
            Head(
                _("Value"),
                _("Probability, or risk; below it the range of the fold models, where there are several."),
                True,
            ),
            Head(_("Threshold"), _("Value from which the model calls a patient positive; fixed in training."), True),
            Head(_("Says"), _("What the value means at the threshold.")),
        )
        self.board = TextTable(ui.boardTable, heads, onChosen=self._onRow)
        self.job = JobArea(ui.applyProgressBar, ui.applyProgressLabel, ui.applyCancelButton, None, onIdle)
        self.mapping = JobArea(ui.mapProgressBar, ui.mapProgressLabel, ui.mapCancelButton, None, onIdle)
        fill_items(ui.mapKindSelector, [(_of(kind), kind) for _text, kind in choice_items("explain", "maps")], "")
        give_tool_tips(ui, "apply", {"bundleEdit": "bundle"})
        give_tool_tips(ui, "explain", {"mapKindSelector": "maps"})
        ui.overlaySelector.addAttribute("vtkMRMLScalarVolumeNode", RECORD)
        ui.applyButton.connect("clicked(bool)", self.onApply)
        ui.contributionsButton.connect("clicked(bool)", self.onContributions)
        ui.mapButton.connect("clicked(bool)", self.onMap)
        ui.seenButton.connect("clicked(bool)", self.onSeen)

    def connectors(self) -> dict[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import ItemConnector, PathConnector

        return {"bundle": PathConnector(self._ui.bundleEdit), "mapKind": ItemConnector(self._ui.mapKindSelector)}

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose the first kind of map."""
        if not parameters.mapKind:
            parameters.mapKind = choice_items("explain", "maps")[0][1]

    def follow(self, parameters: Any) -> None:
        """Say what the model is and whether the scan fits it; show its answer and its overlay."""
        self._read(parameters.bundle.strip())
        fits = []
        if self._card is not None and parameters.volume is not None:
            fits = self._panel.logic.mismatches(self._card, self._panel.sceneCase())
        tell(self._ui.cardLabel, self._wrong or (self._card.words if self._card else ""))
        tell(self._ui.fitLabel, "\n".join(fits))
        if parameters.answer is not self._board:
            self._showBoard(parameters)
        self._noteBoard(parameters)
        overlay = (parameters.overlay, parameters.overlayOpacity if parameters.overlay else 0.0)
        if overlay != self._overlay:
            closed = overlay[0] is None and self._overlay[0].GetScene() is None
            self._overlay = overlay
            if not closed:  # the new scene's own foreground is none of ours
                show_map(*overlay)

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now."""
        ui, card = self._ui, self._card
        missing = self._missing(parameters)
        enable(ui.applyButton, missing or (_("The model is being applied.") if self.job.running else ""))
        network = "" if card is not None and card.is_network else _("A classifier reads tables; it has contributions.")
        mask = _("A mask has no map.") if card is not None and card.task is Task.SEGMENTATION else ""
        mapping = _("A map is being made.") if self.mapping.running else ""
        enable(ui.mapButton, missing or network or mask or mapping)
        answer = "" if parameters.answer is not None else _("Apply a model first.")
        has = not answer and bool(record_of(parameters.answer).get("contributions"))
        enable(ui.contributionsButton, answer or ("" if has else _("A network's answer has no contributions.")))
        enable(ui.seenButton, "" if parameters.seen is not None else _("Apply a network first."))

    def stop(self, reason: str) -> None:
        """End the jobs, and say why."""
        for job in (self.job, self.mapping):
            job.stop(reason)

    def letGo(self) -> None:
        """Forget what is shown."""
        self._overlay = (None, 0.0)

    # --- buttons ----------------------------------------------------------------------------------------------

    def onApply(self, *_args: Any) -> None:
        """Ask for packages that are missing, grow the rings that the model reads, and apply it in the background."""
        failure, chosen, card = _("The model could not be applied."), self._panel._parameterNode, self._card
        if not self._panel.ready(failure, packages_of_card(card), torch=bool(networks_of(card))):
            return
        with self._panel.reporting(failure):
            case = self._panel.sceneCase(tumour=self._needsTumour())
            if case.tumour:
                self._panel.logic.growRings(card, case.segmentation, case.tumour, case.volume, case.organ)
                let_segments_overlap()
            bundle = chosen.bundle.strip()
            self.job.runInFolder(
                self._panel.newFolder(),
                lambda folder: self._panel.logic.exportAnswer(folder, bundle, case),
                self.onApplied,
            )
            self._panel.updateButtons(chosen)

    def onApplied(self, run: Any) -> None:
        """Bring the answer into the scene, and what the network saw."""
        with self._panel.reporting(_("The model could not be applied.")):
            chosen = self._panel.logic.getParameterNode()
            answer = self._panel.logic.importAnswer(run, chosen.answer)
            seen = self._panel.logic.importSeen(run, chosen.seen)
            chosen.answer, chosen.seen, chosen.endpoint = answer, seen, run.notes["card"].outputs[0]
            self._showBoard(chosen)

    def onContributions(self, *_args: Any) -> None:
        """Draw what each input added to the answer."""
        with self._panel.reporting(_("The chart could not be drawn.")):
            chosen = self._panel._parameterNode
            chosen.contributions = self._panel.logic.contributionChart(chosen.answer)
            show_layout()
            show_chart(chosen.contributions)

    def onMap(self, *_args: Any) -> None:
        """Map what decided the chosen end point, in the background."""
        failure, chosen, card = _("The map could not be made."), self._panel._parameterNode, self._card
        if not self._panel.ready(failure, packages_of_card(card), torch=True):
            return
        with self._panel.reporting(failure):
            case, bundle, kind = self._panel.sceneCase(), chosen.bundle.strip(), chosen.mapKind
            endpoint = chosen.endpoint if chosen.endpoint in card.outputs else ""
            self.mapping.runInFolder(
                self._panel.newFolder(),
                lambda folder: self._panel.logic.exportMap(folder, bundle, case, kind, endpoint),
                self.onMapped,
            )
            self._panel.updateButtons(chosen)

    def onMapped(self, run: Any) -> None:
        """Bring the map into the scene; it is shown over the scan because it is chosen."""
        with self._panel.reporting(_("The map could not be made.")):
            chosen = self._panel.logic.getParameterNode()
            chosen.overlay = self._panel.logic.importMap(run, chosen.overlay)
            show_map(chosen.overlay, chosen.overlayOpacity, chosen.volume)
            look_at_segment(chosen.segmentation, chosen.tumourSegment, chosen.volume)

    def onSeen(self, *_args: Any) -> None:
        """Show what the network sees in the slice views, to scroll through."""
        with self._panel.reporting(_("It could not be shown.")):
            show_volume(self._panel._parameterNode.seen)

    # --- the board --------------------------------------------------------------------------------------------

    def _showBoard(self, parameters: Any) -> None:
        self._board = parameters.answer
        rows = shown_rows(self._board)
        self.board.fill([_board_row(row) for row in rows])
        self._noteBoard(parameters)

    def _noteBoard(self, parameters: Any) -> None:
        """Say below the board why there is no value, and whose answer it is where that is not what is chosen."""
        table, notes = parameters.answer, []
        if table is not None:
            record = record_of(table)
            if self._card is not None and record.get("bundle") not in (None, str(self._card.path)):
                notes.append(_("This is the answer of another model: {path}.").format(path=record["bundle"]))
            if source_of(table, "volume") not in (None, parameters.volume):
                notes.append(_("It is of the scan {name}.").format(name=source_of(table, "volume").GetName()))
            notes += [f"{row['output']}: {row['reason']}" for row in shown_rows(table) if row["reason"]]
        tell(self._ui.boardLabel, "\n".join(notes))

    def _onRow(self, number: int) -> None:
        chosen = self._panel._parameterNode
        if chosen is not None:
            chosen.endpoint = shown_rows(chosen.answer)[number]["output"]

    def _read(self, path: str) -> None:
        if path == self._path:
            return
        self._path, self._card, self._wrong = path, None, ""
        if path:
            try:
                self._card = self._panel.logic.card(path)
            except RadiomicsError as error:
                self._wrong = str(error)

    def _needsTumour(self) -> bool:
        card = self._card
        return not (card.task is Task.SEGMENTATION and card.shown.get("kind") in _WITHOUT_MASK)

    def _missing(self, parameters: Any) -> str:
        if self._card is None:
            return self._wrong or _("Choose a model first.")
        return self._panel.missingPatient(parameters, tumour=self._needsTumour())


def _board_row(row: dict[str, Any]) -> Row:
    value = _number(row["value"])
    if not math.isnan(row["lowest"]):
        value += f" ({_number(row['lowest'])} to {_number(row['highest'])})"
    texts = (row["output"], value or _("not available"), _number(row["threshold"]), row["says"])
    return Row(texts, row["reason"], warns=bool(row["reason"]))


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


def _of(kind: str) -> str:
    return {"grad_cam": _("Grad-CAM"), "input_gradient": _("input gradient")}.get(kind, kind)
