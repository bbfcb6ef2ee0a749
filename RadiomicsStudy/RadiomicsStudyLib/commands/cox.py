"""``peritumoral cox``: a Cox model of a table, with nomogram, risk groups and a bundle."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.arguments import names
from ..words.console import progress_bar
from ..words.survival_arguments import (
    add_bootstrap_options,
    add_column_options,
    add_horizons,
    add_output_options,
    add_reading_filter,
    bootstrap_settings,
    plain_value,
    reading_filter,
    report,
    survival_columns,
)

EXAMPLES = """examples:
  peritumoral cox clinical.csv --time days --event death --covariates age,stage,signature -o cox
  peritumoral cox features.csv --time days --event death --univariable-p 0.05 --selection lasso -o cox
  peritumoral cox features.csv --time days --event death --selection lasso --alpha 0.5 --lambda 1se -o cox
  peritumoral cox features.csv --time days --event death --id case_id --readings second/features.csv --icc-above 0.8 \\
      --selection lasso -o cox
  peritumoral cox clinical.csv --time days --event death --missing drop,age=median,stage=level -o cox
  peritumoral cox clinical.csv --time months --time-unit months --event status --event-values dead \\
      --selection backward --reference stage=I --horizons 36,60 -o cox
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "cox",
        help="Cox model, nomogram and risk groups from a table",
        description="Fit a Cox model on the training patients of a table and write all about it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", help="CSV table, one row a patient")
    add_output_options(parser)
    add_column_options(parser)
    add_horizons(parser)
    group = parser.add_argument_group("modelling (done again in every resample)")
    group.add_argument("--univariable-p", type=float, help="only covariates with a univariable p below this go on")
    group.add_argument("--selection", choices=("none", "backward", "forward", "both", "lasso"), default="none")
    group.add_argument("--keep", type=names, default=(), help="covariates that selection never removes")
    group.add_argument("--lambda", dest="lambda_choice", choices=("min", "1se"), default="min")
    group.add_argument("--alpha", type=float, default=1.0, help="1: LASSO; between 0 and 1: elastic net")
    group.add_argument("--folds", type=int, default=10, help="of the LASSO's cross-validation")
    group.add_argument("--cutoff", default="median", help="median, youden, or a number on the linear predictor")
    add_reading_filter(parser)
    add_bootstrap_options(parser, 200)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fit and write."""
    from SurvivalNomogramLib.jobs.survival_jobs import cox_job
    from SurvivalNomogramLib.validation.cox_modelling import CoxModelling

    modelling = CoxModelling(
        univariable_p=arguments.univariable_p,
        selection=arguments.selection,
        keep=arguments.keep,
        lambda_choice=arguments.lambda_choice,
        folds=arguments.folds,
        seed=arguments.seed,
        alpha=arguments.alpha,
    )
    with progress_bar("cox") as progress:
        result = cox_job(
            arguments.table,
            arguments.out,
            survival_columns(arguments),
            modelling,
            horizons=arguments.horizons,
            cutoff=plain_value(arguments.cutoff),
            readings=reading_filter(arguments),
            bootstrap=bootstrap_settings(arguments),
            formats=arguments.formats,
            progress=progress,
        )
    return report(result, arguments.out)
