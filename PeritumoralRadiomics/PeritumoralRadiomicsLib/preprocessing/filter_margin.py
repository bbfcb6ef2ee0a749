"""How much image each filter needs around the regions, so that the crop does not change the values inside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..settings.extraction_settings import ExtractionSettings, Padding

_PAD_DISTANCE = 5  # pyradiomics' default
_WHOLE_IMAGE = 1 << 20  # voxels; cut to the image where it is used
_LEAST = 10  # voxels; coif1 and the unfiltered image match whole-volume filtering from here on
_SIGMAS = 8  # the recursive Gaussian's tail: 3e-6 of whole-volume filtering
_SIGMAS_OF_WHOLE = 13  # 1e-8, less than its rounding: where pyradiomics filters the whole image, we have its values


def filter_margin(image_type: str, setting: Mapping[str, Any], spacing: Sequence[float]) -> tuple[int, ...]:
    """Return the margin, in voxels of the preprocessed image, along x, y and z.

    Square, square root, logarithm and exponential scale by the largest intensity of what they are given;
    they get pyradiomics' ``padDistance`` around the regions and no more.

    Args:
        image_type: for example ``"Wavelet"``.
        setting: the settings that hold for this image type.
        spacing: of the preprocessed image, mm, along x, y, z.

    Example:
        >>> filter_margin("LoG", {"sigma": [1.0, 2.0], "resampledPixelSpacing": [1, 1, 4]}, (1.0, 1.0, 4.0))
        (16, 16, 5)
    """
    least = setting.get("padDistance", _PAD_DISTANCE)
    rule = _MARGINS.get(image_type)
    if rule is None:
        return (least,) * len(spacing)
    return tuple(max(least, voxels) for voxels in rule(setting, spacing))


def margins_of(settings: ExtractionSettings, spacing: Sequence[float]) -> dict[str, tuple[int, ...]]:
    """Return the margin of every image type of the settings, in voxels along x, y, z."""
    if settings.padding is Padding.PYRADIOMICS:
        cropped = settings.is_resampled or settings.setting.get("preCrop", False)
        margin = settings.setting.get("padDistance", _PAD_DISTANCE) if cropped else _WHOLE_IMAGE
        return dict.fromkeys(settings.image_types, (margin,) * len(spacing))
    return {name: filter_margin(name, settings.setting_for(name), spacing) for name in settings.image_types}


def widest(margins: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the margin that is wide enough for all image types."""
    return tuple(max(axis) for axis in zip(*margins.values(), strict=True))


def _log(setting: Mapping[str, Any], spacing: Sequence[float]) -> list[int]:
    # pyradiomics cuts what it resamples to padDistance before it filters: there is no whole image to agree with,
    # and every voxel more has to be resampled.
    resampled = any(setting.get("resampledPixelSpacing") or ()) and setting.get("interpolator", "") is not None
    reach_mm = (_SIGMAS if resampled else _SIGMAS_OF_WHOLE) * max(setting["sigma"])
    return [math.ceil(reach_mm / step) for step in spacing]


def _wavelet(setting: Mapping[str, Any], spacing: Sequence[float]) -> list[int]:
    import pywt

    # pyradiomics applies the undilated filter once a level, so every level adds one filter length
    levels = setting.get("start_level", 0) + setting.get("level", 1)
    reach = pywt.Wavelet(setting.get("wavelet", "coif1")).dec_len * levels
    return [max(_LEAST, reach + 1)] * len(spacing)


def _local_binary_pattern(setting: Mapping[str, Any], spacing: Sequence[float]) -> list[int]:
    radius = max(setting.get("lbp2DRadius", 1), setting.get("lbp3DIcosphereRadius", 1))
    return [max(_LEAST, math.ceil(radius) + 8)] * len(spacing)


def _fixed(setting: Mapping[str, Any], spacing: Sequence[float]) -> list[int]:
    return [_LEAST] * len(spacing)


_MARGINS: dict[str, Callable[[Mapping[str, Any], Sequence[float]], list[int]]] = {
    "Original": _fixed,
    "Gradient": _fixed,
    "LoG": _log,
    "Wavelet": _wavelet,
    "LBP2D": _local_binary_pattern,
    "LBP3D": _local_binary_pattern,
}
