"""Reads 3D images from files and DICOM folders, and says in one line why one cannot be used."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..progress import Progress, no_progress
from .dicom_series import is_dicom_file, quiet_itk, read_multiframe, read_series
from .headers.header import ImageHeader, check_header, regular_file
from .headers.metaimage import read_metaimage_header
from .headers.nifti import NotFinite, is_nifti, read_nifti_header, scan_nifti
from .headers.nrrd import read_nrrd_header
from .headers.packed import check_packed_voxels

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
        path: a NIfTI-1, NRRD or MetaImage file, a multi-frame DICOM file, or a DICOM folder.
        series: SeriesInstanceUID or SeriesDescription, where a DICOM folder holds several.
        progress: called while the slices of a DICOM folder are read.

    Returns:
        The image, LPS, mm. One read from DICOM carries its FrameOfReferenceUID as metadata ``0020|0052``.

    Raises:
        InputError: missing, empty, truncated, damaged or unreadable; a header that cannot be true (spacing 0,
            NaN or infinite; more voxels than the file can hold); 2D, 4D (a fourth axis of length 1 is dropped),
            colour or vector values; a DICOM folder with several series, missing or unevenly spaced slices.

    Example:
        >>> image = read_image("CT.nii.gz")  # doctest: +SKIP
    """
    path = existing(path)
    if path.is_dir():
        return read_series(path, series=series, progress=progress)
    regular_file(path)
    if is_dicom_file(path):
        return _read_dicom_file(path)
    header = read_header(path)
    check_header(path, header)
    not_finite = scan_nifti(path, header) if header.reader == "NiftiImageIO" else None
    if header.reader != "NiftiImageIO" and header.packing in ("gzip", "zlib"):
        check_packed_voxels(path, header)
    image = _read_file(path, header)
    if not_finite is not None:
        image = _with_values(image, not_finite)
    progress(1.0, f"read {path.name}")
    return image


def read_header(path: Path) -> ImageHeader:
    """Return what the header of an image file says, unchecked.

    Args:
        path: a NIfTI-1, NRRD or MetaImage file.

    Raises:
        InputError: empty, of another format, or a header that cannot be understood.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None
    if not start:
        raise InputError(f"{path} is empty (0 bytes); copy it again")
    if path.suffix.lower() in (".hdr", ".img"):
        raise InputError(f"{path} is one of a pair (.hdr and .img) that cannot be checked; save it as .nii.gz")
    if start.startswith(b"NRRD000"):
        return read_nrrd_header(path)
    if re.match(rb"\s*(ObjectType|Comment|NDims)\s*=", start):
        return read_metaimage_header(path)
    if is_nifti(path):
        if start.startswith(b"\x1f\x8b") and path.suffix.lower() != ".gz":
            raise InputError(f"{path} cannot be read: it is gzip-compressed; rename it to {path.name}.gz")
        return read_nifti_header(path)
    raise InputError(
        f"{path} is no image of a format that is checked and read (NIfTI, NRRD, MetaImage, DICOM), or it is damaged; "
        "save it as .nii.gz, .nrrd or .mha"
    )


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


def _read_file(path: Path, header: ImageHeader) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(header.reader)  # the one whose header was checked, whatever the file's name suggests
    try:
        with quiet_itk():
            image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read: {_reason(str(error))}") from None
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise InputError(f"{path} holds several values a voxel; give an image with a single one")
    if image.GetPixelID() == sitk.sitkUInt64 and int(sitk.GetArrayViewFromImage(image).max()) >= 2**63:
        raise InputError(f"{path} holds values of 2^63 or more, which no computation here can hold; save it as float")
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


def _reason(text: str) -> str:
    """Turn a trace of ITK into a few words."""
    for sign, reason in _KNOWN_REASONS:
        if sign in text:
            return reason
    last = next(line for line in reversed(text.splitlines()) if line.strip())
    return last.removeprefix("ITK ERROR:").removeprefix("sitk::ERROR:").strip()
