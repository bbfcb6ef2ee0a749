"""What a user says of a network's input; all else stays as the study, the trained model or the network has it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from RadiomicsCoreLib.settings.checks import choose
from RadiomicsCoreLib.settings.options import option

from .input_settings import InputKind, NetworkInput, Scaling, Slices

_GROUP = "what the network sees"


@dataclass(frozen=True)
class InputChanges:
    """Settings of a :class:`.input_settings.NetworkInput` that are named; None leaves one as it is.

    Attributes:
        kind, region, size, slices, masked, margin_mm, keep_shape, scaling, spacing_mm: as there.
        window: lowest and highest intensity shown, in the image's unit.

    Raises:
        InputError: an unknown kind, scaling or choice of slices. What the numbers may be is checked with the input.

    Example:
        >>> InputChanges(window=(-100, 200), size=64).over(NetworkInput("patch")).window_level
        50.0
    """

    kind: InputKind | None = option(
        "part of the image (default: as the network or study wants)", None, word="--input", group=_GROUP
    )
    region: str | None = option(
        "region of a training: intratumour, ring_0_3mm, intra_ring_0_3mm", None, group=_GROUP, metavar="REGION"
    )
    size: int | None = option("edge in pixels or voxels", None, group=_GROUP)
    slices: Slices | None = option("which slices of a two-dimensional kind are shown", None, group=_GROUP)
    masked: bool | None = option(
        "hide what is outside the region", None, word="--masked", off="--whole-box", group=_GROUP
    )
    margin_mm: float | None = option("room around the region's box", None, word="--margin", metavar="MM", group=_GROUP)
    keep_shape: bool | None = option("resize both axes alike", None, word="", group=_GROUP)
    window: tuple[float, float] | None = option("intensities shown", None, metavar="LOW,HIGH", group=_GROUP)
    scaling: Scaling | None = option("of intensities, after the window", None, group=_GROUP)
    spacing_mm: float | None = option(
        "resample to cubes of this edge first", None, word="--spacing", metavar="MM", group=_GROUP
    )

    def __post_init__(self) -> None:
        choose(self, kind=InputKind, slices=Slices, scaling=Scaling)

    @classmethod
    def of(cls, shown: NetworkInput) -> InputChanges:
        """Return the changes that make any input of the same kind into this one.

        Example:
            >>> patch = NetworkInput("patch", size=32)
            >>> InputChanges.of(patch).over(NetworkInput("patch", size=160, masked=True)).pixels
            32
        """
        return cls(
            InputKind(shown.kind),
            shown.region,
            shown.pixels,
            shown.which_slices,
            shown.is_masked,
            shown.margin_mm,
            shown.keeps_shape,
            shown.window,
            Scaling(shown.scaling),
            shown.spacing_mm,
        )

    def over(self, usual: NetworkInput) -> NetworkInput:
        """Return an input with what is named here changed.

        What belongs to another kind than the named one goes: size, slices and shape. Window, scaling, spacing and
        whether the outside is hidden stay.

        Raises:
            InputError: a value that cannot be used.
        """
        named = {item.name: getattr(self, item.name) for item in fields(self)}
        kind, window = named.pop("kind"), named.pop("window")
        changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        if window is not None:
            changes |= {"window_level": (window[0] + window[1]) / 2, "window_width": window[1] - window[0]}
        if kind is not None and kind is not usual.kind:
            of_the_kind = {"size": None, "slices": None, "keep_shape": None, "masked": usual.is_masked}
            changes = of_the_kind | {"kind": kind} | changes
        return replace(usual, **changes)
