"""``peritumoral validate``: discrimination, calibration and benefit of a model on a table, cohort by cohort."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.arguments import names, positive_int
from ..words.console import progress_bar
from ..words.survival_arguments import (
    add_bootstrap_options,
    add_column_options,
    add_horizons,
    add_output_options,
    assignment,
    bootstrap_settings,
    cut_value,
    report,
    survival_columns,
)

EXAMPLES = """examples:
  peritumoral validate cox/model clinical.csv -o validation
  peritumoral validate cox/model other_hospital.csv --time days --event death --horizons 365 -o external
  peritumoral validate cox/model clinical.csv --subgroups sex,stage,age --cut age=65 -o subgroups
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "validate",
        help="validate a Cox model on a table",
        description="Concordance, time-dependent ROC, Brier score, calibration and decision curves of a model; "
        "on the training patients corrected for optimism.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", help="model folder, model.json or zip, as written by cox")
    parser.add_argument("table", help="CSV table, one row a patient")
    add_output_options(parser)
    add_column_options(parser, required=False)
    add_horizons(parser)
    parser.add_argument("--against", metavar="BUNDLE", help="another model to compare with on the same patients")
    parser.add_argument("--groups", type=positive_int, default=5, help="groups of the calibration")
    parser.add_argument("--subgroups", type=names, default=(), help="columns of the forest plot")
    parser.add_argument(
        "--cut", type=assignment, action="append", default=[], metavar="COLUMN=NUMBER", help="of a numeric subgroup"
    )
    add_bootstrap_options(parser, 200)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Validate and write."""
    from SurvivalNomogramLib.jobs.survival_jobs import validate_job

    columns = survival_columns(arguments) if arguments.time and arguments.event else None
    with progress_bar("validating") as progress:
        result = validate_job(
            arguments.bundle,
            arguments.table,
            arguments.out,
            columns=columns,
            horizons=arguments.horizons,
            groups=arguments.groups,
            subgroups=arguments.subgroups,
            cuts={name: cut_value(name, value) for name, value in arguments.cut},
            against=arguments.against,
            bootstrap=bootstrap_settings(arguments),
            formats=arguments.formats,
            progress=progress,
        )
    return report(result, arguments.out)
