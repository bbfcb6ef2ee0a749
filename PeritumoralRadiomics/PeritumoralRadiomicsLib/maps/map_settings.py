"""Which settings of an extraction a feature map can take: it lies on the scan's own voxels."""

from __future__ import annotations

from typing import Any

from RadiomicsCoreLib.errors import InputError

from ..settings.extraction_settings import ExtractionSettings

_CHANGES_THE_IMAGE = ("resampledPixelSpacing", "normalize")


def map_setting(settings: ExtractionSettings) -> dict[str, Any]:
    """Return the settings of the original image, in pyradiomics' names.

    Raises:
        InputError: some change the image's grid or values.

    Example:
        >>> map_setting(ExtractionSettings(setting={"binWidth": 25}))
        {'binWidth': 25}
    """
    changing = [name for name in _CHANGES_THE_IMAGE if settings.setting.get(name)]
    changing += [name for name in ("window", "phase_windows", "clip") if getattr(settings, name)]
    if changing:
        raise InputError(
            f"settings {settings.name!r} change the image ({', '.join(changing)}), and a map lies on the scan's own "
            "voxels; choose settings without them, for example wu2021"
        )
    return {**settings.engine_setting(), **settings.image_types.get("Original", {})}
