"""``peritumoral sample-cohort``: make a synthetic cohort to try everything on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError

from ..sample.full_cohort import PATIENTS, SEED, make_full_cohort
from ..sample.sample_anatomy import SIGNALS
from ..sample.sample_cohort import make_sample_cohort
from ..words.arguments import positive_int
from ..words.console import progress_bar

EXAMPLES = """examples:
  peritumoral sample-cohort sample --patients 24 --seed 1
  peritumoral sample-cohort full --full
  peritumoral sample-cohort chance --full --signal nowhere --patients 24 --coarse

The full cohort is for whole studies: two phases, two centres with a scanner shift, further readings of the same and
another reader, clinical covariates, competing events, ten end points with missing labels, and dates. What the outcomes
depend on shows where --signal says, and truth.csv, which no study reads, tells it.
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
    parser.add_argument("--patients", type=positive_int, help=f"default: 24, with --full {PATIENTS}")
    parser.add_argument("--seed", type=int, help=f"default: 1, with --full {SEED}")
    parser.add_argument("--full", action="store_true", help="the cohort for whole studies")
    parser.add_argument(
        "--signal", choices=SIGNALS, help="where the truth shows: core, 0-3 or 3-6 mm, nowhere (default: 0-3)"
    )
    parser.add_argument("--coarse", action="store_true", help="larger voxels: four times faster")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the cohort and name its table."""
    full_only = [name for name, given in (("--signal", arguments.signal), ("--coarse", arguments.coarse)) if given]
    if full_only and not arguments.full:
        raise InputError(f"{full_only[0]} is a word of the full cohort: add --full")
    named = {name: getattr(arguments, name) for name in ("patients", "seed") if getattr(arguments, name) is not None}
    with progress_bar("making patients") as progress:
        if arguments.full:
            where = {"signal": arguments.signal} if arguments.signal else {}
            path = make_full_cohort(arguments.out, coarse=arguments.coarse, progress=progress, **where, **named)
        else:
            path = make_sample_cohort(arguments.out, progress=progress, **named)
    print(f"cohort table: {path}")
    return 0
