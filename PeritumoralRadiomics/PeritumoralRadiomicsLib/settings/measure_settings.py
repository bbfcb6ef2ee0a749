"""What is measured in one phase: a preset or parameter file, and what the user changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.options import option

from .extraction_settings import ExtractionSettings, Padding, Profile
from .intensity_unit import IntensityUnit
from .parameter_file import read_parameter_file
from .presets import preset, preset_names

SUV_BIN_WIDTH = 0.25
"""Grey levels of a quarter SUV: a tumour of SUV 2 to 12 gets 40."""
UNKNOWN_BIN_COUNT = 32
"""Levels of a region where the unit is unknown (MR): a width that suits one scanner suits no other. The IBSI manual
recommends a fixed number for arbitrary units."""


class Bins(StrEnum):
    """Whose grey levels a preset gets in an image that is not in HU."""

    SUITED = "suited"
    PUBLISHED = "published"


@dataclass(frozen=True)
class MeasureSettings:
    """Features and preprocessing of a phase.

    Attributes:
        preset: settings of a published study; see :mod:`.presets`.
        parameters: a pyradiomics parameter file, used as it is.
        profile: conventions; None: those of the preset or file.
        bin_width: width of a grey level, in the image's unit; None: that of the preset or file.
        bin_count: grey levels of a region instead of a width, 1 or more.
        bins: see :class:`Bins`.
        padding: see :class:`.extraction_settings.Padding`; None: that of the file.
        window: level and width, in the image's unit; intensities beyond level ± width / 2 are set to the limit. None:
            that of the preset or file.
        full: every setting of the extraction, from a program; instead of a preset or file.

    Raises:
        InputError: two of preset, file and full settings, width and count both, or a value out of bounds.

    Example:
        >>> MeasureSettings(preset="wu2021", bin_width=10.0).extraction().setting["binWidth"]
        10.0
    """

    preset: str | None = option(
        "features and preprocessing of a published study (see: peritumoral presets)", None, choices=preset_names
    )
    parameters: Path | None = option("a pyradiomics parameter file, used as it is", None, metavar="YAML")
    profile: Profile | None = option(
        "ibsi: definitions of the Image Biomarker Standardisation Initiative instead of pyradiomics'", None
    )
    bin_width: float | None = option("width of a grey level instead of the preset's, in the image's unit", None)
    bin_count: int | None = option("number of grey levels of a region instead of a width", None)
    bins: Bins = option(
        "suited: a preset's grey levels are for HU, and images in other units get others; published: as in the paper",
        Bins.SUITED,
    )
    padding: Padding | None = option(
        "pyradiomics: filters see what a plain execute(image, mask) of pyradiomics gives them", None
    )
    window: tuple[float, float] | None = option(
        "intensities beyond this window are set to its limits", None, metavar="LEVEL,WIDTH"
    )
    full: ExtractionSettings | None = option("every setting of the extraction, instead of a preset", None, word="")

    def __post_init__(self) -> None:
        for rivals in _RIVALS:
            named = [name for name in rivals if getattr(self, name) is not None]
            if len(named) > 1:
                raise InputError(f"{' and '.join(named)} both say {_RIVALS[rivals]}; give one")
        if self.bin_width is not None and not self.bin_width > 0:
            raise InputError(f"bin_width is {self.bin_width:g}; give a number above 0, in the image's unit")
        if self.bin_count is not None and self.bin_count < 1:
            raise InputError(f"bin_count is {self.bin_count}; give a whole number of 1 or more")
        if self.window is not None and not self.window[1] > 0:
            raise InputError(f"window is (level, width), and its width is {self.window[1]:g}; give one above 0")

    def changed(self, changes: Mapping[str, Any]) -> MeasureSettings:
        """Return these settings with some changed; one that is named takes the place of its rivals.

        Raises:
            InputError: the changes do not agree with one another.

        Example:
            >>> MeasureSettings(bin_width=25.0).changed({"bin_count": 32}).bin_width is None
            True
        """
        gone = {name: None for rivals in _RIVALS if set(rivals) & set(changes) for name in rivals}
        return replace(self, **{**gone, **changes})

    def for_unit(self, unit: IntensityUnit) -> tuple[MeasureSettings, str]:
        """Return the settings for images in a unit, and what was changed, in words; "" where nothing was.

        A preset's bin width is one for HU; it is kept where the user named a width, a count or a parameter file, or
        where the preset normalises the image first.
        """
        asked = self.bin_width is not None or self.bin_count is not None or self.bins is Bins.PUBLISHED
        if not self.preset or asked or unit is IntensityUnit.HU:
            return self, ""
        published = preset(self.preset).setting
        if published.get("normalize", False):
            return self, ""
        what = f"{self.preset}'s bin width of {published.get('binWidth', 25):g} is for HU; "
        keep = "(--bins published keeps the paper's)"
        if unit is IntensityUnit.SUV:
            return replace(self, bin_width=SUV_BIN_WIDTH), f"{what}SUV gets grey levels of {SUV_BIN_WIDTH:g} SUV {keep}"
        levels = f"this unit is unknown and gets {UNKNOWN_BIN_COUNT} grey levels a region"
        return replace(self, bin_count=UNKNOWN_BIN_COUNT), f"{what}{levels} {keep}"

    def extraction(self) -> ExtractionSettings:
        """Return the extraction settings in full.

        Raises:
            InputError: neither preset nor file is named, or the file cannot be used.
        """
        settings = self._named()
        own = {"profile": self.profile, "padding": self.padding}
        changes: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        if self.window is not None:
            changes |= {"window": self.window, "phase_windows": {}, "clip": None}
        binning = {"binWidth": self.bin_width} if self.bin_width is not None else {"binCount": self.bin_count}
        if any(value is not None for value in binning.values()):
            kept = {name: value for name, value in settings.setting.items() if name not in ("binWidth", "binCount")}
            changes["setting"] = kept | binning
        return replace(settings, **changes) if changes else settings

    def _named(self) -> ExtractionSettings:
        if self.full is not None:
            return self.full
        if self.preset:
            return preset(self.preset)
        if self.parameters:
            return read_parameter_file(str(self.parameters))
        raise InputError("say what to measure: --preset NAME (see: peritumoral presets) or --parameters Params.yaml")


# What says the same in several ways, and what that is.
_RIVALS = {("preset", "parameters", "full"): "what to measure", ("bin_width", "bin_count"): "how to bin"}
