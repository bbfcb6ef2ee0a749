"""How long a study may take and how much disk: a guess from what the stages are, or from an earlier run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.jobs.job import Job

from .layout import StageRow

# Seconds a case and region (extract, deep features), a case and epoch (train), or a model (the others), on one core of
# a laptop; megabytes a case. Good to a factor of three: images differ by more than machines do.
_SECONDS_A_REGION = {"wu2021": 0.3, "song2021": 0.5, "zhang2024": 2.0, "liu2025": 6.0}
_SECONDS_A_CASE_AND_EPOCH = {"se_resnet3d": 1.0, "resnet3d": 1.0}
_SECONDS_A_MODEL = {"fuse": 60.0, "cox": 20.0, "validate": 20.0, "logistic": 5.0, "compare": 10.0, "explain": 60.0}
_MEGABYTES_A_CASE = {"extract": 0.4, "deep_features": 0.6, "train": 1.5, "explain": 0.6}
_MEGABYTES = 2.0


@dataclass(frozen=True)
class Estimate:
    """What a stage costs.

    Attributes:
        seconds: of one worker.
        megabytes: on disk.
        is_measured: whether an earlier run took this long.
    """

    seconds: float
    megabytes: float
    is_measured: bool = False


def estimate(job: Job, cases: int, folder: Path, earlier: StageRow | None) -> Estimate:
    """Return what a stage may cost.

    Args:
        job: of the stage.
        cases: of the cohort.
        folder: of the stage.
        earlier: how it stood in an earlier run; None: it never ran.
    """
    megabytes = _MEGABYTES_A_CASE.get(job.verb, 0.0) * cases + _MEGABYTES
    if earlier is not None and earlier.seconds > 0:
        there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
        return Estimate(earlier.seconds, there / 2**20 or megabytes, True)
    return Estimate(_seconds(job.to_dict(), job.verb, cases), megabytes)


def _seconds(values: Mapping[str, Any], verb: str, cases: int) -> float:
    if verb == "extract":
        preset = str((values.get("measure") or {}).get("preset"))
        return cases * _regions(values) * _SECONDS_A_REGION.get(preset, 1.0) * (1 + values.get("perturb", 0))
    if verb == "deep_features":
        return cases * max(1, len(values.get("regions") or ()) or _regions(values)) * 0.8
    if verb == "train":
        epochs = (values.get("training") or {}).get("epochs", 100) * (1 + values.get("folds", 0))
        return cases * epochs * _SECONDS_A_CASE_AND_EPOCH.get(values.get("network") or "", 0.4)
    return _SECONDS_A_MODEL.get(verb, 3.0)


def _regions(values: Mapping[str, Any]) -> int:
    rings = values.get("rings") or {}
    count = len(rings.get("outer_mm") or ()) + len(rings.get("fractions") or ())
    return 1 + count * (2 if rings.get("union") else 1)


def time_text(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> time_text(4), time_text(200), time_text(9000)
        ('4 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
