"""The Logic and what it is made of need no window: no Qt, no dialog, no layout."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULE = Path(__file__).resolve().parents[2] / "PeritumoralRadiomics"
LOGIC = ast.parse((MODULE / "PeritumoralRadiomics.py").read_text(encoding="utf-8"))
WITHOUT_WINDOW = (
    "charts",
    "features",
    "grids",
    "jobs",
    "maps",
    "nodes",
    "outlines",
    "ring_choices",
    "ring_tags",
    "rings",
    "segments",
    "tables",
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


@pytest.mark.parametrize("name", WITHOUT_WINDOW)
def test_the_parts_of_the_logic_know_no_window(name):
    used = words(ast.parse((MODULE / "RadiomicsSlicerLib" / f"{name}.py").read_text(encoding="utf-8")))
    assert not used & FORBIDDEN
    assert not [word for word in used if word.endswith("Display") and word[:-7] in ("error", "info", "warning")]


def test_the_logic_knows_no_window():
    (logic,) = [n for n in LOGIC.body if isinstance(n, ast.ClassDef) and n.name == "PeritumoralRadiomicsLogic"]
    used = words(logic)
    assert not used & FORBIDDEN
    assert not [word for word in used if word.lower().endswith(("errordisplay", "infodisplay", "okcanceldisplay"))]
