"""Random changes to training images: the studies' sets by name, others by settings, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known, is_number

from .settings_file import SUFFIXES, read_settings_file

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Chance:
    """A change that happens to a sample with some probability, by an amount drawn uniformly.

    Attributes:
        probability: 0 to 1.
        low, high: range of the amount; each change says what it is.
    """

    probability: float
    low: float = 0.0
    high: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if not is_number(getattr(self, item.name)):
                raise InputError(f"{item.name} of an augmentation is {getattr(self, item.name)!r}; give a number")
        if not 0 <= self.probability <= 1:
            raise InputError(f"a probability is from 0 to 1, got {self.probability!r}")
        if not self.low <= self.high:
            raise InputError(f"a range goes from low to high, got {self.low!r} to {self.high!r}")


@dataclass(frozen=True)
class Augmentation:
    """Which changes are made, in this order; None leaves one out.

    Attributes:
        contrast: factor on the deviation from the sample's mean.
        brightness: factor on the intensities.
        gamma: exponent on the intensities, scaled to 0..1 of the sample's range and back.
        noise: variance of Gaussian noise.
        blur: sigma of a Gaussian blur, pixels.
        mirror: along each axis on its own; has no amount.
        rotation: degrees in the plane of the last two axes (around z for a volume), linear interpolation.
    """

    contrast: Chance | None = None
    brightness: Chance | None = None
    gamma: Chance | None = None
    noise: Chance | None = None
    blur: Chance | None = None
    mirror: Chance | None = None
    rotation: Chance | None = None

    def __post_init__(self) -> None:
        for name, lowest in (("gamma", 1e-3), ("noise", 0.0), ("blur", 1e-3)):
            chance = getattr(self, name)
            if chance is not None and chance.low < lowest:
                raise InputError(f"{name} starts at {chance.low:g}; give a range from {lowest:g} up")

    @property
    def is_none(self) -> bool:
        """Whether nothing is changed."""
        return all(getattr(self, field.name) is None for field in fields(self))

    def to_dict(self) -> dict[str, object]:
        """Return the settings as plain values, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    to_plain = to_dict

    @classmethod
    def from_plain(cls, value: object, where: str) -> Augmentation:
        """Return the set of a name, or the one that names and values describe; ``where`` is told in errors.

        Raises:
            InputError: no such name, or changes that cannot be used.
        """
        if isinstance(value, str):
            return named_augmentation(value)
        if not isinstance(value, Mapping):
            raise InputError(f"{where} is {value!r}; give a name, or changes with their ranges")
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, float]]) -> Augmentation:
        """Undo :meth:`to_dict`.

        Raises:
            InputError: an unknown name, or a value that cannot be used; the message names the change.

        Example:
            >>> Augmentation.from_dict({"mirror": {"probability": 0.5}}).mirror
            Chance(probability=0.5, low=0.0, high=0.0)
        """
        for name in values:
            check_known("augmentation", name, [field.name for field in fields(cls)])
        return cls(**{name: _chance(name, values[name]) for name in values})


def _chance(name: str, values: Mapping[str, float]) -> Chance:
    """A change from plain values, its errors named."""
    if not isinstance(values, Mapping) or "probability" not in values:
        raise InputError(f"augmentation {name} is {values!r}; give probability, and low and high of its amount")
    for key in values:
        check_known(f"setting of augmentation {name}", key, [field.name for field in fields(Chance)])
    try:
        return Chance(**values)
    except InputError as error:
        raise InputError(f"augmentation {name}: {error}") from None


AUGMENTATIONS = {
    "none": Augmentation(),
    # The paper says rotation and no more; the angle is our choice.
    "wu2021": Augmentation(rotation=Chance(1.0, 0.0, 360.0)),
    "liu2025": Augmentation(
        contrast=Chance(0.15, 1.0, 1.75),
        brightness=Chance(0.15, 0.7, 1.5),
        gamma=Chance(0.15, 0.5, 2.0),
        noise=Chance(0.15, 0.0, 0.05),
        blur=Chance(0.15, 0.5, 1.5),
        mirror=Chance(0.30),
        rotation=Chance(0.30, 0.0, 360.0),
    ),
}
"""song2021, yang2023 and zhang2024 tell of no augmentation: theirs is ``none``."""


def named_augmentation(name: str) -> Augmentation:
    """Return one of :data:`AUGMENTATIONS`.

    Raises:
        InputError: no such name.
    """
    check_known("augmentation", name, AUGMENTATIONS)
    return AUGMENTATIONS[name]


def read_augmentation(text: str) -> Any:
    """Return what a word of the command line says: a name of :data:`AUGMENTATIONS`, or the changes of a file.

    Raises:
        InputError: no such name, or a file that cannot be read or used.
    """
    if text in AUGMENTATIONS:
        return text
    if not text.lower().endswith(SUFFIXES):
        raise InputError(
            f"augmentation {text!r} is not known; choose from {', '.join(AUGMENTATIONS)}, or name a YAML or JSON file"
        )
    values = read_settings_file(text)
    try:
        return Augmentation.from_dict(values).to_dict()
    except InputError as error:
        raise InputError(f"settings file {text!r}: {error}") from None


def augment(
    batch: torch.Tensor, settings: Augmentation, rng: np.random.Generator, labels: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Change every sample of a batch by chance.

    Args:
        batch: (B, C, H, W) or (B, C, D, H, W), float, on the CPU.
        settings: what may happen.
        rng: draws chances and amounts; the same generator gives the same result.
        labels: (B, H, W) or (B, D, H, W) whole numbers that are mirrored and turned along, without interpolation.

    Returns:
        New tensors of the same shapes.

    Example:
        >>> import torch
        >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)
        >>> augment(image, Augmentation(mirror=Chance(1.0)), np.random.default_rng(0))[0].flatten().tolist()
        [3.0, 2.0, 1.0, 0.0]
    """
    import torch

    if settings.is_none:
        return batch, labels
    images, masks = [], []
    for number, sample in enumerate(batch):
        for name, change in _INTENSITY.items():
            chance = getattr(settings, name)
            if _happens(chance, rng):
                sample = change(sample, rng.uniform(chance.low, chance.high), rng)
        sample, mask = _moved(sample, None if labels is None else labels[number], settings, rng)
        images.append(sample)
        masks.append(mask)
    return torch.stack(images), None if labels is None else torch.stack([m for m in masks if m is not None])


def _happens(chance: Chance | None, rng: np.random.Generator) -> bool:
    return chance is not None and rng.random() < chance.probability


def _contrast(sample: torch.Tensor, factor: float, _rng: np.random.Generator) -> torch.Tensor:
    mean = sample.mean()
    return (sample - mean) * factor + mean


def _brightness(sample: torch.Tensor, factor: float, _rng: np.random.Generator) -> torch.Tensor:
    return sample * factor


def _gamma(sample: torch.Tensor, exponent: float, _rng: np.random.Generator) -> torch.Tensor:
    low, span = sample.min(), sample.max() - sample.min()
    if span <= 0:
        return sample
    return ((sample - low) / span) ** exponent * span + low


def _noise(sample: torch.Tensor, variance: float, rng: np.random.Generator) -> torch.Tensor:
    import torch

    noise = rng.standard_normal(tuple(sample.shape), dtype=np.float32) * np.float32(np.sqrt(variance))
    return sample + torch.from_numpy(noise)


def _blur(sample: torch.Tensor, sigma: float, _rng: np.random.Generator) -> torch.Tensor:
    import torch
    from torch.nn import functional

    radius = max(1, int(np.ceil(3 * sigma)))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    for axis in range(1, sample.ndim):
        lines = sample.movedim(axis, -1)
        flat = lines.reshape(-1, 1, lines.shape[-1])
        blurred = functional.conv1d(functional.pad(flat, (radius, radius), mode="replicate"), kernel[None, None])
        sample = blurred.reshape(lines.shape).movedim(-1, axis)
    return sample


_INTENSITY: dict[str, Callable[[torch.Tensor, float, np.random.Generator], torch.Tensor]] = {
    "contrast": _contrast,
    "brightness": _brightness,
    "gamma": _gamma,
    "noise": _noise,
    "blur": _blur,
}


def _moved(
    sample: torch.Tensor, mask: torch.Tensor | None, settings: Augmentation, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor | None]:
    axes = [axis for axis in range(1, sample.ndim) if _happens(settings.mirror, rng)]
    if axes:
        sample = sample.flip(axes)
        mask = None if mask is None else mask.flip([axis - 1 for axis in axes])
    turn = settings.rotation
    if turn is not None and _happens(turn, rng):
        degrees = rng.uniform(turn.low, turn.high)
        sample = _turned(sample, degrees, "bilinear")
        mask = None if mask is None else _turned(mask[None].float(), degrees, "nearest")[0].to(mask.dtype)
    return sample, mask


def _turned(sample: torch.Tensor, degrees: float, mode: str) -> torch.Tensor:
    """Turn the plane of the last two axes about its middle; what comes from outside repeats the border."""
    import torch
    from torch.nn import functional

    angle = np.deg2rad(degrees)
    height, width = sample.shape[-2:]
    # grid_sample's coordinates go from -1 to 1 on both axes: the ratio keeps a circle round in a long image
    matrix = torch.tensor(
        [
            [np.cos(angle), -np.sin(angle) * height / width, 0.0],
            [np.sin(angle) * width / height, np.cos(angle), 0.0],
        ],
        dtype=torch.float32,
    )
    planes = sample.reshape(1, -1, height, width).float()
    grid = functional.affine_grid(matrix[None], list(planes.shape), align_corners=False)
    turned = functional.grid_sample(planes, grid, mode=mode, padding_mode="border", align_corners=False)
    return turned.reshape(sample.shape)
