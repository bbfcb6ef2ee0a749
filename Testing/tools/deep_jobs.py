"""Jobs of networks as tests build them: from a network's whole input, and run on one cohort after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from DeepRadiomicsFusionLib.jobs.apply import ApplyJob
from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob
from DeepRadiomicsFusionLib.jobs.explain import ExplainJob
from DeepRadiomicsFusionLib.jobs.train import TrainJob
from DeepRadiomicsFusionLib.settings.input_changes import InputChanges
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput
from RadiomicsCoreLib.jobs.result import JobResult
from RadiomicsCoreLib.progress import Progress, no_progress

CohortJobs = TypeVar("CohortJobs", TrainJob, DeepFeaturesJob, ExplainJob, ApplyJob)
NOWHERE = Path("cohort.csv")


def with_input(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of a job whose ``input`` may be a network's whole input."""
    shown = settings.get("input")
    return settings | ({"input": InputChanges.of(shown)} if isinstance(shown, NetworkInput) else {})


def train_job_of(**settings: Any) -> TrainJob:
    """A training from random weights and without pictures, unless said otherwise; of a cohort named later."""
    usual: dict[str, Any] = {"cohort": NOWHERE, "weights": "random", "pictures": False}
    return TrainJob(**with_input(usual | settings))


def features_job_of(**settings: Any) -> DeepFeaturesJob:
    """Deep features without pictures, unless said otherwise; of a cohort named later."""
    return DeepFeaturesJob(**with_input({"cohort": NOWHERE, "pictures": False} | settings))


def run_on(
    cohort: Path | str,
    out: Path | str,
    job: CohortJobs,
    *,
    cases: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> JobResult:
    """Run a job on a cohort, in this process."""
    chosen: dict[str, Any] = {} if cases is None else {"cases": tuple(cases)}
    return replace(job, cohort=Path(cohort), workers=1, **chosen).run(out, progress)
