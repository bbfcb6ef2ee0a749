"""Make pictures of the panel of SurvivalNomogram, in the stand-in of Slicer's window, with the sample in it.

    python Testing/tools/render_survival_panel.py [FOLDER]

FOLDER is Resources/Screenshots by default: survival_panel.png (500 pixels wide), survival_panel_narrow.png (400),
survival_panel_dark.png, survival_panel_compare.png (two models side by side) and survival_page.html beside them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "SurvivalNomogram", "RadiomicsStudy", "Testing/gui/slicer_stand_in"):
    sys.path.insert(0, str(ROOT / folder))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import slicer_window  # noqa: E402
from render_panel import NARROW, WIDTH, dark_theme, save  # noqa: E402

SECTIONS = ("patients", "fit", "models", "patient")


def opened(panel: Any, *names: str) -> None:
    """Open these sections and fold the others."""
    for name in SECTIONS:
        getattr(panel.ui, f"{name}CollapsibleButton").collapsed = name not in names


def save_fitted(panel: Any, path: Path, width: int = WIDTH) -> None:
    """Save a picture after the drawings have taken the panel's width."""
    save(panel, path, width)
    panel._onWatch()
    save(panel, path, width)


def render(folder: Path) -> None:
    """Save the pictures."""
    with slicer_window.window() as window:
        panel = window.open_panel("SurvivalNomogram")
        panel.ui.sampleButton.click()
        from RadiomicsSlicerLib.pictures import opening

        opening.open_file = lambda path: None
        sample = panel.logic.loadSample()[1]
        panel.ui.patientSelector.setCurrentIndex(4)
        panel.say("")
        save_fitted(panel, folder / "survival_panel.png")
        opened(panel, "patient")
        panel.patient.controls.control("age").value = 93
        save_fitted(panel, folder / "survival_panel_narrow.png", NARROW)
        with dark_theme():
            save_fitted(panel, folder / "survival_panel_dark.png")
        panel.patient.controls.control("age").value = 61
        from SurvivalNomogramSlicerLib.logic.models import put_model

        # A second model of the same files stands for one of your own.
        place = ROOT / "SurvivalNomogram" / "Resources" / "Sample"
        put_model("A second model", [place / "cox", place / "validation"])
        opened(panel, "patients", "fit", "models")
        panel.ui.covariateTable.selectRow(2)
        panel._onModified()
        panel.ui.kindSelector.setCurrentIndex(panel.ui.kindSelector.findText("Kaplan-Meier"))
        save_fitted(panel, folder / "survival_panel_compare.png")
        panel.logic.patientPage(folder / "survival_page.html", sample, panel.cohort.patient("sample_003"), "sample_003")
        for text in window.shown:
            print("shown:", text)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Resources" / "Screenshots"
    target.mkdir(parents=True, exist_ok=True)
    render(target)
