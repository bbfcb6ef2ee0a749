"""``peritumoral explain``: maps of what decided a network's output, on the patients' own grids."""

from __future__ import annotations

import argparse
from typing import Any

from ..arguments import names
from ..console import progress_bar
from ..deep_arguments import add_cohort_job, report_cases

EXAMPLES = """examples:
  peritumoral explain cohort.csv trained/model -o maps
  peritumoral explain cohort.csv trained/model --cases p1,p7 --maps grad_cam --endpoint recurrence -o maps
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "explain",
        help="maps of what decided a network's output",
        description="Grad-CAM and input-gradient maps as volumes that lie on each patient's image.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_cohort_job(parser)
    parser.add_argument("bundle", help="model folder that train wrote")
    parser.add_argument("--maps", type=names, default=("grad_cam", "input_gradient"), help="grad_cam,input_gradient")
    parser.add_argument("--endpoint", help="output to explain (default: the first)")
    parser.add_argument("--layer", help="layer of Grad-CAM (default: the network's feature layer)")
    parser.add_argument("--cases", type=names, help="cases to do (default: all)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Map and report."""
    from DeepRadiomicsFusionLib.explain_job import ExplainJob, explain_job

    job = ExplainJob(
        bundle=arguments.bundle,
        kinds=arguments.maps,
        output=arguments.endpoint,
        layer=arguments.layer,
        resample_masks=arguments.resample_masks,
        pictures=not arguments.no_pictures,
        device=arguments.device,
    )
    with progress_bar("explaining") as progress:
        done = explain_job(
            arguments.cohort, arguments.out, job, cases=arguments.cases, jobs=arguments.jobs, progress=progress
        )
    return report_cases(done.outcomes, dict(done.files), done.notes)
