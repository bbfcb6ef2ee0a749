"""How a network is trained: task, optimiser, schedule, batches, stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.checks import check_number, check_whole, choose
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from .augmentation import Augmentation, named_augmentation, read_augmentation

if TYPE_CHECKING:
    import torch
    from torch import nn

_GROUP = "training (over the study's, over --settings)"


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


_TASKS = "{" + ",".join(task.value for task in Task) + "}"
_NEVER = "never"


def read_patience(text: str) -> int | None:
    """Return the number that a word of the command line says, None for ``never``.

    Raises:
        InputError: neither.
    """
    if text == _NEVER:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"patience {text!r} is not a whole number of 1 or more, nor 'never'")
    return int(text)


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

    task: Task = option("what is learned (default: by the columns that are named)", metavar=_TASKS)
    optimiser: Optimiser = option("how weights follow the gradient", Optimiser.ADAM, group=_GROUP)
    learning_rate: float = option("at the start", 1e-4, group=_GROUP)
    weight_decay: float = option("L2", 0.0, group=_GROUP)
    schedule: Schedule = option("of the rate", Schedule.CONSTANT, group=_GROUP)
    decay: float = option("of the schedule: rate a step (inverse_time), factor (steps)", 0.0, group=_GROUP)
    decay_steps: int = option("steps between two falls (steps)", 1000, group=_GROUP)
    batch_size: int = option("cases a step", 16, group=_GROUP)
    epochs: int = option("most passes over the cohort", 100, group=_GROUP)
    patience: int | None = option(
        "epochs without a better validation loss before it stops, or 'never'",
        15,
        read=read_patience,
        metavar="N|never",
        group=_GROUP,
    )
    validation_fraction: float = option(
        "part of the training cases set aside, 0 to 0.9", 0.25, word="--validation-share", group=_GROUP
    )
    augmentation: Augmentation = option(
        "none (the default), wu2021, liu2025, or a YAML or JSON file of changes",
        factory=Augmentation,
        read=read_augmentation,
        metavar="NAME|FILE",
        group=_GROUP,
    )
    weigh_classes: bool = option(
        "weigh the rarer class (the default)", True, word="--class-weights", off="--no-class-weights", group=_GROUP
    )
    dice_weight: float = option("share of the Dice loss (segmentation), 0 to 1", 0.0, group=_GROUP)
    monitor: Monitor = option("which validation figure chooses the best epoch", Monitor.LOSS, group=_GROUP)
    mode: Mode = Mode.FULL
    device: Device = option("where the network runs", Device.AUTO)
    mixed_precision: bool = option(
        "float16 on CUDA (the default)", True, word="--mixed-precision", off="--no-mixed-precision", group=_GROUP
    )
    seed: int = option("of batches, augmentation and dropout", 0, group=_GROUP)

    def __post_init__(self) -> None:
        choose(self, **_CHOICES)
        if isinstance(self.augmentation, str):
            object.__setattr__(self, "augmentation", named_augmentation(self.augmentation))
        if not isinstance(self.augmentation, Augmentation):
            raise InputError(f"augmentation is {self.augmentation!r}; give a name, or changes with their ranges")
        for name in ("weigh_classes", "mixed_precision"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} is {getattr(self, name)!r}; give true or false")
        for name, (low, high) in _RANGES.items():
            check_number(name, getattr(self, name), low, high)
        for name, lowest in (("batch_size", 1), ("epochs", 1), ("decay_steps", 1), ("seed", 0)):
            check_whole(name, getattr(self, name), lowest)
        if self.patience is not None:
            check_whole("patience", self.patience, 1)
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
        return self.learning_rate * _FACTORS[self.schedule](self, step, epoch)

    def to_dict(self) -> dict[str, object]:
        """Return the settings as plain values, for JSON."""
        values = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(self).items()}
        return values | {"augmentation": self.augmentation.to_dict()}

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
    maker = makers[settings.optimiser]
    return maker(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def _check_names(values: Mapping[str, object]) -> None:
    for name in values:
        check_known("training setting", name, [item.name for item in fields(TrainingSettings)])
