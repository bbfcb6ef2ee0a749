"""What each of the five studies trains and reads: network, input, rings, training and deep features, by name.

Everything a paper states is taken from it; what it leaves open is our choice and named in ``left_open``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from PeritumoralRadiomicsLib.regions.ring_settings import RingPlane, RingSettings
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known

from .deep_feature_settings import DeepFeatureSettings, FeatureSource, Pooling, SliceRule
from .input_settings import InputKind, NetworkInput, Scaling
from .training_settings import Mode, Monitor, Optimiser, Schedule, Task, TrainingSettings


@dataclass(frozen=True)
class StudyNetwork:
    """The deep part of one study.

    Attributes:
        name: of the study, with the phase where the phases differ.
        source: paper.
        left_open: what the paper does not say and we chose.
        network: name in the registry.
        features: how deep features are read, and what the network sees.
        training: how it is trained; None: the study trains no network.
        rings: regions that are grown.
        regions: of the deep features; empty: all.
        phase: of the cohort, unless the user names another.
        mode: which weights learn.
        pretrained: start from ImageNet weights.
        rad_score_head: two layers with ten deep features between them instead of one (zhang2024).
    """

    name: str
    source: str
    left_open: str
    network: str
    features: DeepFeatureSettings
    training: TrainingSettings | None
    rings: RingSettings = field(default_factory=RingSettings)
    regions: tuple[str, ...] = (TUMOUR,)
    phase: str = "ct"
    mode: Mode = Mode.FULL
    pretrained: bool = False
    rad_score_head: bool = False

    @property
    def input(self) -> NetworkInput:
        """What the network sees."""
        return self.features.input

    def required_training(self) -> TrainingSettings:
        """Return how the network is trained.

        Raises:
            InputError: the study trains none.
        """
        if self.training is None:
            raise InputError(
                f"{self.name} trains no network: it reads features of {self.network} with ImageNet weights; use "
                f"'peritumoral deep-features COHORT.csv --study {self.name}'"
            )
        return self.training


_SONG = "song2021: Ann Transl Med 2021, doi 10.21037/atm-21-25"
_SONG_OPEN = (
    "batch of 16, at most 100 epochs with early stopping after 15, batch normalisation, the box resized to 256 "
    "x 256; intensities from 0 to 1 over the window"
)


def _song(phase: str, level: float, width: float) -> StudyNetwork:
    """Both phases differ in their window alone."""
    shown = NetworkInput(
        InputKind.ROUGH_BOX, window_level=level, window_width=width, scaling=Scaling.UNIT, spacing_mm=1.0
    )
    return StudyNetwork(
        name=f"song2021_{phase}",
        source=_SONG,
        left_open=_SONG_OPEN,
        network="unet",
        features=DeepFeatureSettings(slices=SliceRule.LARGER_CLUSTER, input=shown),
        training=TrainingSettings(
            Task.SEGMENTATION,
            Optimiser.ADAM,
            learning_rate=1e-5,
            validation_fraction=0.1,
            dice_weight=0.0,
            monitor=Monitor.DICE,
            augmentation="none",
        ),
        phase=phase,
    )


STUDIES = {
    study.name: study
    for study in (
        StudyNetwork(
            name="wu2021",
            source="wu2021: Med Phys 2021, doi 10.1002/mp.14767",
            left_open=(
                "start from random weights, any angle of rotation, z-scores over the region, weighted classes, at most "
                "100 epochs with early stopping after 15 on a quarter of the cases; rings are the larynx's and the "
                "nasopharynx's: give --rings 2,4,6,8,10,12 for GIST"
            ),
            network="resnet18",
            features=DeepFeatureSettings(
                FeatureSource.PROBABILITY, input=NetworkInput(InputKind.FULL_SLICE, size=512, masked=True)
            ),
            training=TrainingSettings(
                Task.CLASSIFICATION,
                Optimiser.RMSPROP,
                learning_rate=1e-6,
                schedule=Schedule.INVERSE_TIME,
                decay=1e-7,
                batch_size=4,
                augmentation="wu2021",
            ),
            rings=RingSettings(
                outer_mm=(1.5, 3.0, 4.5, 6.0, 7.5, 9.0),
                fractions=tuple(part / 6 for part in range(1, 7)),
                plane=RingPlane.LARGEST_SLICE,
            ),
            regions=(),
        ),
        _song("arterial", 130, 310),
        _song("venous", 120, 320),
        StudyNetwork(
            name="yang2023",
            source="yang2023: QIMS 2023, doi 10.21037/qims-23-577",
            left_open="the slice is cut to the tumour's box, z-scores",
            network="resnet50",
            features=DeepFeatureSettings(
                pooling=Pooling.MAXIMUM, input=NetworkInput(InputKind.RESIZED_SLICE, size=224, spacing_mm=1.0)
            ),
            training=None,
            pretrained=True,
        ),
        StudyNetwork(
            name="zhang2024",
            source="zhang2024: Biomark Res 2024;12:12",
            left_open=(
                "Adam at 1e-4, batch of 16, at most 100 epochs with early stopping after 15, z-scores, no activation "
                "between the two layers, all weights learn"
            ),
            network="densenet121",
            features=DeepFeatureSettings(FeatureSource.PENULTIMATE, input=NetworkInput(InputKind.PATCH, size=160)),
            training=TrainingSettings(Task.CLASSIFICATION, validation_fraction=0.25, augmentation="none"),
            rings=RingSettings(outer_mm=(3.0,)),
            pretrained=True,
            rad_score_head=True,
        ),
        StudyNetwork(
            name="liu2025",
            source="liu2025: Front Oncol 2025, doi 10.3389/fonc.2025.1669200",
            left_open="a quarter of the training cases validates; L2 on all weights",
            network="se_resnet3d",
            features=DeepFeatureSettings(input=NetworkInput(InputKind.BOX_3D, size=64, spacing_mm=1.0)),
            training=TrainingSettings(
                Task.SURVIVAL,
                Optimiser.ADAM,
                learning_rate=1e-4,
                weight_decay=1e-4,
                schedule=Schedule.STEPS,
                decay=0.96,
                decay_steps=1000,
                batch_size=32,
                epochs=100,
                patience=15,
                augmentation="liu2025",
            ),
            rings=RingSettings(outer_mm=(3.0, 6.0, 9.0)),
        ),
    )
}
"""The deep part of the five studies, song2021's once for each phase."""

BY_PHASE: Mapping[str, Mapping[str, str]] = {
    "song2021": {"arterial": "song2021_arterial", "venous": "song2021_venous"},
}
"""Studies whose settings depend on the phase."""


def study_network(name: str, phase: str | None = None) -> StudyNetwork:
    """Return the deep part of a study.

    Args:
        name: of the study; a study that differs by phase may be named with its phase (``song2021_venous``), and is
            then that phase's whatever the cohort calls it.
        phase: of the cohort; None: the study's first.

    Raises:
        InputError: no such study, or a phase that the study does not know.

    Example:
        >>> study_network("song2021", "venous").input.window
        (-40.0, 280.0)
    """
    check_known("study", name, [*BY_PHASE, *STUDIES])
    if name in STUDIES:
        return STUDIES[name]
    phases = BY_PHASE[name]
    if phase is None:
        return STUDIES[next(iter(phases.values()))]
    if phase not in phases:
        raise InputError(
            f"{name} has a window for the phases {' and '.join(phases)}, not for {phase!r}; say which of them it is: "
            f"--study {' or --study '.join(phases.values())}"
        )
    return STUDIES[phases[phase]]
