"""``peritumoral apply``: a model bundle on new patients, of a network on images or of a classifier on features."""

from __future__ import annotations

import argparse
from typing import Any

from RadiomicsCoreLib.errors import InputError

from ..words.arguments import names, positive_int
from ..words.console import progress_bar
from ..words.deep_arguments import named_tables, report_cases
from ..words.survival_arguments import add_output_options, report

EXAMPLES = """examples:
  peritumoral apply trained/model new.csv -o predicted
  peritumoral apply unet/model new.csv -o drawn
  peritumoral apply fused/model --features radiomics=r/features.csv deep=d/features.csv -o predicted
  peritumoral apply fused/model.zip new.csv --features features.csv -o validated

A bundle of `train` takes a cohort table and reads the images, prepared as in its training; one of `fuse` takes feature
tables that were made like those of its training. Where the cohort table has the outcome, the predictions are evaluated.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "apply",
        help="apply a trained network or classifier to new patients",
        description="Predict new patients with a bundle of train or fuse, and evaluate where the outcome is known.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundle", help="model folder or zip that train or fuse wrote")
    parser.add_argument("table", nargs="?", metavar="cohort", help="cohort table: images, or the outcome to evaluate")
    add_output_options(parser)
    parser.add_argument("--cohort", help="the same as the second word")
    classifier = parser.add_argument_group("bundles of fuse")
    classifier.add_argument("--features", nargs="+", metavar="NAME=CSV", help="feature tables")
    classifier.add_argument("--positive", help="text of the end point that means the outcome")
    network = parser.add_argument_group("bundles of train")
    network.add_argument("--cases", type=names, help="ids of the cases to do (default: all)")
    network.add_argument(
        "--workers", dest="jobs", type=positive_int, help="cases at a time (default: all cores, as memory allows)"
    )
    network.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"))
    network.add_argument("--resample-masks", action="store_true", help="accept masks on another grid")
    network.add_argument("--no-pictures", action="store_true", help="draw no pictures of what the network sees")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and report."""
    from DeepRadiomicsFusionLib.networks.network_bundle import is_network_bundle

    if arguments.table and arguments.cohort:
        raise InputError("the cohort table is named twice; leave --cohort out")
    cohort = arguments.table or arguments.cohort
    is_network = is_network_bundle(arguments.bundle)
    _refuse_other_words(arguments, is_network)
    return _network(arguments, cohort) if is_network else _classifier(arguments, cohort)


def _refuse_other_words(arguments: argparse.Namespace, is_network: bool) -> None:
    """Refuse options that only go with the other kind of bundle."""
    of_classifiers = {"--features": arguments.features, "--positive": arguments.positive}
    of_networks = {
        "--cases": arguments.cases,
        "--workers": arguments.jobs,
        "--device": arguments.device,
        "--resample-masks": arguments.resample_masks,
        "--no-pictures": arguments.no_pictures,
    }
    given = [word for word, value in (of_classifiers if is_network else of_networks).items() if value]
    if given:
        kind = "a network, which reads the images of a cohort table" if is_network else "classifiers, which read tables"
        example = "apply MODEL cohort.csv -o OUT" if is_network else "apply MODEL --features NAME=features.csv -o OUT"
        raise InputError(f"{arguments.bundle} holds {kind}; leave {given[0]} out: {example}")


def _network(arguments: argparse.Namespace, cohort: str | None) -> int:
    from DeepRadiomicsFusionLib.jobs.apply_network_job import ApplyNetworkJob, apply_network_job

    if cohort is None:
        raise InputError(f"{arguments.bundle} holds a network; name a cohort table with images: apply MODEL cohort.csv")
    job = ApplyNetworkJob(
        arguments.bundle,
        resample_masks=arguments.resample_masks,
        pictures=not arguments.no_pictures,
        device=arguments.device or "auto",
        formats=arguments.formats,
    )
    with progress_bar("applying") as progress:
        done = apply_network_job(
            cohort, arguments.out, job, cases=arguments.cases, jobs=arguments.jobs, progress=progress
        )
    return report_cases(done.outcomes, dict(done.files), done.notes)


def _classifier(arguments: argparse.Namespace, cohort: str | None) -> int:
    from DeepRadiomicsFusionLib.jobs.apply_job import apply_job

    if not arguments.features:
        raise InputError(f"{arguments.bundle} is no network bundle; bundles of fuse need --features NAME=features.csv")
    with progress_bar("applying") as progress:
        done = apply_job(
            arguments.bundle,
            named_tables(arguments.features),
            arguments.out,
            cohort=cohort,
            positive=arguments.positive,
            formats=arguments.formats,
            progress=progress,
        )
    return report(done, arguments.out)
