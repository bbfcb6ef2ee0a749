"""The reference engine: pyradiomics' own filters and feature classes, without its bookkeeping.

Values are those of ``RadiomicsFeatureExtractor.execute`` on the same preprocessed image, bit for bit. Time is
saved by filtering once for all regions, by binning a region once for all its texture classes (with numpy
instead of Python's min and max), and by computing no hashes.

Reference: van Griethuysen et al., Cancer Res 2017;77(21):e104, doi 10.1158/0008-5472.CAN-17-0339
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import DependencyError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox, crop, mask_box

from ..preprocessing.bin_edges import region_bin_edges
from ..preprocessing.filtered_image import FilteredImage
from ..settings.feature_names import SHAPE_CLASSES

_LOG = logging.getLogger(__name__)
_BINNED = "peritumoral_binned"  # key under which a feature class finds its region, already discretised
_FAILURES = (ValueError, RuntimeError, ArithmeticError, LookupError, TypeError, np.linalg.LinAlgError)


class PyradiomicsEngine:
    """pyradiomics behind the interface :class:`~PeritumoralRadiomicsLib.preprocessing.filtered_image.FeatureEngine`.

    Raises:
        ImportError: pyradiomics is not installed.
    """

    name = "pyradiomics"

    def __init__(self) -> None:
        with _quiet():
            import radiomics
            from radiomics import imageoperations

            self._classes = radiomics.getFeatureClasses()
        self._operations = imageoperations
        self.version: str = str(radiomics.__version__).removeprefix("v")

    def filtered_images(
        self,
        image: sitk.Image,
        image_types: Mapping[str, Mapping[str, Any]],
        setting: Mapping[str, Any],
        kept: IndexBox | None = None,
    ) -> Iterator[FilteredImage]:
        """Yield pyradiomics' filtered images. LoG with a sigma too wide for the image is left out.

        Raises:
            DependencyError: an image type needs a package that is not there.
        """
        for image_type, options in image_types.items():
            merged = {**setting, **options}
            made = 0
            for filtered, name in self._images_of(image_type, image, merged):
                made += 1
                yield FilteredImage(name, filtered if kept is None else crop(filtered, kept), merged)
            if not made and image_type.startswith("LBP"):
                raise DependencyError(
                    f"pyradiomics {self.version} cannot make the image type {image_type} here (it needs "
                    "scikit-image for LBP2D, trimesh and an older scipy for LBP3D); leave it out"
                )

    def _images_of(
        self, image_type: str, image: sitk.Image, setting: Mapping[str, Any]
    ) -> Iterator[tuple[sitk.Image, str]]:
        everywhere = None
        if image_type == "LBP3D":  # the one filter that looks at the mask: where to compute
            everywhere = sitk.Image(image.GetSize(), sitk.sitkUInt8) + 1
            everywhere.CopyInformation(image)
        with _quiet():
            images = getattr(self._operations, f"get{image_type}Image")(image, everywhere, **setting)
        while True:
            with _quiet():  # not around the yield: the caller's own logging stays as it is
                item = next(images, None)
            if item is None:
                return
            yield item[0], item[1]

    def shape_features(
        self,
        mask: sitk.Image,
        feature_classes: Mapping[str, Sequence[str] | None],
        setting: Mapping[str, Any],
    ) -> dict[str, float]:
        """Compute pyradiomics' shape features of one region. Raises RegionError where they do not exist."""
        cut = crop(mask, mask_box(mask))
        values: dict[str, float] = {}
        for name in SHAPE_CLASSES:
            if name in feature_classes and (name == "shape" or setting.get("force2D", False)):
                found = self._compute(self._classes[name], name, feature_classes[name], cut, cut, setting)
                values |= {f"original_{name}_{feature}": value for feature, value in found.items()}
        return values

    def intensity_features(
        self,
        filtered: FilteredImage,
        mask: sitk.Image,
        feature_classes: Mapping[str, Sequence[str] | None],
        bin_edges: np.ndarray | None = None,
    ) -> dict[str, float]:
        """Compute pyradiomics' first-order and texture features of one region of one filtered image.

        Raises:
            RegionError: the region cannot be binned, or pyradiomics refuses it.
        """
        box = mask_box(mask)
        image, cut = crop(filtered.image, box), crop(mask, box)
        binned = _discretise(image, cut, filtered.setting, bin_edges)
        setting = {**filtered.setting, "label": 1, _BINNED: binned}
        values: dict[str, float] = {}
        for name, features in feature_classes.items():
            if name in SHAPE_CLASSES:
                continue
            found = self._compute(_with_given_bins(self._classes[name]), name, features, image, cut, setting)
            values |= {f"{filtered.name}_{name}_{feature}": value for feature, value in found.items()}
        return values

    def _compute(
        self,
        feature_class: type,
        name: str,
        features: Sequence[str] | None,
        image: sitk.Image,
        mask: sitk.Image,
        setting: Mapping[str, Any],
    ) -> dict[str, float]:
        with _quiet():
            try:
                computer = feature_class(image, mask, **{**setting, "label": 1})
                for feature in features or ():
                    computer.enableFeatureByName(feature)
                return {feature: float(value) for feature, value in computer.execute().items()}
            except _FAILURES as error:
                raise RegionError(f"pyradiomics cannot compute {name}: {error}") from error


def _discretise(
    image: sitk.Image, mask: sitk.Image, setting: Mapping[str, Any], edges: np.ndarray | None
) -> np.ndarray:
    """Return the grey level of every voxel of the region, 0 outside, as pyradiomics' binImage does."""
    inside = sitk.GetArrayViewFromImage(mask) != 0
    values = sitk.GetArrayViewFromImage(image)[inside]
    if edges is None:
        edges = region_bin_edges(values, setting)
    levels = np.digitize(values, edges)
    if levels.min() < 1 or levels.max() >= len(edges):
        raise RegionError(
            f"intensities from {values.min():g} to {values.max():g} leave the given bin edges "
            f"({edges[0]:g} to {edges[-1]:g})"
        )
    matrix = np.zeros(inside.shape, dtype=int)
    matrix[inside] = levels
    return matrix


@cache
def _with_given_bins(feature_class: type) -> type:
    """Return a subclass that takes its grey levels as given instead of binning again.

    ``_applyBinning`` is the one place where pyradiomics' classes discretise, first order included.
    """

    def apply_binning(self: Any, matrix: np.ndarray) -> np.ndarray:
        binned = self.settings[_BINNED]
        self.coefficients["grayLevels"] = np.unique(binned[self.maskArray])
        self.coefficients["Ng"] = int(self.coefficients["grayLevels"].max())
        return binned.copy()

    # the module's name decides to which logger pyradiomics' base class writes
    members = {"_applyBinning": apply_binning, "__module__": feature_class.__module__}
    return type(feature_class.__name__, (feature_class,), members)


class _Forward(logging.Handler):
    """Hand pyradiomics' records to our logger, as details."""

    def emit(self, record: logging.LogRecord) -> None:
        _LOG.debug("pyradiomics: %s", record.getMessage())


@contextmanager
def _quiet() -> Iterator[None]:
    """While pyradiomics computes, its log goes to ours and its numerical warnings nowhere.

    It divides by zero where its documentation defines the result, and a warning turned into an error by the
    caller would become a NaN in its except clauses. Everything is put back afterwards.
    """
    source = logging.getLogger("radiomics")
    handlers, propagate = source.handlers, source.propagate
    ours = _Forward()
    source.handlers, source.propagate = [ours], False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        added = [handler for handler in source.handlers if handler is not ours]  # by radiomics' own import
        source.handlers, source.propagate = handlers + added, propagate
