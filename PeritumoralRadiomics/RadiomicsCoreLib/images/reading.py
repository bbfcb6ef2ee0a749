"""Reads 3D images from files and DICOM folders, and says in one line why one cannot be used."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..progress import Progress, no_progress
from .dicom_series import is_dicom_file, quiet_itk, read_multiframe, read_series
from .nifti_scan import NotFinite, scan_nifti

# What the readers' own words mean to a user; checked in order against the text of the exception.
_KNOWN_REASONS = (
    (
        "orthonormal",
        "its axes are not at right angles (a sheared NIfTI sform); resample it to a straight grid first",
    ),
    ("Unable to determine ImageIO reader", "it is not an image of a known format, or it is damaged"),
    ("expected", "it is damaged or truncated; copy it again"),
    ("File cannot be read", "it is damaged or truncated; copy it again"),
)


def read_image(path: Path | str, *, series: str | None = None, progress: Progress = no_progress) -> sitk.Image:
    """Read a 3D scalar image with its pixel type as stored.

    Args:
        path: a file that SimpleITK reads (NIfTI, NRRD, MHA, ...), a multi-frame DICOM file, or a DICOM folder.
        series: SeriesInstanceUID or SeriesDescription, where a DICOM folder holds several.
        progress: called while the slices of a DICOM folder are read.

    Returns:
        The image, LPS, mm. One read from DICOM carries its FrameOfReferenceUID as metadata ``0020|0052``.

    Raises:
        InputError: missing, empty, truncated or unreadable; 2D, 4D (a fourth axis of length 1 is dropped),
            colour or vector values; a DICOM folder with several series, missing or unevenly spaced slices.

    Example:
        >>> image = read_image("CT.nii.gz")  # doctest: +SKIP
    """
    path = existing(path)
    if path.is_dir():
        return read_series(path, series=series, progress=progress)
    not_finite = scan_nifti(path)
    if is_dicom_file(path):
        return _read_dicom_file(path)
    image = _read_file(path)
    if not_finite is not None:
        image = _with_values(image, not_finite)
    progress(1.0, f"read {path.name}")
    return image


def existing(path: Path | str) -> Path:
    """Return the path with ``~`` resolved.

    Raises:
        InputError: nothing is there; the message names the nearest name in the folder.
    """
    path = Path(os.path.expanduser(path))  # unlike Path.expanduser it leaves the "~" of an unknown user alone
    try:
        if path.exists():
            return path
        if path.is_symlink():
            raise InputError(f"{path} is a link to {os.readlink(path)}, which does not exist")
        if not path.parent.is_dir():
            raise InputError(f"{path} does not exist, nor does its folder {path.parent}")
        near = difflib.get_close_matches(path.name, [item.name for item in path.parent.iterdir()], n=2)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None
    hint = f"; did you mean {' or '.join(near)}?" if near else "; check the path"
    raise InputError(f"{path} does not exist{hint}")


def check_finite(image: sitk.Image, region: sitk.Image | None = None, *, what: str = "the image") -> None:
    """Check that no voxel (of a region) is NaN or infinite.

    Args:
        image: any scalar image.
        region: mask on the same grid; None: the whole image.
        what: how the message names the image.

    Raises:
        InputError: some are; says how many and where the first one lies.
    """
    values = sitk.GetArrayViewFromImage(image)
    if not np.issubdtype(values.dtype, np.floating):
        return
    bad = ~np.isfinite(values)
    if region is not None:
        bad &= sitk.GetArrayViewFromImage(region) != 0
    count = int(np.count_nonzero(bad))
    if count == 0:
        return
    index = [int(n) for n in np.argwhere(bad)[0][::-1]]
    place = ", ".join(f"{x:.1f}" for x in image.TransformIndexToPhysicalPoint(index))
    inside = " inside the region" if region is not None else ""
    raise InputError(
        f"{what} has {count} NaN or infinite voxel{'s' if count > 1 else ''}{inside}, the first at index "
        f"{tuple(index)} = ({place}) mm; repair the image or leave these voxels out of the mask"
    )


def _read_dicom_file(path: Path) -> sitk.Image:
    image = read_multiframe(path)
    if image is None:
        raise InputError(f"{path} is one slice of a DICOM series; name its folder instead")
    return image


def _read_file(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
            _check_kind(path, reader)
            image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read: {_compressed(path) or _reason(str(error))}") from None
    while image.GetDimension() > 3:
        image = sitk.Extract(image, (*image.GetSize()[:-1], 0))
    return image


def _with_values(image: sitk.Image, not_finite: NotFinite) -> sitk.Image:
    """Put back the NaN and infinite voxels that ITK replaced by 0."""
    values = sitk.GetArrayFromImage(image)
    values.reshape(-1)[not_finite.index] = not_finite.value
    restored = sitk.GetImageFromArray(values)
    restored.CopyInformation(image)
    return restored


def _check_kind(path: Path, reader: sitk.ImageFileReader) -> None:
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    if components > 1:
        kind = "colour (RGB)" if components in (3, 4) else "vector"
        raise InputError(f"{path} is a {kind} image with {components} components a voxel; give one with a single value")
    if "complex" in sitk.GetPixelIDValueAsString(reader.GetPixelID()):
        raise InputError(f"{path} has complex values; give the magnitude image")
    if len(size) < 3:
        raise InputError(f"{path} is a {len(size)}D image; a 3D image is needed (one slice is enough)")
    if any(n != 1 for n in size[3:]):
        listed = " x ".join(str(n) for n in size)
        raise InputError(f"{path} is a {len(size)}D image ({listed}); give one 3D volume of it")


def _compressed(path: Path) -> str:
    """Say what to do about a gzip file that does not call itself one; empty if it is none."""
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
    except OSError:
        return ""
    return f"it is gzip-compressed; rename it to {path.name}.gz" if packed and path.suffix != ".gz" else ""


def _reason(text: str) -> str:
    """Turn a trace of ITK into a few words."""
    for sign, reason in _KNOWN_REASONS:
        if sign in text:
            return reason
    last = next(line for line in reversed(text.splitlines()) if line.strip())
    return last.removeprefix("ITK ERROR:").removeprefix("sitk::ERROR:").strip()
