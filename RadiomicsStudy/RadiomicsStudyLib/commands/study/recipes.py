"""``peritumoral recipes`` and ``recipe show | check``: the published studies as files to copy and change."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ...recipes.catalogue import PUBLISHED, find_recipe, recipe_path
from ...recipes.check import check_recipe
from ...recipes.expansion import expand
from ...words.console import print_lines, print_table

EXAMPLES = """examples:
  peritumoral recipes
  peritumoral recipe show liu2025 > mine.yaml
  peritumoral recipe check mine.yaml cohort.csv

Exit code of check: 0 it can run, 2 it cannot; a line each says where and why.
"""


def add_parser(verbs: Any) -> None:
    """Describe both verbs."""
    listing = verbs.add_parser("recipes", help="list the recipes of published studies", description="List the recipes.")
    listing.set_defaults(run=list_recipes)
    parser = verbs.add_parser(
        "recipe",
        help="show a recipe, or check one against a cohort",
        description="Show a recipe, to copy and change it, or check one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print the file of a recipe")
    show.add_argument("name", help=", ".join(PUBLISHED))
    show.set_defaults(run=show_recipe)
    check = actions.add_parser("check", help="say what is wrong in a recipe, or in a cohort for it")
    check.add_argument("recipe", help="recipe file, or the name of one")
    check.add_argument("cohort", nargs="?", type=Path, help="cohort table (default: look at the recipe alone)")
    check.set_defaults(run=check_one)


def list_recipes(arguments: argparse.Namespace) -> int:
    """List name, what it is, the phases and the number of stages."""
    rows = []
    for name in PUBLISHED:
        recipe = find_recipe(name)
        rows.append((name, recipe.title, ", ".join(recipe.phases), len(expand(recipe)), recipe.source))
    print_table("recipes", ("name", "what", "phases", "stages", "paper"), rows)
    return 0


def show_recipe(arguments: argparse.Namespace) -> int:
    """Print the file, comments and all."""
    sys.stdout.write(recipe_path(arguments.name).read_text(encoding="utf-8"))
    return 0


def check_one(arguments: argparse.Namespace) -> int:
    """Check and print a line for everything that is wrong."""
    recipe = find_recipe(arguments.recipe)
    found = check_recipe(recipe, arguments.cohort)
    if found:
        print_lines(finding.message for finding in found)
        return 2
    fits = f" and fits {arguments.cohort}" if arguments.cohort else ""
    print_lines([f"{recipe.name}: {len(expand(recipe))} stages; the recipe is sound{fits}"])
    return 0
