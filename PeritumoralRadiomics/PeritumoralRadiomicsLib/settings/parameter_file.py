"""Parameter files: pyradiomics' YAML or JSON as it is, plus an optional section of our own.

The section ``peritumoral`` holds what pyradiomics has no word for (window, clip, shared bin edges, mask
interpolation, profile, minimum of voxels). A file without it means exactly what it means to pyradiomics.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.rules import check_known
from RadiomicsCoreLib.settings.text import read_values

from .extraction_settings import ExtractionSettings
from .feature_names import DEFAULT_FEATURES

SECTIONS = ("setting", "voxelSetting", "featureClass", "imageType", "peritumoral")
OWN_SETTINGS = (
    "window",
    "phase_windows",
    "clip",
    "shared_bin_edges",
    "mask_interpolator",
    "profile",
    "min_voxels",
    "padding",
)


def read_parameter_file(path: str | Path) -> ExtractionSettings:
    """Read a pyradiomics parameter file (``.yaml``, ``.yml`` or ``.json``).

    Without ``featureClass`` all classes are on, without ``imageType`` only the original image,
    as in pyradiomics.

    Raises:
        InputError: the file cannot be read, is not a parameter file, or holds a name or value out of bounds.

    Example:
        >>> _ = Path("Params.yaml").write_text("setting: {binWidth: 10}\\n")
        >>> read_parameter_file("Params.yaml").setting
        {'binWidth': 10}
    """
    path = Path(path)
    values = read_values(path, "parameter file")
    try:
        return settings_from_parameters(values, name=path.stem)
    except InputError as error:
        raise InputError(f"parameter file {str(path)!r}: {error}") from error


def settings_from_parameters(values: Any, name: str = "custom") -> ExtractionSettings:
    """Return the settings for the contents of a parameter file.

    Args:
        values: sections ``setting``, ``voxelSetting``, ``featureClass``, ``imageType``, ``peritumoral``.
        name: kept for provenance.

    Raises:
        InputError: as :func:`read_parameter_file`.
    """
    if not isinstance(values, Mapping):
        raise InputError(f"a parameter file holds the sections {', '.join(SECTIONS)}; this is {values!r:.80}")
    for section, content in values.items():
        check_known("section", section, SECTIONS)
        if content is not None and not isinstance(content, Mapping):
            raise InputError(f"section {section} must hold names and values; it is {content!r:.80}")
    own = values.get("peritumoral") or {}
    for key in own:
        check_known("setting of section peritumoral:", key, OWN_SETTINGS)
    return ExtractionSettings(
        name=name,
        image_types=values.get("imageType") or {},
        feature_classes=values.get("featureClass") or _all_classes(values.get("setting") or {}),
        setting=values.get("setting") or {},
        voxel_setting=values.get("voxelSetting") or {},
        **own,
    )


def parameter_text(settings: ExtractionSettings, comment: str = "") -> str:
    """Return the settings as the text of a YAML parameter file that :func:`read_parameter_file` reads back.

    Args:
        settings: what to write; its name is not part of the file.
        comment: put at the top, each line after a ``#``.
    """
    import yaml

    values = settings.to_dict()
    own = {name: values[name] for name in OWN_SETTINGS if values[name] != _OWN_DEFAULTS[name]}
    sections = {
        "imageType": values["image_types"],
        "featureClass": {key: item or [] for key, item in values["feature_classes"].items()},
        "setting": values["setting"],
        "voxelSetting": values["voxel_setting"],
        "peritumoral": own,
    }
    body = yaml.safe_dump(
        {name: content for name, content in sections.items() if content},
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
    )
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + body


_OWN_DEFAULTS = ExtractionSettings().to_dict()


def _all_classes(setting: Mapping[str, Any]) -> dict[str, None]:
    return {name: None for name in DEFAULT_FEATURES if name != "shape2D" or setting.get("force2D") is True}
