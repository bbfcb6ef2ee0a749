"""The part of the panel for one patient: a control a covariate, points, survival and curve, live while one drags."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsSlicerLib.layouts import show_chart, show_layout, show_table
from RadiomicsSlicerLib.pictures import opening
from RadiomicsSlicerLib.pictures.png_picture import label_width
from RadiomicsSlicerLib.pictures.sketch_painter import SketchPainter
from RadiomicsSlicerLib.results.widget_words import tell
from SurvivalNomogramLib.bundles.bundle import ModelBundle
from SurvivalNomogramLib.bundles.patient_reading import Horizon, PatientReading, covariates_of
from SurvivalNomogramLib.models.cox import CoxModel
from SurvivalNomogramLib.report.patient_sketches import curve_sketch, nomogram_sketch

from ..logic.models import StoredModel, model_of
from ..logic.pairs import pairs_of, texts_of
from ..logic.patient import notes_of
from .value_controls import ValueControls


class PatientSection:
    """Works on the widgets of section 4 of a panel.

    Args:
        panel: with ``ui``, ``logic``, ``reporting``, ``say``, ``cohort`` and the parameter node.
    """

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        ui = self._ui = panel.ui
        self._nomogram, self._curve = SketchPainter(ui.nomogramLabel), SketchPainter(ui.curveLabel)
        self.controls = ValueControls(ui.valuesFrame, self._onValue)
        self._drawn: tuple[Any, ...] = ()
        self._model: tuple[Any, ...] = ()
        self.reading: PatientReading | None = None
        ui.patientSelector.connect("currentIndexChanged(int)", self._onPatient)
        ui.fillButton.connect("clicked(bool)", self.onFill)
        ui.patientTableButton.connect("clicked(bool)", self.onTable)
        ui.patientChartButton.connect("clicked(bool)", self.onChart)
        ui.pageButton.connect("clicked(bool)", self.onPage)

    def follow(self, parameters: Any) -> None:
        """Offer a control a covariate of the chosen model, and read the patient."""
        stored = self._stored(parameters)
        key = (parameters.model.GetID(), parameters.model.GetMTime()) if stored is not None else ()
        if key != self._model:
            self._model = key
            self.controls.build(stored.bundle if stored is not None else None)
            self._drawn = ()
        if stored is None:
            self._blank()
            return
        self.controls.show(values_of(parameters))
        self._draw(stored, values_of(parameters))

    def offerPatients(self, names: list[str], chosen: str) -> None:
        """Offer the patients of the table."""
        from RadiomicsSlicerLib.connectors import fill_items

        items = [(_("typed below"), ""), *((name, name) for name in names)]
        fill_items(self._ui.patientSelector, items, chosen)

    def fit(self) -> None:
        """Draw anew where the panel's width, or its colours, have changed."""
        parameters = self._panel._parameterNode
        if parameters is not None and self.reading is not None and self._drawn:
            self._draw(model_of(parameters.model), values_of(parameters))

    def forget(self) -> None:
        """Show all anew the next time."""
        self._drawn, self._model = (), ()

    def onFill(self, *_args: Any) -> None:
        """Take the values that stand in tables of the scene."""
        with self._panel.reporting(_("The values could not be taken from the scene.")):
            parameters = self._panel._parameterNode
            found = self._panel.logic.valuesInScene(parameters.model)
            if not found:
                raise InputError(
                    "no table of the scene holds a covariate of this model; extract the features of the rings in "
                    "Peritumoral Radiomics first, or load a table with the columns feature and value"
                )
            put_values(
                parameters, {**values_of(parameters), **{name: str(value) for name, (value, _table) in found.items()}}
            )
            said = ", ".join(f"{name} ({table})" for name, (_value, table) in found.items())
            self._panel.say(_("Taken from the scene: {names}").format(names=said))

    def onTable(self, *_args: Any) -> None:
        """Put the reading into a table beside the slices."""
        with self._panel.reporting(_("The table could not be made.")):
            parameters = self._panel._parameterNode
            reading = self._panel.logic.readPatient(parameters.model, values_of(parameters))
            parameters.patientTable = self._panel.logic.readingTable(reading, parameters.patientTable)
            show_layout()
            show_table(parameters.patientTable)

    def onChart(self, *_args: Any) -> None:
        """Show the curve in a chart beside the slices."""
        with self._panel.reporting(_("The chart could not be drawn.")):
            parameters = self._panel._parameterNode
            parameters.patientChart = self._panel.logic.patientChart(parameters.model, values_of(parameters))
            show_layout()
            show_chart(parameters.patientChart)

    def onPage(self, *_args: Any) -> None:
        """Write the page, and open it."""
        with self._panel.reporting(_("The page could not be written.")):
            parameters = self._panel._parameterNode
            path = self._ui.pageEdit.currentPath
            if not path:
                path = str(Path(slicer.app.temporaryPath) / "patient.html")
                self._ui.pageEdit.currentPath = path
            written = self._panel.logic.patientPage(path, parameters.model, values_of(parameters), parameters.patient)
            self._panel.say(_("The page is written: {path}").format(path=written))
            opening.open_file(written)

    def _onValue(self, values: Mapping[str, str]) -> None:
        parameters = self._panel._parameterNode
        if parameters is not None:
            put_values(parameters, values)

    def _onPatient(self, *_args: Any) -> None:
        parameters, box = self._panel._parameterNode, self._ui.patientSelector
        name = box.itemData(box.currentIndex) or ""
        if parameters is None or name == parameters.patient:
            return
        parameters.patient = name
        if name and self._panel.cohort is not None and parameters.model is not None:
            row = self._panel.cohort.patient(name)
            names = [term.name for term in covariates_of(model_of(parameters.model).bundle)]
            put_values(parameters, {each: row.get(each, "") for each in names})

    def _stored(self, parameters: Any) -> StoredModel | None:
        if parameters.model is None:
            return None
        try:
            stored = model_of(parameters.model)
            covariates_of(stored.bundle)
        except RadiomicsError as error:
            self._panel.say(str(error))
            return None
        return stored

    def _blank(self) -> None:
        self.reading, self._drawn = None, ()
        for label in (self._ui.nomogramLabel, self._ui.curveLabel):
            label.visible = False
        self._say(_("Choose a model: fit one, load a bundle, or load the sample."), "")

    def _draw(self, stored: StoredModel, values: Mapping[str, str]) -> None:
        width = label_width(self._ui.nomogramLabel)
        drawn = (width, self._model, tuple(values.items()), self._nomogram.is_dark())
        if drawn == self._drawn:
            return
        self._drawn = drawn
        try:
            reading = self.reading = self._panel.logic.readPatient(self._panel._parameterNode.model, values)
        except RadiomicsError as error:
            self._say("", str(error))
            return
        self._ui.nomogramLabel.visible = reading.bundle.nomogram is not None
        if reading.bundle.nomogram is not None:
            sketch = nomogram_sketch(reading.bundle.nomogram, reading, width, self._nomogram.measure)
            self._nomogram.paint(sketch)
        has_curve = reading.is_predicted and isinstance(reading.bundle.model, CoxModel)
        self._ui.curveLabel.visible = has_curve
        if has_curve:
            self._curve.paint(curve_sketch(reading, stored.groups(), width, self._curve.measure))
        self._say(reading_words(reading), "\n".join(notes_of(reading)))

    def _say(self, words: str, notes: str) -> None:
        tell(self._ui.readingLabel, words)
        tell(self._ui.patientNotesLabel, notes)


def reading_words(reading: PatientReading) -> str:
    """Return a reading as rich text: the risk group and points, and a small table of the horizons with intervals."""
    if not reading.is_predicted:
        return ""
    unit = getattr(reading.bundle.model, "time_unit", "")
    first = [f"<b>{escape(reading.group)}</b>"] if reading.group else []
    if reading.points:
        first.append(_("{points} points").format(points=f"{reading.total_points:.0f}"))
    if reading.probability == reading.probability:
        first.append(_("probability {share}").format(share=f"<b>{reading.probability:.0%}</b>"))
    if reading.median == reading.median:
        reached = f"{reading.median:g} {unit}" if reading.median < float("inf") else _("not reached")
        first.append(_("median survival {time}").format(time=reached))
    what = escape(reading.bundle.competing.event) if reading.bundle.competing else _("survival")
    cells = [(f"{one.time:g} {unit}", f"<b>{one.probability:.0%}</b>", _interval(one)) for one in reading.horizons]
    heads = (_("{what} at").format(what=what), "", _("95 % interval"))
    rows = [
        "<tr>" + "".join(f'<td style="padding-right:14px">{cell}</td>' for cell in (head, *row)) + "</tr>"
        for head, row in zip(heads, zip(*cells, strict=True), strict=False)
    ]
    return f"{' &nbsp;·&nbsp; '.join(first)}<table>{''.join(rows)}</table>"


def _interval(one: Horizon) -> str:
    return f"{one.lower:.0%}–{one.upper:.0%}" if one.lower == one.lower else _("not known")


def values_of(parameters: Any) -> dict[str, str]:
    """Return the patient's values that a parameter node holds, covariate to text."""
    return pairs_of(parameters.values)


def put_values(parameters: Any, values: Mapping[str, Any]) -> None:
    """Write a patient's values to a parameter node; none of an empty value."""
    parameters.values = texts_of({name: value for name, value in values.items() if str(value) != ""})


def default_values(bundle: ModelBundle) -> dict[str, str]:
    """Return values to begin with: the middle of each axis, and the reference level of each category."""
    nomogram = bundle.nomogram
    found = {}
    for term in covariates_of(bundle):
        if term.is_categorical:
            found[term.name] = term.levels[0]
        elif nomogram is not None:
            ticks = nomogram.ticks[term.name]
            found[term.name] = f"{ticks[len(ticks) // 2]:g}"
    return found
