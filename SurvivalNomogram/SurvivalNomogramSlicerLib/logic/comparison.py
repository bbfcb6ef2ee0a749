"""Several models on the same patients in a process of its own, and what it wrote as figures and tables of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.safe_names import safe_folder_name
from RadiomicsSlicerLib.runs.job_run import JobRun, write_run

from .cohort import Cohort
from .models import MODEL, put_figures, save_model

COMPARISON = "comparison"


def export_comparison(folder: Path | str, modelNodes: Sequence[Any], cohort: Cohort) -> JobRun:
    """Write the job that compares models on a cohort to a folder; the scene is not changed.

    Args:
        folder: made if it is not there.
        modelNodes: two or more, the one that the others are tested against first.
        cohort: the patients.

    Raises:
        InputError: fewer than two models, two of one name, or what the job refuses.
    """
    folder = Path(folder)
    names = [node.GetName() for node in modelNodes]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise InputError("a comparison needs two or more models of different names; check them in the list")
    bundles = {
        node.GetName(): str(save_model(node, folder / "models" / f"{number}_{safe_folder_name(node.GetName())}"))
        for number, node in enumerate(modelNodes)
    }
    path = cohort.write(folder / "cohort.csv")
    job = {"verb": "compare", "cohort": str(path), "models": bundles, "formats": ["png"]}
    nodes = {f"the model {name}": node for name, node in zip(names, modelNodes, strict=True)}
    return write_run(folder, {COMPARISON: job}, nodes=nodes, notes={"cohort": cohort.name, "names": names})


def import_comparison(run: JobRun) -> Any:
    """Bring a comparison that is done into the scene: a text node with its figures, and table nodes.

    Raises:
        RadiomicsError: the job failed; with its message.
        InputError: it was ended by force, or a model is gone.
    """
    run.check()
    name = f"{', '.join(run.notes['names'])} on {run.notes['cohort']}"
    return put_figures(name, run.out(COMPARISON))


def only_models(nodes: Sequence[Any]) -> list[Any]:
    """Return those nodes that hold a model, not a comparison of some."""
    return [node for node in nodes if node.GetAttribute(MODEL)]
