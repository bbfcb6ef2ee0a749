"""What the user may choose about peritumoral rings, checked once, and the names that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.checks import choice, finite_number
from RadiomicsCoreLib.settings.options import option

MOST_MM = 300.0
"""Wider rings are a slip of units: they would leave the body, and fill the memory."""
MOST_FRACTION = 10.0
_SIXTH_TOLERANCE = 1e-6
_GROUP = "rings"


class RingLayout(Enum):
    """Where a ring begins: at the tumour (cumulative) or where the ring before it ends (bands)."""

    CUMULATIVE = "cumulative"
    BANDS = "bands"


class RingPlane(Enum):
    """Where rings grow: in space, in the tumour's largest slice only, or in the plane of every slice."""

    VOLUME = "3d"
    LARGEST_SLICE = "largest_slice"
    EVERY_SLICE = "every_slice"


class SurfaceRule(Enum):
    """Where the surface of a voxel mask lies; see :mod:`PeritumoralRadiomicsLib.regions.surface_distance`."""

    SUBVOXEL = "subvoxel"
    VOXEL_CENTRES = "voxel_centres"


@dataclass(frozen=True)
class RingSettings:
    """Which regions to grow around (and inside) a tumour.

    Lists are sorted; enum values may be given by their text (``layout="bands"``).

    Args:
        outer_mm: outer distances of the rings from the tumour's surface, mm, each > ``gap_mm`` and <= 300.
        fractions: outer distances as fractions of the mean tumour radius, each > 0 and <= 10; k/6 is named
            ``ring_r<k>``.
        layout: cumulative rings (border to d) or bands (d1 to d2).
        plane: grow in 3D, in the largest slice, or in the plane of every slice.
        inner_rim_mm: depth of a rim inside the tumour, mm, > 0; None: no rim.
        gap_mm: distance at which the first ring begins, mm, >= 0.
        union: also make ``intra_<ring>``, the union of the tumour with each ring.
        supersampling: find the surface on a nearly isotropic grid, for thick slices.
        window: lowest and highest image intensity that a ring may hold (both included).
        keep_air: let rings hold the air outside the patient (see :mod:`.outside_air`); needs no image.
        min_voxels: a region with fewer voxels gets a warning, >= 1.
        surface: where the surface of a voxel mask lies.

    Raises:
        InputError: a value is out of its bounds; the message names parameter, bound and value.

    Example:
        >>> RingSettings(outer_mm=[6, 3], layout="bands").outer_mm
        (3.0, 6.0)
    """

    outer_mm: tuple[float, ...] = option("outer distances: 3,6,9", (), word="--rings", metavar="MM", group=_GROUP)
    fractions: tuple[float, ...] = option(
        "fractions of the mean radius: 1/6,2/6", (), word="--adaptive", metavar="F", group=_GROUP
    )
    layout: RingLayout = option(
        "cumulative: border to each distance; bands: from one distance to the next", RingLayout.CUMULATIVE, group=_GROUP
    )
    plane: RingPlane = option(
        "grow in 3D, in the slice with the largest tumour area, or in every slice", RingPlane.VOLUME, group=_GROUP
    )
    inner_rim_mm: float | None = option(
        "also a rim of this depth inside the tumour", None, word="--inner-rim", metavar="MM", group=_GROUP
    )
    gap_mm: float = option("leave this gap at the border", 0.0, word="--gap", metavar="MM", group=_GROUP)
    union: bool = option("also tumour and ring together (intra_ring_…)", False, group=_GROUP)
    supersampling: bool = option("make thick slices isotropic for the distances", False, group=_GROUP)
    window: tuple[float, float] | None = option(
        "intensities that a ring may hold", None, word="--ring-window", metavar="LOW,HIGH", group=_GROUP
    )
    keep_air: bool = option("let rings hold the air outside the patient", False, group=_GROUP)
    min_voxels: int = option("a region with fewer voxels gets a warning", 50, word="", group=_GROUP)
    surface: SurfaceRule = option("where the surface of a voxel mask lies", SurfaceRule.SUBVOXEL, word="", group=_GROUP)

    @property
    def asks_for_rings(self) -> bool:
        """Whether any ring or rim is asked for, and not the tumour alone."""
        return bool(self.outer_mm or self.fractions or self.inner_rim_mm is not None)

    def __post_init__(self) -> None:
        for name, choices in (("layout", RingLayout), ("plane", RingPlane), ("surface", SurfaceRule)):
            object.__setattr__(self, name, choice(name, choices, getattr(self, name)))
        object.__setattr__(self, "gap_mm", finite_number("gap_mm", self.gap_mm, at_least=0.0))
        object.__setattr__(self, "outer_mm", _ascending("outer_mm", self.outer_mm, self.gap_mm, MOST_MM))
        object.__setattr__(self, "fractions", _ascending("fractions", self.fractions, 0.0, MOST_FRACTION))
        if self.inner_rim_mm is not None:
            object.__setattr__(self, "inner_rim_mm", finite_number("inner_rim_mm", self.inner_rim_mm, above=0.0))
        if self.window is not None:
            object.__setattr__(self, "window", _window(self.window))
        if not isinstance(self.min_voxels, int | np.integer) or self.min_voxels < 1:
            raise InputError(f"min_voxels must be a whole number >= 1, got {self.min_voxels!r}")
        if self.supersampling and self.surface is SurfaceRule.VOXEL_CENTRES:
            raise InputError("supersampling needs surface='subvoxel', got 'voxel_centres': switch one of the two off")


@dataclass(frozen=True)
class RingSpan:
    """One ring to grow: its name, and where it begins and ends, mm from the tumour's surface."""

    name: str
    inner_mm: float
    outer_mm: float


def ring_spans(settings: RingSettings, mean_radius_mm: float) -> list[RingSpan]:
    """List the rings in the order of their output: those in mm, then those in fractions of the radius.

    Args:
        settings: what the user chose.
        mean_radius_mm: mean tumour radius, mm, > 0; only the fractions depend on it.

    Example:
        >>> [span.name for span in ring_spans(RingSettings(outer_mm=(3, 6), fractions=(1 / 3,)), 9.0)]
        ['ring_0_3mm', 'ring_0_6mm', 'ring_r2']
    """
    bands = settings.layout is RingLayout.BANDS
    spans = []
    inner = settings.gap_mm
    for outer in settings.outer_mm:
        spans.append(RingSpan(ring_name(inner, outer), inner, outer))
        inner = outer if bands else inner
    inner, before = settings.gap_mm, None
    for fraction in settings.fractions:
        outer = fraction * mean_radius_mm
        spans.append(RingSpan(adaptive_ring_name(fraction, before), min(inner, outer), outer))
        if bands:
            inner, before = max(inner, outer), fraction
    return spans


def ring_name(inner_mm: float, outer_mm: float) -> str:
    """Name a ring by its distances in mm, with ``p`` for the decimal point.

    Example:
        >>> ring_name(0, 1.5)
        'ring_0_1p5mm'
    """
    return f"ring_{number_word(inner_mm)}_{number_word(outer_mm)}mm"


def adaptive_ring_name(fraction: float, inner_fraction: float | None = None) -> str:
    """Name a ring by its fraction of the mean radius: ``r<k>`` for k/6, else ``f<fraction>``.

    Example:
        >>> adaptive_ring_name(2 / 6), adaptive_ring_name(0.25), adaptive_ring_name(2 / 6, 1 / 6)
        ('ring_r2', 'ring_f0p25', 'ring_r1_r2')
    """
    words = [fraction] if inner_fraction is None else [inner_fraction, fraction]
    return "_".join(["ring", *map(_fraction_word, words)])


def rim_name(depth_mm: float) -> str:
    """Name the rim inside the tumour: ``rim_0_2mm``."""
    return f"rim_0_{number_word(depth_mm)}mm"


def union_name(ring: str) -> str:
    """Name the union of the tumour and a ring: ``intra_ring_0_3mm``."""
    return f"intra_{ring}"


def number_word(number: float) -> str:
    """Write a number for a name, at most six digits, ``p`` for the decimal point.

    Example:
        >>> number_word(4.50), number_word(10)
        ('4p5', '10')
    """
    return f"{number:.6f}".rstrip("0").rstrip(".").replace(".", "p")


def _fraction_word(fraction: float) -> str:
    sixths = round(fraction * 6)
    is_sixth = sixths >= 1 and abs(fraction * 6 - sixths) < _SIXTH_TOLERANCE
    return f"r{sixths}" if is_sixth else f"f{number_word(fraction)}"


def _ascending(name: str, values: Iterable[float], above: float, at_most: float) -> tuple[float, ...]:
    if isinstance(values, (int, float)):
        values = (values,)
    numbers = sorted(finite_number(name, value, above=above) for value in values)
    if numbers and numbers[-1] > at_most:
        raise InputError(f"{name} must be at most {at_most:g}, got {numbers[-1]:g}")
    words = [number_word(number) for number in numbers]
    twice = [word for word in words if words.count(word) > 1]
    if twice:
        raise InputError(f"{name} must hold each distance once, got {twice[0].replace('p', '.')} twice")
    return tuple(numbers)


def _window(window: Iterable[float]) -> tuple[float, float]:
    try:
        bounds = tuple(float(bound) for bound in window)
    except (TypeError, ValueError):
        raise InputError(f"window must be two numbers (low, high), got {window!r}") from None
    if len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise InputError(f"window must be (low, high) with low < high, got {bounds}")
    return bounds[0], bounds[1]
