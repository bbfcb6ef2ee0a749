"""Placeholders: values for their names, and a stage, entry or item for each member of a list.

``{rings}`` as a whole text is the value itself; inside a longer text it is written into it. ``{size in rings}`` in the
name of a stage, in the name of an entry or in an item of a list makes one for each member of the list ``rings``, in
which ``{size}`` is that member. What is left after that names the cohort, the study's folder or a stage: ``{cohort}``,
``{radiomics}/features.csv``. Braces may stand in braces: ``{cox_{size}}`` is the stage ``cox_3`` where size is 3.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.records import merged
from RadiomicsCoreLib.settings.rules import check_known
from RadiomicsCoreLib.settings.text import Place

from .recipe import COHORT, OUT, TAKEN, Recipe, RecipeStage

SPLIT_STAGE = "split"
_HOLDER = re.compile(r"\{(\w+)(?: in (\w+))?\}")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Stage:
    """One stage to run; its settings name only the cohort, the study's folder and stages.

    Attributes:
        name: unique; the name of its folder.
        verb, title, paper: as in the recipe.
        settings: of its job, with the placeholders of files.
        needs: names of the stages before it.
        may_lack: settings whose entries of failed stages may be left out.
        place: where it stands in the recipe.
    """

    name: str
    verb: str
    settings: Mapping[str, Any]
    title: str = ""
    paper: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()
    place: Place = field(default=(), compare=False)

    def without(self, failed: Collection[str]) -> Stage | None:
        """Return the stage without the entries that name failed stages; None where it cannot do without one of them.

        Args:
            failed: names of stages that have no files.

        Example:
            >>> stage = Stage("all", "compare", {"models": {"a": "{a}/model", "b": "{b}/model"}}, may_lack=("models",))
            >>> stage.without(["b"]).settings
            {'models': {'a': '{a}/model'}}
        """
        settings = dict(self.settings)
        if set(failed) - set(_stages_in(settings)):
            return None  # it comes after a stage without naming its files: only the recipe knows why
        for name in self.may_lack:
            held = settings.get(name)
            if isinstance(held, Mapping):
                settings[name] = {key: item for key, item in held.items() if not set(_stages_in(item)) & set(failed)}
            elif isinstance(held, list):
                settings[name] = [item for item in held if not set(_stages_in(item)) & set(failed)]
            if held and not settings[name]:
                return None
        if set(_stages_in(settings)) & set(failed):
            return None
        return replace(self, settings=settings)


class _LeftOut(Exception):
    """What is named here belongs to a stage that is left out."""


def expand(recipe: Recipe, *, with_split: bool = False) -> list[Stage]:
    """Return the stages of a recipe, lists expanded, in the order of the recipe.

    Args:
        recipe: from :func:`.recipe.read_recipe`.
        with_split: begin with a stage that splits the cohort as the recipe says, which all others need.

    Raises:
        InputError: an unknown name, a name that stands twice, a stage that needs one that comes later.

    Example:
        >>> from .recipe import recipe_of_text
        >>> text = '''
        ... recipe: mine
        ... values: {rings: [3, 6]}
        ... stages:
        ...   - {name: "cox_{size in rings}", verb: cox, settings: {select: ["ct.ring_0_{size}mm.*"]}}
        ... '''
        >>> [stage.name for stage in expand(recipe_of_text(text))]
        ['cox_3', 'cox_6']
    """
    names = recipe.names
    if with_split and recipe.split is not None:
        settings = {"cohort": f"{{{COHORT}}}", "dealing": recipe.split}
        first = RecipeStage(SPLIT_STAGE, "split", settings, "Training and test part", place=("split",))
        recipe = replace(recipe, stages=(first, *(replace(s, after=(SPLIT_STAGE, *s.after)) for s in recipe.stages)))
    every = list(_named(recipe))
    left_out = {name for name, stage, _ in every if not all(_is_there(recipe, stage, when) for when in stage.when)}
    known = [name for name, _, _ in every]
    done: list[Stage] = []
    for name, stage, bound in every:
        if name in left_out:
            continue
        earlier = {one.name for one in done}
        scope = _Scope({**names, **bound}, known, left_out, recipe, stage)
        try:
            given = merged(recipe.defaults.get(stage.verb, {}), stage.settings)
            settings = scope.mapping(given, (*stage.place, "settings"))
            title = scope.text(stage.title, (*stage.place, "title"), "title")
            after = tuple(item for item in scope.items(stage.after, (*stage.place, "after")) if item not in left_out)
        except _LeftOut:
            left_out.add(name)
            continue
        needs = tuple(dict.fromkeys([*after, *_stages_in(settings)]))
        for need in needs:
            if need not in earlier:
                later = "comes after it" if need in known else "is no stage of the recipe"
                raise recipe.lines.error(stage.place, f"the stage {name} needs {need}, which {later}")
        done.append(
            Stage(name, stage.verb, settings, str(title) or name, stage.paper, needs, stage.may_lack, stage.place)
        )
    return done


def with_paths(value: Any, paths: Mapping[str, str]) -> Any:
    """Return settings with the placeholders of files replaced by their paths.

    Example:
        >>> with_paths({"features": {"r": "{radiomics}/features.csv"}}, {"radiomics": "out/radiomics"})
        {'features': {'r': 'out/radiomics/features.csv'}}
    """
    if isinstance(value, Mapping):
        return {name: with_paths(item, paths) for name, item in value.items()}
    if isinstance(value, list):
        return [with_paths(item, paths) for item in value]
    if isinstance(value, str):
        return _HOLDER.sub(lambda found: paths.get(found.group(1), found.group()), value)
    return value


def expanded_values(recipe: Recipe, stages: Sequence[Stage]) -> dict[str, Any]:
    """Return the recipe with its stages expanded as plain values: a recipe itself, which can be run again."""
    values: dict[str, Any] = {
        "recipe": recipe.name,
        "title": recipe.title,
        "source": recipe.source,
        "left_open": list(recipe.left_open),
        "phases": list(recipe.phases),
        "columns": dict(recipe.columns),
        "values": dict(recipe.values),
        "split": recipe.split,  # its placeholders stay: a recipe may be run on another cohort
        "stages": [
            {
                "name": stage.name,
                "verb": stage.verb,
                "title": stage.title,
                "paper": list(stage.paper),
                "after": list(stage.needs),
                "may_lack": list(stage.may_lack),
                "settings": dict(stage.settings),
            }
            for stage in stages
        ],
    }
    if recipe.split is None:
        del values["split"]
    return values


def _named(recipe: Recipe) -> Iterator[tuple[str, RecipeStage, dict[str, Any]]]:
    """Every stage with its name and what its lists are bound to."""
    seen: set[str] = set()
    for stage in recipe.stages:
        for name, bound in _members(stage.name, recipe.names, recipe, (*stage.place, "name")):
            if not _SAFE_NAME.fullmatch(name):
                raise recipe.lines.error(
                    stage.place, f"the stage's name {name!r} is no name of a folder; use letters, digits, _ and -"
                )
            if name in seen or name in recipe.names or name in TAKEN:
                raise recipe.lines.error(stage.place, f"the name {name!r} stands twice; every stage needs its own")
            seen.add(name)
            yield name, stage, bound


def _is_there(recipe: Recipe, stage: RecipeStage, name: str) -> bool:
    wanted = name.removeprefix("no ")
    _check_name(recipe, (*stage.place, "when"), wanted, recipe.names)
    return bool(recipe.names[wanted]) is not name.startswith("no ")


def _members(text: str, names: Mapping[str, Any], recipe: Recipe, place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts that ``{x in xs}`` makes of one, each with what x is; the text itself where there is none."""
    found = next((match for match in _HOLDER.finditer(text) if match.group(2)), None)
    if found is None:
        yield str(_filled(text, names, recipe, place)), {}
        return
    variable, source = found.group(1), found.group(2)
    _check_name(recipe, place, source, names)
    members = names[source]
    if isinstance(members, Mapping):
        members = list(members)
    if not isinstance(members, list):
        raise recipe.lines.error(place, f"{source!r} is no list: {members!r}")
    for member in members:
        inner = {**names, variable: member}
        text_of = text[: found.start()] + _written(member) + text[found.end() :]
        for name, more in _members(text_of, inner, recipe, place):
            yield name, {variable: member, **more}


def _has_list(item: Any) -> bool:
    return isinstance(item, str) and any(found.group(2) for found in _HOLDER.finditer(item))


def _filled(text: str, names: Mapping[str, Any], recipe: Recipe, place: Place, decimal: str = "p") -> Any:
    """A text with the values of the recipe; placeholders of files stay."""
    whole = _HOLDER.fullmatch(text)
    if whole and not whole.group(2) and whole.group(1) in names:
        return names[whole.group(1)]
    for _ in range(5):  # braces in braces, from the inside out

        def value(found: re.Match[str]) -> str:
            name = found.group(1)
            if name not in names:
                return found.group()
            if isinstance(names[name], list | Mapping):
                raise recipe.lines.error(place, f"{{{name}}} is a list; say {{x in {name}}}, or let it stand alone")
            return _written(names[name], decimal)

        filled = _HOLDER.sub(value, text)
        if filled == text:
            break
        text = filled
    return text


def _written(value: Any, decimal: str = "p") -> str:
    """A value inside a text: 1.5 is 1p5, as in the names of regions."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:g}".replace(".", decimal)
    return str(value)


def _check_name(recipe: Recipe, place: Place, name: str, known: Mapping[str, Any]) -> None:
    try:
        check_known("the name", name, known)
    except InputError as error:
        raise recipe.lines.error(place, str(error)) from None


def _stages_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _stages_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _stages_in(item)
    elif isinstance(value, str):
        yield from (name for name, _ in _HOLDER.findall(value) if name not in TAKEN)


@dataclass(frozen=True)
class _Scope:
    """What the placeholders of one stage may name."""

    names: Mapping[str, Any]
    stages: Sequence[str]
    left_out: set[str]
    recipe: Recipe
    stage: RecipeStage

    def value(self, value: Any, place: Place) -> Any:
        if isinstance(value, Mapping):
            return self.mapping(value, place)
        if isinstance(value, list):
            return self.items(value, place)
        return self.text(value, place) if isinstance(value, str) else value

    def mapping(self, values: Mapping[str, Any], place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in values.items():
            for name, bound in _members(str(key), self.names, self.recipe, (*place, key)):
                try:
                    result[name] = self._with(bound).value(item, (*place, key))
                except _LeftOut:
                    if place == (*self.stage.place, "settings"):
                        raise
        return result

    def items(self, values: Sequence[Any], place: Place) -> list[Any]:
        result: list[Any] = []
        for number, item in enumerate(values):
            here = (*place, number)
            each: Iterable[tuple[Any, dict[str, Any]]]
            each = _members(item, self.names, self.recipe, here) if _has_list(item) else [(item, {})]
            for one, bound in each:
                with suppress(_LeftOut):
                    found = self._with(bound).value(one, here)
                    # A list that is named in a list gives its members.
                    result += found if isinstance(one, str) and isinstance(found, list) else [found]
        return result

    def text(self, text: str, place: Place, kind: str = "setting") -> Any:
        filled = _filled(text, self.names, self.recipe, place, "." if kind == "title" else "p")
        if isinstance(filled, str):
            for name, _ in _HOLDER.findall(filled):
                if name in self.left_out:
                    raise _LeftOut
                known = dict.fromkeys([*self.stages, *self.names, COHORT, OUT])
                _check_name(self.recipe, place, name, known)
        return filled

    def _with(self, bound: Mapping[str, Any]) -> _Scope:
        return _Scope({**self.names, **bound}, self.stages, self.left_out, self.recipe, self.stage)
