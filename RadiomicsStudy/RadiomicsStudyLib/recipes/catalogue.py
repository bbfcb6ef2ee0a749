"""The recipes that come with the program, by name."""

from __future__ import annotations

from pathlib import Path

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known

from .recipe import Recipe, read_recipe

PUBLISHED = ("wu2021", "song2021", "yang2023", "zhang2024", "liu2025")
"""In the order of the years."""


def recipe_path(name: str) -> Path:
    """Return the file of a recipe that comes with the program.

    Raises:
        InputError: no such recipe; the message names the nearest one.

    Example:
        >>> recipe_path("liu2025").name
        'liu2025.yaml'
    """
    check_known("recipe", name, PUBLISHED)
    return Path(__file__).parent / f"{name}.yaml"


def find_recipe(name_or_path: str | Path) -> Recipe:
    """Read a recipe by its name, or from a file.

    Raises:
        InputError: neither a known name nor a file, or what :func:`.recipe.read_recipe` refuses.
    """
    text = str(name_or_path)
    if text in PUBLISHED:
        return read_recipe(recipe_path(text))
    if not Path(text).is_file():
        looks_like_a_name = "/" not in text and "." not in text
        if looks_like_a_name:
            check_known("recipe", text, PUBLISHED)
        raise InputError(f"there is no recipe {text!r}; give a file, or one of {', '.join(PUBLISHED)}")
    return read_recipe(text)
