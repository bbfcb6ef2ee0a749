"""What a network is given to see: which part of the image, of which region, at which size and intensity scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.checks import check_number, choose
from RadiomicsCoreLib.settings.rules import check_known


class InputKind(Enum):
    """Which part of the image is shown.

    ``FULL_SLICE``: the whole slice. ``PATCH``: a square of fixed size around the tumour's centroid.
    ``RESIZED_SLICE``: the region's box in the slice, resized. ``ROUGH_BOX``: the box around three rectangles on
    the first, largest and last slice, resized, every slice in it. ``BOX_3D``: the region's box, resized to a cube.
    """

    FULL_SLICE = "full_slice"
    PATCH = "patch"
    RESIZED_SLICE = "resized_slice"
    ROUGH_BOX = "rough_box"
    BOX_3D = "box_3d"


class Scaling(Enum):
    """How intensities are scaled: not at all, to 0..1 over the window (or the range seen), or to z-scores."""

    NONE = "none"
    UNIT = "unit"
    ZSCORE = "zscore"


class Slices(Enum):
    """Which slices are shown: the one with the largest tumour area, or all that hold the region."""

    LARGEST = "largest"
    ALL = "all"


LARGEST_CUBE = 512
"""Edge of the largest cube that a network is shown: 1 GiB a case while it is made."""


@dataclass(frozen=True)
class _Usual:
    """What a kind has unless the settings say otherwise."""

    size: int
    slices: Slices
    masked: bool
    keep_shape: bool


_USUAL = {
    InputKind.FULL_SLICE: _Usual(512, Slices.LARGEST, True, True),
    InputKind.PATCH: _Usual(160, Slices.LARGEST, False, True),
    InputKind.RESIZED_SLICE: _Usual(224, Slices.LARGEST, False, True),
    InputKind.ROUGH_BOX: _Usual(256, Slices.ALL, False, False),
    InputKind.BOX_3D: _Usual(64, Slices.ALL, False, False),
}


@dataclass(frozen=True)
class NetworkInput:
    """Settings of a network's input.

    Attributes:
        kind: which part of the image; a name is understood too.
        region: name of the region, such as ``intratumour``, ``ring_0_3mm``, ``intra_ring_0_3mm``.
        size: edge in pixels or voxels, 8 to 1024, of a cube to 512; None: 512, 160, 224, 256, 64 in the order of
            the kinds.
        slices: which slices a two-dimensional kind shows; None: all for a rough box, else the largest.
        masked: set what is outside the region to 0 (to the window's lower end or the region's mean, as scaled);
            None: for a full slice only.
        margin_mm: room around the region's box, for the kinds that have one.
        keep_shape: resize both axes alike; None: not for a rough box and a 3D box, which fill their square.
        window_level, window_width: in the image's unit (HU); both or none.
        scaling: of intensities, after the window. Z-scores are over the region where ``masked``, else over what
            is seen of the image.
        spacing_mm: resample the image to cubes of this edge first (cubic B-spline); None: its own voxels.

    Raises:
        InputError: a value that cannot be used.

    Example:
        >>> NetworkInput("patch", region="ring_0_3mm").pixels
        160
    """

    kind: InputKind | str
    region: str = "intratumour"
    size: int | None = None
    slices: Slices | str | None = None
    masked: bool | None = None
    margin_mm: float = 0.0
    keep_shape: bool | None = None
    window_level: float | None = None
    window_width: float | None = None
    scaling: Scaling | str = Scaling.ZSCORE
    spacing_mm: float | None = None

    def __post_init__(self) -> None:
        choose(self, kind=InputKind, scaling=Scaling, slices=Slices)
        if self.size is not None and not (isinstance(self.size, int) and 8 <= self.size <= 1024):
            raise InputError(f"size is {self.size!r}; give a whole number of pixels from 8 to 1024")
        if self.kind is InputKind.BOX_3D and self.pixels > LARGEST_CUBE:
            gigabytes = 8 * self.pixels**3 / 2**30
            raise InputError(
                f"size is {self.size}: a cube of that edge takes {gigabytes:.0f} GiB a case; give at most "
                f"{LARGEST_CUBE}"
            )
        check_number("margin_mm", self.margin_mm, 0.0, 200.0)
        if self.spacing_mm is not None:
            check_number("spacing_mm", self.spacing_mm, 0.1, 20.0)
        if (self.window_level is None) != (self.window_width is None):
            raise InputError("a window needs both window_level and window_width; give the other one too")
        if self.window_level is not None:
            check_number("window_level", self.window_level, -1e6, 1e6)
            check_number("window_width", self.window_width, 1e-6, 1e6)

    @property
    def pixels(self) -> int:
        """Edge of the input in pixels or voxels."""
        return self.size if self.size is not None else self._usual.size

    @property
    def spatial_dims(self) -> int:
        """2 for slices, 3 for a cube."""
        return 3 if self.kind is InputKind.BOX_3D else 2

    @property
    def is_masked(self) -> bool:
        """Whether what is outside the region is hidden."""
        return self._usual.masked if self.masked is None else self.masked

    @property
    def keeps_shape(self) -> bool:
        """Whether both axes are resized alike."""
        return self._usual.keep_shape if self.keep_shape is None else self.keep_shape

    @property
    def which_slices(self) -> Slices:
        """Which slices are shown."""
        return self._usual.slices if self.slices is None else Slices(self.slices)

    @property
    def window(self) -> tuple[float, float] | None:
        """Lowest and highest intensity let through; None without a window."""
        if self.window_level is None or self.window_width is None:
            return None
        return self.window_level - self.window_width / 2, self.window_level + self.window_width / 2

    @property
    def _usual(self) -> _Usual:
        return _USUAL[InputKind(self.kind)]

    def to_dict(self) -> dict[str, object]:
        """Return the settings as plain values, for JSON."""
        return {name: value.value if isinstance(value, Enum) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkInput:
        """Undo :meth:`to_dict`.

        Raises:
            InputError: an unknown name, or a value that cannot be used.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            check_known("input setting", name, known)
        if "kind" not in values:
            raise InputError(f"the input settings name no kind; choose from {', '.join(k.value for k in InputKind)}")
        return cls(**values)
