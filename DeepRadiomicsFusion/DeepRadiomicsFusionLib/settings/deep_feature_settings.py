"""Which numbers are taken out of a network, of which regions, and how slices become one patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known

from .input_settings import InputKind, NetworkInput


class SliceRule(Enum):
    """How slices become one patient: their mean, their maximum, or the mean of the larger of two clusters."""

    MEAN = "mean"
    MAXIMUM = "maximum"
    LARGER_CLUSTER = "larger_cluster"


class FeatureSource(Enum):
    """Where in the network features are read.

    ``LAYER``: the output of a named layer, pooled over space. ``PENULTIMATE``: what enters the last linear layer.
    ``PROBABILITY``: the sigmoid of the outputs, wu2021's DL signature. ``OUTPUT``: the outputs as they are, such as a
    risk.
    """

    LAYER = "layer"
    PENULTIMATE = "penultimate"
    PROBABILITY = "probability"
    OUTPUT = "output"


class Pooling(Enum):
    """How a layer's map becomes one number a channel."""

    AVERAGE = "average"
    MAXIMUM = "maximum"


def _first_try_input() -> NetworkInput:
    # Masked, so that a ring's features are of the ring: its box holds the tumour too.
    return NetworkInput(InputKind.RESIZED_SLICE, masked=True)


@dataclass(frozen=True)
class DeepFeatureSettings:
    """Settings of deep features.

    Attributes:
        source: where features are read; a name is understood here and for the other choices too.
        layer: dotted name of a layer, for the source ``layer``; None: the network's own feature layer.
        pooling: of the layer's map.
        slices: how the slices of a two-dimensional input become one patient.
        input: what the network sees; its region is replaced by each region in turn.
        batch_size: slices at a time, 1 or more.
        seed: of K-means.

    Raises:
        InputError: a value that cannot be used.
    """

    source: FeatureSource | str = FeatureSource.LAYER
    layer: str | None = None
    pooling: Pooling | str = Pooling.AVERAGE
    slices: SliceRule | str = SliceRule.MEAN
    input: NetworkInput = field(default_factory=_first_try_input)
    batch_size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            object.__setattr__(self, name, _choice(name, choices, getattr(self, name)))
        if self.layer is not None and self.source is not FeatureSource.LAYER:
            raise InputError(f"layer is {self.layer!r}, but features come from {self.source_name!r}; drop one of them")
        for name, lowest in (("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
                raise InputError(f"{name} is {value!r}; give a whole number of {lowest} or more")

    @property
    def source_name(self) -> str:
        """Text of the source."""
        return FeatureSource(self.source).value

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        plain = {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
        return plain | {"input": self.input.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DeepFeatureSettings:
        """Undo :meth:`to_dict`.

        Raises:
            InputError: an unknown name, or a value that cannot be used.
        """
        for name in values:
            check_known("deep feature setting", name, [item.name for item in fields(cls)])
        given = dict(values)
        if isinstance(given.get("input"), Mapping):
            given["input"] = NetworkInput.from_dict(given["input"])
        return cls(**given)


_CHOICES: dict[str, type[Enum]] = {"source": FeatureSource, "pooling": Pooling, "slices": SliceRule}


def _choice(name: str, choices: type[Enum], value: object) -> Enum:
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(str(choice.value) for choice in choices)
        raise InputError(f"{name} is {value!r}; choose from {known}") from None
