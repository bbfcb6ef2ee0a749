"""Everything that decides feature values: preprocessing, filters, features, binning; checked once."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import VOXEL_RULES, check_known, check_settings, is_number

from .feature_names import (
    DEFAULT_FEATURES,
    DEPRECATED_FEATURES,
    IMAGE_NAMES,
    image_names,
    intensity_names,
    shape_names,
)


class MaskInterpolator(StrEnum):
    """How a mask is brought to the resampled grid."""

    NEAREST = "nearest"
    """The label of the nearest input voxel, as pyradiomics does."""
    LINEAR = "linear"
    """Linear interpolation of the mask, inside where it reaches 0.5."""


class Profile(StrEnum):
    """Whose conventions hold where pyradiomics and the standard differ (``docs/engine.md`` lists them)."""

    PYRADIOMICS = "pyradiomics"
    IBSI = "ibsi"
    """The Image Biomarker Standardisation Initiative's; for the engine ``native`` only."""


class Padding(StrEnum):
    """How much of the image around a region its filters see."""

    NEIGHBOURHOOD = "neighbourhood"
    """All that they reach: a value depends on the tissue around, and not on where a mask's box ends."""
    PYRADIOMICS = "pyradiomics"
    """What a plain ``execute(image, mask)`` of pyradiomics gives them: ``padDistance`` voxels around each region's own
    box where the image is resampled or ``preCrop`` is on, the whole image otherwise. For those who must match an old
    study; each region is then preprocessed and filtered by itself, which takes several times as long."""


def _original() -> dict[str, Mapping[str, Any]]:
    return {"Original": {}}


def _default_classes() -> dict[str, tuple[str, ...] | None]:
    return {name: None for name in DEFAULT_FEATURES if name != "shape2D"}


@dataclass(frozen=True)
class ExtractionSettings:
    """Settings of one extraction. The names inside ``setting`` and ``image_types`` are pyradiomics' own.

    Attributes:
        name: of the preset or parameter file, for provenance.
        image_types: image type to settings that hold for it only, e.g. ``{"LoG": {"sigma": [1.0]}}``.
        feature_classes: class to the features wanted; None: all that are not deprecated.
        setting: pyradiomics' settings, e.g. ``{"binWidth": 25, "resampledPixelSpacing": [1, 1, 1]}``.
            ``label``, ``label_channel``, ``correctMask``, ``geometryTolerance``, ``preCrop`` and
            ``additionalInfo`` are accepted and have no effect: masks arrive checked and cropped.
        voxel_setting: pyradiomics' settings for feature maps; no effect on region features.
        window: (level, width) in the image's unit; intensities beyond level ± width / 2 are set to the limit.
        phase_windows: a window for each phase, see :meth:`for_phase`.
        clip: (lowest, highest) in the image's unit; the same as ``window`` in other words.
        shared_bin_edges: one set of bin edges for all regions of a case, made from the union of their voxels,
            image by image, so that a grey level means the same intensity in tumour and rings. Off: each
            region has its own lowest level, as in pyradiomics.
        mask_interpolator: see :class:`MaskInterpolator`.
        profile: see :class:`Profile`; ``ibsi`` aligns the resampling grid at the image's centre, interpolates masks
            linearly and rounds interpolated intensities of images of whole numbers (CT).
        min_voxels: a region with fewer voxels, after preprocessing, gets a row of NaN and the reason.
        padding: see :class:`Padding`.

    Raises:
        InputError: unknown names (with the nearest known one) or values out of bounds.

    Example:
        >>> ExtractionSettings(setting={"binWidth": 25}).feature_count
        107
    """

    name: str = "custom"
    image_types: Mapping[str, Mapping[str, Any]] = field(default_factory=_original)
    feature_classes: Mapping[str, tuple[str, ...] | None] = field(default_factory=_default_classes)
    setting: Mapping[str, Any] = field(default_factory=dict)
    voxel_setting: Mapping[str, Any] = field(default_factory=dict)
    window: tuple[float, float] | None = None
    phase_windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    clip: tuple[float, float] | None = None
    shared_bin_edges: bool = False
    mask_interpolator: MaskInterpolator = MaskInterpolator.NEAREST
    profile: Profile = Profile.PYRADIOMICS
    min_voxels: int = 2
    padding: Padding = Padding.NEIGHBOURHOOD

    def __post_init__(self) -> None:
        self._own_copies()
        check_settings(self.setting)
        check_settings(self.voxel_setting, "voxelSetting", VOXEL_RULES)
        self._check_image_types()
        self._check_feature_classes()
        self._check_intensity_limits()
        if not isinstance(self.min_voxels, int) or self.min_voxels < 1:
            raise InputError(f"min_voxels must be a whole number of at least 1; it is {self.min_voxels!r}")

    def _own_copies(self) -> None:
        """Keep copies, so that later changes of the caller's dictionaries cannot change these settings."""
        put = object.__setattr__
        for name, default in (("image_types", _original), ("feature_classes", _default_classes)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Mapping):
                raise InputError(f"{name} must map names to settings; it is {value!r}")
            put(self, name, copy.deepcopy(dict(value)) if value else default())
        for name in ("setting", "voxel_setting", "phase_windows"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, Mapping):
                raise InputError(f"{name} must map names to values; it is {value!r}")
            put(self, name, copy.deepcopy(dict(value or {})))
        put(self, "image_types", {key: value or {} for key, value in self.image_types.items()})
        put(self, "window", _pair("window", self.window))
        put(self, "clip", _pair("clip", self.clip))
        windows = {name: _pair(f"window of phase {name}", pair) for name, pair in self.phase_windows.items()}
        put(self, "phase_windows", windows)
        check_known("mask_interpolator", self.mask_interpolator, [choice.value for choice in MaskInterpolator])
        put(self, "mask_interpolator", MaskInterpolator(self.mask_interpolator))
        check_known("profile", self.profile, [choice.value for choice in Profile])
        put(self, "profile", Profile(self.profile))
        check_known("padding", self.padding, [choice.value for choice in Padding])
        put(self, "padding", Padding(self.padding))

    def _check_image_types(self) -> None:
        for name, options in self.image_types.items():
            check_known("image type", name, IMAGE_NAMES)
            if not isinstance(options, Mapping):
                raise InputError(f"image type {name} takes settings by name; it has {options!r}")
            check_settings(options, f"image type {name}: setting")
        if "LoG" in self.image_types and not self.setting_for("LoG").get("sigma"):
            raise InputError("image type LoG needs the setting sigma, for example sigma: [1.0, 2.0] (mm)")

    def _check_feature_classes(self) -> None:
        for name, features in list(self.feature_classes.items()):
            check_known("feature class", name, DEFAULT_FEATURES)
            if isinstance(features, str):
                raise InputError(f"feature class {name} takes a list of features; it has {features!r}")
            known = (*DEFAULT_FEATURES[name], *DEPRECATED_FEATURES.get(name, ()))
            for feature in features or ():
                check_known(f"feature of class {name}", feature, known)
            self.feature_classes[name] = tuple(features) if features else None  # type: ignore[index]

    def _check_intensity_limits(self) -> None:
        if self.clip and (self.window or self.phase_windows):
            raise InputError("window and clip say the same in two ways; give one of them")
        for pair in filter(None, (self.window, *self.phase_windows.values())):
            if pair[1] <= 0:
                raise InputError(f"window is (level, width) and the width must be above 0; it is {pair!r}")
        if self.clip and self.clip[0] >= self.clip[1]:
            raise InputError(f"clip is (lowest, highest) and must ascend; it is {self.clip!r}")

    def engine_setting(self) -> dict[str, Any]:
        """Return the settings common to all image types as an engine wants them; those of its profile included."""
        own = {} if self.profile is Profile.PYRADIOMICS else {"profile": self.profile.value}
        return {**self.setting, **own}

    def setting_for(self, image_type: str) -> dict[str, Any]:
        """Return the settings that hold for one image type: the common ones, overridden by its own."""
        return {**self.setting, **self.image_types[image_type]}

    def for_phase(self, phase: str) -> ExtractionSettings:
        """Return the settings of one phase: its own window, where the phases have different ones.

        Raises:
            InputError: there are windows for phases, but none for this one.
        """
        if not self.phase_windows:
            return self
        if phase not in self.phase_windows:
            raise InputError(
                f"{self.name} has intensity windows for the phases {', '.join(self.phase_windows)}, not for "
                f"{phase!r}; name the phase so in the cohort table, or give one window for all"
            )
        return replace(self, window=self.phase_windows[phase], phase_windows={})

    def intensity_limits(self) -> tuple[float, float] | None:
        """Return the lowest and highest intensity kept, in the image's unit; None without window and clip."""
        if self.phase_windows:
            raise InputError(f"{self.name} has a window for each phase; use settings.for_phase(phase)")
        if self.window:
            level, width = self.window
            return level - width / 2, level + width / 2
        return self.clip

    def display_window(self) -> tuple[float, float] | None:
        """Return the lowest and highest intensity to show in pictures; None: nothing is known."""
        return None if self.phase_windows else self.intensity_limits()

    def image_names(self) -> dict[str, list[str]]:
        """Return image type to the names of its filtered images, in order."""
        return {name: image_names(name, self.setting_for(name)) for name in self.image_types}

    def feature_names(self) -> list[str]:
        """Return the names of all features of a region, in order."""
        names = shape_names(self.feature_classes, self.setting)
        for images in self.image_names().values():
            for image in images:
                names += intensity_names(image, self.feature_classes)
        return names

    @property
    def feature_count(self) -> int:
        """Number of features of a region."""
        return len(self.feature_names())

    @property
    def is_resampled(self) -> bool:
        """Whether the image is brought to another spacing."""
        return any(self.setting.get("resampledPixelSpacing") or ()) and self.setting.get("interpolator", "") is not None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values (dictionaries, lists, numbers, texts) for provenance and hashing."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExtractionSettings:
        """Return the settings that :meth:`to_dict` wrote.

        Raises:
            InputError: unknown names or values out of bounds.
        """
        for name in values:
            check_known("extraction setting", name, [item.name for item in fields(cls)])
        return cls(**values)

    @classmethod
    def from_plain(cls, value: Any, where: str) -> ExtractionSettings:
        """Return the settings that a job file holds. Raises InputError, with the place first."""
        if not isinstance(value, Mapping):
            raise InputError(f"{where} must hold names and values of extraction settings; it is {value!r:.80}")
        try:
            return cls.from_dict(value)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    def to_plain(self) -> dict[str, Any]:
        """Return what :meth:`from_plain` takes: the same as :meth:`to_dict`."""
        return self.to_dict()


def _pair(what: str, value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(is_number(x) for x in value):
        raise InputError(f"{what} must be two numbers; it is {value!r}")
    return value[0], value[1]


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
