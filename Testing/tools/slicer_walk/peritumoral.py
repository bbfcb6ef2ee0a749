"""The walk through PeritumoralRadiomics: the sample case from the empty scene to the closed one, and a real patient."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer
import slicer.util

from .cases import add_second_tumour, load_patient, load_sample_case, patient_folder, segments_named, voxels
from .missing_package import without_package
from .pixels import count_changed
from .views import any_shown, drawn_by, shown, slice_pixels
from .walk import Walk

LEGEND = "vtkMRMLColorLegendDisplayNode"
MINIMUM_CHART_HEIGHT = 150


def walk(panel: Any, step: Walk) -> None:
    """Walk through a panel that is open, on an empty scene."""
    with step.part("empty scene"):
        step.need("the panel is made", panel.ui is not None and panel._parameterNode is not None)
        step.check("an empty scene enables nothing", not panel.ui.createRingsButton.enabled)
        step.picture("empty")
    volume, segmentation = load_sample_case()
    for part in (_choose, _preview, _rings, _layout, _features, _map, _file_box, _declined, _cancel, _edit):
        with step.part(part.__name__.strip("_").replace("_", " ")):
            part(panel, step, volume, segmentation)
    with step.part("save and load"):
        _save_and_load(panel, step)
    with step.part("two tumours"):
        _two_tumours(panel, step)
    with step.part("closed scene"):
        _close_with_a_job(panel, step)
    folder = patient_folder()
    if folder is not None:
        _patient(panel, step, *load_patient(folder))


def ring_colours_of(number: int) -> list[tuple[float, float, float]]:
    """Return the colours of so many rings."""
    from RadiomicsCoreLib.figures.ring_palette import ring_colours

    return list(ring_colours(number))


def _select(box: Any, words: str) -> None:
    box.setCurrentIndex(box.findText(words))


def _choose(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    ui = panel.ui
    ui.volumeSelector.setCurrentNode(volume)
    ui.segmentationSelector.setCurrentNode(segmentation)
    _select(ui.tumourSelector, "Tumour")
    if ui.organSelector.findText("Liver") >= 0:
        _select(ui.organSelector, "Liver")
    step.until("rings can be created", lambda: ui.createRingsButton.enabled)


def _preview(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    with step.hidden(segmentation):
        step.until_seen("three outlines are seen", lambda: shown(ring_colours_of(3)))
        step.picture("outlines")
    step.picture("preview")


def _rings(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    panel.ui.createRingsButton.click()
    step.check("the quality table has four rows", panel.ui.qualityTable.rowCount == 4)
    step.seen("three rings are seen", lambda: shown(ring_colours_of(3)))
    with step.hidden(segmentation):
        step.live(1.0)
        step.unseen("the outlines are gone", lambda: any_shown(ring_colours_of(3)))
    step.picture("rings")


def _layout(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    panel.ui.layoutButton.click()
    step.live(0.5)
    step.seen("the rings are seen in our layout", lambda: shown(ring_colours_of(3)))
    step.picture("layout")


def _features(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    ui = panel.ui
    ui.extractButton.click()
    step.need("an extraction runs", panel.extraction.running)
    step.job("the extraction is done", lambda: panel.extraction.running)
    table = panel._parameterNode.featureTable
    size = (table.GetNumberOfRows(), table.GetNumberOfColumns()) if table else None
    step.need("107 features of 4 regions", size == (107, 5))
    step.picture("features")
    ui.chartButton.click()
    chart = panel._parameterNode.chart
    step.check("the chart is made", chart and chart.GetNumberOfPlotSeriesNodes() == 1)
    step.live(0.5)
    manager = slicer.app.layoutManager()
    for number in range(manager.plotViewCount):
        height = manager.plotWidget(number).height
        step.check(f"the chart has room ({height} pixels)", height >= MINIMUM_CHART_HEIGHT)
    step.picture("chart")


def _map(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    ui = panel.ui
    for section in (ui.inputsCollapsibleButton, ui.ringsCollapsibleButton, ui.featuresCollapsibleButton):
        section.collapsed = True
    ui.mapsCollapsibleButton.collapsed = False
    step.until("the time of the map is stated", lambda: ui.mapTimeLabel.text.startswith("Takes about"))
    ui.mapButton.click()
    step.job("the map is made", lambda: panel.maps.running)
    step.need("the map is in the scene", panel._parameterNode.mapVolume)
    step.live(0.5)
    legend = slicer.mrmlScene.GetFirstNodeByClass(LEGEND)
    step.need("the map has a legend", legend)
    step.seen("the legend is seen", lambda: drawn_by(legend), least=200)
    with step.hidden(segmentation), _without_legend():
        step.seen("the map is seen over the scan", lambda: _overlay(ui.mapOpacitySlider), least=200)
    step.picture("map")
    for section in (ui.inputsCollapsibleButton, ui.ringsCollapsibleButton, ui.featuresCollapsibleButton):
        section.collapsed = False


@contextmanager
def _without_legend() -> Iterator[None]:
    legend = slicer.mrmlScene.GetFirstNodeByClass(LEGEND)
    legend.SetVisibility(False)
    try:
        yield
    finally:
        legend.SetVisibility(True)


def _overlay(slider: Any) -> int:
    """Return how many pixels a map changes: it is made transparent and shown again."""
    with_it, opacity = slice_pixels(), slider.value
    slider.value = 0
    without_it = slice_pixels()
    slider.value = opacity
    return count_changed(with_it, without_it)


def _file_box(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    box = panel.ui.parameterFileEdit
    box.currentPath = "own.yaml"
    step.check("a parameter file is taken", panel._parameterNode.parameterFile == "own.yaml")
    box.currentPath = ""
    step.live(0.5)
    step.check("an emptied box means none", panel._parameterNode.parameterFile == "")
    panel._parameterNode.parameterFile = ""


def _declined(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    preset = panel._parameterNode.preset
    step.dialogs.answer = False
    panel._parameterNode.preset = "zhang2024"  # needs wavelets
    with without_package("PyWavelets", "pywt"):
        panel.ui.extractButton.click()
    messages, questions = step.dialogs.take()
    step.check(f"one question is asked ({len(questions)})", len(questions) == 1)
    step.check(f"a no opens no dialog ({len(messages)})", not messages)
    step.check("it is said in the panel", panel.ui.statusLabel.text and not panel.extraction.running)
    step.picture("declined")
    step.dialogs.answer = True
    panel._parameterNode.preset = preset


def _cancel(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    panel.ui.extractButton.click()
    step.need("an extraction runs again", panel.extraction.running)
    panel.ui.extractCancelButton.click()
    step.check("cancelled", "Cancelled" in panel.ui.extractProgressLabel.text and not panel.extraction.running)


def _edit(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    """Grow one ring in the Segment Editor: it may lie over the others, and cuts none of them."""
    panel.ui.drawButton.click()
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    rings = segments_named(segmentation, "Tumour_ring")
    step.need("there are three rings to edit", len(rings) == 3)
    before = {ring: int(voxels(segmentation, ring, volume).sum()) for ring in rings}
    editor.setCurrentSegmentID(rings[0])
    editor.setActiveEffectByName("Margin")
    effect = editor.activeEffect()
    effect.setParameter("MarginSizeMm", 3.0)
    effect.self().onApply()
    after = {ring: int(voxels(segmentation, ring, volume).sum()) for ring in rings}
    step.check("the ring has grown", after[rings[0]] > before[rings[0]])
    others = rings[1:]
    step.check("the other rings are whole", [after[ring] for ring in others] == [before[ring] for ring in others])
    step.picture("editor")
    editor.setActiveEffectByName("")
    slicer.util.selectModule(panel.moduleName)
    panel.ui.measureButton.click()
    edited = panel._parameterNode.qualityTable.GetTable().GetColumnByName("edited")
    step.check("the table says which ring was edited", [edited.GetValue(row) for row in (1, 2)] == ["yes", "no"])


def _save_and_load(panel: Any, step: Walk) -> None:
    path = str(step.folder / "walk.mrb")
    panel.ui.mapOpacitySlider.value = 0  # a map may have the colours of rings
    step.need("the scene is saved", slicer.util.saveScene(path))
    with step.hidden(panel._parameterNode.segmentation), _without_legend():
        step.live(3.0)
        step.unseen("saving brings no outlines back", lambda: any_shown(ring_colours_of(3)))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    step.live(3.0)
    ui, chosen = panel.ui, panel._parameterNode
    shown_now = (ui.tumourSelector.currentText, ui.organSelector.currentText)
    step.need("tumour and organ are still chosen", shown_now == ("Tumour", "Liver"))
    step.check("rings are there again", ui.qualityTable.rowCount == 4)
    step.check("features are there again", chosen.featureTable and chosen.featureTable.GetNumberOfRows() == 107)
    step.check("chart and map are there again", chosen.chart and chosen.mapVolume)
    # The first ring was edited, and covers the second.
    step.seen("the outermost ring is seen again", lambda: shown(ring_colours_of(3)[-1:]))
    with step.hidden(chosen.segmentation), _without_legend():
        step.unseen("loading brings no outlines back", lambda: any_shown(ring_colours_of(3)))
    step.picture("loaded")


def _two_tumours(panel: Any, step: Walk) -> None:
    """Rings of one tumour leave the other one out, and the table tells what share is left."""
    chosen = panel._parameterNode
    volume, segmentation = chosen.volume, chosen.segmentation
    first = voxels(segmentation, "Tumour", volume)
    second = add_second_tumour(volume, segmentation)
    _select(panel.ui.organSelector, panel.ui.organSelector.itemText(0))
    _select(panel.ui.tumourSelector, "Second tumour")
    step.until("rings can be created around the second tumour", lambda: panel.ui.createRingsButton.enabled)
    panel.ui.createRingsButton.click()
    rings = segments_named(segmentation, f"{second}_ring")
    step.need("the second tumour has three rings", len(rings) == 3)
    inside = sum(int((voxels(segmentation, ring, volume) & first).sum()) for ring in rings)
    step.check(f"none of their voxels lies in the first tumour ({inside})", inside == 0)
    kept = chosen.qualityTable.GetTable().GetColumnByName("retained_fraction")
    least = min(kept.GetValue(row) for row in range(1, 4))
    step.check(f"the table tells what share is left ({least:.2f})", least < 1)
    step.picture("two_tumours")


def _close_with_a_job(panel: Any, step: Walk) -> None:
    panel.ui.extractButton.click()
    step.need("an extraction runs", panel.extraction.running)
    pid = panel.extraction.pid
    slicer.mrmlScene.Clear(0)
    step.until("closing the scene ends the job", lambda: not panel.extraction.running and not _alive(pid))
    step.check("it is said that it was stopped", "Stopped" in panel.ui.extractProgressLabel.text)
    step.check("a closed scene enables nothing", not panel.ui.createRingsButton.enabled)
    step.picture("closed")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _patient(panel: Any, step: Walk, volume: Any, segmentation: Any) -> None:
    """Outlines at any input, rings and features of a real patient; the gaps tell whether the window lives."""
    from RadiomicsSlicerLib.layouts import look_at_segment

    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    look_at_segment(segmentation, "Tumour", volume)
    ui = panel.ui
    with step.part("patient: choose"):
        _choose(panel, step, volume, segmentation)
    with step.part("patient: outlines at 3, 6, 9 mm"), step.hidden(segmentation):
        step.until_seen("outlines of the patient are seen", lambda: shown(ring_colours_of(3)))
        step.picture("patient_outlines")
    for typed in ("60", "200", "3, 6, 9"):
        with step.part(f"patient: {typed} mm typed"):
            ui.distancesEdit.text = typed
            step.live(3.0)
            step.until("the line below the numbers says something", lambda: ui.previewLabel.text)
    with step.part("patient: rings"):
        ui.createRingsButton.click()
        step.need("the patient has three rings", ui.qualityTable.rowCount == 4)
        step.seen("the rings of the patient are seen", lambda: shown(ring_colours_of(3)))
        step.picture("patient_rings")
    with step.part("patient: features"):
        ui.extractButton.click()
        step.job("the patient's features are extracted", lambda: panel.extraction.running)
        step.check("107 features of the patient", panel._parameterNode.featureTable.GetNumberOfRows() == 107)
        ui.chartButton.click()
        step.picture("patient_chart")
    slicer.mrmlScene.Clear(0)
