"""What each of the five studies trains and reads, as plain settings that lie under the user's, verb by verb.

Everything a paper states is taken from it; what it leaves open is our choice and named in ``left_open``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known


@dataclass(frozen=True)
class PublishedNetwork:
    """The deep part of one study.

    Attributes:
        source: paper.
        left_open: what the paper does not say and we chose.
        deep_features: settings of the job ``deep_features``.
        train: settings of the job ``train``; None: the study trains no network.
    """

    source: str
    left_open: str
    deep_features: Mapping[str, Any]
    train: Mapping[str, Any] | None


def _study(
    source: str,
    left_open: str,
    *,
    seen: Mapping[str, Any],
    read: Mapping[str, Any],
    train: Mapping[str, Any] | None,
) -> PublishedNetwork:
    """A study whose training and features have network, input and rings (``seen``) in common."""
    features = {**seen, "regions": [TUMOUR], "read": dict(read)}
    if "fractions" in seen.get("rings", {}):
        del features["regions"]  # all rings are read
    return PublishedNetwork(source, left_open, features, None if train is None else {**seen, "mode": "full", **train})


_NO_RINGS: Mapping[str, Any] = {"outer_mm": []}


def _song(phase: str, window: tuple[float, float]) -> PublishedNetwork:
    """Both phases differ in their window alone."""
    return _study(
        "song2021: Ann Transl Med 2021, doi 10.21037/atm-21-25",
        "batch of 16, at most 100 epochs with early stopping after 15, batch normalisation, the box resized to 256 "
        "x 256; intensities from 0 to 1 over the window",
        seen={
            "network": "unet",
            "input": {"kind": "rough_box", "window": list(window), "scaling": "unit", "spacing_mm": 1.0},
            "rings": _NO_RINGS,
        },
        read={"slices": "larger_cluster"},
        train={
            "phase": phase,
            "weights": "random",
            "training": {
                "task": "segmentation",
                "optimiser": "adam",
                "learning_rate": 1e-5,
                "validation_fraction": 0.1,
                "dice_weight": 0.0,
                "monitor": "dice",
                "augmentation": "none",
            },
        },
    )


STUDIES: Mapping[str, PublishedNetwork] = {
    "wu2021": _study(
        "wu2021: Med Phys 2021, doi 10.1002/mp.14767",
        "start from random weights, any angle of rotation, z-scores over the region, weighted classes, at most "
        "100 epochs with early stopping after 15 on a quarter of the cases; rings are the larynx's and the "
        "nasopharynx's: give --rings 2,4,6,8,10,12 for GIST",
        seen={
            "network": "resnet18",
            "input": {"kind": "full_slice", "size": 512, "masked": True},
            "rings": {
                "outer_mm": [1.5, 3.0, 4.5, 6.0, 7.5, 9.0],
                "fractions": [part / 6 for part in range(1, 7)],
                "plane": "largest_slice",
                "union": True,
            },
        },
        read={"source": "probability"},
        train={
            "weights": "random",
            "training": {
                "task": "classification",
                "optimiser": "rmsprop",
                "learning_rate": 1e-6,
                "schedule": "inverse_time",
                "decay": 1e-7,
                "batch_size": 4,
                "augmentation": "wu2021",
            },
        },
    ),
    "song2021_arterial": _song("arterial", (-25.0, 285.0)),
    "song2021_venous": _song("venous", (-40.0, 280.0)),
    "yang2023": _study(
        "yang2023: QIMS 2023, doi 10.21037/qims-23-577",
        "the slice is cut to the tumour's box, z-scores",
        seen={
            "network": "resnet50",
            "input": {"kind": "resized_slice", "size": 224, "spacing_mm": 1.0},
            "rings": _NO_RINGS,
        },
        read={"pooling": "maximum"},
        train=None,
    ),
    "zhang2024": _study(
        "zhang2024: Biomark Res 2024;12:12",
        "Adam at 1e-4, batch of 16, at most 100 epochs with early stopping after 15, z-scores, no activation "
        "between the two layers, all weights learn",
        seen={
            "network": "densenet121",
            "input": {"kind": "patch", "size": 160},
            "rings": {"outer_mm": [3.0], "union": True},
        },
        read={"source": "penultimate"},
        train={
            "rad_score_head": True,
            "training": {"task": "classification", "validation_fraction": 0.25, "augmentation": "none"},
        },
    ),
    "liu2025": _study(
        "liu2025: Front Oncol 2025, doi 10.3389/fonc.2025.1669200",
        "a quarter of the training cases validates; L2 on all weights",
        seen={
            "network": "se_resnet3d",
            "input": {"kind": "box_3d", "size": 64, "spacing_mm": 1.0},
            "rings": {"outer_mm": [3.0, 6.0, 9.0], "union": True},
        },
        read={},
        train={
            "weights": "random",
            "training": {
                "task": "survival",
                "optimiser": "adam",
                "learning_rate": 1e-4,
                "weight_decay": 1e-4,
                "schedule": "steps",
                "decay": 0.96,
                "decay_steps": 1000,
                "batch_size": 32,
                "epochs": 100,
                "patience": 15,
                "augmentation": "liu2025",
            },
        },
    ),
}
"""The deep part of the five studies, song2021's once for each phase."""

BY_PHASE: Mapping[str, Mapping[str, str]] = {
    "song2021": {"arterial": "song2021_arterial", "venous": "song2021_venous"},
}
"""Studies whose settings depend on the phase."""


def study_names() -> tuple[str, ...]:
    """Return the names that :func:`study_of_phase` knows."""
    return (*BY_PHASE, *STUDIES)


def study_of_phase(name: str, phase: str | None = None) -> str:
    """Return the name of a study's settings.

    Args:
        name: of the study; a study that differs by phase may be named with its phase (``song2021_venous``), and is
            then that phase's whatever the cohort calls it.
        phase: of the cohort; None: the study's first.

    Raises:
        InputError: no such study, or a phase that the study does not know.

    Example:
        >>> study_of_phase("song2021", "venous")
        'song2021_venous'
    """
    check_known("study", name, study_names())
    if name in STUDIES:
        return name
    phases = BY_PHASE[name]
    if phase is None:
        return next(iter(phases.values()))
    if phase not in phases:
        raise InputError(
            f"{name} has a window for the phases {' and '.join(phases)}, not for {phase!r}; say which of them it is: "
            f"--study {' or --study '.join(phases.values())}"
        )
    return phases[phase]
