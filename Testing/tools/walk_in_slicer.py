"""Walk through the panel in the real 3D Slicer: press its buttons, check what happens, take a picture of each step.

    Slicer --no-splash --python-script Testing/tools/walk_in_slicer.py OUT

Slicer must know the module (an installed extension, or ``--additional-module-paths`` with the four module folders).
OUT gets the pictures and ``walk.txt``, a line a check. The exit code is 0 if all went as expected, 1 if not, 2 if the
walk itself broke off. ``Testing/gui/test_walk_in_slicer.py`` walks in the stand-in.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import slicer.util

MODULE = "PeritumoralRadiomics"
PATIENCE_S = 180


class Walk:
    """One walk, its pictures and its findings.

    Args:
        folder: for the pictures.
        grab: saves a picture of the window to a path.
    """

    def __init__(self, folder: Path, grab: Callable[[str], None]) -> None:
        self.folder, self._grab = folder, grab
        self.lines: list[str] = []
        self.errors: list[str] = []

    @property
    def failed(self) -> list[str]:
        """The checks that failed, and the messages that nobody expected."""
        return [line for line in self.lines if line.startswith("FAILED")] + self.errors

    def check(self, words: str, passed: Any) -> None:
        """Note a check."""
        self.lines.append(f"{'ok    ' if passed else 'FAILED'} {words}")

    def until(self, words: str, condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
        """Let the window live until something is so, and note whether it came to be."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.02)
        self.check(words, condition())

    def picture(self, name: str) -> None:
        """Take a picture of the window."""
        slicer.app.processEvents()
        self._grab(str(self.folder / f"{name}.png"))

    def note_error(self, text: str, *_: Any, **__: Any) -> None:
        """Take a message instead of showing it: a dialog would wait for ever."""
        self.errors.append(f"message: {text}")


def walk(panel: Any, step: Walk) -> None:
    """Walk through a panel that is open, on an empty scene."""
    ui = panel.ui
    step.check("an empty scene enables nothing", not ui.createRingsButton.enabled)
    step.picture("01_empty")
    volume, segmentation = _load(panel)
    _choose(panel, volume, segmentation)
    step.until("outlines are shown", lambda: panel.preview.outlines)
    step.picture("02_preview")
    ui.createRingsButton.click()
    step.check("the quality table has four rows", ui.qualityTable.rowCount == 4)
    step.check("the outlines are gone", not panel.preview.outlines)
    step.picture("03_rings")
    ui.layoutButton.click()
    step.picture("04_layout")
    _features(panel, step)
    _map(panel, step)
    _cancel(panel, step)
    _save_and_load(panel, step)
    slicer.mrmlScene.Clear(0)
    step.check("a closed scene enables nothing", not ui.createRingsButton.enabled)
    step.picture("09_closed")


def _load(panel: Any) -> tuple[Any, Any]:
    import PeritumoralRadiomics
    from PeritumoralSlicerLib.logic.sample_case import load_sample

    return load_sample(PeritumoralRadiomics._sampleScan)


def _choose(panel: Any, volume: Any, segmentation: Any) -> None:
    ui = panel.ui
    ui.volumeSelector.setCurrentNode(volume)
    ui.segmentationSelector.setCurrentNode(segmentation)
    ui.tumourSelector.setCurrentIndex(ui.tumourSelector.findText("Tumour"))
    ui.organSelector.setCurrentIndex(ui.organSelector.findText("Liver"))


def _features(panel: Any, step: Walk) -> None:
    ui = panel.ui
    ui.extractButton.click()
    step.check("an extraction runs", panel.extraction.running)
    step.until("the extraction is done", lambda: not panel.extraction.running)
    table = panel._parameterNode.featureTable
    step.check("107 features of 4 regions", table and (table.GetNumberOfRows(), table.GetNumberOfColumns()) == (107, 5))
    step.picture("05_features")
    ui.chartButton.click()
    chart = panel._parameterNode.chart
    step.check("the chart is drawn", chart and chart.GetNumberOfPlotSeriesNodes() == 1)
    step.picture("06_chart")


def _map(panel: Any, step: Walk) -> None:
    ui = panel.ui
    ui.inputsCollapsibleButton.collapsed = True
    ui.ringsCollapsibleButton.collapsed = True
    ui.featuresCollapsibleButton.collapsed = True
    ui.mapsCollapsibleButton.collapsed = False
    panel._onModified()
    step.until("the time of the map is stated", lambda: ui.mapTimeLabel.text.startswith("Takes about"))
    ui.mapButton.click()
    step.until("the map is made", lambda: not panel.maps.running)
    step.check("the map is in the scene", panel._parameterNode.mapVolume)
    step.picture("07_map")
    ui.featuresCollapsibleButton.collapsed = False


def _cancel(panel: Any, step: Walk) -> None:
    panel.ui.extractButton.click()
    panel.ui.extractCancelButton.click()
    step.check("cancelled", "Cancelled" in panel.ui.extractProgressLabel.text and not panel.extraction.running)


def _save_and_load(panel: Any, step: Walk) -> None:
    path = str(step.folder / "walk.mrb")
    step.check("the scene is saved", slicer.util.saveScene(path))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    slicer.app.processEvents()
    chosen = panel._parameterNode
    shown = (panel.ui.tumourSelector.currentText, panel.ui.organSelector.currentText)
    step.check("tumour and organ are still chosen", shown == ("Tumour", "Liver"))
    step.check("rings are there again", panel.ui.qualityTable.rowCount == 4)
    step.check("features are there again", chosen.featureTable and chosen.featureTable.GetNumberOfRows() == 107)
    step.check("chart and map are there again", chosen.chart and chosen.mapVolume)
    step.picture("08_loaded")


def main(words: list[str]) -> int:
    """Walk, and return the exit code."""
    folder = Path(words[0] if words else "walk")
    folder.mkdir(parents=True, exist_ok=True)
    step = Walk(folder, lambda path: slicer.util.mainWindow().grab().save(path))
    slicer.util.errorDisplay = step.note_error
    slicer.util.selectModule(MODULE)
    try:
        walk(getattr(slicer.modules, f"{MODULE}Widget"), step)
        code = 1 if step.failed else 0
    except Exception:  # Slicer would go on running after an exception in its script
        step.errors.append(traceback.format_exc())
        code = 2
    text = "\n".join([*step.lines, *step.errors])
    (folder / "walk.txt").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
