"""The example of SurvivalNomogram runs as it stands, in a console without a window."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "Examples" / "08_survival_model_in_slicer.py"


@pytest.mark.slow
def test_the_example_runs(scene, capsys):
    console: dict = {"__name__": "__console__"}
    exec(compile(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name, "exec"), console)
    said = capsys.readouterr().out
    assert "without it" in said and "4 curves; patient.html and model.json" in said
    assert console["folder"].joinpath("model", "stand_in_1", "model.json").is_file()
    shutil.rmtree(console["folder"])
