"""The examples for Slicer's console run as they stand, one after the other in one console."""

from __future__ import annotations

from pathlib import Path

import slicer

from RadiomicsSlicerLib.volumes.overlays import map_values

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "Examples").glob("*_in_the_console.py"))


def test_the_examples_run_in_order(scene, capsys):
    assert [path.name[:2] for path in EXAMPLES] == ["01", "02", "03"]
    console: dict = {"__name__": "__console__"}
    for path in EXAMPLES:
        exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), console)
    assert console["segmentation"].GetSegmentation().GetNumberOfSegments() == 2
    assert map_values(console["contrast"]).shape
    assert console["table"].GetNumberOfRows() == 107
    assert console["chart"].GetNumberOfPlotSeriesNodes() == 1
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 3
    assert "107 features of 5 regions" in capsys.readouterr().out
