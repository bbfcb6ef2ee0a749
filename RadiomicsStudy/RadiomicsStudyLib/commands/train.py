"""``peritumoral train``: train a network on a cohort."""

from __future__ import annotations

import argparse
from typing import Any

from ..arguments import names, positive_int
from ..console import progress_bar
from ..deep_arguments import add_cohort_job, add_input_options, network_input, report_cases, rings_or_none

EXAMPLES = """examples:
  peritumoral train cohort.csv --endpoints recurrence --region intra_ring_0_3mm --rings 3 -o trained
  peritumoral train cohort.csv --time days --event death --study liu2025 --network se_resnet3d -o trained
  peritumoral train cohort.csv --segment --network unet --epochs 30 -o unet

Small cohorts: the backbone stays frozen and only the last layer learns, unless --mode full; the program says why.
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
    task = parser.add_argument_group("task")
    task.add_argument("--endpoints", type=names, default=(), help="columns of 0 and 1, empty cells allowed")
    task.add_argument("--time", help="column with the follow-up time")
    task.add_argument("--event", help="column with the event")
    task.add_argument("--segment", action="store_true", help="learn the tumour's mask")
    how = parser.add_argument_group("network and training")
    how.add_argument("--study", help="training settings of a published study: wu2021, song2021, zhang2024, liu2025")
    how.add_argument("--network", help="network by name (default efficientnet_lite0; unet to segment)")
    how.add_argument("--random-weights", action="store_true", help="do not start from ImageNet weights")
    how.add_argument("--mode", choices=("suggested", "full", "head"), default="suggested")
    how.add_argument("--phase", default="ct", help="phase of the cohort")
    how.add_argument("--scores", type=names, default=(), help="columns of RadScores that enter before the last layer")
    how.add_argument("--epochs", type=positive_int)
    how.add_argument("--batch-size", type=positive_int)
    how.add_argument("--learning-rate", type=float)
    how.add_argument("--width", type=positive_int, help="channels of a U-Net's first level (default: the paper's 64)")
    how.add_argument("--seed", type=int, default=0)
    add_input_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and report."""
    from DeepRadiomicsFusionLib.train_job import TrainJob, train_job

    task = _task(arguments)
    network = arguments.network or {"segmentation": "unet"}.get(task, "efficientnet_lite0")
    job = TrainJob(
        training=_training(arguments, task),
        endpoints=arguments.endpoints,
        time=arguments.time,
        event=arguments.event,
        network=network,
        pretrained=not arguments.random_weights,
        phase=arguments.phase,
        rings=rings_or_none(arguments),
        scores=arguments.scores,
        width=arguments.width,
        mode=arguments.mode,
        resample_masks=arguments.resample_masks,
        pictures=not arguments.no_pictures,
    )
    job = _with_input(arguments, job)
    with progress_bar("training") as progress:
        done = train_job(arguments.cohort, arguments.out, job, jobs=arguments.jobs, progress=progress)
    return report_cases(done.outcomes, dict(done.files), done.notes)


def _task(arguments: argparse.Namespace) -> str:
    from RadiomicsCoreLib.errors import InputError

    named = {
        "classification": bool(arguments.endpoints),
        "survival": bool(arguments.time or arguments.event),
        "segmentation": arguments.segment,
    }
    tasks = [task for task, given in named.items() if given]
    if len(tasks) != 1:
        raise InputError("say what to learn: --endpoints a,b or --time T --event E or --segment, one of them")
    return tasks[0]


def _training(arguments: argparse.Namespace, task: str) -> Any:
    from dataclasses import replace

    from DeepRadiomicsFusionLib.training_settings import STUDY_TRAININGS, TrainingSettings
    from PeritumoralRadiomicsLib.setting_rules import check_known

    settings = TrainingSettings(task)
    if arguments.study:
        check_known("study", arguments.study, STUDY_TRAININGS)
        settings = replace(STUDY_TRAININGS[arguments.study], task=task)
    given = {
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(settings, seed=arguments.seed, device=arguments.device, **changes)


def _with_input(arguments: argparse.Namespace, job: Any) -> Any:
    from dataclasses import replace

    from DeepRadiomicsFusionLib.input_settings import INPUTS_OF_STUDIES

    usual = INPUTS_OF_STUDIES.get(arguments.study or "", job.shown)
    return replace(job, input=network_input(arguments, usual))
