"""Which numbers are taken out of a network, of which regions, and how slices become one patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.checks import check_whole, choose
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from .input_settings import InputKind, NetworkInput

_GROUP = "where features are read"


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
class ReadSettings:
    """Where features are read, and how slices become one patient.

    Attributes:
        source: where features are read.
        layer: dotted name of a layer, for the source ``layer``; None: the network's own feature layer.
        pooling: of the layer's map.
        slices: how the slices of a two-dimensional input become one patient.
        batch_size: slices at a time, 1 or more.
        seed: of K-means.

    Raises:
        InputError: a value that cannot be used.
    """

    source: FeatureSource = option(
        "a layer's map, what enters the last layer, the sigmoid of the outputs, or the outputs",
        FeatureSource.LAYER,
        group=_GROUP,
    )
    layer: str | None = option(
        "layer to read, by its dotted name (default: the network's feature layer)", None, group=_GROUP
    )
    pooling: Pooling = option("of the layer's map", Pooling.AVERAGE, group=_GROUP)
    slices: SliceRule = option(
        "how slices become one patient; larger_cluster: the larger of two K-means clusters (song2021)",
        SliceRule.MEAN,
        word="--aggregate",
        group=_GROUP,
    )
    batch_size: int = option("slices at a time", 16, word="")
    seed: int = option("of random weights, K-means and perturbations", 0)

    def __post_init__(self) -> None:
        choose(self, source=FeatureSource, pooling=Pooling, slices=SliceRule)
        if self.layer is not None and self.source is not FeatureSource.LAYER:
            raise InputError(f"layer is {self.layer!r}, but features come from {self.source_name!r}; drop one of them")
        check_whole("batch_size", self.batch_size, 1)
        check_whole("seed", self.seed, 0)

    @property
    def source_name(self) -> str:
        """Text of the source."""
        return FeatureSource(self.source).value


@dataclass(frozen=True)
class DeepFeatureSettings(ReadSettings):
    """Settings of deep features: where they are read, and what the network sees.

    Attributes:
        input: what the network sees; its region is replaced by each region in turn.
    """

    input: NetworkInput = field(default_factory=_first_try_input)

    @classmethod
    def of(cls, read: ReadSettings, shown: NetworkInput) -> DeepFeatureSettings:
        """Return where features are read together with what the network sees."""
        return cls(**{item.name: getattr(read, item.name) for item in fields(ReadSettings)}, input=shown)

    def to_dict(self) -> dict[str, object]:
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
