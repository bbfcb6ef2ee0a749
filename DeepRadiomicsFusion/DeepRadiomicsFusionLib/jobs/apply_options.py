"""What the job ``apply`` is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from RadiomicsCoreLib.cohort.columns import CaseColumns, features_option
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.settings.options import option

from ..evaluation.metrics import EvaluationSettings
from ..settings.training_settings import Device
from .cohort_job import device_option
from .table_options import figure_formats_option

_CLASSIFIERS, _NETWORKS = "bundles of fuse", "bundles of train"


@dataclass(frozen=True, kw_only=True)
class ApplyOptions(Job):
    """Settings of :class:`.apply.ApplyJob`.

    Attributes:
        bundle: folder or zip of a trained network or of classifiers.
        cohort: images for a network; for classifiers the table with the outcome, or None.
        columns: of the cohort table.
        features: name to feature table, under the names of the training (classifiers).
        positive: text of the end point that means the outcome (classifiers).
        cases: ids of the cases to do; None: all (networks).
        workers: cases at a time; None: all cores as far as memory allows, one on a GPU (networks).
        device: where the network runs.
        resample_masks: bring a mask from another grid to the image's instead of refusing it (networks).
        pictures: draw what the network sees of every case.
        evaluation: bootstrap and permutations, where the outcome is known.
        formats: of the figures; empty draws none.
    """

    result_free = Job.result_free | {"pictures", "device"}

    bundle: Path = option("model folder or zip that train or fuse wrote", positional=True)
    cohort: Path | None = option("cohort table: images, or the outcome to evaluate", None, positional=True)
    columns: CaseColumns = CaseColumns()
    features: Mapping[str, Path] = features_option(group=_CLASSIFIERS)
    positive: str | None = option("text of the end point that means the outcome", None, group=_CLASSIFIERS)
    cases: tuple[str, ...] | None = option("ids of the cases to do (default: all)", None, group=_NETWORKS)
    workers: int | None = option("cases at a time (default: all cores, as memory allows)", None, group=_NETWORKS)
    device: Device = device_option()
    resample_masks: bool = option("accept masks on another grid", False, group=_NETWORKS)
    pictures: bool = option("draw no pictures of what the network sees", True, off="--no-pictures", group=_NETWORKS)
    evaluation: EvaluationSettings = EvaluationSettings()
    formats: tuple[str, ...] = figure_formats_option()
