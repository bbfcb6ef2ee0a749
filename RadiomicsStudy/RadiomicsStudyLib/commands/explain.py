"""``peritumoral explain``: maps of what decided a network's output, contributions to a classifier's, correlations."""

from __future__ import annotations

import argparse
from typing import Any

from RadiomicsCoreLib.errors import InputError

from ..words.arguments import names
from ..words.console import print_files, print_lines, progress_bar
from ..words.deep_arguments import add_cohort_job, named_tables, report_cases

EXAMPLES = """examples:
  peritumoral explain cohort.csv trained/model -o maps
  peritumoral explain cohort.csv trained/model --cases p1,p7 --maps grad_cam --endpoint recurrence -o maps
  peritumoral explain cohort.csv fused/model --features radiomics=out/features.csv -o contributions
  peritumoral explain cohort.csv --correlation --features radiomics=r/features.csv deep=d/features.csv -o heat_map

A network gets Grad-CAM and input-gradient maps; classifiers (with --features) get exact Shapley contributions;
--correlation draws how far two feature tables say the same, of all features or of those that a model uses.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "explain",
        help="maps of a network's attention, contributions to a classifier",
        description="Grad-CAM and input-gradient maps as volumes that lie on each patient's image, or what each "
        "signature or feature contributed to a classifier's answer, or a heat map of two feature tables' correlations.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_cohort_job(parser)
    parser.add_argument("bundle", nargs="?", help="model folder that train or fuse wrote (optional: --correlation)")
    parser.add_argument("--maps", type=names, default=("grad_cam", "input_gradient"), help="grad_cam,input_gradient")
    parser.add_argument("--endpoint", help="output to explain (default: the first)")
    parser.add_argument("--layer", help="layer of Grad-CAM (default: the network's feature layer)")
    parser.add_argument("--cases", type=names, help="cases to do (default: all)")
    parser.add_argument("--features", nargs="+", metavar="NAME=CSV", help="feature tables of a classifier's bundle")
    parser.add_argument(
        "--correlation", action="store_true", help="heat map of the correlations between the two tables of --features"
    )
    parser.add_argument(
        "--split",
        default="split",
        help="column that tells the training patients (background; default: the bundle's own)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain and report."""
    if arguments.correlation:
        return _correlation(arguments)
    if arguments.bundle is None:
        raise InputError("name the model folder that train or fuse wrote: peritumoral explain COHORT.csv trained/model")
    if arguments.features:
        return _contributions(arguments)
    from DeepRadiomicsFusionLib.jobs.explain_job import ExplainJob, explain_job

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


def _correlation(arguments: argparse.Namespace) -> int:
    from DeepRadiomicsFusionLib.jobs.correlation_job import correlation_job

    files, notes = correlation_job(
        named_tables(arguments.features or ()),
        arguments.out,
        cohort=arguments.cohort,
        bundle=arguments.bundle,
        cases=arguments.cases,
    )
    print_lines(f"note: {note}" for note in notes)
    print_files(files)
    return 0


def _contributions(arguments: argparse.Namespace) -> int:
    from DeepRadiomicsFusionLib.jobs.contributions_job import contributions_job
    from RadiomicsCoreLib.files.tables import read_csv

    cohort = read_csv(arguments.cohort)
    if "case_id" not in cohort:
        raise InputError(f"{arguments.cohort} has no column case_id")
    background = None
    if arguments.split in cohort:
        part = cohort[arguments.split].astype(str).str.strip().str.lower()
        background = cohort.loc[part == "train", "case_id"].tolist() or None
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
