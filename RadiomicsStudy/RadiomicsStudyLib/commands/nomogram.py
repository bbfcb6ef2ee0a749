"""``peritumoral nomogram``: draw the nomogram of a bundle, and read it for a patient."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.console import progress_bar
from ..words.survival_arguments import add_horizons, add_output_options, assignment, plain_value, report

EXAMPLES = """examples:
  peritumoral nomogram cox/model -o nomogram
  peritumoral nomogram cox/model --horizons 365,1095 --patient age=61 --patient stage=II -o nomogram
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "nomogram",
        help="draw the nomogram of a model",
        description="Draw the nomogram of a model bundle and write its points.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", help="model folder, model.json or zip, as written by cox or logistic")
    add_output_options(parser)
    add_horizons(parser)
    parser.add_argument("--patient", type=assignment, action="append", default=[], metavar="COVARIATE=VALUE")
    parser.add_argument("--label", type=assignment, action="append", default=[], metavar="COLUMN=TEXT")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw and write."""
    from SurvivalNomogramLib.jobs.survival_jobs import nomogram_job

    patient = {name: plain_value(value) for name, value in arguments.patient}
    with progress_bar("nomogram") as progress:
        result = nomogram_job(
            arguments.bundle,
            arguments.out,
            horizons=arguments.horizons,
            labels=dict(arguments.label),
            patient=patient or None,
            formats=arguments.formats,
            progress=progress,
        )
    return report(result, arguments.out)
