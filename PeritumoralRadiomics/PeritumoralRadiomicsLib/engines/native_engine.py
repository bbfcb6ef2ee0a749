"""The engine of our own: pyradiomics' features in pure Python on numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox

from ..features import first_order, glcm, gldm, glrlm, glszm, ngtdm, shape, shape_2d
from ..features.family import Family
from ..filters import bank as filters
from ..grey_levels.cooccurrence import cooccurrence
from ..grey_levels.discretisation import region_levels
from ..grey_levels.region import Region
from ..grey_levels.remembered_regions import RememberedRegions
from ..grey_levels.settings import FeatureSettings
from ..preprocessing.filtered_image import FilteredImage

VERSION = "1.0.0"

SHAPE_FAMILIES: dict[str, Family] = {"shape": shape.FAMILY, "shape2D": shape_2d.FAMILY}
INTENSITY_FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        first_order.FAMILY,
        glcm.FAMILY,
        glrlm.FAMILY,
        glszm.FAMILY,
        gldm.FAMILY,
        ngtdm.FAMILY,
    )
}
FAMILIES = {**SHAPE_FAMILIES, **INTENSITY_FAMILIES}

_TEXTURE_TABLES = {
    "glcm": lambda levels: cooccurrence(levels.region, levels.rank, levels.present, levels.highest),
    "glrlm": lambda levels: glrlm.run_lengths(levels.region, levels.rank, levels.present),
    "glszm": lambda levels: glszm.size_zones(levels.region, levels.rank, levels.present),
    "gldm": lambda levels: gldm.dependences(levels.region, levels.rank, levels.present),
    "ngtdm": lambda levels: ngtdm.tone_differences(levels.region, levels.rank, levels.present),
}


class NativeEngine:
    """pyradiomics' features without pyradiomics; see :class:`.engine.FeatureEngine` for the methods' contract.

    A region's geometry (neighbours, lines of voxels) is kept and used again for every filtered image. One
    engine may be used from several threads, as long as none filters an image that another reads: numpy
    releases the interpreter lock for most of the work, so two threads need about 60 % of the time of one
    (:meth:`features_of_regions`).

    Args:
        remembered_bytes: how much memory the kept geometries may take together; some 130 bytes a voxel.

    Example:
        >>> image = sitk.GetImageFromArray(np.arange(27.0).reshape(3, 3, 3))
        >>> mask = sitk.GetImageFromArray(np.ones((3, 3, 3), dtype=np.uint8))
        >>> filtered = FilteredImage("original", image, {"binWidth": 5})
        >>> NativeEngine().intensity_features(filtered, mask, {"firstorder": ["Mean", "Range"]})
        {'original_firstorder_Mean': 13.0, 'original_firstorder_Range': 26.0}
    """

    name = "native"
    version = VERSION
    thread_safe = True
    knows_ibsi_profile = True

    def __init__(self, remembered_bytes: int = 400 * 2**20) -> None:
        self._regions = RememberedRegions(remembered_bytes)

    def filtered_images(
        self,
        image: sitk.Image,
        image_types: Mapping[str, Mapping[str, Any]],
        setting: Mapping[str, Any],
        kept: IndexBox | None = None,
    ) -> Iterator[FilteredImage]:
        """Yield the image types asked for, in order, each made once and only where it is kept."""
        return filters.filtered_images(image, image_types, setting, kept)

    def shape_features(
        self,
        mask: sitk.Image,
        feature_classes: Mapping[str, Sequence[str] | None],
        setting: Mapping[str, Any],
    ) -> dict[str, float]:
        """Shape features of one region, named ``original_<class>_<Name>``."""
        array, spacing = mask_array(mask), mask.GetSpacing()[::-1]
        settings = FeatureSettings.from_mapping(setting)
        features: dict[str, float] = {}
        for name, family in SHAPE_FAMILIES.items():
            if name not in feature_classes or (name == "shape2D" and not settings.force_2d):
                continue
            table: Any = (
                shape.Solid(array, spacing, sample_covariance=settings.profile == "ibsi")
                if name == "shape"
                else shape_2d.Outline(array, spacing, settings.force_2d_dimension)
            )
            values = family.compute(table, feature_classes[name])
            features.update({f"original_{name}_{feature}": float(value) for feature, value in values.items()})
        return features

    def intensity_features(
        self,
        filtered: FilteredImage,
        mask: sitk.Image,
        feature_classes: Mapping[str, Sequence[str] | None],
        bin_edges: np.ndarray | None = None,
    ) -> dict[str, float]:
        """First-order and texture features of one region of one filtered image, in pyradiomics' order."""
        settings = FeatureSettings.from_mapping(filtered.setting)
        if filtered.name != "original":
            # The resegmentation range is in the image's unit; a filtered image's bins start at the region's minimum.
            settings = replace(settings, first_bin=None)
        image, spacing = sitk.GetArrayViewFromImage(filtered.image), filtered.image.GetSpacing()[::-1]
        region = self.region(mask_array(mask), spacing, settings, image.shape)
        return region_features(region, image, filtered.name, feature_classes, settings, bin_edges)

    def features_of_regions(
        self,
        filtered: Iterable[FilteredImage],
        masks: Mapping[str, sitk.Image],
        feature_classes: Mapping[str, Sequence[str] | None],
        bin_edges: Callable[[FilteredImage], np.ndarray | None] = lambda image: None,
        threads: int = 1,
    ) -> dict[str, dict[str, float]]:
        """First-order and texture features of many regions of many filtered images, side by side.

        Args:
            filtered: images, for example the iterator of :meth:`filtered_images`: the next filter runs while
                the features of the images before are computed.
            masks: region name to mask, all on the images' grid.
            feature_classes: as in :meth:`intensity_features`.
            bin_edges: called once an image, gives the bin edges that all its regions share, or None.
            threads: number of threads.

        Returns:
            Region name to features, in the order of ``masks`` and of the images.

        Raises:
            RegionError, InputError: of the first region and image that cannot be computed.
        """
        with ThreadPoolExecutor(threads) as pool:
            waiting: list[tuple[str, Future[dict[str, float]]]] = []
            for image in filtered:
                edges = bin_edges(image)
                # A copy: the next filter may read the same image while the threads do (SimpleITK allows one at a time).
                own = sitk.Image(image.image)
                own.MakeUnique()
                image = FilteredImage(image.name, own, image.setting)
                for name, mask in masks.items():
                    job = pool.submit(self.intensity_features, image, mask, feature_classes, edges)
                    waiting.append((name, job))
            features: dict[str, dict[str, float]] = {name: {} for name in masks}
            for name, job in waiting:
                features[name].update(job.result())
        return features

    def region(
        self, mask: np.ndarray, spacing: Sequence[float], settings: FeatureSettings, shape: tuple[int, ...]
    ) -> Region:
        """The geometry of a mask, remembered from earlier calls with the same mask."""
        if mask.shape != shape:
            raise GeometryError(
                f"the mask has {mask.shape} voxels (k, j, i), the image {shape}; resample the mask to the image's grid"
            )
        return self._regions.get(mask, spacing, settings)


class GreyLevels:
    """A region's grey levels on one filtered image, as the texture families want them.

    Args:
        region: geometry.
        levels: shape (N,), grey level of each voxel.
        highest: :math:`N_g`; None for the highest level that occurs.
    """

    def __init__(self, region: Region, levels: np.ndarray, highest: int | None = None) -> None:
        self.region = region
        counts = np.bincount(levels)
        self.present = np.flatnonzero(counts)
        self.counts = counts[self.present]
        self.highest = highest or int(self.present[-1])
        rank_of = np.zeros(len(counts), dtype=np.intp)
        rank_of[self.present] = np.arange(len(self.present))
        self.rank = rank_of[levels]


def region_features(
    region: Region,
    image: np.ndarray,
    image_name: str,
    feature_classes: Mapping[str, Sequence[str] | None],
    settings: FeatureSettings,
    bin_edges: np.ndarray | None = None,
) -> dict[str, float]:
    """First-order and texture features of one region of one filtered image.

    Args:
        region: the region's geometry.
        image: shape (k, j, i), intensities.
        image_name: prefix of the features' names.
        feature_classes: classes wanted and the features of each (None or empty: all default ones).
        settings: feature settings.
        bin_edges: see :meth:`.engine.FeatureEngine.intensity_features`.

    Raises:
        RegionError: the region holds a single voxel.
        InputError: a class is unknown, or the intensities cannot be binned.
    """
    unknown = [name for name in feature_classes if name not in FAMILIES]
    if unknown:
        raise InputError(f"feature class {unknown[0]!r} is unknown; use one of {', '.join(FAMILIES)}")
    if region.count < 2:
        raise RegionError("the region holds a single voxel; texture and statistics need at least two")
    values = region.values(image)
    # The standard's N_g is the number of bins, pyradiomics' the highest level in the region.
    highest = len(bin_edges) - 1 if bin_edges is not None and settings.profile == "ibsi" else None
    levels = GreyLevels(region, region_levels(values, settings, bin_edges), highest)
    features: dict[str, float] = {}
    for name, wanted in feature_classes.items():
        if name in SHAPE_FAMILIES:
            continue
        table = _intensities(values, levels, settings) if name == "firstorder" else _TEXTURE_TABLES[name](levels)
        for feature, value in INTENSITY_FAMILIES[name].compute(table, wanted).items():
            features[f"{image_name}_{name}_{feature}"] = float(value[0])
    return features


def _intensities(values: np.ndarray, levels: GreyLevels, settings: FeatureSettings) -> first_order.Intensities:
    return first_order.Intensities(
        values.astype(np.float64)[None, :],
        None,
        levels.counts[None, :],
        float(np.prod(levels.region.spacing)),
        shift=settings.voxel_array_shift,
        excess_kurtosis=settings.profile == "ibsi",
    )


def mask_array(mask: sitk.Image) -> np.ndarray:
    """Voxels of a mask image that are 1, as a bool array (k, j, i)."""
    if mask.GetDimension() != 3 or mask.GetNumberOfComponentsPerPixel() != 1:
        raise InputError("the mask must be a 3D image with one value a voxel")
    return sitk.GetArrayViewFromImage(mask) == 1
