"""Make pictures of a module's panel, in the stand-in of Slicer's window, with the sample case in it.

    python Testing/tools/render_panel.py [FOLDER]

FOLDER is Resources/Screenshots by default. The pictures show plain Qt's style ("Fusion"): Slicer's own differs. All
are 500 pixels wide, which is usual for Slicer's panel, but panel_narrow.png (400) and panel_crowded.png (long names,
many segments and rings, warnings). panel_dark.png has the colours of a dark theme.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "RadiomicsStudy", "Testing/gui/slicer_stand_in"):
    sys.path.insert(0, str(ROOT / folder))

import slicer_window  # noqa: E402
from PySide6 import QtGui  # noqa: E402

WIDTH, NARROW = 500, 400
PATIENCE_S = 300


def wait_until(condition: Callable[[], Any]) -> None:
    """Let Qt's events go on until something is so. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not so after {PATIENCE_S} s")
        slicer_window.APPLICATION.processEvents()
        time.sleep(0.01)


def save(panel: Any, path: Path, width: int = WIDTH) -> None:
    """Save a picture of the whole panel, as tall as it is."""
    panel.parent.resize(width, 10)
    panel.parent.show()
    slicer_window.APPLICATION.processEvents()
    panel.parent.resize(width, panel.parent.sizeHint().height())
    for _ in range(3):  # a label that wraps knows its height once it knows its width
        slicer_window.APPLICATION.processEvents()
        panel.parent.resize(width, panel.parent.layout().totalHeightForWidth(width))
    slicer_window.APPLICATION.processEvents()
    panel.parent.grab().save(str(path))
    print(
        f"{path} {panel.parent.width} x {panel.parent.height}, could be {panel.parent.minimumSizeHint().width()} wide"
    )


@contextmanager
def dark_theme() -> Iterator[None]:
    """Give all widgets the colours of a dark theme."""
    application = slicer_window.APPLICATION
    bright, dark = application.palette(), QtGui.QPalette()
    role = QtGui.QPalette.ColorRole
    for names, colour in (
        ("Window Button ToolTipBase", "#323232"),
        ("Base", "#252525"),
        ("AlternateBase", "#2c2c2c"),
        ("WindowText Text ButtonText ToolTipText", "#f0f0f0"),
        ("PlaceholderText", "#909090"),
        ("Highlight", "#2a82da"),
    ):
        for name in names.split():
            dark.setColor(getattr(role, name), QtGui.QColor(colour))
    for name in ("WindowText", "Text", "ButtonText"):
        dark.setColor(QtGui.QPalette.ColorGroup.Disabled, getattr(role, name), QtGui.QColor("#7f7f7f"))
    application.setPalette(dark)
    try:
        yield
    finally:
        application.setPalette(bright)


def crowd(panel: Any) -> None:
    """Give everything a long name, and make many segments and rings, some with warnings."""
    import slicer

    chosen = panel._parameterNode
    chosen.volume.SetName("CT thorax abdomen portal venous phase 1.25 mm B30f resampled to 1 mm")
    chosen.segmentation.SetName("Segmentation of a reader with a rather long name, second reading")
    for number in range(12):
        chosen.segmentation.GetSegmentation().AddEmptySegment("", f"vessel or organ at risk number {number}")
    chosen.segmentation.GetSegmentation().GetSegment("Tumour").SetName("gross tumour volume of the primary")
    chosen.distancesMm = "1, 2, 4, 8, 12.5, 15.25, 20, 30"
    chosen.fractions = "1/6, 2/6, 3/6"
    chosen.minVoxels = 1500
    panel.ui.createRingsButton.click()
    slicer.app.processEvents()


def render(folder: Path) -> None:
    """Save the pictures of the panel of PeritumoralRadiomics."""
    with slicer_window.window() as window:
        panel = window.open_panel("PeritumoralRadiomics")
        import PeritumoralRadiomics as module
        from PeritumoralSlicerLib.logic.sample_case import load_sample

        save(panel, folder / "panel_empty.png")
        load_sample(module._sampleScan)
        panel.enter()
        ui, chosen = panel.ui, panel._parameterNode
        chosen.tumourSegment, chosen.organSegment = "Tumour", "Liver"
        chosen.exclusionSegments = []
        wait_until(lambda: panel.preview.outlines)
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
        ui.mapsCollapsibleButton.collapsed = False
        wait_until(lambda: ui.mapTimeLabel.text.startswith("Takes"))
        save(panel, folder / "panel_features.png")
        save(panel, folder / "panel_narrow.png", NARROW)
        with dark_theme():
            save(panel, folder / "panel_dark.png")
        crowd(panel)
        chosen.preset = "wu2021"
        ui.extractButton.click()
        wait_until(lambda: not panel.extraction.running)
        ui.featureFilterEdit.text = ""
        save(panel, folder / "panel_crowded.png")
        for text in window.shown:
            print("shown:", text)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Resources" / "Screenshots"
    target.mkdir(parents=True, exist_ok=True)
    render(target)
