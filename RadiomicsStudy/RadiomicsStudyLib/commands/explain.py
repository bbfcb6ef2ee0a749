"""``peritumoral explain``: maps of what decided a network's output, or contributions to a classifier's."""

from __future__ import annotations

import argparse
from typing import Any

from ..arguments import names
from ..console import print_files, progress_bar
from ..deep_arguments import add_cohort_job, named_tables, report_cases

EXAMPLES = """examples:
  peritumoral explain cohort.csv trained/model -o maps
  peritumoral explain cohort.csv trained/model --cases p1,p7 --maps grad_cam --endpoint recurrence -o maps
  peritumoral explain cohort.csv fused/model --features radiomics=out/features.csv -o contributions

A network gets Grad-CAM and input-gradient maps; classifiers (with --features) get exact Shapley contributions.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "explain",
        help="maps of a network's attention, contributions to a classifier",
        description="Grad-CAM and input-gradient maps as volumes that lie on each patient's image, or what each "
        "signature or feature contributed to a classifier's answer.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_cohort_job(parser)
    parser.add_argument("bundle", help="model folder that train or fuse wrote")
    parser.add_argument("--maps", type=names, default=("grad_cam", "input_gradient"), help="grad_cam,input_gradient")
    parser.add_argument("--endpoint", help="output to explain (default: the first)")
    parser.add_argument("--layer", help="layer of Grad-CAM (default: the network's feature layer)")
    parser.add_argument("--cases", type=names, help="cases to do (default: all)")
    parser.add_argument("--features", nargs="+", metavar="NAME=CSV", help="feature tables of a classifier's bundle")
    parser.add_argument("--split", default="split", help="column that tells the training patients (background)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain and report."""
    if arguments.features:
        return _contributions(arguments)
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


def _contributions(arguments: argparse.Namespace) -> int:
    from DeepRadiomicsFusionLib.contributions_job import contributions_job
    from RadiomicsCoreLib.tables import read_csv

    cohort = read_csv(arguments.cohort)
    background = None
    if arguments.split in cohort:
        background = cohort.loc[cohort[arguments.split] == "train", "case_id"].tolist()
    with progress_bar("explaining") as progress:
        files = contributions_job(
            arguments.bundle,
            named_tables(arguments.features),
            arguments.out,
            background=background,
            cases=arguments.cases,
            progress=progress,
        )
    print_files(files)
    return 0
