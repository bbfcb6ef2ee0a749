"""The reference values of IBSI 1 that the feature set covers: which feature with which settings is which tag.

Tags are those of the reference files of the IBSI data sets (https://github.com/theibsi/data_sets).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine
from PeritumoralRadiomicsLib.preprocessing.filtered_image import FilteredImage
from PeritumoralRadiomicsLib.settings.ibsi_profile import IbsiPreparation, PreparedRegion, prepare

_SHAPE = {
    "morph_volume": "MeshVolume",
    "morph_vol_approx": "VoxelVolume",
    "morph_area_mesh": "SurfaceArea",
    "morph_av": "SurfaceVolumeRatio",
    "morph_comp_1": "Compactness1",
    "morph_comp_2": "Compactness2",
    "morph_sph_dispr": "SphericalDisproportion",
    "morph_sphericity": "Sphericity",
    "morph_diam": "Maximum3DDiameter",
    "morph_pca_maj_axis": "MajorAxisLength",
    "morph_pca_min_axis": "MinorAxisLength",
    "morph_pca_least_axis": "LeastAxisLength",
    "morph_pca_elongation": "Elongation",
    "morph_pca_flatness": "Flatness",
}
_STATISTICS = {
    "mean": "Mean",
    "var": "Variance",
    "skew": "Skewness",
    "kurt": "Kurtosis",
    "median": "Median",
    "min": "Minimum",
    "p10": "10Percentile",
    "p90": "90Percentile",
    "max": "Maximum",
    "iqr": "InterquartileRange",
    "range": "Range",
    "mad": "MeanAbsoluteDeviation",
    "rmad": "RobustMeanAbsoluteDeviation",
}
_GLCM = {
    "joint_max": "MaximumProbability",
    "joint_avg": "JointAverage",
    "joint_var": "SumSquares",
    "joint_entr": "JointEntropy",
    "diff_avg": "DifferenceAverage",
    "diff_var": "DifferenceVariance",
    "diff_entr": "DifferenceEntropy",
    "sum_avg": "SumAverage",
    "sum_var": "SumVariance",
    "sum_entr": "SumEntropy",
    "energy": "JointEnergy",
    "contrast": "Contrast",
    "dissimilarity": "Dissimilarity",
    "inv_diff": "Id",
    "inv_diff_norm": "Idn",
    "inv_diff_mom": "Idm",
    "inv_diff_mom_norm": "Idmn",
    "inv_var": "InverseVariance",
    "corr": "Correlation",
    "auto_corr": "Autocorrelation",
    "clust_tend": "ClusterTendency",
    "clust_shade": "ClusterShade",
    "clust_prom": "ClusterProminence",
    "info_corr1": "Imc1",
    "info_corr2": "Imc2",
}
_GLRLM = {
    "sre": "ShortRunEmphasis",
    "lre": "LongRunEmphasis",
    "lgre": "LowGrayLevelRunEmphasis",
    "hgre": "HighGrayLevelRunEmphasis",
    "srlge": "ShortRunLowGrayLevelEmphasis",
    "srhge": "ShortRunHighGrayLevelEmphasis",
    "lrlge": "LongRunLowGrayLevelEmphasis",
    "lrhge": "LongRunHighGrayLevelEmphasis",
    "glnu": "GrayLevelNonUniformity",
    "glnu_norm": "GrayLevelNonUniformityNormalized",
    "rlnu": "RunLengthNonUniformity",
    "rlnu_norm": "RunLengthNonUniformityNormalized",
    "r_perc": "RunPercentage",
    "gl_var": "GrayLevelVariance",
    "rl_var": "RunVariance",
    "rl_entr": "RunEntropy",
}
_GLSZM = {
    "sze": "SmallAreaEmphasis",
    "lze": "LargeAreaEmphasis",
    "lgze": "LowGrayLevelZoneEmphasis",
    "hgze": "HighGrayLevelZoneEmphasis",
    "szlge": "SmallAreaLowGrayLevelEmphasis",
    "szhge": "SmallAreaHighGrayLevelEmphasis",
    "lzlge": "LargeAreaLowGrayLevelEmphasis",
    "lzhge": "LargeAreaHighGrayLevelEmphasis",
    "glnu": "GrayLevelNonUniformity",
    "glnu_norm": "GrayLevelNonUniformityNormalized",
    "zsnu": "SizeZoneNonUniformity",
    "zsnu_norm": "SizeZoneNonUniformityNormalized",
    "z_perc": "ZonePercentage",
    "gl_var": "GrayLevelVariance",
    "zs_var": "ZoneVariance",
    "zs_entr": "ZoneEntropy",
}
_GLDM = {
    "lde": "SmallDependenceEmphasis",
    "hde": "LargeDependenceEmphasis",
    "lgce": "LowGrayLevelEmphasis",
    "hgce": "HighGrayLevelEmphasis",
    "ldlge": "SmallDependenceLowGrayLevelEmphasis",
    "ldhge": "SmallDependenceHighGrayLevelEmphasis",
    "hdlge": "LargeDependenceLowGrayLevelEmphasis",
    "hdhge": "LargeDependenceHighGrayLevelEmphasis",
    "glnu": "GrayLevelNonUniformity",
    "glnu_norm": "GrayLevelNonUniformityNormalized",
    "dcnu": "DependenceNonUniformity",
    "dcnu_norm": "DependenceNonUniformityNormalized",
    "dc_perc": "DependencePercentage",
    "gl_var": "GrayLevelVariance",
    "dc_var": "DependenceVariance",
    "dc_entr": "DependenceEntropy",
}
_NGTDM = {
    "coarseness": "Coarseness",
    "contrast": "Contrast",
    "busyness": "Busyness",
    "complexity": "Complexity",
    "strength": "Strength",
}
_TEXTURE = {"cm": ("glcm", _GLCM), "rlm": ("glrlm", _GLRLM), "szm": ("glszm", _GLSZM)}
_TEXTURE |= {"ngl": ("gldm", _GLDM), "ngt": ("ngtdm", _NGTDM)}
_BY_DIRECTION = ("cm", "rlm")


@dataclass(frozen=True)
class IbsiConfiguration:
    """One of the configurations with published reference values.

    Attributes:
        preparation: image preparation.
        setting: engine settings of the discretisation.
        aggregations: ``2D`` (each slice by itself), ``2_5D`` (slices merged), ``3D``.
    """

    preparation: IbsiPreparation
    setting: Mapping[str, Any]
    aggregations: tuple[str, ...]


CONFIGURATIONS: dict[str, IbsiConfiguration] = {
    "dig_phantom": IbsiConfiguration(IbsiPreparation(), {"binWidth": 1}, ("2D", "2_5D", "3D")),
    "chest_config_a": IbsiConfiguration(
        IbsiPreparation(intensity_range=(-500, 400)),
        {"binWidth": 25, "resegmentRange": [-500, 400]},
        ("2D", "2_5D"),
    ),
    "chest_config_b": IbsiConfiguration(
        IbsiPreparation((2, 2, 0), "linear", True, (-500, 400)), {"binCount": 32}, ("2D", "2_5D")
    ),
    "chest_config_c": IbsiConfiguration(
        IbsiPreparation((2, 2, 2), "linear", True, (-1000, 400)),
        {"binWidth": 25, "resegmentRange": [-1000, 400]},
        ("3D",),
    ),
    "chest_config_d": IbsiConfiguration(IbsiPreparation((2, 2, 2), "linear", True, None, 3), {"binCount": 32}, ("3D",)),
    "chest_config_e": IbsiConfiguration(
        IbsiPreparation((2, 2, 2), "cubic_spline", True, (-1000, 400), 3), {"binCount": 32}, ("3D",)
    ),
}
"""The digital phantom and the CT phantom's configurations A to E, by the names of their reference files."""


def covered_values(image: sitk.Image, mask: sitk.Image, configuration: IbsiConfiguration) -> dict[str, float]:
    """Values of all reference tags that the feature set covers.

    Args:
        image: the phantom.
        mask: UInt8, 1 inside.
        configuration: one of :data:`CONFIGURATIONS`.
    """
    prepared = prepare(image, mask, configuration.preparation)
    setting = {**configuration.setting, "profile": "ibsi"}
    values = _shape_values(prepared.morphological_mask)
    values |= _statistics(prepared, setting)
    for aggregation in configuration.aggregations:
        values |= _texture_values(prepared, setting, aggregation)
    return values


def _shape_values(mask: sitk.Image) -> dict[str, float]:
    found = NativeEngine().shape_features(mask, {"shape": list(_SHAPE.values())}, {"profile": "ibsi"})
    return {tag: found[f"original_shape_{name}"] for tag, name in _SHAPE.items()}


def _statistics(prepared: PreparedRegion, setting: Mapping[str, Any]) -> dict[str, float]:
    """Statistics of the intensities (stat) and of the grey levels (ih)."""
    own = {"energy": "Energy", "rms": "RootMeanSquared", **_STATISTICS}
    found = _features(prepared.image, prepared.intensity_mask, setting, "firstorder", list(own.values()))
    values = {f"stat_{tag}": found[name] for tag, name in own.items()}
    levels = _level_image(prepared, setting)
    one_bin_a_level = {"binWidth": 1, "profile": "ibsi"}
    found = _features(levels, prepared.intensity_mask, one_bin_a_level, "firstorder", None)
    values |= {f"ih_{tag}": found[name] for tag, name in _STATISTICS.items()}
    return values | {"ih_entropy": found["Entropy"], "ih_uniformity": found["Uniformity"]}


def _level_image(prepared: PreparedRegion, setting: Mapping[str, Any]) -> sitk.Image:
    from PeritumoralRadiomicsLib.grey_levels.discretisation import region_levels
    from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings

    inside = sitk.GetArrayFromImage(prepared.intensity_mask) == 1
    array = sitk.GetArrayFromImage(prepared.image)
    array[inside] = region_levels(array[inside], FeatureSettings.from_mapping(setting))
    levels = sitk.GetImageFromArray(array)
    levels.CopyInformation(prepared.image)
    return levels


def _texture_values(prepared: PreparedRegion, setting: Mapping[str, Any], aggregation: str) -> dict[str, float]:
    """Texture of the grey levels, which are those of the whole region in every slice."""
    levels = _level_image(prepared, setting)
    # Bin edges around the whole numbers keep the levels' numbers, also where a slice has only high ones.
    highest = float(sitk.GetArrayFromImage(levels)[sitk.GetArrayFromImage(prepared.intensity_mask) == 1].max())
    edges = np.arange(0.5, highest + 1)
    values: dict[str, float] = {}
    for tag, (class_name, names) in _TEXTURE.items():
        merges = {"avg": None, "comb": "no_weighting"} if tag in _BY_DIRECTION else {"": None}
        for merge, norm in merges.items():
            own = {**setting, "weightingNorm": norm, "force2D": aggregation != "3D"}
            suffix = "_".join(part for part in (aggregation, merge) if part)
            masks = list(_slices(prepared.intensity_mask)) if aggregation == "2D" else [prepared.intensity_mask]
            found = [_features(levels, mask, own, class_name, list(names.values()), edges) for mask in masks]
            for short, name in names.items():
                values[f"{tag}_{short}_{suffix}"] = float(np.nanmean([features[name] for features in found]))
    return values


def _slices(mask: sitk.Image) -> Iterator[sitk.Image]:
    """The mask's slices, one at a time, that hold at least two voxels."""
    array = sitk.GetArrayFromImage(mask)
    for k in np.flatnonzero(array.sum(axis=(1, 2)) > 1):
        one = np.zeros_like(array)
        one[k] = array[k]
        image = sitk.GetImageFromArray(one)
        image.CopyInformation(mask)
        yield image


def _features(
    image: sitk.Image,
    mask: sitk.Image,
    setting: Mapping[str, Any],
    class_name: str,
    names: list[str] | None,
    edges: np.ndarray | None = None,
) -> dict[str, float]:
    filtered = FilteredImage("original", image, setting)
    found = NativeEngine().intensity_features(filtered, mask, {class_name: names}, edges)
    return {name.removeprefix(f"original_{class_name}_"): value for name, value in found.items()}
