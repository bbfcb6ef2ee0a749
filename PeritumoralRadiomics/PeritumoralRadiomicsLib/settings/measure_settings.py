"""What is measured in one phase: a preset or parameter file, and what the user changes of it."""

from __future__ import annotations

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

    Raises:
        InputError: preset and file both, width and count both, or a value out of bounds.
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

    def __post_init__(self) -> None:
        if self.preset and self.parameters:
            raise InputError(
                f"preset {self.preset!r} and parameters {self.parameters.name!r} both say what to measure: give one"
            )
        if self.bin_width is not None and self.bin_count is not None:
            raise InputError("bin_width and bin_count both say how to bin: give one")
        if self.bin_width is not None and not self.bin_width > 0:
            raise InputError(f"bin_width is {self.bin_width:g}; give a number above 0, in the image's unit")
        if self.bin_count is not None and self.bin_count < 1:
            raise InputError(f"bin_count is {self.bin_count}; give a whole number of 1 or more")

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
        if not self.preset and not self.parameters:
            raise InputError(
                "say what to measure: --preset NAME (see: peritumoral presets) or --parameters Params.yaml"
            )
        settings = preset(self.preset) if self.preset else read_parameter_file(str(self.parameters))
        own = {"profile": self.profile, "padding": self.padding}
        changes: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        binning = {"binWidth": self.bin_width} if self.bin_width is not None else {"binCount": self.bin_count}
        if any(value is not None for value in binning.values()):
            kept = {name: value for name, value in settings.setting.items() if name not in ("binWidth", "binCount")}
            changes["setting"] = kept | binning
        return replace(settings, **changes) if changes else settings
