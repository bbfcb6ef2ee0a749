"""``peritumoral train``: train a network on a cohort."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.arguments import names, positive_int
from ..words.console import progress_bar
from ..words.deep_arguments import (
    add_cohort_job,
    add_input_options,
    network_input,
    report_cases,
    rings_or_none,
    study_notes,
)
from ..words.training_arguments import add_training_options, training_settings

EXAMPLES = """examples:
  peritumoral train cohort.csv --study liu2025 --time days --event death -o trained
  peritumoral train cohort.csv --study zhang2024 --endpoints egfr,kras --scores tumour.signature,ring.signature -o net
  peritumoral train cohort.csv --study song2021 --phase venous -o unet
  peritumoral train cohort.csv --endpoints recurrence --region intra_ring_0_3mm --rings 3 -o trained
  peritumoral train cohort.csv --endpoints recurrence --folds 5 -o trained
  peritumoral train cohort.csv --endpoints recurrence --settings mine.yaml --epochs 20 -o trained

--study takes the paper's network, input, rings, region, head and training; every single option goes before it.
Small cohorts: without --study the backbone stays frozen and only the last layer learns, unless --mode full; the
program says why.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "train",
        help="train a network on a cohort",
        description="Train a network for binary end points, survival or segmentation, and write it as a bundle. "
        "Cases whose split is train are trained on, the others only predicted.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_cohort_job(parser)
    parser.add_argument("--study", help="a published study: wu2021, song2021 (or song2021_venous), zhang2024, liu2025")
    task = parser.add_argument_group("task")
    task.add_argument("--endpoints", type=names, default=(), help="columns of 0 and 1, empty cells allowed")
    task.add_argument("--time", help="column with the follow-up time")
    task.add_argument("--event", help="column with the event")
    task.add_argument("--segment", action="store_true", help="learn the tumour's mask")
    how = parser.add_argument_group("network")
    how.add_argument("--network", help="network by name (default: the study's, efficientnet_lite0, unet to segment)")
    weights = how.add_mutually_exclusive_group()
    weights.add_argument("--random-weights", action="store_true", help="do not start from ImageNet weights")
    weights.add_argument("--imagenet-weights", action="store_true", help="start from ImageNet weights")
    weights.add_argument("--weights", metavar="FILE", help="start from this file of plain tensors (safetensors, .pth)")
    how.add_argument("--phase", help="phase of the cohort (default: the study's, or ct)")
    how.add_argument("--scores", type=names, default=(), help="columns of RadScores that enter before the last layer")
    how.add_argument("--width", type=positive_int, help="channels of a U-Net's first level (default: the paper's 64)")
    how.add_argument("--folds", type=positive_int, default=0, help="write out-of-fold signatures too, for fuse")
    how.add_argument("--patient", help="column of patients, where a patient has several cases")
    add_training_options(parser)
    add_input_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and report."""
    from DeepRadiomicsFusionLib.jobs.train_job import train_job
    from DeepRadiomicsFusionLib.networks.weights import require_imagenet
    from DeepRadiomicsFusionLib.settings.training_settings import Task

    job = train_job_of(arguments)
    fetched = job.pretrained and job.weights is None and job.training.task is not Task.SEGMENTATION
    with progress_bar("training") as progress:
        if fetched:
            require_imagenet(job.network)
        done = train_job(arguments.cohort, arguments.out, job, jobs=arguments.jobs, progress=progress)
    notes = study_notes(_study(arguments), job.network, imagenet=fetched)
    return report_cases(done.outcomes, dict(done.files), [*notes, *done.notes])


def train_job_of(arguments: argparse.Namespace) -> Any:
    """Return the training that the words name: the study's settings, changed by the single options."""
    from dataclasses import replace

    from DeepRadiomicsFusionLib.training.train_plan import TrainJob

    study = _study(arguments)
    task = _task(arguments, study)
    training, mode = training_settings(arguments, study, task)
    usual = "unet" if task == "segmentation" else "efficientnet_lite0"
    network = arguments.network or (study.network if study else usual)
    job = TrainJob(
        training=training,
        endpoints=arguments.endpoints,
        time=arguments.time,
        event=arguments.event,
        network=network,
        pretrained=_starts_from_imagenet(arguments, study, network),
        phase=arguments.phase or (study.phase if study else "ct"),
        input=study.input if study and _suits(study, network) else None,
        rings=rings_or_none(arguments) or (study.rings if study else None),
        scores=arguments.scores,
        rad_score_head=bool(study and study.rad_score_head),
        width=arguments.width,
        mode=mode or (study.mode.value if study else "suggested"),
        folds=arguments.folds,
        patient=arguments.patient,
        weights=arguments.weights,
        resample_masks=arguments.resample_masks,
        pictures=not arguments.no_pictures,
        study=study.name if study else None,
    )
    return replace(job, input=network_input(arguments, job.shown))


def _study(arguments: argparse.Namespace) -> Any:
    from DeepRadiomicsFusionLib.settings.study_networks import study_network

    if not arguments.study:
        return None
    # A window of the user's own goes with a phase of any name.
    study = study_network(arguments.study, None if arguments.window else arguments.phase)
    study.required_training()
    return study


def _task(arguments: argparse.Namespace, study: Any) -> str:
    from DeepRadiomicsFusionLib.settings.training_settings import Task
    from RadiomicsCoreLib.errors import InputError

    named = {
        "classification": bool(arguments.endpoints),
        "survival": bool(arguments.time or arguments.event),
        "segmentation": arguments.segment,
    }
    tasks = [task for task, given in named.items() if given]
    if not tasks and study is not None and study.training.task is Task.SEGMENTATION:
        return "segmentation"
    if len(tasks) != 1:
        asked = f"{study.name} learns {study.training.task.value}: " if study else ""
        raise InputError(f"{asked}say what to learn: --endpoints a,b or --time T --event E or --segment, one of them")
    return tasks[0]


def _starts_from_imagenet(arguments: argparse.Namespace, study: Any, network: str) -> bool:
    from DeepRadiomicsFusionLib.networks.weights import has_imagenet

    if arguments.random_weights or arguments.imagenet_weights:
        return arguments.imagenet_weights
    return has_imagenet(network) and (study is None or study.pretrained)


def _suits(study: Any, network: str) -> bool:
    """Whether another network of the user's choice, such as one without squeeze-and-excitation, takes its input."""
    from DeepRadiomicsFusionLib.networks.catalogue import network_spec

    return network_spec(network).spatial_dims == study.input.spatial_dims
