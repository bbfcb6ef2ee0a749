"""What the jobs that show a cohort's images to a network have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.settings.options import option

from ..networks.network_source import IMAGENET, RANDOM
from ..settings.training_settings import Device

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = Literal["imagenet", "random"] | Path
"""Published weights, none, or a file or model folder."""
assert (IMAGENET, RANDOM) == ("imagenet", "random")


def weights_option(help: str, default: object) -> Any:
    """Return the field of a network's weights."""
    return option(help, default, read=str, metavar="imagenet|random|PATH")


def device_option() -> Any:
    """Return the field of the device that a network runs on."""
    return option("where the network runs; auto: CUDA, then Apple's MPS, then the CPU", Device.AUTO)


@dataclass(frozen=True, kw_only=True)
class CohortJob(Job):
    """A job over a cohort's images.

    Attributes:
        cohort: the cohort table.
        workers: cases at a time; None: all cores as far as memory allows, one on a GPU.
        resample_masks: bring a mask from another grid to the image's (nearest neighbour) instead of refusing it.
        pictures: draw what the network sees of every case.
    """

    result_free = Job.result_free | {"pictures", "device"}

    cohort: Path = option("cohort table (CSV): case_id, <phase>_image, <phase>_mask, …", positional=True)
    workers: int | None = option("cases at a time (default: all cores, as memory allows)", None)
    resample_masks: bool = option("accept masks on another grid", False)
    pictures: bool = option("draw no pictures", True, off="--no-pictures")


def workers_for(network: nn.Module, workers: int | None) -> int | None:
    """Return how many cases are done at a time: one where the network lies on a GPU, unless the user says."""
    on_gpu = next(network.parameters()).device.type != "cpu"
    return 1 if on_gpu and workers is None else workers


def named_extent(rings: Mapping[str, object] | None) -> bool:
    """Whether plain ring settings say how far rings reach, and not only how they are grown."""
    return bool({"outer_mm", "fractions", "inner_rim_mm"} & set(rings or {}))


def with_extent(given: Mapping[str, object], default_mm: Sequence[float]) -> dict[str, Any]:
    """Return a job's plain values; ring settings without an extent get the usual one."""
    rings = given.get("rings")
    if not isinstance(rings, Mapping) or named_extent(rings):
        return dict(given)
    return {**given, "rings": {"outer_mm": list(default_mm), **rings}}


def input_under(study: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a study's input under the user's: what belongs to another kind than the user's goes."""
    from ..settings.input_changes import InputChanges
    from ..settings.input_settings import NetworkInput

    kind = given.get("kind")
    if kind is None or kind == study["kind"] or study["kind"] is None:
        return {**study, **{name: value for name, value in given.items() if value is not None}}
    kept = {name: value for name, value in study.items() if name not in ("size", "slices", "keep_shape")}
    is_masked = InputChanges(masked=study.get("masked")).over(NetworkInput(study["kind"])).is_masked
    return {**kept, "masked": is_masked, **{name: value for name, value in given.items() if value is not None}}
