"""How a network is trained: task, optimiser, schedule, batches, stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known

from .augmentation import Augmentation, named_augmentation

if TYPE_CHECKING:
    import torch
    from torch import nn


class Task(Enum):
    """What is learned: yes or no, a hazard, or a mask."""

    CLASSIFICATION = "classification"
    SURVIVAL = "survival"
    SEGMENTATION = "segmentation"


class Optimiser(Enum):
    """How weights follow the gradient. ``SGD`` has a momentum of 0.9."""

    ADAM = "adam"
    ADAMW = "adamw"
    RMSPROP = "rmsprop"
    SGD = "sgd"


class Schedule(Enum):
    """How the learning rate falls.

    ``CONSTANT``: not at all. ``INVERSE_TIME``: lr / (1 + decay x steps), Keras' ``decay``. ``STEPS``: x decay every
    ``decay_steps`` steps. ``COSINE``: to 0 along a half cosine over the epochs.
    """

    CONSTANT = "constant"
    INVERSE_TIME = "inverse_time"
    STEPS = "steps"
    COSINE = "cosine"


class Monitor(Enum):
    """By which number of the validation cases the best epoch is chosen: the lowest loss, or the highest mean Dice."""

    LOSS = "loss"
    DICE = "dice"


class Mode(Enum):
    """Which weights learn: all, or the last layer on a frozen backbone."""

    FULL = "full"
    HEAD = "head"


class Device(Enum):
    """Where it runs; ``AUTO`` takes CUDA, then MPS (Apple), then the CPU."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training.

    Attributes:
        task: what is learned; a name is understood here and for the other choices too.
        optimiser, schedule, monitor, mode, device: see their classes.
        learning_rate: at the start.
        weight_decay: L2 (decoupled with adamw).
        decay: of the schedule: rate per step for inverse_time, factor for steps.
        decay_steps: of the schedule ``steps``.
        batch_size: cases a step.
        epochs: most passes over the cohort.
        patience: epochs without a better validation loss (or Dice) after which training stops; None: never.
        validation_fraction: part of the training cases that is set aside where no validation cases are given;
            0: none, and the weights of the last epoch are kept.
        augmentation: settings, or a name of :data:`~DeepRadiomicsFusionLib.settings.augmentation.AUGMENTATIONS`.
        weigh_classes: weigh positives by negatives / positives of the training cases (classification).
        dice_weight: share of the soft Dice loss beside cross-entropy, 0 to 1 (segmentation).
        mixed_precision: float16 where it is safe, on CUDA only.
        seed: of weights' updates: batches, augmentation, dropout.

    Raises:
        InputError: a value that cannot be used.

    Example:
        >>> TrainingSettings("classification", epochs=5).optimiser.value
        'adam'
    """

    task: Task | str
    optimiser: Optimiser | str = Optimiser.ADAM
    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    schedule: Schedule | str = Schedule.CONSTANT
    decay: float = 0.0
    decay_steps: int = 1000
    batch_size: int = 16
    epochs: int = 100
    patience: int | None = 15
    validation_fraction: float = 0.25
    augmentation: Augmentation | str = field(default_factory=Augmentation)
    weigh_classes: bool = True
    dice_weight: float = 0.0
    monitor: Monitor | str = Monitor.LOSS
    mode: Mode | str = Mode.FULL
    device: Device | str = Device.AUTO
    mixed_precision: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            object.__setattr__(self, name, _choice(name, choices, getattr(self, name)))
        if isinstance(self.augmentation, str):
            object.__setattr__(self, "augmentation", named_augmentation(self.augmentation))
        if not isinstance(self.augmentation, Augmentation):
            raise InputError(f"augmentation is {self.augmentation!r}; give a name, or changes with their ranges")
        for name in ("weigh_classes", "mixed_precision"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} is {getattr(self, name)!r}; give true or false")
        for name, (low, high) in _RANGES.items():
            _check_number(name, getattr(self, name), low, high)
        for name, lowest in (("batch_size", 1), ("epochs", 1), ("decay_steps", 1), ("seed", 0)):
            _check_whole(name, getattr(self, name), lowest)
        if self.patience is not None:
            _check_whole("patience", self.patience, 1)
        if self.schedule is Schedule.STEPS and not 0 < self.decay <= 1:
            raise InputError(f"decay is {self.decay:g}; the schedule 'steps' wants a factor above 0 and up to 1")
        if self.monitor is Monitor.DICE and self.task is not Task.SEGMENTATION:
            raise InputError("monitor is 'dice', which only a segmentation has; choose loss")

    def rate_at(self, step: int, epoch: int) -> float:
        """Return the learning rate at a step (from 0) of an epoch (from 0).

        Example:
            >>> settings = TrainingSettings("survival", schedule="steps", decay=0.5, decay_steps=10, learning_rate=0.1)
            >>> settings.rate_at(step=10, epoch=3)
            0.05
        """
        return self.learning_rate * _FACTORS[Schedule(self.schedule)](self, step, epoch)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON."""
        values = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(self).items()}
        return values | {"augmentation": _augmentation(self).to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingSettings:
        """Undo :meth:`to_dict`.

        Raises:
            InputError: an unknown name, or a value that cannot be used.
        """
        if "task" not in values:
            _check_names(values)
            raise InputError(f"the training settings name no task; choose from {', '.join(t.value for t in Task)}")
        return cls(values["task"]).changed(values)

    def changed(self, values: Mapping[str, Any]) -> TrainingSettings:
        """Return these settings with some of them given anew, as plain values, for example from a file.

        Raises:
            InputError: an unknown name, or a value that cannot be used.

        Example:
            >>> TrainingSettings("survival").changed({"epochs": 5, "augmentation": "liu2025"}).epochs
            5
        """
        _check_names(values)
        given = dict(values)
        if isinstance(given.get("augmentation"), Mapping):
            given["augmentation"] = Augmentation.from_dict(given["augmentation"])
        return replace(self, **given)


_CHOICES: dict[str, type[Enum]] = {
    "task": Task,
    "optimiser": Optimiser,
    "schedule": Schedule,
    "monitor": Monitor,
    "mode": Mode,
    "device": Device,
}
_RANGES = {
    "learning_rate": (1e-12, 10.0),
    "weight_decay": (0.0, 1.0),
    "decay": (0.0, 1.0),
    "validation_fraction": (0.0, 0.9),
    "dice_weight": (0.0, 1.0),
}
_FACTORS: dict[Schedule, Callable[[TrainingSettings, int, int], float]] = {
    Schedule.CONSTANT: lambda settings, step, epoch: 1.0,
    Schedule.INVERSE_TIME: lambda settings, step, epoch: 1 / (1 + settings.decay * step),
    Schedule.STEPS: lambda settings, step, epoch: settings.decay ** (step // settings.decay_steps),
    Schedule.COSINE: lambda settings, step, epoch: (1 + math.cos(math.pi * epoch / settings.epochs)) / 2,
}


def make_optimiser(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Make the optimiser of a network's trainable weights."""
    import torch

    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    makers: dict[Optimiser, Any] = {
        Optimiser.ADAM: torch.optim.Adam,
        Optimiser.ADAMW: torch.optim.AdamW,
        Optimiser.RMSPROP: torch.optim.RMSprop,
        Optimiser.SGD: partial(torch.optim.SGD, momentum=0.9),
    }
    maker = makers[Optimiser(settings.optimiser)]
    return maker(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def _check_names(values: Mapping[str, Any]) -> None:
    for name in values:
        check_known("training setting", name, [item.name for item in fields(TrainingSettings)])


def _augmentation(settings: TrainingSettings) -> Augmentation:
    assert isinstance(settings.augmentation, Augmentation)  # a name was resolved in __post_init__
    return settings.augmentation


def _choice(name: str, choices: type[Enum], value: object) -> Enum:
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(str(choice.value) for choice in choices)
        raise InputError(f"{name} is {value!r}; choose from {known}") from None


def _check_number(name: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= float(str(value)) <= high:
        raise InputError(f"{name} is {value!r}; give a number from {low:g} to {high:g}")


def _check_whole(name: str, value: object, lowest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise InputError(f"{name} is {value!r}; give a whole number of {lowest} or more")
