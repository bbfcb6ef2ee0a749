"""What each of pyradiomics' settings may be: one row a setting, and one clear line for a bad value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeGuard

from ..errors import InputError

INTERPOLATORS = (
    "sitkNearestNeighbor",
    "sitkLinear",
    "sitkBSpline",
    "sitkGaussian",
    "sitkLabelGaussian",
    "sitkHammingWindowedSinc",
    "sitkCosineWindowedSinc",
    "sitkWelchWindowedSinc",
    "sitkLanczosWindowedSinc",
    "sitkBlackmanWindowedSinc",
)
WEIGHTING_NORMS = ("euclidean", "manhattan", "infinity", "no_weighting")


@dataclass(frozen=True)
class Rule:
    """What a setting wants, in words and as a test."""

    wants: str
    fits: Callable[[object], bool]


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether the value is a finite number (True and False are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple) and len(value) > 0


def _at_least(lowest: int) -> Rule:
    return Rule(f"a whole number of at least {lowest}", lambda v: _is_int(v) and v >= lowest)


def _between(lowest: int, highest: int) -> Rule:
    return Rule(f"a whole number from {lowest} to {highest}", lambda v: _is_int(v) and lowest <= v <= highest)


def _one_of(choices: tuple[str, ...]) -> Rule:
    return Rule(f"one of {', '.join(choices)}", lambda v: v in choices)


def _or_none(rule: Rule) -> Rule:
    return Rule(f"{rule.wants}, or empty", lambda v: v is None or rule.fits(v))


_NUMBER = Rule("a number", is_number)
_POSITIVE = Rule("a number above 0", lambda v: is_number(v) and v > 0)
_YES_NO = Rule("true or false", lambda v: isinstance(v, bool))
_INTERPOLATOR = Rule(
    f"one of {', '.join(INTERPOLATORS)}, or its number from 1 to 10",
    lambda v: v in INTERPOLATORS or (_is_int(v) and 1 <= v <= 10),
)
_SPACING = Rule(
    "three numbers in mm, x, y, z (0 keeps the image's own spacing on that axis)",
    lambda v: _is_list(v) and len(v) == 3 and all(is_number(x) and x >= 0 for x in v),
)
_RANGE = Rule("one or two numbers", lambda v: _is_list(v) and len(v) <= 2 and all(is_number(x) for x in v))

RULES: dict[str, Rule] = {
    "minimumROIDimensions": _between(1, 3),
    "minimumROISize": _or_none(_at_least(1)),
    "geometryTolerance": _or_none(_POSITIVE),
    "correctMask": _YES_NO,
    "additionalInfo": _YES_NO,
    "label": _at_least(1),
    "label_channel": _at_least(0),
    "binWidth": _POSITIVE,
    "binCount": _or_none(_at_least(1)),
    "normalize": _YES_NO,
    "normalizeScale": _POSITIVE,
    "removeOutliers": _or_none(_POSITIVE),
    "resampledPixelSpacing": _or_none(_SPACING),
    "interpolator": _or_none(_INTERPOLATOR),
    "padDistance": _at_least(0),
    "distances": Rule(
        "a list of whole numbers above 0", lambda v: _is_list(v) and all(_is_int(x) and x > 0 for x in v)
    ),
    "force2D": _YES_NO,
    "force2Ddimension": _between(0, 2),
    "resegmentRange": _or_none(_RANGE),
    "resegmentMode": _one_of(("absolute", "relative", "sigma")),
    "resegmentShape": _YES_NO,
    "preCrop": _YES_NO,
    "sigma": Rule("a list of numbers above 0 (mm)", lambda v: _is_list(v) and all(is_number(x) and x > 0 for x in v)),
    "start_level": _at_least(0),
    "level": _at_least(1),
    "wavelet": Rule("the name of a wavelet, for example coif1", lambda v: isinstance(v, str) and v != ""),
    "gradientUseSpacing": _YES_NO,
    "lbp2DRadius": _POSITIVE,
    "lbp2DSamples": _at_least(1),
    "lbp2DMethod": _one_of(("default", "ror", "uniform", "var")),
    "lbp3DLevels": _at_least(1),
    "lbp3DIcosphereRadius": _POSITIVE,
    "lbp3DIcosphereSubdivision": _at_least(0),
    "voxelArrayShift": _NUMBER,
    "symmetricalGLCM": _YES_NO,
    "weightingNorm": _or_none(_one_of(WEIGHTING_NORMS)),
    "gldm_a": _at_least(0),
}
"""pyradiomics' setting names, for ``setting`` and for every image type."""

VOXEL_RULES: dict[str, Rule] = {
    "kernelRadius": _at_least(1),
    "maskedKernel": _YES_NO,
    "initValue": Rule("a number, or nan", lambda v: isinstance(v, int | float) and not isinstance(v, bool)),
    "voxelBatch": _at_least(1),
}
"""pyradiomics' setting names for feature maps (``voxelSetting``)."""


def check_known(what: str, name: str, known: Iterable[str]) -> None:
    """Raise InputError, with the nearest known name, unless ``name`` is known.

    Example:
        >>> check_known("setting", "binWith", RULES)
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: setting 'binWith' is not known; did you mean 'binWidth'?
    """
    choices = list(known)
    if name in choices:
        return
    near = get_close_matches(str(name), choices, n=1, cutoff=0.6) or [
        choice for choice in choices if choice.lower() == str(name).lower()
    ]
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(choices)}"
    raise InputError(f"{what} {name!r} is not known; {hint}")


def check_settings(setting: Mapping[str, object], where: str = "setting", rules: Mapping[str, Rule] = RULES) -> None:
    """Raise InputError, naming the setting and the value, for the first one that cannot be used."""
    for name, value in setting.items():
        check_known(where, name, rules)
        if not rules[name].fits(value):
            raise InputError(f"{where} {name} must be {rules[name].wants}; it is {value!r}")
    if "wavelet" in setting:
        _check_wavelet(str(setting["wavelet"]), where)


def _check_wavelet(name: str, where: str) -> None:
    try:
        from pywt import wavelist
    except ModuleNotFoundError:
        # Settings are read before anybody knows which packages they need; the filter names the package, and checks.
        return
    check_known(f"{where} wavelet", name, wavelist(kind="discrete"))
