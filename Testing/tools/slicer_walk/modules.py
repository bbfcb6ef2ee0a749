"""Which walk belongs to which module: a module that is there and has no line is a failed check."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import slicer

from .walk import Walk

WALKS = {
    "PeritumoralRadiomics": "slicer_walk.peritumoral:walk",
    "SurvivalNomogram": "slicer_walk.survival:walk",
    "DeepRadiomicsFusion": "slicer_walk.deep_fusion:walk",
}
"""Module to its walk, ``package.file:function``; the function takes the open panel and the walk."""
OURS = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")


def modules_here() -> list[str]:
    """Return those of our modules that Slicer has loaded."""
    return [name for name in OURS if hasattr(slicer.modules, name.lower())]


def walk_of(module: str) -> Callable[[Any, Walk], None]:
    """Return the function that walks through a module's panel. Raises KeyError for one that has none."""
    file, function = WALKS[module].split(":")
    return getattr(importlib.import_module(file), function)


def panel_of(module: str) -> Any:
    """Return the panel of a module that was opened."""
    return getattr(slicer.modules, f"{module}Widget")
