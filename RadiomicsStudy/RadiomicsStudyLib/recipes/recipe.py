"""A recipe as its file says it, read strictly; every error names the file and the line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known
from RadiomicsCoreLib.settings.text import Place, load_yaml, read_values, yaml_lines

RECIPE_KEYS = ("recipe", "title", "source", "left_open", "phases", "columns", "values", "split", "defaults", "stages")
STAGE_KEYS = ("name", "verb", "title", "paper", "when", "after", "may_lack", "settings")
PHASES, PHASE, COHORT, OUT = "phases", "phase", "cohort", "out"
TAKEN = (COHORT, OUT)
"""Names that placeholders have for the cohort table and the study's folder."""
LATER = ("harmonise",)
"""Names kept for later: ComBat fitted on the training part alone."""


class RecipeError(InputError):
    """What is wrong in a recipe, with its line."""


@dataclass(frozen=True)
class Lines:
    """Where everything of a recipe stands.

    Attributes:
        source: name of the file.
        of: place to line, from 1; empty where the recipe did not come from a file.
    """

    source: str = "recipe"
    of: Mapping[Place, int] = field(default_factory=dict)

    def error(self, place: Place, message: str) -> RecipeError:
        """Return the error of a place, or of the nearest one above it that has a line."""
        while place and place not in self.of:
            place = place[:-1]
        line = self.of.get(place)
        return RecipeError(f"{self.source}, line {line}: {message}" if line else f"{self.source}: {message}")


@dataclass(frozen=True)
class RecipeStage:
    """One stage as it is written, its lists not yet expanded.

    Attributes:
        name: may name a list, as in ``deep_{phase in phases}``: then there is a stage for each of its members.
        verb: of the job.
        settings: of the job; texts may hold placeholders.
        title: for people.
        paper: figures and tables of the paper that it answers.
        when: names of values; the stage is left out where one of them is empty.
        after: stages that must be done before, beside those whose files it names.
        may_lack: settings that hold lists or names with values, whose entries of failed stages may be left out.
        place: where it stands.
    """

    name: str
    verb: str
    settings: Mapping[str, Any]
    title: str = ""
    paper: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()
    place: Place = ()


@dataclass(frozen=True)
class Recipe:
    """A study as stages of jobs.

    Attributes:
        name, title, source: what it is, and the paper.
        left_open: what the paper leaves open and how it is settled here, a line each.
        phases: phases of the cohort that it reads.
        columns: what it is used for -> the cohort's column, or a list of them.
        values: name -> value; what a user changes.
        split: how the job ``split`` deals the patients, used where the cohort has no column of parts; None: none.
        defaults: verb -> settings that lie under those of its stages.
        stages: in the order of the work.
        lines: where everything stands.
    """

    name: str
    title: str
    source: str
    left_open: tuple[str, ...]
    phases: tuple[str, ...]
    columns: Mapping[str, Any]
    values: Mapping[str, Any]
    split: Mapping[str, Any] | None
    defaults: Mapping[str, Mapping[str, Any]]
    stages: tuple[RecipeStage, ...]
    lines: Lines = Lines()

    @property
    def names(self) -> dict[str, Any]:
        """Everything that a placeholder may name, but for the stages; ``phase`` and ``phase_1`` are the first phase."""
        each = {f"{PHASE}_{number}": phase for number, phase in enumerate(self.phases, start=1)}
        first = {PHASE: self.phases[0]} if self.phases else {}
        return {PHASES: list(self.phases), **first, **each, **self.columns, **self.values}

    def changed(self, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some of its values, columns or phases given anew.

        Raises:
            InputError: the recipe has no such name (with the near one), or it holds another kind of value.

        Example:
            >>> recipe = recipe_from({"recipe": "mine", "values": {"rings": [3]}, "stages": []})
            >>> recipe.changed({"rings": [3, 6]}).values["rings"]
            [3, 6]
        """
        for name, value in values.items():
            known = {PHASES: list(self.phases), **self.columns, **self.values}
            check_known(f"value of the recipe {self.name}", name, known)
            held = known[name]
            if isinstance(held, list) and not isinstance(value, list):
                values = {**values, name: [] if value is None else [value]}
            elif isinstance(held, str | int | float) and isinstance(value, list | dict):
                raise InputError(f"value {name} of the recipe {self.name} is one value ({held}), not {value}")
        columns = {name: values.get(name, column) for name, column in self.columns.items()}
        own = {name: values.get(name, value) for name, value in self.values.items()}
        phases = tuple(str(phase) for phase in values.get(PHASES, self.phases))
        return replace(self, columns=columns, values=own, phases=phases)


def read_recipe(path: Path | str) -> Recipe:
    """Read a recipe file.

    Raises:
        InputError: it cannot be read, or is no recipe; one line with the file's line.
    """
    path = Path(path)
    values = read_values(path, "recipe")
    lines = yaml_lines(path.read_text(encoding="utf-8-sig")) if path.suffix.lower() != ".json" else {}
    return recipe_from(values, Lines(path.name, lines))


def recipe_of_text(text: str, source: str = "recipe") -> Recipe:
    """Read a recipe from YAML. Raises InputError as :func:`read_recipe`."""
    try:
        return recipe_from(load_yaml(text), Lines(source, yaml_lines(text)))
    except ValueError as error:
        raise RecipeError(f"{source}: {error}") from None


def recipe_from(values: Any, lines: Lines | None = None) -> Recipe:
    """Build a recipe from plain values, strictly. Raises RecipeError."""
    lines = lines or Lines()
    if not isinstance(values, Mapping):
        raise lines.error((), "a recipe holds names and values, and begins with 'recipe: NAME'")
    _check_keys(values, (*RECIPE_KEYS, *LATER), (), lines)
    if any(name in values for name in LATER):
        raise lines.error((LATER[0],), f"{LATER[0]} is kept for a later version; leave it out")
    for key in ("recipe", "stages"):
        if key not in values:
            raise lines.error((), f"the recipe has no {key!r}")
    columns, own = _mapping(values, "columns", lines), _mapping(values, "values", lines)
    stages = values["stages"]
    if not isinstance(stages, list):
        raise lines.error(("stages",), "stages must be a list")
    for key, held in (("columns", columns), ("values", own)):
        for name in held:
            if name in (*TAKEN, PHASES, PHASE) or (key == "values" and name in columns):
                raise lines.error((key, name), f"the name {name!r} is taken; choose another")
    split = values.get("split")
    if split is not None and not isinstance(split, Mapping):
        raise lines.error(("split",), "split holds the settings of the verb split, such as {by: date, ratio: 0.8}")
    return Recipe(
        name=_text(values, "recipe", (), lines),
        title=_text(values, "title", (), lines),
        source=_text(values, "source", (), lines),
        left_open=_texts(values, "left_open", (), lines),
        phases=_texts(values, PHASES, (), lines),
        columns=columns,
        values=own,
        split=split,
        defaults=_defaults(values, lines),
        stages=tuple(_stage(stage, ("stages", number), lines) for number, stage in enumerate(stages)),
        lines=lines,
    )


def _defaults(values: Mapping[str, Any], lines: Lines) -> Mapping[str, Mapping[str, Any]]:
    found = _mapping(values, "defaults", lines)
    for verb, settings in found.items():
        if not isinstance(settings, Mapping):
            raise lines.error(("defaults", verb), f"the defaults of {verb} must hold names and values")
    return found


def _stage(values: Any, place: Place, lines: Lines) -> RecipeStage:
    if not isinstance(values, Mapping):
        raise lines.error(place, "a stage holds names and values, and begins with 'name: …'")
    _check_keys(values, STAGE_KEYS, place, lines)
    for key in ("name", "verb"):
        if key not in values:
            raise lines.error(place, f"the stage has no {key!r}")
    settings = values.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise lines.error((*place, "settings"), "settings must hold names and values")
    return RecipeStage(
        _text(values, "name", place, lines),
        _text(values, "verb", place, lines),
        settings,
        _text(values, "title", place, lines),
        _texts(values, "paper", place, lines),
        _texts(values, "when", place, lines),
        _texts(values, "after", place, lines),
        _texts(values, "may_lack", place, lines),
        place,
    )


def _check_keys(values: Mapping[str, Any], known: tuple[str, ...], place: Place, lines: Lines) -> None:
    for key in values:
        try:
            check_known("name", str(key), known)
        except InputError as error:
            raise lines.error((*place, str(key)), str(error)) from None


def _mapping(values: Mapping[str, Any], key: str, lines: Lines) -> Mapping[str, Any]:
    found = values.get(key) or {}
    if not isinstance(found, Mapping):
        raise lines.error((key,), f"{key} must hold names and values")
    return found


def _text(values: Mapping[str, Any], key: str, place: Place, lines: Lines) -> str:
    found = values.get(key, "")
    if not isinstance(found, str):
        raise lines.error((*place, key), f"{key} must be a text, not {found!r}")
    return found


def _texts(values: Mapping[str, Any], key: str, place: Place, lines: Lines) -> tuple[str, ...]:
    found = values.get(key) or []
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise lines.error((*place, key), f"{key} must be a text or a list of texts, not {found!r}")
    return tuple(found)
