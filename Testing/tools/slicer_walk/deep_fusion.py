"""The walk through DeepRadiomicsFusion: a fusion and a network applied to the sample case, features, a cohort, results.

Where PyTorch or another package is absent, what needs it is left out, and a note says so.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from .cases import load_sample_case
from .peritumoral import ring_colours_of
from .pixels import count_changed, count_colour
from .views import any_shown, chart_pixels, drawn_by, shown, slice_pixels
from .walk import Walk

LEGEND = "vtkMRMLColorLegendDisplayNode"
TABLES, NETWORKS = ("pandas", "joblib", "sklearn", "skops", "captum", "matplotlib"), ("torch", "safetensors", "monai")
PATIENTS = 2


def walk(panel: Any, step: Walk) -> None:
    """Walk through a panel that is open, on an empty scene."""
    folder = Path(tempfile.mkdtemp(prefix="walk-"))
    with step.part("empty scene"):
        step.need("the panel is made", panel.ui is not None and panel._parameterNode is not None)
        step.check("an empty scene enables nothing", not (panel.ui.applyButton.enabled or panel.ui.runButton.enabled))
        step.picture("empty")
    parts: list[tuple[Callable[..., None], tuple[str, ...]]] = [
        (_choose, ()),
        (_fusion, TABLES),
        (_declined, TABLES),
        (_network, (*TABLES, *NETWORKS)),
        (_mask, (*TABLES, *NETWORKS)),
        (_features, (*TABLES, *NETWORKS, "efficientnet_lite_pytorch")),
        (_cohort, ()),
        (_results, ()),
        (_save_and_load, ()),
        (_closed, ()),
    ]
    for part, packages in parts:
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if missing:
            step.note(f"left out {part.__name__.strip('_')}: {missing[0]} is not here")
            continue
        with step.part(part.__name__.strip("_").replace("_", " ")):
            part(panel, step, folder)


def _choose(panel: Any, step: Walk, folder: Path) -> None:
    volume, segmentation = load_sample_case()
    step.until("the case is chosen by itself", lambda: panel._parameterNode.volume is volume)
    step.check("so is its tumour", panel._parameterNode.tumourSegment == "Tumour")
    panel.choosePatient(volume, segmentation)
    step.check("the organ is offered", panel.ui.organSelector.currentText == "Liver")
    for section in (panel.ui.featuresCollapsibleButton, panel.ui.cohortCollapsibleButton):
        section.collapsed = True
    step.picture("chosen")


def _fusion(panel: Any, step: Walk, folder: Path) -> None:
    from deep_bundles import fused_model

    chosen, ui = panel._parameterNode, panel.ui
    with step._heart.paused():  # the bundle is the walk's, not the panel's
        cohort = panel.sceneCase().write(folder / "case")
        model = fused_model(folder / "fusion" / "model", cohort)
    ui.bundleEdit.currentPath = str(model)
    step.check("the panel says what it is", "classifier" in ui.cardLabel.text and "recurrence" in ui.cardLabel.text)
    ui.applyButton.click()
    step.need("the model is being applied", panel.applying.job.running)
    step.job("it is applied", lambda: panel.applying.job.running)
    step.need("the board has a row", ui.boardTable.rowCount == 1)
    step.check("with a range of the folds", " to " in ui.boardTable.item(0, 1).text())
    segmentation = chosen.segmentation.GetSegmentation()
    names = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    step.check("its ring was grown", "ring_0_3mm" in names)
    step.seen("the ring is seen", lambda: any_shown(ring_colours_of(1)))
    step.picture("fusion")
    ui.contributionsButton.click()
    step.live(0.5)
    chart = chosen.contributions
    step.need("contributions are a chart", chart and chart.GetNumberOfPlotSeriesNodes() == 4)
    if slicer.app.layoutManager().plotViewCount:
        bars = [chart.GetNthPlotSeriesNode(n).GetColor() for n in range(2)]
        step.seen("its bars are seen", lambda: max(count_colour(chart_pixels(), colour) for colour in bars))
    step.picture("contributions")


def _declined(panel: Any, step: Walk, folder: Path) -> None:
    from .missing_package import without_package

    step.dialogs.answer = False
    with without_package("skops", "skops"):
        panel.ui.applyButton.click()
    messages, questions = step.dialogs.take()
    step.check(f"one question is asked ({len(questions)})", len(questions) == 1)
    step.check(f"a no opens no dialog ({len(messages)})", not messages)
    step.check("it is said in the panel", panel.ui.statusLabel.text and not panel.applying.job.running)
    step.dialogs.answer = True


def _network(panel: Any, step: Walk, folder: Path) -> None:
    from deep_bundles import network_model

    chosen, ui = panel._parameterNode, panel.ui
    with step._heart.paused():
        model = network_model(folder / "network" / "model")
    ui.bundleEdit.currentPath = str(model)
    ui.applyButton.click()
    step.job("the network is applied", lambda: panel.applying.job.running)
    step.need("the board has two rows", ui.boardTable.rowCount == 2)
    ui.boardTable.selectRow(1)
    step.check("a row chooses its end point", chosen.endpoint == "alk")
    chosen.mapKind = "input_gradient"  # Grad-CAM of random weights may be zero everywhere
    ui.mapButton.click()
    step.job("a map is made", lambda: panel.applying.mapping.running)
    step.need("the map is in the scene", chosen.overlay)
    step.live(0.5)
    with step.hidden(chosen.segmentation):
        step.seen("the map is seen over the scan", lambda: _overlay(ui.opacitySlider))
        legend = slicer.mrmlScene.GetFirstNodeByClass(LEGEND)
        step.seen("its legend is seen", lambda: drawn_by(legend), least=200)
        step.picture("map")
    before = slice_pixels()
    ui.seenButton.click()
    step.live(0.5)
    step.seen("what the network sees is shown", lambda: count_changed(before, slice_pixels()), least=500)
    step.picture("seen")
    slicer.util.setSliceViewerLayers(background=chosen.volume, fit=True)


def _mask(panel: Any, step: Walk, folder: Path) -> None:
    from deep_bundles import mask_model

    segmentation = panel._parameterNode.segmentation.GetSegmentation()
    before = segmentation.GetNumberOfSegments()
    with step._heart.paused():
        model = mask_model(folder / "unet" / "model")
    panel.ui.bundleEdit.currentPath = str(model)
    panel.ui.applyButton.click()
    step.job("the U-Net is applied", lambda: panel.applying.job.running)
    step.check("its mask is a segment", segmentation.GetNumberOfSegments() == before + 1)
    step.picture("mask")
    segmentation.RemoveSegment(segmentation.GetNthSegmentID(before))


def _features(panel: Any, step: Walk, folder: Path) -> None:
    ui = panel.ui
    ui.applyCollapsibleButton.collapsed = True
    ui.featuresCollapsibleButton.collapsed = False
    step.check("the network's weights are here", "are here" in ui.weightsLabel.text)
    ui.featuresButton.click()
    step.job("deep features are computed", lambda: panel.features.job.running)
    table = panel._parameterNode.deepTable
    size = (table.GetNumberOfRows(), table.GetNumberOfColumns()) if table else None
    step.check("1280 features of 3 regions", size == (1280, 4))
    step.picture("features")


def _cohort(panel: Any, step: Walk, folder: Path) -> None:
    chosen, ui = panel._parameterNode, panel.ui
    ui.applyCollapsibleButton.collapsed = ui.featuresCollapsibleButton.collapsed = True
    ui.cohortCollapsibleButton.collapsed = False
    panel.cohort.check.runInFolder(
        folder / "cohort",
        lambda path: panel.logic.exportSampleCohort(path, PATIENTS),
        panel.cohort.onSampleMade,
        keep=True,
    )
    step.job("the sample cohort is made", lambda: panel.cohort.check.running)
    step.need("its cases are listed", ui.casesTable.rowCount == PATIENTS)
    ui.checkButton.click()
    step.job("every case is checked", lambda: panel.cohort.check.running)
    states = {ui.casesTable.item(row, 2).text() for row in range(PATIENTS)}
    step.check("all can be used", states == {"can be used"})
    ui.casesTable.selectRow(1)
    panel.cohort.cases._activated()
    step.live(0.5)
    step.check("a case is loaded", chosen.volume.GetName() == "sample_002 ct" and chosen.tumourSegment == "Tumour")
    step.picture("cohort")


def _results(panel: Any, step: Walk, folder: Path) -> None:
    from deep_results import write_results

    from DeepFusionSlicerLib.logic.cohort_results import models_table

    chosen, ui = panel._parameterNode, panel.ui
    chosen.models = models_table(write_results(folder / "results"))
    step.need("models are listed", ui.modelsTable.rowCount == 2)
    for number in range(ui.resultSelector.count):
        ui.resultSelector.setCurrentIndex(number)
        panel.cohort.onResult()
        step.live(0.3)
        words = ui.resultSelector.currentText
        step.check(f"{words} can be shown", not ui.resultLabel.text)
        if "curves" in words and slicer.app.layoutManager().plotViewCount:
            colour = slicer.util.getNode("ROC curves").GetNthPlotSeriesNode(0).GetColor()
            step.seen("a curve is seen", partial(_in_chart, colour))
        step.picture(f"result_{number}")
    ui.sweepTable.selectRow(2)
    step.seen("the ring of a size that is chosen is seen", lambda: shown(ring_colours_of(1)))
    step.picture("ring_of_a_size")


def _save_and_load(panel: Any, step: Walk, folder: Path) -> None:
    rows = panel.ui.boardTable.rowCount
    path = str(step.folder / "deep.mrb")
    step.need("the scene is saved", slicer.util.saveScene(path))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    step.live(2.0)
    step.check("the model's path is there again", panel.ui.bundleEdit.currentPath == panel._parameterNode.bundle)
    step.check("the board is there again", panel.ui.boardTable.rowCount == rows)
    step.check("models are there again", panel.ui.modelsTable.rowCount == 2)
    step.picture("loaded")


def _closed(panel: Any, step: Walk, folder: Path) -> None:
    panel.ui.checkButton.click()
    step.need("a check runs", panel.cohort.check.running)
    slicer.mrmlScene.Clear(0)
    step.until("closing the scene ends it", lambda: not panel.cohort.check.running)
    step.check("a closed scene enables nothing", not panel.ui.applyButton.enabled)
    step.picture("closed")


def _overlay(slider: Any) -> int:
    """Return how many pixels a map changes: it is made transparent and shown again."""
    with_it, opacity = slice_pixels(), slider.value
    slider.value = 0
    without_it = slice_pixels()
    slider.value = opacity
    return count_changed(with_it, without_it)


def _in_chart(colour: tuple[float, float, float]) -> int:
    return count_colour(chart_pixels(), colour)
