"""``peritumoral apply``: apply a bundle of classifiers to new patients."""

from __future__ import annotations

import argparse
from typing import Any

from ..console import progress_bar
from ..deep_arguments import named_tables
from ..survival_arguments import add_output_options, report

EXAMPLES = """examples:
  peritumoral apply fused/model --features radiomics=new/features.csv deep=new_deep/features.csv -o predictions
  peritumoral apply fused/model --features radiomics=new/features.csv --cohort new.csv -o external
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "apply",
        help="apply a bundle of classifiers to new patients",
        description="Predict new patients, and evaluate where their outcome is known. A bundle says on which phases, "
        "regions, preprocessing and engine it was trained, and refuses features made otherwise.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", help="model folder or zip, as written by fuse")
    add_output_options(parser)
    parser.add_argument("--features", nargs="+", required=True, metavar="NAME=CSV", help="feature tables")
    parser.add_argument("--cohort", help="table with case_id and the end point, to evaluate")
    parser.add_argument("--positive", help="text of the end point that means the outcome")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and report."""
    from DeepRadiomicsFusionLib.apply_job import apply_job

    with progress_bar("applying") as progress:
        done = apply_job(
            arguments.bundle,
            named_tables(arguments.features),
            arguments.out,
            cohort=arguments.cohort,
            positive=arguments.positive,
            formats=arguments.formats,
            progress=progress,
        )
    return report(done, arguments.out)
