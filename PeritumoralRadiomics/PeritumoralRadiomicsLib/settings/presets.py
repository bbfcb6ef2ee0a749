"""Extraction settings of published studies, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from RadiomicsCoreLib.settings.rules import check_known

from .extraction_settings import ExtractionSettings
from .parameter_file import parameter_text

_RADIOMIC_CLASSES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
_MIN_VOXELS = 10


@dataclass(frozen=True)
class Preset:
    """A named set of extraction settings.

    Attributes:
        settings: what is computed.
        description: one line for lists.
        source: the paper.
        choices: what the paper leaves open and how it is settled here.
    """

    settings: ExtractionSettings
    description: str
    source: str
    choices: str = ""


def preset(name: str) -> ExtractionSettings:
    """Return the extraction settings of a preset.

    Raises:
        InputError: no such preset; the message names the nearest one.

    Example:
        >>> preset("zhang2024").feature_count
        851
    """
    return preset_details(name).settings


def preset_details(name: str) -> Preset:
    """Return a preset with its description and source. Raises InputError for an unknown name."""
    check_known("preset", name, _PRESETS)
    return _PRESETS[name]


def preset_names() -> list[str]:
    """Return the names of all presets.

    Example:
        >>> preset_names()
        ['wu2021', 'zhang2024', 'liu2025', 'song2021']
    """
    return list(_PRESETS)


def preset_descriptions() -> dict[str, str]:
    """Return name to one line of description with the source, for lists."""
    return {name: f"{item.description} ({item.source})" for name, item in _PRESETS.items()}


def preset_yaml(name: str) -> str:
    """Return a preset as the text of a parameter file, to print, change and use. Raises InputError."""
    item = preset_details(name)
    lines = [f"{name}: {item.description}", item.source, *([item.choices] if item.choices else [])]
    return parameter_text(item.settings, "\n".join(lines))


def _classes(names: tuple[str, ...] = _RADIOMIC_CLASSES) -> Mapping[str, None]:
    return dict.fromkeys(names)


_WU2021 = ExtractionSettings(
    name="wu2021",
    feature_classes=_classes(),
    setting={"binWidth": 25},
    min_voxels=_MIN_VOXELS,
)
_ZHANG2024 = replace(_WU2021, name="zhang2024", image_types={"Original": {}, "Wavelet": {}})
_LIU2025 = replace(
    _WU2021,
    name="liu2025",
    image_types={"Original": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}, "Wavelet": {}},
    setting={
        "normalize": True,
        "normalizeScale": 100,
        "resampledPixelSpacing": [1, 1, 1],
        "interpolator": "sitkBSpline",
        "binWidth": 25,
    },
)
_SONG2021 = replace(
    _WU2021,
    name="song2021",
    feature_classes=_classes(("firstorder", "glcm", "ngtdm", "gldm")),
    setting={"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline", "binWidth": 25},
    phase_windows={"arterial": (130, 310), "venous": (120, 320)},
)

_PRESETS: dict[str, Preset] = {
    "wu2021": Preset(
        _WU2021,
        "107 features: 18 first order, 14 shape, 75 texture of the original image",
        "Wu et al., Med Phys 2021, doi 10.1002/mp.14767",
        "The paper works on the largest axial slice; choose that where the rings are drawn. "
        "Bin width 25 is pyradiomics' default.",
    ),
    "zhang2024": Preset(
        _ZHANG2024,
        "851 features: 107 of the original image, 744 of eight wavelet bands",
        "Zhang et al., Biomark Res 2024;12:12",
        "The paper names no resampling and no bin width; pyradiomics' defaults (none, 25) are used.",
    ),
    "liu2025": Preset(
        _LIU2025,
        "1316 features: 107 original, 465 LoG (sigma 1 to 5 mm), 744 wavelet; 1 mm B-spline, normalised",
        "Liu et al., Front Oncol 2025, doi 10.3389/fonc.2025.1669200",
        "Normalised intensities are scaled by 100 (pyradiomics' advice for MR and normalised images), because "
        "at scale 1 a bin width of 25 standard deviations would put every voxel into one or two bins.",
    ),
    "song2021": Preset(
        _SONG2021,
        "61 features (first order, GLCM, NGTDM, GLDM); windows 130/310 HU arterial, 120/320 HU venous; 1 mm cubic",
        "Song et al., Ann Transl Med 2021, doi 10.21037/atm-21-25",
        "The paper's 143 features come from another program (first order, GLCM, NGTDM, NGLDS); these are "
        "pyradiomics' features of the same four families. Phases must be named arterial and venous.",
    ),
}
