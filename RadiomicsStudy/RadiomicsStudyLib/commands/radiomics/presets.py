"""``peritumoral presets``: list the presets, or print one as a pyradiomics parameter file."""

from __future__ import annotations

import argparse
from typing import Any

from PeritumoralRadiomicsLib.settings.presets import preset_descriptions, preset_yaml

from ...words.console import print_table

EXAMPLES = """examples:
  peritumoral presets
  peritumoral presets liu2025 > liu2025.yaml
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "presets",
        help="list the presets of published studies",
        description="List the presets, or print one as a pyradiomics parameter file.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", help="preset to print")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List or print."""
    if arguments.name:
        print(preset_yaml(arguments.name), end="")
    else:
        print_table("presets", ("name", "what"), list(preset_descriptions().items()))
    return 0
