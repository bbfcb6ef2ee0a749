"""The Logic and what it is made of need no window: no Qt, no dialog, no layout."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE, DEEP = ROOT / "PeritumoralRadiomics", ROOT / "DeepRadiomicsFusion"
LOGICS = {
    folder.name: ast.parse((folder / f"{folder.name}.py").read_text(encoding="utf-8")) for folder in (MODULE, DEEP)
}
WITHOUT_WINDOW = (
    # The sample is shown where it is loaded, if there is a window.
    *(path for path in (MODULE / "PeritumoralSlicerLib" / "logic").glob("*.py") if path.stem != "sample_case"),
    *(MODULE / "RadiomicsSlicerLib" / f"{name}.py" for name in ("grids", "nodes", "segments", "tables")),
    *(path for room in ("runs", "volumes") for path in (MODULE / "RadiomicsSlicerLib" / room).glob("*.py")),
    *(DEEP / "DeepFusionSlicerLib" / "logic").glob("*.py"),
)
FORBIDDEN = {"qt", "ctk", "app", "layoutManager", "mainWindow", "selectModule", "setSliceViewerLayers"}


def words(tree: ast.AST) -> set[str]:
    """All names and attributes of a piece of code, and the packages that it imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(alias.name for alias in node.names)}
    return found


def test_the_parts_of_the_logic_know_no_window():
    found = {}
    for path in WITHOUT_WINDOW:
        used = words(ast.parse(path.read_text(encoding="utf-8")))
        dialogs = {word for word in used if word.endswith("Display") and word[:-7] in ("error", "info", "warning")}
        found[path.name] = sorted(used & FORBIDDEN | dialogs)
    assert len(found) > 12
    assert {name: words for name, words in found.items() if words} == {}


def test_the_logic_of_a_module_knows_no_window():
    for name, tree in LOGICS.items():
        (logic,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == f"{name}Logic"]
        used = words(logic)
        assert not used & FORBIDDEN, name
        dialogs = ("errordisplay", "infodisplay", "okcanceldisplay")
        assert not [word for word in used if word.lower().endswith(dialogs)], name
