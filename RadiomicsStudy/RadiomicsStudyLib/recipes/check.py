"""Whether a recipe can run on a cohort: every setting of every stage, every phase and every column, with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_cells
from RadiomicsCoreLib.jobs.registry import job_from
from RadiomicsCoreLib.settings.text import Place

from .expansion import Stage, expand, with_paths
from .recipe import COHORT, OUT, PHASES, Recipe

NOWHERE = "nowhere"
"""Folder of a stage's files before it ran; it must not be there."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, as one line with its place."""

    message: str


def check_recipe(recipe: Recipe, cohort: Path | None = None) -> list[Finding]:
    """Return what is wrong with a recipe, and with a cohort for it; empty if it can be run.

    Args:
        recipe: from :func:`.recipe.read_recipe`.
        cohort: the cohort table; None: the recipe alone is looked at.

    Raises:
        InputError: the cohort table cannot be read at all, or the stages cannot be expanded.
    """
    stages = expand(recipe, with_split=True)
    found = [Finding(str(error)) for stage in stages for error in _stage_errors(recipe, stage)]
    if cohort is not None:
        found += [Finding(str(error)) for error in _cohort_errors(recipe, cohort)]
    return found


def _stage_errors(recipe: Recipe, stage: Stage) -> Iterator[InputError]:
    paths = {name: f"{NOWHERE}/{name}" for name in (stage.name, *stage.needs)}
    values = with_paths(stage.settings, {**paths, COHORT: f"{NOWHERE}/cohort.csv", OUT: NOWHERE})
    try:
        job_from({**values, "verb": stage.verb})
    except InputError as error:
        place = _place_of(str(error), recipe, stage)
        yield recipe.lines.error(place, f"stage {stage.name}: {error}")


def _place_of(message: str, recipe: Recipe, stage: Stage) -> Place:
    """The deepest place of the stage whose name stands in the message; the stage itself where there is none."""
    words = set(re.findall(r"\w+", message))
    start = (*stage.place, "settings")
    inside = [place for place in recipe.lines.of if place[: len(start)] == start and len(place) > len(start)]
    named = [place for place in inside if place[-1] in words]
    if not named and stage.verb in words and "verb" in words:
        return (*stage.place, "verb")
    # The one whose whole way is told wins; of two, the deeper one.
    return max(named, key=lambda place: (sum(part in words for part in place[len(start) :]), len(place)), default=start)


def _cohort_errors(recipe: Recipe, cohort: Path) -> Iterator[InputError]:
    header, _ = read_cells(cohort)
    phases = read_cohort(cohort).phases
    for number, phase in enumerate(recipe.phases):
        if phase not in phases:
            message = f"the cohort has no phase {phase!r}{_near(phase, phases)}"
            yield recipe.lines.error((PHASES, number), f"{message}; say which is meant: --set {PHASES}={phases[0]}")
    for name, columns in recipe.columns.items():
        for place, column in _named(columns, ("columns", name)):
            if column not in header:
                message = f"the cohort has no column {column!r} ({name}){_near(column, header)}"
                yield recipe.lines.error(place, f"{message}; say which is meant: --set {name}=COLUMN")


def _named(columns: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(columns, str):
        yield place, columns
    elif isinstance(columns, Mapping):
        for key, value in columns.items():
            yield from _named(value, (*place, key))
    elif isinstance(columns, list):
        for number, item in enumerate(columns):
            yield from _named(item, (*place, number))


def _near(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(known[:12])}"
