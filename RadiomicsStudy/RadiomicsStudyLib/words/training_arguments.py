"""Options that say how a network is trained: a study's settings, then a file's, then single options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError

from .arguments import positive_int

_SUFFIXES = (".yaml", ".yml", ".json")
_NEVER = "never"
# option to setting; the values are checked by the settings themselves
_SETTINGS = {
    "optimiser": "optimiser",
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
    "schedule": "schedule",
    "decay": "decay",
    "decay_steps": "decay_steps",
    "batch_size": "batch_size",
    "epochs": "epochs",
    "validation_share": "validation_fraction",
    "dice_weight": "dice_weight",
    "monitor": "monitor",
    "class_weights": "weigh_classes",
    "mixed_precision": "mixed_precision",
    "seed": "seed",
}


def add_training_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the training; none of them has a default, so that a study's or a file's value stays."""
    group = parser.add_argument_group("training (over the study's, over --settings)")
    group.add_argument(
        "--settings", type=Path, metavar="FILE", help="YAML or JSON file with any of these by name, such as epochs: 50"
    )
    group.add_argument("--mode", choices=("suggested", "full", "head"), help="which weights learn")
    group.add_argument("--optimiser", choices=("adam", "adamw", "rmsprop", "sgd"))
    group.add_argument("--learning-rate", type=float)
    group.add_argument("--weight-decay", type=float, help="L2")
    group.add_argument("--schedule", choices=("constant", "inverse_time", "steps", "cosine"), help="of the rate")
    group.add_argument("--decay", type=float, help="of the schedule: rate a step (inverse_time), factor (steps)")
    group.add_argument("--decay-steps", type=positive_int, help="steps between two falls (steps)")
    group.add_argument("--batch-size", type=positive_int)
    group.add_argument("--epochs", type=positive_int)
    group.add_argument("--patience", help="epochs without a better validation loss before it stops, or 'never'")
    group.add_argument("--validation-share", type=float, help="part of the training cases set aside, 0 to 0.9")
    group.add_argument(
        "--augmentation", metavar="NAME|FILE", help="none, wu2021, liu2025, or a YAML or JSON file of changes"
    )
    group.add_argument("--dice-weight", type=float, help="share of the Dice loss (segmentation), 0 to 1")
    group.add_argument("--monitor", choices=("loss", "dice"), help="which validation figure chooses the best epoch")
    flag = argparse.BooleanOptionalAction
    group.add_argument("--class-weights", action=flag, help="weigh the rarer class (default: yes)")
    group.add_argument("--mixed-precision", action=flag, help="float16 on CUDA (default: yes)")
    group.add_argument("--seed", type=int)


def training_settings(arguments: argparse.Namespace, study: Any, task: str) -> tuple[Any, str | None]:
    """Return how the network is trained, and the mode if a file or an option names one.

    Args:
        arguments: with the options of :func:`add_training_options`, and ``device``.
        study: :class:`~DeepRadiomicsFusionLib.settings.study_networks.StudyNetwork`, or None.
        task: what is learned.

    Raises:
        InputError: a name or value that cannot be used; a file's is said with its name.
    """
    from dataclasses import replace

    from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings

    # What belongs to the study's own task, such as its Dice, does not go over to another.
    same = study is None or study.required_training().task.value == task
    changed = {"task": task} | ({} if same else {"monitor": "loss"})
    settings = TrainingSettings(task) if study is None else replace(study.required_training(), **changed)
    mode = arguments.mode
    if arguments.settings is not None:
        settings, named = _from_file(arguments.settings, settings)
        mode = mode or named
    given = {setting: getattr(arguments, option) for option, setting in _SETTINGS.items()}
    given |= {"augmentation": _augmentation(arguments.augmentation)}
    changes = {name: value for name, value in given.items() if value is not None}
    if arguments.patience is not None:
        changes["patience"] = None if arguments.patience == _NEVER else positive_int(arguments.patience)
    if arguments.device != "auto":  # the option's default, which a file may say better
        changes["device"] = arguments.device
    return settings.changed(changes), mode


def _from_file(path: Path, settings: Any) -> tuple[Any, str | None]:
    """The settings changed by a file's, and its mode, which may also be ``suggested``."""
    from DeepRadiomicsFusionLib.settings.settings_file import read_settings_file

    values = read_settings_file(path)
    if "task" in values:
        raise InputError(f"settings file {str(path)!r} names a task; say it by --endpoints, --time or --segment")
    mode = values.pop("mode", None)
    try:
        if mode not in (None, "suggested"):
            settings.changed({"mode": mode})
        return settings.changed(values), mode
    except InputError as error:
        raise InputError(f"settings file {str(path)!r}: {error}") from None


def _augmentation(text: str | None) -> Any:
    """A study's set by its name, or the changes of a file."""
    from DeepRadiomicsFusionLib.settings.augmentation import AUGMENTATIONS, Augmentation
    from DeepRadiomicsFusionLib.settings.settings_file import read_settings_file

    if text is None or text in AUGMENTATIONS:
        return text
    if not text.lower().endswith(_SUFFIXES):
        raise InputError(
            f"augmentation {text!r} is not known; choose from {', '.join(AUGMENTATIONS)}, or name a YAML or JSON file"
        )
    try:
        return Augmentation.from_dict(read_settings_file(text))
    except InputError as error:
        raise InputError(str(error) if repr(text) in str(error) else f"settings file {text!r}: {error}") from None
