"""``peritumoral deep-features``: CNN features of every region of every patient."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.arguments import add_reading_options, names, perturbation
from ..words.console import progress_bar
from ..words.deep_arguments import (
    add_cohort_job,
    add_input_options,
    names_input,
    network_input,
    report_cases,
    report_readings,
    rings_or_none,
    study_notes,
)

EXAMPLES = """examples:
  peritumoral deep-features cohort.csv --rings 3 -o deep
  peritumoral deep-features cohort.csv --study yang2023 --phases arterial,venous --weights resnet50.pth -o deep
  peritumoral deep-features cohort.csv --study liu2025 --weights trained/model -o deep
  peritumoral deep-features cohort.csv --weights trained/model --source probability -o signature
  peritumoral deep-features cohort.csv --study song2021 --phases venous --other-phase --weights arterial/model -o v
  peritumoral deep-features cohort.csv --rings 3 --perturb 3 --perturb-mm 1 -o deep
  peritumoral deep-features cohort.csv --rings 3 --reader 2 -o second

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
    parser.add_argument(
        "--study", help="network, input, regions and source of wu2021, song2021, yang2023, zhang2024 or liu2025"
    )
    parser.add_argument("--network", help="network by name (default efficientnet_lite0, or the study's)")
    parser.add_argument(
        "--weights", default="imagenet", help="imagenet, random, a weights file, or a model folder that train wrote"
    )
    parser.add_argument(
        "--other-phase", action="store_true", help="let a model read a phase that it was not trained on (song2021)"
    )
    parser.add_argument("--regions", type=names, default=(), help="regions to do (default: all, or the study's)")
    group = parser.add_argument_group("where features are read")
    group.add_argument(
        "--source",
        choices=("layer", "penultimate", "probability", "output"),
        help="a layer's map (default), what enters the last layer, the sigmoid of the outputs, or the outputs",
    )
    group.add_argument("--layer", help="layer to read, by its dotted name (default: the network's feature layer)")
    group.add_argument("--pooling", choices=("average", "maximum"), help="of the layer's map")
    group.add_argument(
        "--aggregate",
        choices=("mean", "maximum", "larger_cluster"),
        help="how slices become one patient; larger_cluster: the larger of two K-means clusters (song2021)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of random weights, K-means and perturbations")
    add_input_options(parser)
    add_reading_options(parser, own_seed=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute and report."""
    from DeepRadiomicsFusionLib.jobs.deep_features_job import deep_features_job
    from DeepRadiomicsFusionLib.networks.network_source import IMAGENET
    from PeritumoralRadiomicsLib.regions.mask_perturbation import perturbed_readings
    from RadiomicsCoreLib.progress import part_of

    job = deep_features_job_of(arguments)
    readings = {"": (job, arguments.out)}
    if arguments.perturb:
        readings = perturbed_readings(job, arguments.out, arguments.perturb)
    notes = study_notes(None, job.source.network, imagenet=job.source.weights == IMAGENET)
    reports = {}
    with progress_bar("deep features") as progress:
        for k, (name, (reading, out)) in enumerate(readings.items()):
            step = part_of(progress, k / len(readings), (k + 1) / len(readings))
            done = deep_features_job(
                arguments.cohort, out, reading, phases=arguments.phases, jobs=arguments.jobs, progress=step
            )
            reports[name] = (done.outcomes, dict(done.files), [*notes, *done.notes])
    return report_readings(reports) if arguments.perturb else report_cases(*reports[""])


def deep_features_job_of(arguments: argparse.Namespace) -> Any:
    """Return the job that the words name: the study's settings, changed by the single options."""
    from DeepRadiomicsFusionLib.deep_features.untrained_features import refuse_untrained
    from DeepRadiomicsFusionLib.jobs.deep_features_job import DeepFeaturesJob, usual_features
    from DeepRadiomicsFusionLib.networks.network_source import NetworkSource

    named = arguments.network or ("efficientnet_lite0" if not arguments.study else None)
    bundle = NetworkSource(named or "efficientnet_lite0", arguments.weights).bundle()
    study = _study(arguments, bundle)
    source = NetworkSource(named or study.network, arguments.weights, arguments.seed, arguments.device)
    features = _features(arguments, study, usual_features(source.network), bundle)
    refuse_untrained(source, bundle, features, study if not arguments.source else None)
    own_rings = rings_or_none(arguments)
    takes_study = study is not None and bundle is None and own_rings is None
    return DeepFeaturesJob(
        source=source,
        features=features,
        rings=study.rings if takes_study else own_rings,
        regions=arguments.regions or (study.regions if takes_study else ()),
        resample_masks=arguments.resample_masks,
        pictures=not arguments.no_pictures,
        other_phase=arguments.other_phase,
        reader=arguments.reader,
        perturbation=perturbation(arguments),
        study=study.name if study else None,
    )


def _study(arguments: argparse.Namespace, bundle: Any) -> Any:
    """The study named, for the phase that is done."""
    from DeepRadiomicsFusionLib.settings.study_networks import BY_PHASE, study_network
    from RadiomicsCoreLib.errors import InputError

    if not arguments.study:
        return None
    phases: tuple[str, ...] = arguments.phases or ((bundle.phase,) if bundle is not None else ())
    if arguments.study in BY_PHASE and len(phases) > 1 and not arguments.window:
        raise InputError(
            f"{arguments.study} has another window for each phase; do one phase at a time: --phases {phases[0]}"
        )
    named = phases[0] if len(phases) == 1 and not arguments.window else None
    return study_network(arguments.study, named)


def _features(arguments: argparse.Namespace, study: Any, usual: Any, bundle: Any) -> Any:
    """Return the settings that the options name; None leaves them to the network or the bundle."""
    from dataclasses import replace

    given = {
        "source": arguments.source,
        "layer": arguments.layer,
        "pooling": arguments.pooling,
        "slices": arguments.aggregate,
    }
    changes = {name: value for name, value in given.items() if value}
    if study is None and not changes and not names_input(arguments):
        return None
    settings = usual if study is None else study.features
    shown = settings.input if bundle is None else bundle.input
    if study is not None and arguments.other_phase:
        shown = replace(shown, window_level=settings.input.window_level, window_width=settings.input.window_width)
    return replace(settings, input=network_input(arguments, shown), seed=arguments.seed, **changes)
