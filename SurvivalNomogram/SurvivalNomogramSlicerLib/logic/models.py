"""A fitted model as a node of the scene: its bundle, figures and curves in one text node, saved with the scene.

What is a table to read is a table node of its own, referred to by the model's node.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.bundle_files import MODEL_FILE
from RadiomicsCoreLib.files.tables import read_json, write_json
from RadiomicsSlicerLib.nodes import required
from RadiomicsSlicerLib.runs.job_run import read_rows
from RadiomicsSlicerLib.tables import put_table, reference_role
from SurvivalNomogramLib.bundles.bundle import ModelBundle, bundle_from_dict, load_bundle
from SurvivalNomogramLib.report.patient_sketches import GroupCurve, group_curves

MODEL = "PeritumoralRadiomics.SurvivalModel"
"""Marks the text nodes that hold a model."""
CHARTS, SHOWN = "PeritumoralRadiomics.SurvivalCharts", "PeritumoralRadiomics.Shown"
"""Marks the text nodes that hold figures: of a model, or of a comparison of some; and which of them are shown."""
STAND_INS, FIGURES = "stand_ins", "figures"
_TABLES_ROLE = reference_role("tables")
# What is read as numbers, in this order; all other tables of a job are the points of curves.
READ_TABLES: Mapping[str, str] = {
    "coefficients": "hazard ratios",
    "pairs": "pairs of models",
    "hazard_ratios": "high against low risk",
    "univariable": "univariable",
    "selection": "selection",
    "proportional_hazards": "proportional hazards (Schoenfeld)",
    "concordance": "C per part",
    "aft": "parametric models (AFT)",
    "groups": "risk groups",
    "baseline_by_risk": "baseline by risk",
    "baseline_by_cohort": "baseline by part",
    "imputed_coefficients": "pooled hazard ratios",
    "fine_gray": "Fine and Gray",
    "cumulative_incidence": "cumulative incidence",
    "competing_summary": "competing events",
    "auc": "AUC",
    "calibration_summary": "calibration",
    "subgroups": "subgroups",
    "signature": "signature",
    "loadings": "loadings",
    "variance": "variance of components",
    "icc": "ICC",
}
_CURVES = ("kaplan_meier_", "calibration_curve_", "decision_curve_", "loadings")
_GROUPS_OF = (("train_out_of_fold", "training, out of fold"), ("test", "test"), ("train", "training, fitted"))


@dataclass(frozen=True, eq=False)
class StoredModel:
    """What a node of a model, or of a comparison of some, holds.

    Attributes:
        bundle: the model; None for a comparison.
        stand_ins: models that need fewer covariates, for patients who lack some.
        figures: name to the PNG file's bytes in base64.
        curves: name of a job's table to its columns, the points of curves.
        notes: of the jobs, one line each.
    """

    bundle: ModelBundle | None
    stand_ins: tuple[ModelBundle, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def groups(self) -> tuple[GroupCurve, ...]:
        """Return the curves of the risk groups, of the most honest part there is."""
        for part, label in _GROUPS_OF:
            columns = self.curves.get(f"kaplan_meier_{part}")
            if columns:
                rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
                return group_curves(rows, label)
        return ()


def put_model(name: str, folders: Sequence[Path], notes: Sequence[str] = (), node: Any = None) -> Any:
    """Bring what jobs wrote about a model into the scene.

    Args:
        name: of the model.
        folders: output folders of ``cox`` (its bundle first) and of ``validate``; later ones go before earlier ones.
            ``stand_in_*/model`` folders beside the first one are models with fewer covariates.
        notes: more lines to keep.
        node: a model's node to fill anew; None: a new one.

    Returns:
        The vtkMRMLTextNode.

    Raises:
        InputError: there is no bundle, or it cannot be read.
    """
    stand_ins = sorted(folders[0].parent.glob("stand_in_*/model"))
    known = [load_bundle(path).to_dict() for path in [folders[0] / "model", *stand_ins]]
    contents, tables = _written(folders, notes)
    node = _filled(node, name, {"bundle": known[0], STAND_INS: known[1:], **contents})
    _put_tables(node, tables)
    return node


def put_figures(name: str, folder: Path) -> Any:
    """Bring figures and tables of a job into the scene that is of no single model.

    Args:
        name: of the node.
        folder: output folder of ``compare``.

    Returns:
        The vtkMRMLTextNode.
    """
    contents, tables = _written([folder], ())
    node = _filled(None, name, {"bundle": None, STAND_INS: [], **contents})
    _put_tables(node, tables)
    return node


def put_bundle(path: Path | str, name: str = "") -> Any:
    """Bring a saved bundle into the scene, with what its job wrote beside it if that is still there.

    Args:
        path: a bundle's folder, ``model.json`` or zip.
        name: of the model; "": that of the folder or the file.

    Raises:
        InputError: no bundle, or one of principal components.
    """
    path = Path(path)
    bundle = load_bundle(path)
    folder = path.parent if path.is_file() else path
    if folder.name == "model" and (folder.parent / "job.yaml").is_file():
        beside = folder.parent.parent / "validation"
        return put_model(name or folder.parent.name, [folder.parent, *([beside] if beside.is_dir() else [])])
    others = [load_bundle(each).to_dict() for each in sorted(folder.glob("stand_in_*/model.json"))]
    contents = {"bundle": bundle.to_dict(), STAND_INS: others, FIGURES: {}, "curves": {}, "notes": []}
    plain = path.stem if path.is_file() and path.name != MODEL_FILE else folder.name
    return _filled(None, name or plain or "model", contents)


def save_model(modelNode: Any, folder: Path | str) -> Path:
    """Write a model's bundle to ``folder/model.json``, models with fewer covariates to ``stand_in_1/model.json``…

    Returns:
        The path of the bundle.

    Raises:
        InputError: no model, or a folder that cannot be written.
    """
    model_of(modelNode)
    contents = _contents(modelNode)
    folder = Path(folder)
    try:
        for number, bundle in enumerate([contents["bundle"], *contents[STAND_INS]]):
            place = folder / f"stand_in_{number}" if number else folder
            place.mkdir(parents=True, exist_ok=True)
            write_json(place / MODEL_FILE, bundle)
    except OSError as error:
        raise InputError(f"folder {str(folder)!r} cannot be written: {error.strerror}") from None
    return folder / MODEL_FILE


def stored_model(modelNode: Any) -> StoredModel:
    """Return what a model's node holds; read once, and again only after the node was changed.

    Raises:
        InputError: no node, or no model in it.
    """
    required(modelNode, "the model")
    key = (modelNode.GetID(), modelNode.GetMTime())
    if _LAST.get(modelNode.GetID(), (None,))[0] != key:
        for gone in [each for each in _LAST if slicer.mrmlScene.GetNodeByID(each) is None]:
            del _LAST[gone]
        contents = _contents(modelNode)
        stored = StoredModel(
            bundle_from_dict(contents["bundle"]) if contents["bundle"] is not None else None,
            tuple(bundle_from_dict(each) for each in contents[STAND_INS]),
            contents[FIGURES],
            contents["curves"],
            tuple(contents["notes"]),
        )
        _LAST[modelNode.GetID()] = (key, stored)
    return _LAST[modelNode.GetID()][1]


def model_of(modelNode: Any) -> StoredModel:
    """Return what a model's node holds, as :func:`stored_model`. Raises InputError for a comparison, too."""
    stored = stored_model(modelNode)
    if stored.bundle is None:
        raise InputError(f"{modelNode.GetName()!r} is a comparison of models and none itself; choose a model")
    return stored


_LAST: dict[str, tuple[Any, StoredModel]] = {}


def models() -> list[Any]:
    """Return the nodes of all models of the scene."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLTextNode") if node.GetAttribute(MODEL)]


def charted() -> list[Any]:
    """Return the nodes of all models and comparisons of the scene."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLTextNode") if node.GetAttribute(CHARTS)]


def shown_models() -> list[Any]:
    """Return the models and comparisons whose charts are shown: those that are checked."""
    return [node for node in charted() if node.GetAttribute(SHOWN) == "1"]


def show_only(node: Any) -> None:
    """Check one model or comparison, and no other."""
    for each in charted():
        each.SetAttribute(SHOWN, "1" if each is node else "0")


def tables_of(modelNode: Any) -> list[Any]:
    """Return the table nodes of a model."""
    count = modelNode.GetNumberOfNodeReferences(_TABLES_ROLE)
    found = [modelNode.GetNthNodeReference(_TABLES_ROLE, number) for number in range(count)]
    return [node for node in found if node is not None]


def _contents(modelNode: Any) -> dict[str, Any]:
    required(modelNode, "the model")
    try:
        contents = json.loads(modelNode.GetText() or "")
    except ValueError:
        contents = None
    if not isinstance(contents, dict) or "bundle" not in contents:
        raise InputError(f"text {modelNode.GetName()!r} holds no survival model; choose one that was fitted or loaded")
    return {STAND_INS: [], FIGURES: {}, "curves": {}, "notes": [], **contents}


def _written(folders: Sequence[Path], notes: Sequence[str]) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Return figures, curves and notes of output folders, and their tables; later folders go before earlier ones."""
    kept: list[str] = list(notes)
    figures: dict[str, str] = {}
    tables: dict[str, list[dict[str, Any]]] = {}
    for folder in folders:
        for path in sorted((folder / FIGURES).glob("*.png")):
            figures[path.stem] = base64.b64encode(path.read_bytes()).decode("ascii")
        for path in sorted(folder.glob("*.csv")):
            tables[path.stem] = read_rows(path)
        if (folder / "study.json").is_file():
            record = read_json(folder / "study.json")
            kept += [str(line) for line in (*record.get("warnings", ()), *record.get("notes", ()))]
    curves = {
        stem: {column: [row[column] for row in rows] for column in rows[0]}
        for stem, rows in tables.items()
        if stem.startswith(_CURVES) and rows
    }
    return {FIGURES: figures, "curves": curves, "notes": list(dict.fromkeys(kept))}, tables


def _filled(node: Any, name: str, contents: Mapping[str, Any]) -> Any:
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", slicer.mrmlScene.GenerateUniqueName(name))
    if contents["bundle"] is not None:
        node.SetAttribute(MODEL, "1")
    node.SetAttribute(CHARTS, "1")
    node.SetAttribute(SHOWN, "1")
    node.SetText(json.dumps(contents))
    return node


def _put_tables(modelNode: Any, tables: Mapping[str, list[dict[str, Any]]]) -> None:
    """Make a table node of each table that is read, in place of those of an earlier fit."""
    for old in tables_of(modelNode):
        slicer.mrmlScene.RemoveNode(old)
    modelNode.RemoveNodeReferenceIDs(_TABLES_ROLE)
    for stem, words in READ_TABLES.items():
        for found in sorted(tables):
            part = found.removeprefix(stem)
            if not tables[found] or (part and not part.startswith("_")) or (part and stem not in _IN_PARTS):
                continue
            title = f"{modelNode.GetName()}: {words}{part.replace('_', ' ')}"
            columns = {name: _cells([row[name] for row in tables[found]]) for name in tables[found][0]}
            node = put_table(columns, title)
            node.SetName(title)  # that of an earlier fit is gone, and its name with it
            modelNode.AddNodeReferenceID(_TABLES_ROLE, node.GetID())


_IN_PARTS = ("auc", "calibration_summary", "subgroups", "competing_summary")


def _cells(values: list[Any]) -> list[Any]:
    """Return a column for a table node: numbers, or texts where a cell is empty, which numbers have no word for."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return values
    return ["" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
