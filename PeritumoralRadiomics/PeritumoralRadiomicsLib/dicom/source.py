"""The scan that DICOM objects are made for: its slices in the order of the image's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.dicom_series import chosen_series, read_series

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAKER = "Peritumoral Radiomics"
SCHEME = "99PERITUMORAL"
"""Designator of our own codes, where no standard has one."""
LONGEST_CODE = 16
"""Characters of a CodeValue (DICOM PS3.5, SH)."""


@dataclass(frozen=True)
class SourceScan:
    """A scan as an image and as its files' headers.

    Attributes:
        image: (i, j, k) in LPS, mm.
        headers: of its slices, without pixels, in the order of k.
    """

    image: sitk.Image
    headers: tuple[Dataset, ...]

    @property
    def label_of_maker(self) -> dict[str, Any]:
        """What every object says of the program that made it."""
        return {
            "manufacturer": MAKER,
            "manufacturer_model_name": "peritumoral-radiomics",
            "software_versions": __version__,
            "device_serial_number": "1",
        }


def read_source(folder: Path, series: str | None = None) -> SourceScan:
    """Read the series that the regions were drawn on.

    Args:
        folder: of its files, a file a slice.
        series: SeriesInstanceUID or SeriesDescription, where the folder holds several.

    Raises:
        InputError: not a series of single slices, or what :func:`read_series` refuses.
    """
    import pydicom

    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the folder of the scan's DICOM series")
    image = read_series(folder, series=series)
    files = chosen_series(folder, series).files
    if len(files) != image.GetDepth():
        raise InputError(f"{folder}: objects are made for series with a file a slice; this one is a multi-frame file")
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in files]
    return SourceScan(image, tuple(headers[n] for n in _in_order(folder, image, headers)))


def _in_order(folder: Path, image: sitk.Image, headers: Sequence[Dataset]) -> list[int]:
    """Each slice by its own place, so that no order of files matters."""
    places = np.array([header.ImagePositionPatient for header in headers], float)
    order = []
    for k in range(image.GetDepth()):
        away = np.linalg.norm(places - np.array(image.TransformIndexToPhysicalPoint((0, 0, k))), axis=1)
        nearest = int(away.argmin())
        if away[nearest] > 0.5 * image.GetSpacing()[2]:
            raise InputError(f"{folder}: no file lies where slice {k} of the image is")
        order.append(nearest)
    return order


def short_code(name: str) -> str:
    """Return a code value of at most 16 characters, the same for the same name.

    Example:
        >>> short_code("ring_0_3mm"), len(short_code("wavelet-LLH_glcm_InverseVariance"))
        ('ring_0_3mm', 16)
    """
    if len(name) <= LONGEST_CODE:
        return name
    return f"{name[:7]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
