"""The names of all features, in pyradiomics' order, known without computing (or installing) anything.

A region that cannot be computed still gets its row, so the columns must be known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

SHAPE_CLASSES = ("shape", "shape2D")
TEXTURE_CLASSES = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")

DEFAULT_FEATURES: dict[str, tuple[str, ...]] = {
    "firstorder": (
        "10Percentile",
        "90Percentile",
        "Energy",
        "Entropy",
        "InterquartileRange",
        "Kurtosis",
        "Maximum",
        "MeanAbsoluteDeviation",
        "Mean",
        "Median",
        "Minimum",
        "Range",
        "RobustMeanAbsoluteDeviation",
        "RootMeanSquared",
        "Skewness",
        "TotalEnergy",
        "Uniformity",
        "Variance",
    ),
    "glcm": (
        "Autocorrelation",
        "ClusterProminence",
        "ClusterShade",
        "ClusterTendency",
        "Contrast",
        "Correlation",
        "DifferenceAverage",
        "DifferenceEntropy",
        "DifferenceVariance",
        "Id",
        "Idm",
        "Idmn",
        "Idn",
        "Imc1",
        "Imc2",
        "InverseVariance",
        "JointAverage",
        "JointEnergy",
        "JointEntropy",
        "MCC",
        "MaximumProbability",
        "SumAverage",
        "SumEntropy",
        "SumSquares",
    ),
    "gldm": (
        "DependenceEntropy",
        "DependenceNonUniformity",
        "DependenceNonUniformityNormalized",
        "DependenceVariance",
        "GrayLevelNonUniformity",
        "GrayLevelVariance",
        "HighGrayLevelEmphasis",
        "LargeDependenceEmphasis",
        "LargeDependenceHighGrayLevelEmphasis",
        "LargeDependenceLowGrayLevelEmphasis",
        "LowGrayLevelEmphasis",
        "SmallDependenceEmphasis",
        "SmallDependenceHighGrayLevelEmphasis",
        "SmallDependenceLowGrayLevelEmphasis",
    ),
    "glrlm": (
        "GrayLevelNonUniformity",
        "GrayLevelNonUniformityNormalized",
        "GrayLevelVariance",
        "HighGrayLevelRunEmphasis",
        "LongRunEmphasis",
        "LongRunHighGrayLevelEmphasis",
        "LongRunLowGrayLevelEmphasis",
        "LowGrayLevelRunEmphasis",
        "RunEntropy",
        "RunLengthNonUniformity",
        "RunLengthNonUniformityNormalized",
        "RunPercentage",
        "RunVariance",
        "ShortRunEmphasis",
        "ShortRunHighGrayLevelEmphasis",
        "ShortRunLowGrayLevelEmphasis",
    ),
    "glszm": (
        "GrayLevelNonUniformity",
        "GrayLevelNonUniformityNormalized",
        "GrayLevelVariance",
        "HighGrayLevelZoneEmphasis",
        "LargeAreaEmphasis",
        "LargeAreaHighGrayLevelEmphasis",
        "LargeAreaLowGrayLevelEmphasis",
        "LowGrayLevelZoneEmphasis",
        "SizeZoneNonUniformity",
        "SizeZoneNonUniformityNormalized",
        "SmallAreaEmphasis",
        "SmallAreaHighGrayLevelEmphasis",
        "SmallAreaLowGrayLevelEmphasis",
        "ZoneEntropy",
        "ZonePercentage",
        "ZoneVariance",
    ),
    "ngtdm": (
        "Busyness",
        "Coarseness",
        "Complexity",
        "Contrast",
        "Strength",
    ),
    "shape": (
        "Elongation",
        "Flatness",
        "LeastAxisLength",
        "MajorAxisLength",
        "Maximum2DDiameterColumn",
        "Maximum2DDiameterRow",
        "Maximum2DDiameterSlice",
        "Maximum3DDiameter",
        "MeshVolume",
        "MinorAxisLength",
        "Sphericity",
        "SurfaceArea",
        "SurfaceVolumeRatio",
        "VoxelVolume",
    ),
    "shape2D": (
        "Elongation",
        "MajorAxisLength",
        "MaximumDiameter",
        "MeshSurface",
        "MinorAxisLength",
        "Perimeter",
        "PerimeterSurfaceRatio",
        "PixelSurface",
        "Sphericity",
    ),
}
"""Class to the features computed when none is named: 107 without ``shape2D``, in pyradiomics' order."""

DEPRECATED_FEATURES: dict[str, tuple[str, ...]] = {
    "firstorder": ("StandardDeviation",),
    "glcm": ("Dissimilarity", "Homogeneity1", "Homogeneity2", "SumVariance"),
    "gldm": ("DependencePercentage", "GrayLevelNonUniformityNormalized"),
    "shape": ("Compactness1", "Compactness2", "SphericalDisproportion"),
    "shape2D": ("SphericalDisproportion",),
}
"""Features that pyradiomics computes (if at all) only when they are named."""


def _log_names(setting: Mapping[str, Any]) -> list[str]:
    return [f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in setting.get("sigma") or ()]


def _wavelet_names(setting: Mapping[str, Any]) -> list[str]:
    axes = 2 if setting.get("force2D", False) else 3
    bands = ["".join(letters) for letters in product("LH", repeat=axes)]
    levels = setting.get("level", 1)
    prefixes = ["wavelet", *(f"wavelet{number}" for number in range(2, levels + 1))]
    details = [f"{prefix}-{band}" for prefix in prefixes for band in bands[1:]]
    return [*details, f"{prefixes[-1]}-{bands[0]}"]


def _lbp3d_names(setting: Mapping[str, Any]) -> list[str]:
    return [*(f"lbp-3D-m{level}" for level in range(1, setting.get("lbp3DLevels", 2) + 1)), "lbp-3D-k"]


IMAGE_NAMES: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Original": lambda setting: ["original"],
    "LoG": _log_names,
    "Wavelet": _wavelet_names,
    "Square": lambda setting: ["square"],
    "SquareRoot": lambda setting: ["squareroot"],
    "Logarithm": lambda setting: ["logarithm"],
    "Exponential": lambda setting: ["exponential"],
    "Gradient": lambda setting: ["gradient"],
    "LBP2D": lambda setting: ["lbp-2D"],
    "LBP3D": _lbp3d_names,
}
"""Image type, as named in a parameter file, to the names of the images it makes."""


def image_names(image_type: str, setting: Mapping[str, Any]) -> list[str]:
    """Return the names of the filtered images that one image type makes, in pyradiomics' order.

    Args:
        image_type: for example ``"LoG"``.
        setting: the settings that hold for this image type.

    Example:
        >>> image_names("LoG", {"sigma": [1.0, 2.5]})
        ['log-sigma-1-0-mm-3D', 'log-sigma-2-5-mm-3D']
    """
    return IMAGE_NAMES[image_type](setting)


def shape_names(feature_classes: Mapping[str, Sequence[str] | None], setting: Mapping[str, Any]) -> list[str]:
    """Return the names of the shape features asked for. ``shape2D`` needs ``force2D``, as in pyradiomics."""
    return [
        f"original_{name}_{feature}"
        for name in SHAPE_CLASSES
        if name in feature_classes and (name == "shape" or setting.get("force2D", False))
        for feature in feature_classes[name] or DEFAULT_FEATURES[name]
    ]


def intensity_names(image_name: str, feature_classes: Mapping[str, Sequence[str] | None]) -> list[str]:
    """Return the names of the first-order and texture features of one filtered image."""
    return [
        f"{image_name}_{name}_{feature}"
        for name, features in feature_classes.items()
        if name not in SHAPE_CLASSES
        for feature in features or DEFAULT_FEATURES[name]
    ]
