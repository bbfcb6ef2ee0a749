"""``peritumoral deep-features``: CNN features of every region of every patient."""

from __future__ import annotations

import argparse
from typing import Any

from ..arguments import names
from ..console import progress_bar
from ..deep_arguments import add_cohort_job, add_input_options, network_input, report_cases, rings_or_none

EXAMPLES = """examples:
  peritumoral deep-features cohort.csv --rings 3 -o deep
  peritumoral deep-features cohort.csv --study yang2023 --phases arterial,venous --weights resnet50.pth -o deep
  peritumoral deep-features cohort.csv --weights trained/model -o deep

The default network, efficientnet_lite0, brings its ImageNet weights in a package: nothing is fetched.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "deep-features",
        help="CNN features of every region and patient",
        description="Compute deep features of tumour and rings with a pre-trained or trained network.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_cohort_job(parser)
    parser.add_argument("--phases", type=names, help="phases to do (default: all)")
    parser.add_argument("--study", help="network, input and pooling of a published study")
    parser.add_argument("--network", help="network by name (default efficientnet_lite0, or the study's)")
    parser.add_argument(
        "--weights", default="imagenet", help="imagenet, random, a weights file, or a model folder that train wrote"
    )
    parser.add_argument("--regions", type=names, default=(), help="regions to do (default: all)")
    parser.add_argument("--pooling", choices=("average", "maximum"), help="of the feature layer's map")
    parser.add_argument("--layer", help="layer to read, by its dotted name")
    parser.add_argument("--seed", type=int, default=0)
    add_input_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute and report."""
    from DeepRadiomicsFusionLib.deep_feature_settings import NETWORKS_OF_STUDIES
    from DeepRadiomicsFusionLib.deep_features_job import DeepFeaturesJob, deep_features_job
    from DeepRadiomicsFusionLib.network_source import NetworkSource

    network = arguments.network or NETWORKS_OF_STUDIES.get(arguments.study or "", "efficientnet_lite0")
    source = NetworkSource(network, arguments.weights, arguments.seed, arguments.device)
    job = DeepFeaturesJob(
        source=source,
        features=_features(arguments, source),
        rings=rings_or_none(arguments),
        regions=arguments.regions,
        resample_masks=arguments.resample_masks,
        pictures=not arguments.no_pictures,
    )
    with progress_bar("deep features") as progress:
        done = deep_features_job(
            arguments.cohort, arguments.out, job, phases=arguments.phases, jobs=arguments.jobs, progress=progress
        )
    return report_cases(done.outcomes, dict(done.files), done.notes)


def _features(arguments: argparse.Namespace, source: Any) -> Any:
    """Return the settings that the options name; None leaves them to the network or the bundle."""
    from dataclasses import replace

    from DeepRadiomicsFusionLib.deep_feature_settings import FEATURES_OF_STUDIES
    from DeepRadiomicsFusionLib.deep_features_job import usual_features
    from PeritumoralRadiomicsLib.setting_rules import check_known

    options = (arguments.input, arguments.size, arguments.whole_box, arguments.window, arguments.pooling)
    if arguments.study:
        check_known("study", arguments.study, FEATURES_OF_STUDIES)
        usual = FEATURES_OF_STUDIES[arguments.study]
    elif any(options) or arguments.layer:
        bundle = source.bundle()
        usual = usual_features(source.network)
        usual = usual if bundle is None else replace(usual, input=bundle.input)
    else:
        return None
    changes = {"pooling": arguments.pooling} if arguments.pooling else {}
    changes |= {"layer": arguments.layer} if arguments.layer else {}
    return replace(usual, input=network_input(arguments, usual.input), seed=arguments.seed, **changes)
