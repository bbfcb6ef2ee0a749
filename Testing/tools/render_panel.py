"""Make pictures of a module's panel, in the stand-in of Slicer's window, with the sample case in it.

    python Testing/tools/render_panel.py [FOLDER]

FOLDER is Resources/Screenshots by default. The pictures show plain Qt's style: Slicer's own differs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "RadiomicsStudy", "Testing/gui/slicer_stand_in"):
    sys.path.insert(0, str(ROOT / folder))

import slicer_window  # noqa: E402

WIDTH = 460
PATIENCE_S = 300


def wait_until(condition: Callable[[], Any]) -> None:
    """Let Qt's events go on until something is so. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {PATIENCE_S} s")
        slicer_window.APPLICATION.processEvents()
        time.sleep(0.01)


def save(panel: Any, path: Path) -> None:
    """Save a picture of the whole panel, as tall as it is."""
    panel.parent.resize(WIDTH, 10)
    panel.parent.show()
    slicer_window.APPLICATION.processEvents()
    panel.parent.resize(WIDTH, panel.parent.sizeHint().height())
    slicer_window.APPLICATION.processEvents()
    panel.parent.grab().save(str(path))
    print(f"{path} {panel.parent.width} x {panel.parent.height}")


def render(folder: Path) -> None:
    """Save the pictures of the panel of PeritumoralRadiomics."""
    with slicer_window.window() as window:
        panel = window.open_panel("PeritumoralRadiomics")
        import PeritumoralRadiomics as module
        from RadiomicsSlicerLib.sample_case import load_sample

        save(panel, folder / "panel_empty.png")
        load_sample(module._sampleScan)
        panel.enter()
        ui, chosen = panel.ui, panel._parameterNode
        chosen.tumourSegment, chosen.organSegment = "Tumour", "Liver"
        chosen.exclusionSegments = []
        wait_until(lambda: panel.preview.models)
        save(panel, folder / "panel_preview.png")
        ui.createRingsButton.click()
        chosen.preset = "zhang2024"
        ui.logGroupBox.collapsed = False
        ui.extractButton.click()
        wait_until(lambda: ui.extractProgressBar.value >= 30 or not panel.extraction.running)
        save(panel, folder / "panel_running.png")
        wait_until(lambda: not panel.extraction.running)
        ui.logGroupBox.collapsed = True
        ui.featureFilterEdit.text = "original_glcm"
        ui.mapsCollapsibleButton.setCollapsed(False)
        wait_until(lambda: ui.mapTimeLabel.text)
        save(panel, folder / "panel_features.png")
        for text in window.shown:
            print("shown:", text)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Resources" / "Screenshots"
    target.mkdir(parents=True, exist_ok=True)
    render(target)
