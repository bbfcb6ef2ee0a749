"""What a header claims, in one shape for every format, and the checks that all must pass.

ITK's readers take a spacing of 0, NaN or infinity for 1 mm, fill what is missing with zeros or with what memory holds,
and some crash on a header that lies (``NDims = 99``, ``ElementDataFile = %s%n``). So nothing goes to ITK that has not
passed here.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError

MOST_BYTES = 8 * 2**30
"""Largest image that is read, bytes of its voxels: 8 GiB, a 1024 x 1024 x 4096 volume of 16-bit numbers."""
MOST_VOXELS_ON_A_SIDE = 65_535
SPACING_MM = (1e-4, 1000.0)
"""Smallest and largest distance of two voxels that can be meant: from 0.1 micrometre to a metre."""
FARTHEST_MM = 1e6
"""A place a kilometre from the scanner's centre is a damaged header."""
LARGEST_DEFLATION = 1040
"""Deflate packs at most 1032 bytes into one; a header that claims more than that of its file lies."""


@dataclass(frozen=True)
class ImageHeader:
    """What a header says of an image.

    Attributes:
        reader: name of ITK's reader for the format.
        size: voxels along each axis of space (and time), i first.
        spacing: mm along the first three axes.
        origin: mm, of the first voxel.
        direction: 3 x 3, columns are the axes; None: none is stated.
        components: values a voxel.
        component_bytes: bytes of one value; 0 where the format stores text.
        data_file: file that holds the voxels.
        data_start: byte of that file (after decompression) where they begin; None: they end the file.
        packing: "raw", "gzip" (a stream with a checksum), "zlib" or "text"; of the whole file for .nii.gz.
    """

    reader: str
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: np.ndarray | None
    components: int
    component_bytes: int
    data_file: Path
    data_start: int | None
    packing: str

    @property
    def data_bytes(self) -> int:
        """Bytes of all voxels, unpacked."""
        return math.prod(self.size) * self.components * self.component_bytes


def check_header(path: Path, header: ImageHeader) -> None:
    """Refuse a header that cannot be true, or that claims more than its file can hold.

    Raises:
        InputError: one line with the file, what is wrong and the value.
    """
    _check_size(path, header)
    for name, values in (("spacing", header.spacing), ("origin", header.origin)):
        if not all(math.isfinite(value) for value in values):
            raise InputError(f"{path} has a {name} of {_listed(values)} mm, which is no number; the header is damaged")
    low, high = SPACING_MM
    if not all(low <= abs(value) <= high for value in header.spacing):
        raise InputError(
            f"{path} has a spacing of {_listed(header.spacing)} mm; it must lie between {low:g} and {high:g} mm: "
            "correct the header, for no distance would be true"
        )
    if any(abs(value) > FARTHEST_MM for value in header.origin):
        raise InputError(
            f"{path} has its origin at {_listed(header.origin)} mm, more than a kilometre away; the header is damaged"
        )
    _check_direction(path, header)
    _check_bytes(path, header)


def _check_size(path: Path, header: ImageHeader) -> None:
    size = header.size
    listed = " x ".join(str(n) for n in size)
    if header.components > 1:
        kind = "colour (RGB)" if header.components in (3, 4) else "vector"
        raise InputError(
            f"{path} is a {kind} image with {header.components} components a voxel; give one with a single value"
        )
    if any(n < 1 for n in size):
        raise InputError(f"{path} has a size of {listed} voxels; the header is damaged")
    if len(size) < 3:
        raise InputError(f"{path} is a {len(size)}D image; a 3D image is needed (one slice is enough)")
    if any(n != 1 for n in size[3:]):
        raise InputError(f"{path} is a {len(size)}D image ({listed}); give one 3D volume of it")
    if max(size) > MOST_VOXELS_ON_A_SIDE or header.data_bytes > MOST_BYTES:
        raise InputError(
            f"{path} claims {listed} voxels, {header.data_bytes / 2**30:.3g} GiB; at most {MOST_BYTES / 2**30:g} GiB "
            "are read: crop the image, or the header is damaged"
        )


def _check_direction(path: Path, header: ImageHeader) -> None:
    if header.direction is None:
        return
    if not np.isfinite(header.direction).all():
        raise InputError(f"{path} has directions of its axes that are no numbers; the header is damaged")
    lengths = np.linalg.norm(header.direction, axis=0)
    if lengths.min() < 1e-6 or abs(np.linalg.det(header.direction / lengths)) < 1e-3:
        raise InputError(f"{path} has axes that lie in one plane; the header is damaged")


def _check_bytes(path: Path, header: ImageHeader) -> None:
    there = header.data_file.stat().st_size
    start = header.data_start or 0
    if header.packing == "raw" and header.component_bytes and there < start + header.data_bytes:
        raise InputError(
            f"{path} is truncated: {header.data_file.name} holds {there} of {start + header.data_bytes} bytes; "
            "copy it again"
        )
    if header.packing in ("gzip", "zlib") and header.data_bytes > there * LARGEST_DEFLATION:
        raise InputError(
            f"{path} claims {header.data_bytes} bytes of voxels, more than {there} compressed bytes can hold; "
            "the header or the file is damaged"
        )


def regular_file(path: Path) -> None:
    """Refuse what is no file: a pipe or a device would be waited on for ever.

    Raises:
        InputError: not a regular file, or it cannot be opened.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path} is no ordinary file (a pipe, a socket or a device); name an image file")
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None


def beside(path: Path, name: str) -> Path:
    """Return the data file that a header names, which must lie in the header's own folder.

    A header from a stranger could otherwise make any file of this machine part of an image.

    Raises:
        InputError: another folder, a list or pattern of files, or no such file.
    """
    name = name.strip()
    if not name or "%" in name or "\0" in name or name.upper().startswith("LIST"):
        raise InputError(f"{path} names several or no data files ({name[:60]!r}); save it as one file, such as .nrrd")
    if Path(name).name != name or "\\" in name or os.path.isabs(name):
        raise InputError(f"{path} names a data file in another folder ({name[:60]!r}); put both into one folder")
    data = path.parent / name
    if data.is_symlink() and data.resolve().parent != path.parent.resolve():
        raise InputError(f"{path}: its data file {name!r} is a link to another folder; copy the file itself")
    if not data.is_file():
        raise InputError(f"{path}: its data file {name!r} is not beside it; copy both files")
    return data


def numbers(path: Path, what: str, text: str, count: int | None = None) -> tuple[float, ...]:
    """Return the numbers of a header's line.

    Raises:
        InputError: something else stands there, or another count of numbers.
    """
    try:
        values = tuple(float(part) for part in text.split())
    except ValueError:
        values = ()
    if not values or (count is not None and len(values) != count):
        wanted = f"{count} numbers" if count else "numbers"
        raise InputError(f"{path} has {what} {text[:60]!r} where {wanted} should stand; the header is damaged")
    return values


def whole_numbers(path: Path, what: str, text: str, count: int | None = None) -> tuple[int, ...]:
    """Return the whole numbers of a header's line. Raises InputError as :func:`numbers`."""
    values = numbers(path, what, text, count)
    if not all(math.isfinite(value) and value == int(value) and abs(value) < 2**62 for value in values):
        raise InputError(f"{path} has {what} {text[:60]!r} where whole numbers should stand; the header is damaged")
    return tuple(int(value) for value in values)


def _listed(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:g}" for value in values)
