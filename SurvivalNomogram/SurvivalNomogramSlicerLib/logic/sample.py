"""Sample patients and a model of them, which come with the module: nothing is downloaded, no package is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from RadiomicsSlicerLib.runs.job_run import read_rows
from RadiomicsSlicerLib.tables import put_table

from .models import put_model

PATIENTS, TABLE, MODEL = "SurvivalSample", "sample_patients.csv", "Sample model"


def load_sample(folder: Path) -> tuple[Any, Any]:
    """Put the sample patients and their model into the scene; those of an earlier call are filled anew.

    Args:
        folder: with ``sample_patients.csv``, ``cox`` and ``validation``, which ``make_survival_sample.py`` writes.

    Returns:
        The table node and the model's node.
    """
    rows = read_rows(folder / TABLE)
    table = put_table(
        {name: [row[name] for row in rows] for name in rows[0]},
        PATIENTS,
        slicer.mrmlScene.GetFirstNode(PATIENTS, "vtkMRMLTableNode"),
    )
    model = slicer.mrmlScene.GetFirstNode(MODEL, "vtkMRMLTextNode")
    return table, put_model(
        MODEL, [folder / "cox", folder / "validation"], ["made-up patients: for trying out only"], model
    )
