"""``peritumoral logistic``: a logistic model of a binary end point, with nomogram and a bundle."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.arguments import names
from ..words.console import progress_bar
from ..words.survival_arguments import (
    add_bootstrap_options,
    add_covariate_options,
    add_output_options,
    add_reading_filter,
    bootstrap_settings,
    covariate_columns,
    reading_filter,
    report,
)

EXAMPLES = """examples:
  peritumoral logistic clinical.csv --event recurrence --covariates age,stage,signature -o logistic
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "logistic",
        help="logistic model and nomogram of a binary end point",
        description="Fit a logistic model on the training patients of a table and write all about it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", help="CSV table, one row a patient")
    add_output_options(parser)
    group = parser.add_argument_group("columns")
    group.add_argument("--event", required=True, help="column with the end point")
    group.add_argument("--event-values", type=names, help="what it says where the outcome happened")
    add_covariate_options(group)
    add_reading_filter(parser)
    add_bootstrap_options(parser, 200)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fit and write."""
    from SurvivalNomogramLib.jobs.logistic_jobs import BinaryColumns, logistic_job

    columns = BinaryColumns(event=arguments.event, event_values=arguments.event_values, **covariate_columns(arguments))
    with progress_bar("logistic") as progress:
        result = logistic_job(
            arguments.table,
            arguments.out,
            columns,
            readings=reading_filter(arguments),
            bootstrap=bootstrap_settings(arguments),
            formats=arguments.formats,
            progress=progress,
        )
    return report(result, arguments.out)
