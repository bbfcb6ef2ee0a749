"""Which settings of an extraction a feature map takes: it lies on the scan's own voxels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import SimpleITK as sitk

from RadiomicsCoreLib.images.geometry import IndexBox, crop

from ..grey_levels.settings import FeatureSettings
from ..preprocessing.pipeline import prepared_part
from ..settings.extraction_settings import ExtractionSettings

_RESAMPLING = "resampledPixelSpacing"
_OF_THE_IMAGE = {"normalize", "normalizeScale", "removeOutliers"}


def map_settings(settings: ExtractionSettings) -> tuple[ExtractionSettings, str]:
    """Return the settings that a map is made with, and in words what of the given ones it leaves out.

    A map lies on the scan's own voxels, so there is no resampling. Everything else holds: bin width or count, window,
    normalisation, texture settings.

    Example:
        >>> _, note = map_settings(ExtractionSettings("own", setting={"resampledPixelSpacing": [1, 1, 2]}))
        >>> note
        "The map lies on the scan's own voxels: bin width 25 as in own, without its resampling to 1 x 1 x 2 mm."
    """
    spacing = settings.setting.get(_RESAMPLING)
    if not spacing:
        return settings, ""
    kept = {name: value for name, value in settings.setting.items() if name != _RESAMPLING}
    count = settings.setting.get("binCount")
    levels = f"{count} bins" if count else f"bin width {settings.setting.get('binWidth', FeatureSettings.bin_width):g}"
    size = " x ".join(f"{mm:g}" for mm in spacing)
    note = (
        f"The map lies on the scan's own voxels: {levels} as in {settings.name}, without its resampling to {size} mm."
    )
    return replace(settings, setting=kept), note


def map_image(image: sitk.Image, box: IndexBox, settings: ExtractionSettings) -> sitk.Image:
    """Return an image in a box with the intensities that the settings want: windowed, normalised by the whole image.

    Raises:
        InputError: a window for each phase, and none is chosen.
    """
    changes = settings.setting.get("normalize") or settings.intensity_limits()
    return prepared_part(image, box, settings) if changes else crop(image, box)


def map_setting(settings: ExtractionSettings) -> dict[str, Any]:
    """Return the settings of the features, in pyradiomics' names: without those that :func:`map_image` has done.

    Example:
        >>> map_setting(ExtractionSettings(setting={"binWidth": 25, "normalize": True}))
        {'binWidth': 25}
    """
    common = {name: value for name, value in settings.engine_setting().items() if name not in _OF_THE_IMAGE}
    return {**common, **settings.image_types.get("Original", {})}
