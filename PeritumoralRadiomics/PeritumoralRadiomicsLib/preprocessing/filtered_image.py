"""The border between extraction and the programs that compute features.

An engine gets an image that is already cropped, resampled, windowed and normalised, filters it once, and
computes the features of any number of regions on every filtered image. Two engines live behind this border:
``native`` (ours) and ``pyradiomics`` (the reference).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.images.geometry import IndexBox


@dataclass(frozen=True)
class FilteredImage:
    """One image derived from the preprocessed image.

    Attributes:
        name: pyradiomics' image type name: ``original``, ``wavelet-LLH``, ``log-sigma-1-0-mm-3D`` and so on.
        image: the filtered image, on the grid of the preprocessed image or of the part of it that was asked for.
        setting: pyradiomics setting names and values that hold for this image type
            (the common ones, overridden by those given for the image type).
    """

    name: str
    image: sitk.Image
    setting: Mapping[str, Any] = field(default_factory=dict)


class FeatureEngine(Protocol):
    """What extraction asks of an engine. Settings are named as in pyradiomics' parameter files."""

    name: str
    version: str

    def filtered_images(
        self,
        image: sitk.Image,
        image_types: Mapping[str, Mapping[str, Any]],
        setting: Mapping[str, Any],
        kept: IndexBox | None = None,
    ) -> Iterator[FilteredImage]:
        """Yield the image types asked for, in order, each made once.

        Args:
            image: preprocessed image, 3D, with a margin around the regions wide enough for the filters asked
                for. Its type is what pyradiomics would have (the input's own, often int16, or float64 after
                normalisation), because the wavelet's arithmetic follows the type. Extraction calls once for
                each image type, with a crop of its own.
            image_types: for example ``{"Original": {}, "LoG": {"sigma": [1.0]}, "Wavelet": {}}``;
                the inner values override ``setting`` for that type.
            setting: pyradiomics setting names, for example ``{"binWidth": 25}``.
            kept: the part of the image whose filtered values will be read: the images that are yielded are cut
                to it, their values being those of the whole image filtered. None: no part is cut off.
        """
        ...

    def shape_features(
        self,
        mask: sitk.Image,
        feature_classes: Mapping[str, Sequence[str] | None],
        setting: Mapping[str, Any],
    ) -> dict[str, float]:
        """Shape features of one region (classes ``shape``, ``shape2D``), named ``original_shape_<Name>``.

        Args:
            mask: 3D, UInt8, 1 inside the region.
            feature_classes: classes and the features wanted of each (None or empty: all default ones);
                classes that are not about shape are ignored.
            setting: pyradiomics setting names.
        """
        ...

    def intensity_features(
        self,
        filtered: FilteredImage,
        mask: sitk.Image,
        feature_classes: Mapping[str, Sequence[str] | None],
        bin_edges: np.ndarray | None = None,
    ) -> dict[str, float]:
        """First-order and texture features of one region of one filtered image.

        Args:
            filtered: image and the settings that hold for it.
            mask: 3D, UInt8, 1 inside the region, on the grid of ``filtered.image``.
            feature_classes: as in :meth:`shape_features`; shape classes are ignored.
            bin_edges: shape (n + 1,), ascending, in the filtered image's intensity unit: the half-open
                bins used instead of the region's own (the same for tumour and rings). Grey level g is then
                the g-th bin of these edges, in every region. None: ``binWidth`` or ``binCount`` decide.

        Returns:
            ``<image name>_<class>_<Feature>`` to value, in pyradiomics' order.
        """
        ...
