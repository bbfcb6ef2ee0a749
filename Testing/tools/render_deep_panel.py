"""Make pictures of the panel of DeepRadiomicsFusion, in the stand-in of Slicer's window, with the sample case in it.

    python Testing/tools/render_deep_panel.py [FOLDER]

FOLDER is Resources/Screenshots by default. The model has random weights, and the results are made up: the pictures
show the panel, no finding. They have plain Qt's style ("Fusion"): Slicer's own differs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for name in ("PeritumoralRadiomics", "DeepRadiomicsFusion", "RadiomicsStudy", "Testing/gui/slicer_stand_in"):
    sys.path.insert(0, str(ROOT / name))

import slicer_window  # noqa: E402
from deep_bundles import fused_model, network_model  # noqa: E402
from deep_results import write_results  # noqa: E402
from render_panel import NARROW, dark_theme, save, wait_until  # noqa: E402

from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort  # noqa: E402

_PATIENTS = 6


def fold(panel: Any, *opened: str) -> None:
    """Open some sections, and close the others."""
    for section in ("inputs", "apply", "features", "cohort"):
        getattr(panel.ui, f"{section}CollapsibleButton").collapsed = section not in opened


def render(folder: Path, work: Path) -> None:
    """Save the pictures."""
    cohort = make_sample_cohort(work / "cohort", patients=_PATIENTS)
    with slicer_window.window() as window:
        window.app.temporaryPath = str(work)
        panel = window.open_panel("DeepRadiomicsFusion")
        import PeritumoralRadiomics as module
        from DeepFusionSlicerLib.logic.cohort_results import models_table
        from PeritumoralSlicerLib.logic.sample_case import load_sample

        panel.choosePatient(*load_sample(module._sampleScan))
        panel.enter()
        ui, chosen = panel.ui, panel._parameterNode
        chosen.bundle = str(network_model(work / "network" / "model"))
        ui.applyButton.click()
        wait_until(lambda: not panel.applying.job.running)
        ui.mapButton.click()
        wait_until(lambda: not panel.applying.mapping.running)
        fold(panel, "inputs", "apply")
        save(panel, folder / "deep_panel_network.png")
        save(panel, folder / "deep_panel_narrow.png", NARROW)
        with dark_theme():
            save(panel, folder / "deep_panel_dark.png")
        chosen.bundle = str(fused_model(work / "fusion" / "model", cohort))
        ui.applyButton.click()
        wait_until(lambda: not panel.applying.job.running)
        save(panel, folder / "deep_panel_fusion.png")
        fold(panel, "features")
        ui.featuresButton.click()
        wait_until(lambda: not panel.features.job.running)
        save(panel, folder / "deep_panel_features.png")
        fold(panel, "cohort")
        chosen.cohort, chosen.outFolder = str(cohort), str(work / "results")
        ui.checkButton.click()
        wait_until(lambda: not panel.cohort.check.running)
        chosen.endpoints = ["recurrence"]
        chosen.models = models_table(write_results(work / "results"))
        ui.moreGroupBox.collapsed = False
        save(panel, folder / "deep_panel_cohort.png", NARROW)
        for text in window.shown:
            print("shown:", text)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Resources" / "Screenshots"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        render(target, Path(made))
