"""The walk through SurvivalNomogram: the sample, one patient while a slider moves, a fit, charts, a bundle, a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from .pixels import count_colour
from .views import chart_pixels
from .walk import Walk

MINIMUM_CHART_HEIGHT = 150
SLIDER_STEPS = 20
PATIENTS_LINE = (0.84, 0.37, 0.0)


def walk(panel: Any, step: Walk) -> None:
    """Walk through a panel that is open, on an empty scene."""
    with step.part("empty survival scene"):
        step.need("the panel is made", panel.ui is not None and panel._parameterNode is not None)
        step.check("an empty scene enables nothing", not panel.ui.fitButton.enabled)
        step.picture("survival_empty")
    for part in (_sample, _drag, _unknown, _patient_views, _page, _charts, _cancel, _fit, _bundle):
        with step.part(f"survival {part.__name__.strip('_').replace('_', ' ')}"):
            part(panel, step)
    path = step.folder / "survival.mrb"
    with step.part("survival save"):
        step.check("the scene is saved", slicer.util.saveScene(str(path)))
    with step.part("survival load"):
        _load(panel, step, path)
    with step.part("survival closed scene"):
        slicer.mrmlScene.Clear(0)
        step.live(1.0)
        step.check("a closed scene enables nothing", not panel.ui.fitButton.enabled)
    with step.part("survival other module and back"):
        slicer.util.selectModule("Data")
        step.live(0.5)
        slicer.util.selectModule("SurvivalNomogram")
        step.check("the panel is bound again", panel._parameterNode is not None)


def _sections(panel: Any, *opened: str) -> None:
    for name in ("patients", "fit", "models", "patient"):
        getattr(panel.ui, f"{name}CollapsibleButton").collapsed = name not in opened


def _sample(panel: Any, step: Walk) -> None:
    panel.ui.sampleButton.click()
    step.need("the sample has a model", panel._parameterNode.model)
    step.check("the sample has patients", panel.cohort is not None and panel.cohort.rows > 50)
    step.check("covariates are listed", panel.ui.covariateTable.rowCount >= 6)
    step.picture("survival_sample")
    _sections(panel, "patient")
    step.live(0.6)
    step.check("the nomogram is drawn", _size(panel.ui.nomogramLabel)[0] >= 240)
    step.check("the curve is drawn", _size(panel.ui.curveLabel)[1] >= 200)
    step.picture("survival_patient")


def _drag(panel: Any, step: Walk) -> None:
    slider = panel.patient.controls.control("age")
    low, high = slider.minimum, slider.maximum
    before = panel.patient.reading.horizons[0].probability
    for number in range(SLIDER_STEPS):
        slider.value = low + (high - low) * number / (SLIDER_STEPS - 1)
        step.live(0.01)
    after = panel.patient.reading
    step.check("an older patient lives shorter", after.horizons[0].probability < before)
    step.check("beyond the range it is said", "lies outside" in panel.ui.patientNotesLabel.text)
    step.picture("survival_outside")
    slider.value = 61


def _unknown(panel: Any, step: Walk) -> None:
    panel.patient.controls.check("stage").click()
    step.check("what is not known is named", "stage" in panel.ui.patientNotesLabel.text)
    panel.patient.controls.check("stage").click()
    step.check("and known again", not panel.ui.patientNotesLabel.text)
    box = panel.ui.patientSelector
    box.setCurrentIndex(4)
    step.check("a patient of the table fills the controls", panel._parameterNode.patient == box.itemData(4))


def _patient_views(panel: Any, step: Walk) -> None:
    panel.ui.patientTableButton.click()
    table = panel._parameterNode.patientTable
    step.need("the table of the patient is made", table and table.GetNumberOfRows() > 5)
    panel.ui.patientChartButton.click()
    chart = panel._parameterNode.patientChart
    step.need("the chart of the patient is made", chart and chart.GetNumberOfPlotSeriesNodes() == 3)
    step.live(0.5)
    _chart_is_seen(step, "the patient's curve is seen", PATIENTS_LINE)
    step.picture("survival_chart")


def _page(panel: Any, step: Walk) -> None:
    path = step.folder / "patient.html"
    panel.ui.pageEdit.currentPath = str(path)
    with _nothing_opened():
        panel.ui.pageButton.click()
    step.need("the page is written", path.is_file())
    text = path.read_text(encoding="utf-8")
    step.check("it holds nomogram and curve", text.count("<svg") == 2)
    step.check("it says what it is for", "For research use only" in text)


def _charts(panel: Any, step: Walk) -> None:
    _sections(panel, "models")
    box = panel.ui.kindSelector
    for kind in [box.itemText(row) for row in range(box.count)]:
        box.setCurrentIndex(box.findText(kind))
        step.live(0.1)
        step.check(f"{kind} is shown", _size(panel.ui.pictureLabel1)[0] >= 240)
    step.picture("survival_figure")
    box.setCurrentIndex(box.findText("Kaplan-Meier"))
    panel.ui.compareButton.click()
    chart = panel._parameterNode.chart
    step.need("the chart of the models is made", chart and chart.GetNumberOfPlotSeriesNodes() == 2)
    step.live(0.5)
    _chart_is_seen(step, "its lines are seen", chart.GetNthPlotSeriesNode(0).GetColor())
    panel.ui.showTableButton.click()
    step.live(0.3)
    step.picture("survival_compare")


def _cancel(panel: Any, step: Walk) -> None:
    _sections(panel, "patients", "fit")
    panel.ui.fitButton.click()
    step.need("a fit runs", panel.job.running)
    step.until("it tells a step", lambda: panel.ui.progressBar.value > 0)
    step.picture("survival_running")
    panel.ui.cancelButton.click()
    step.check("Cancel ends it", not panel.job.running and "Cancelled" in panel.ui.progressLabel.text)


def _fit(panel: Any, step: Walk) -> None:
    chosen = panel._parameterNode
    chosen.modelName, chosen.resamples, chosen.horizons = "Clinical", 10, "365, 1095"
    chosen.covariates, chosen.standIns = ["age", "sex", "stage"], ["stage"]
    panel.ui.fitButton.click()
    step.need("a fit runs", panel.job.running)
    step.job("the fit is done", lambda: panel.job.running)
    step.need("its model is chosen", chosen.model and chosen.model.GetName() == "Clinical")
    _sections(panel, "models")
    panel.ui.kindSelector.setCurrentIndex(panel.ui.kindSelector.findText("calibration"))
    step.live(0.5)
    step.check("two models stand side by side", _size(panel.ui.pictureLabel2)[0] >= 240)
    step.picture("survival_two_models")
    panel.patient.controls.check("stage").click()
    step.check("without a stage its stand-in is read", "without it" in panel.ui.patientNotesLabel.text)
    panel.patient.controls.check("stage").click()


def _bundle(panel: Any, step: Walk) -> None:
    _sections(panel, "patient")
    path = step.folder / "bundle" / "model.json"
    before = panel.patient.reading.linear_predictor
    panel.ui.bundleFileEdit.currentPath = str(path)
    panel.ui.saveButton.click()
    step.need("the bundle is saved", path.is_file())
    panel.ui.loadButton.click()
    step.check("it is loaded", panel._parameterNode.model.GetName() == "bundle")
    panel.patient.controls.control("age").value = 61
    step.check("and reads a patient", panel.patient.reading.is_predicted and before == before)
    panel.ui.predictButton.click()
    step.job("all patients are predicted", lambda: panel.job.running)
    table = panel._parameterNode.predictions
    step.check("a row a patient", table and table.GetNumberOfRows() == panel.cohort.rows)
    step.picture("survival_predictions")


def _load(panel: Any, step: Walk, path: Path) -> None:
    before = panel.patient.reading.linear_predictor
    slicer.mrmlScene.Clear(0)
    step.check("the scene is loaded", slicer.util.loadScene(str(path)))
    step.live(0.5)
    step.need("the model is back", panel._parameterNode and panel._parameterNode.model)
    step.check("with the same prediction", panel.patient.reading.linear_predictor == before)
    step.check("the patients are back", panel.cohort is not None and panel.cohort.rows > 50)
    step.picture("survival_loaded")


def _size(label: Any) -> tuple[int, int]:
    """Return width and height of the picture in a label; (0, 0) without one."""
    pixmap = label.pixmap
    pixmap = pixmap() if callable(pixmap) else pixmap
    return (pixmap.width(), pixmap.height()) if pixmap is not None and not label.isHidden() else (0, 0)


def _chart_is_seen(step: Walk, words: str, colour: Any) -> None:
    manager = slicer.app.layoutManager()
    for number in range(manager.plotViewCount):
        height = manager.plotWidget(number).height
        step.check(f"the chart has room ({height} pixels)", height >= MINIMUM_CHART_HEIGHT)
    if manager.plotViewCount:
        step.seen(words, lambda: count_colour(chart_pixels(), colour))


@contextmanager
def _nothing_opened() -> Iterator[None]:
    """Let nothing be opened in another program: nobody is there to close it."""
    from RadiomicsSlicerLib.pictures import opening

    plain = opening.open_file
    opening.open_file = lambda path: None
    try:
        yield
    finally:
        opening.open_file = plain
