"""The part of the panel that compares models: their figures side by side, charts of curves, tables, notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsSlicerLib.layouts import show_chart, show_layout, show_table
from RadiomicsSlicerLib.pictures import opening
from RadiomicsSlicerLib.pictures.png_picture import PngPicture, label_width, write_png
from RadiomicsSlicerLib.pictures.sketch_painter import SketchPainter
from SurvivalNomogramLib.report.patient_sketches import nomogram_sketch

from ..logic.charts import compare_models, has_curves, kinds_of, part_words, parts_of, pictures
from ..logic.models import SHOWN, charted, shown_models, stored_model, tables_of

_NOMOGRAM = "nomogram"
_PLACES = 3
"""So many pictures stand in the panel."""


class ModelCharts:
    """Works on the widgets of section 3 of a panel.

    Args:
        panel: with ``ui``, ``reporting``, ``say`` and the parameter node.
    """

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        ui = self._ui = panel.ui
        self._captions = [getattr(ui, f"captionLabel{number}") for number in range(1, _PLACES + 1)]
        labels = [getattr(ui, f"pictureLabel{number}") for number in range(1, _PLACES + 1)]
        self._pictures = [PngPicture(label) for label in labels]
        self._painters = [SketchPainter(label) for label in labels]
        self._nomograms: list[Any] = []
        self._painted: tuple[Any, ...] = ()
        self._occasion: tuple[Any, ...] = ()
        self._files: list[Path] = []
        ui.modelsSelector.connect("checkedIndexesChanged()", self._onChecked)
        ui.openPicturesButton.connect("clicked(bool)", self.onOpen)
        ui.compareButton.connect("clicked(bool)", self.onCompare)
        ui.showTableButton.connect("clicked(bool)", self.onTable)

    def connectors(self) -> dict[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import ItemConnector

        return {
            "chartKind": ItemConnector(self._ui.kindSelector),
            "chartPart": ItemConnector(self._ui.partSelector),
        }

    def follow(self, parameters: Any) -> None:
        """Offer the models, charts and tables that there are, and show the chosen chart."""
        from RadiomicsSlicerLib.connectors import fill_checked_items, fill_items

        ui = self._ui
        known, shown = charted(), shown_models()
        fill_checked_items(
            ui.modelsSelector, [(node.GetName(), node.GetID()) for node in known], [node.GetID() for node in shown]
        )
        occasion = (
            tuple((node.GetID(), node.GetMTime()) for node in shown),
            parameters.chartKind,
            parameters.chartPart,
        )
        if occasion == self._occasion:
            return
        self._occasion = occasion
        stored = [stored_model(node) for node in shown]
        kinds = kinds_of(stored)
        kind = parameters.chartKind if parameters.chartKind in kinds else (kinds[0] if kinds else "")
        fill_items(ui.kindSelector, [(name, name) for name in kinds], kind)
        parts = parts_of(stored, kind)
        part = parameters.chartPart if parameters.chartPart in parts else (parts[0] if parts else "")
        fill_items(ui.partSelector, [(part_words(kind, stem), stem) for stem in parts], part)
        tables = [table for node in shown for table in tables_of(node)]
        row = ui.resultTableSelector
        fill_items(row, [(table.GetName(), table.GetID()) for table in tables], row.itemData(row.currentIndex) or "")
        ui.notesEdit.setPlainText(
            "\n".join(f"{node.GetName()}: {line}" for node in shown for line in stored_model(node).notes)
        )
        self._show(shown, kind, part)
        if (kind, part) != (parameters.chartKind, parameters.chartPart):
            # What is shown is what is chosen; told once more, with an occasion that is settled.
            self._occasion = (occasion[0], kind, part)
            parameters.chartKind, parameters.chartPart = kind, part

    def fit(self) -> None:
        """Draw the pictures as wide as the panel is now."""
        for picture in self._pictures:
            picture.fit()
        self._paint()

    def forget(self) -> None:
        """Show all anew the next time."""
        self._occasion = ()

    def updateButtons(self) -> None:
        """Enable what can be done now."""
        ui = self._ui
        box = ui.kindSelector
        ui.openPicturesButton.enabled = bool(self._files)
        ui.compareButton.enabled = has_curves(box.itemData(box.currentIndex) or "")
        ui.showTableButton.enabled = ui.resultTableSelector.count > 0

    def onOpen(self, *_args: Any) -> None:
        """Open the pictures that are shown in the program for them."""
        for path in self._files:
            opening.open_file(path)

    def onCompare(self, *_args: Any) -> None:
        """Show the curves of the checked models in one chart of Slicer's own."""
        with self._panel.reporting(_("The chart could not be drawn.")):
            chosen = self._panel._parameterNode
            chosen.chart = compare_models(shown_models(), chosen.chartKind, chosen.chartPart)
            show_layout()
            show_chart(chosen.chart)

    def onTable(self, *_args: Any) -> None:
        """Show the chosen table beside the slices."""
        with self._panel.reporting(_("The table could not be shown.")):
            box = self._ui.resultTableSelector
            node = slicer.mrmlScene.GetNodeByID(box.itemData(box.currentIndex))
            if node is not None:
                show_layout()
                show_table(node)

    def _onChecked(self) -> None:
        from RadiomicsSlicerLib.connectors import checked_items

        checked = checked_items(self._ui.modelsSelector)
        for node in charted():
            node.SetAttribute(SHOWN, "1" if node.GetID() in checked else "0")
        self._panel._onModified()

    def _show(self, shown: list[Any], kind: str, part: str) -> None:
        try:
            found = pictures(shown, kind, part) if part else []
        except RadiomicsError as error:
            found = []
            self._panel.say(str(error))
        folder = Path(slicer.app.temporaryPath) / "SurvivalNomogram-pictures"
        self._files = [write_png(folder, f"{number}-{each.name}", each.png) for number, each in enumerate(found)]
        for number, (caption, picture) in enumerate(zip(self._captions, self._pictures, strict=True)):
            there = number < len(found)
            caption.text = found[number].model if there and len(shown) > 1 else ""
            if number == _PLACES - 1 and len(found) > _PLACES:
                more = _("; {number} more models: open the pictures").format(number=len(found) - _PLACES)
                caption.text += more
            caption.visible = bool(caption.text)
            picture.show(self._files[number] if there else None)
        # A nomogram's labels are too small to read as wide as a panel: it is drawn anew.
        drawn = shown if kind == _NOMOGRAM else []
        bundles = [stored_model(node).bundle for node in drawn if part in stored_model(node).figures]
        self._nomograms = [bundle.nomogram for bundle in bundles if bundle is not None]
        self._painted = ()
        self._paint()

    def _paint(self) -> None:
        """Draw the nomograms as wide as the panel is now, and in its colours."""
        painters = self._painters[: len(self._nomograms)]
        now = (label_width(self._ui.pictureLabel1), self._painters[0].is_dark(), len(painters))
        if not painters or now == self._painted:
            return
        self._painted = now
        for painter, nomogram in zip(painters, self._nomograms, strict=False):
            if nomogram is not None:
                painter.paint(nomogram_sketch(nomogram, None, now[0], painter.measure))
