"""``peritumoral predict``: points, survival and risk group of new patients."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..words.console import progress_bar
from ..words.survival_arguments import add_horizons, report

EXAMPLES = """examples:
  peritumoral predict cox/model new_patients.csv --horizons 365,1095 -o predictions
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "predict",
        help="predict patients with a model",
        description="Points, linear predictor, survival (or probability) and risk group of every row of a table.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", help="model folder, model.json or zip, as written by cox or logistic")
    parser.add_argument("table", help="CSV table with the model's covariates")
    parser.add_argument("-o", "--out", type=Path, required=True, help="output folder")
    parser.add_argument("--id", dest="id_column", help="column of the patients' names")
    add_horizons(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and write."""
    from SurvivalNomogramLib.jobs.survival_jobs import predict_job

    with progress_bar("predicting") as progress:
        result = predict_job(
            arguments.bundle,
            arguments.table,
            arguments.out,
            id_column=arguments.id_column,
            horizons=arguments.horizons,
            progress=progress,
        )
    return report(result, arguments.out)
