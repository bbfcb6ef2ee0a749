"""``peritumoral sample-cohort``: make a synthetic cohort to try everything on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..sample.sample_cohort import make_sample_cohort
from ..words.arguments import positive_int
from ..words.console import progress_bar

EXAMPLES = """examples:
  peritumoral sample-cohort sample --patients 24 --seed 1
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "sample-cohort",
        help="make a synthetic cohort to try everything on",
        description="Make CT-like synthetic patients with tumour, organ, textured rim and outcomes.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--patients", type=positive_int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the cohort and name its table."""
    with progress_bar("making patients") as progress:
        path = make_sample_cohort(arguments.out, patients=arguments.patients, seed=arguments.seed, progress=progress)
    print(f"cohort table: {path}")
    return 0
