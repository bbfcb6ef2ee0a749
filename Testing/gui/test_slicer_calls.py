"""Every call of Qt, CTK and Slicer that our panels make is one that Slicer makes itself, or was seen in a walk."""

from __future__ import annotations

import ast
import csv
import inspect
from pathlib import Path

import layout_manager
import numpy as np
import pytest
import segment_editor
import SimpleITK as sitk
import slicer_widgets
import slicer_window
from list_slicer_calls import calls_in
from PySide6 import QtCore, QtGui, QtWidgets

ROOT = Path(__file__).resolve().parents[2]
LISTS = ROOT / "Testing" / "reference" / "slicer_calls"
# Their names tell nothing of Qt: numpy has a transpose of its own, too, and pathlib a resolve.
NO_QT = (str, list, dict, set, Path, np, np.ndarray, sitk.Image)
SLICER_SIDE = (
    *slicer_widgets.MRML_CLASSES,
    *slicer_widgets.CTK_CLASSES,
    slicer_window.App,
    layout_manager.LayoutManager,
    segment_editor.SegmentEditor,
)


def panel_files():
    modules = [folder / f"{folder.name}.py" for folder in ROOT.iterdir() if (folder / f"{folder.name}.py").is_file()]
    return sorted([*modules, *ROOT.glob("*/*SlicerLib/**/*.py")])


@pytest.fixture(scope="module")
def known():
    """Names with where they were seen."""
    found = {}
    with (LISTS / "calls_v5.8.1.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            found.update(dict.fromkeys(row["names"].split(), row["seen_in"]))
    with (LISTS / "seen_in_walk.csv").open(newline="") as stream:
        found.update({row["name"]: f"walk in {row['walk']}: {row['evidence']}" for row in csv.DictReader(stream)})
    return found


@pytest.fixture(scope="module")
def names_of_qt():
    """What objects of Qt, CTK and Slicer's window answer to: everything that a panel could call there."""
    found: set[str] = set()
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):  # PySide6 fills the module's dictionary only as its classes are asked for
            if inspect.isclass(getattr(module, name)):
                found.update(dir(getattr(module, name)))
    for kind in SLICER_SIDE:
        found.update(dir(kind))
    for kind in NO_QT:
        found.difference_update(dir(kind))
    return found


def names_of_ours():
    """What our own classes define: a name of theirs tells nothing of Qt."""
    found = set()
    for path in ROOT.glob("*/*Lib/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.update(item.name for item in node.body if isinstance(item, ast.FunctionDef))
                found.update(
                    item.target.id
                    for item in node.body
                    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
                )
            elif (
                isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
            ):
                found.update({node.attr} if node.value.id == "self" else ())
    return found


def unknown_calls(text, known, names_of_qt, ours=frozenset()):
    return sorted(
        name
        for name in calls_in(text)
        if name not in known and not (name.startswith(".") and (name[1:] not in names_of_qt or name[1:] in ours))
    )


def test_panels_call_only_what_was_seen_in_slicer(known, names_of_qt):
    files, ours = panel_files(), names_of_ours()
    assert any(path.name == "quality_view.py" for path in files)
    unknown = {path.name: unknown_calls(path.read_text(), known, names_of_qt, ours) for path in files}
    assert {name: found for name, found in unknown.items() if found} == {}, (
        f"look for another way that Slicer uses, or walk in Slicer and add a line to {LISTS / 'seen_in_walk.csv'}"
    )


def test_a_call_that_nobody_has_seen_is_found(known, names_of_qt):
    text = (
        "import qt, slicer\n"
        "def prepare(table):\n"
        "    line = table.fontMetrics().height()\n"
        "    table.connect('sceneHasMoved(int)', print)\n"
        "    slicer.util.saveEverything(qt.QWhatever())\n"
        "    table.setColumnCount(3)\n"
    )
    found = ["qt.QWhatever", "sceneHasMoved(int)", "slicer.util.saveEverything"]
    assert unknown_calls(text, known, names_of_qt) == [".fontMetrics", *found]


def test_the_stand_in_has_no_name_that_slicer_has_not():
    with (LISTS / "members_v5.8.1.csv").open(newline="") as stream:
        members = {row["class"]: set(row["names"].split()) for row in csv.DictReader(stream)}
    of_tests = {"SIGNALS", "staticMetaObject", "open_views", "close_views"}
    invented = {}
    for kind in SLICER_SIDE:
        if kind is not segment_editor.SegmentEditor:  # a module, not a widget
            own = {name for name in vars(kind) if not name.startswith("_")}
            invented[kind.__name__] = own - members[kind.__name__] - of_tests - set(dir(QtWidgets.QWidget))
    assert {name: names for name, names in invented.items() if names} == {}


def test_the_list_holds_what_slicers_files_are_known_to_use(known):
    # Read by eye in Slicer's sources at the tag.
    assert known["slicer.util.loadUI"] and known["qt.QTimer.singleShot"] and known["clicked(bool)"]
    assert known["slicer.parameterNodeWrapper.WithinRange"] and known[".setSectionResizeMode"]
    assert ".fontMetrics" not in known
