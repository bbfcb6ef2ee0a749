"""What is trained: the end point, the network, what it sees, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.errors import InputError

from ..deep_features.computing import image_part
from ..inputs.usual_input import DEFAULT_RINGS, usual_input
from ..networks.catalogue import network_spec
from ..networks.network_bundle import Architecture
from ..networks.rad_score_network import heads_of
from ..networks.weights import load_imagenet
from ..settings.input_settings import NetworkInput
from ..settings.training_settings import Mode, Task, TrainingSettings

if TYPE_CHECKING:
    from torch import nn


MODES = ("suggested", *(mode.value for mode in Mode))


@dataclass(frozen=True)
class TrainPlan:
    """What is trained, with everything decided.

    Cases whose ``split`` is ``train`` train, the others are predicted only; without that column all cases train.

    Attributes:
        training: task, optimiser and so on; its ``mode`` is replaced by ``mode`` below.
        endpoints: columns of 0 and 1, one or more, empty cells allowed (classification).
        time, event: columns (survival).
        network: name in the registry.
        pretrained: start from ImageNet weights.
        weights: file of plain tensors to start from instead, for the network's layers but the last.
        phase: of the cohort.
        input: what the network sees, of which region; None: a masked slice or cube of the tumour.
        rings: regions to grow; None: a ring of 3 mm.
        scores: columns of RadScores that enter before the last layer (zhang2024).
        rad_score_head: two layers with ten deep features between them, as in zhang2024, even without scores.
        width: channels of a U-Net's first level; None: the paper's 64.
        mode: full, head, or suggested from the number of events and weights.
        resample_masks: bring a mask from another grid to the image's instead of refusing it.
        pictures: draw what the network sees of every case.
        folds: of out-of-fold signatures, 2 or more; 0: none, and then ``fuse`` refuses what the network says of its
            training cases.
        patient: column of patients, where a patient has several cases; no split cuts a patient.

    Raises:
        InputError: columns that do not go with the task, or an unknown mode.
    """

    training: TrainingSettings
    endpoints: tuple[str, ...] = ()
    time: str | None = None
    event: str | None = None
    network: str = "efficientnet_lite0"
    pretrained: bool = True
    phase: str = "ct"
    input: NetworkInput | None = None
    rings: RingSettings | None = None
    scores: tuple[str, ...] = ()
    rad_score_head: bool = False
    width: int | None = None
    mode: str = "suggested"
    resample_masks: bool = False
    pictures: bool = True
    folds: int = 0
    patient: str | None = None
    weights: Path | str | None = None

    def __post_init__(self) -> None:
        spec = network_spec(self.network)
        task = self.training.task
        needed = {
            Task.CLASSIFICATION: (bool(self.endpoints), "endpoints: one or more columns of 0 and 1"),
            Task.SURVIVAL: (bool(self.time and self.event), "a time and an event column"),
            Task.SEGMENTATION: (spec.output_layer is None, "a network that segments, such as unet"),
        }
        is_given, what = needed[task]
        if not is_given:
            raise InputError(f"task {task.value!r} needs {what}")
        if (spec.output_layer is None) != (task is Task.SEGMENTATION):
            raise InputError(f"network {self.network!r} segments; choose another for task {task.value!r}")
        if self.shown.spatial_dims != spec.spatial_dims:
            raise InputError(
                f"network {self.network!r} takes {spec.spatial_dims}D input, the settings show "
                f"{self.shown.spatial_dims}D; choose another kind of input"
            )
        if task is Task.SEGMENTATION and self.shown.is_masked:
            raise InputError("the input hides what is outside the mask: a network that learns the mask would see it")
        if self.folds != 0 and self.folds < 2:
            raise InputError(f"folds is {self.folds}; give 2 or more, or 0 for no out-of-fold signatures")
        if self.mode not in MODES:
            raise InputError(f"mode is {self.mode!r}; choose from {', '.join(MODES)}")
        if task is Task.SEGMENTATION and self.mode == Mode.HEAD.value:
            raise InputError("mode 'head' learns the last layer alone; a network that segments learns whole: mode full")

    @property
    def grown(self) -> RingSettings:
        """The rings that are grown."""
        return self.rings or DEFAULT_RINGS

    @property
    def architecture(self) -> Architecture:
        """How the network is built."""
        task = self.training.task
        outputs = {Task.CLASSIFICATION: len(self.endpoints), Task.SURVIVAL: 1, Task.SEGMENTATION: 2}[task]
        scores = len(self.scores) if self.scores or self.rad_score_head else None
        return Architecture(self.network, 1, outputs, scores, width=self.width)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's outputs."""
        named = {Task.SURVIVAL: ("risk",), Task.SEGMENTATION: ("background", "inside")}
        return named.get(self.training.task, self.endpoints)

    @property
    def takes_scores(self) -> bool:
        """Whether RadScores enter beside the image."""
        return self.architecture.scores is not None

    @property
    def heads(self) -> tuple[str, ...]:
        """Layers that learn while the backbone is frozen."""
        output = network_spec(self.network).output_layer
        if output is None:
            return ()
        return heads_of(self.network) if self.takes_scores else (output,)

    def new_network(self) -> nn.Module:
        """Build the network as it is before the training."""
        fetched = self.pretrained and self.weights is None and self.training.task is not Task.SEGMENTATION
        network = self.architecture.build(imagenet=fetched)
        if self.weights is not None:
            load_imagenet(image_part(network), self.network, file=self.weights)
        return network

    @property
    def shown(self) -> NetworkInput:
        """What the network sees."""
        if self.input is not None:
            return self.input
        usual = usual_input(self.network)
        return replace(usual, masked=False) if self.training.task is Task.SEGMENTATION else usual
