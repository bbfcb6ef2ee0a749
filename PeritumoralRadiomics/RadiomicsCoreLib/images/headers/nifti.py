"""The header of a NIfTI file, and what SimpleITK does not tell of its voxels: truncation, damage, NaN and infinity.

ITK's NIfTI reader takes a truncated file without a word (the rest of the image is left over from memory or zero),
and puts 0 in place of NaN and infinite voxels (``nifti_read_buffer`` of niftilib). Both would go into features
unseen. Reading the stream once more costs about as long as ITK takes to read the image (2 to 3 s for 200 MB).
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from .header import ImageHeader

_BLOCK_BYTES = 1 << 20
_HEADER_BYTES = 348
MOST_EXTRA_BYTES = 1 << 22
"""Bytes behind the image that are let pass."""
_FLOATS = {16: "f4", 64: "f8"}  # NIfTI datatype codes
_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
_COLOURS, _COMPLEX = {128, 2304}, {32, 1792, 2048}
_MM_PER_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}  # xyzt_units: metre, millimetre, micrometre


@dataclass(frozen=True)
class NotFinite:
    """Voxels that are NaN or infinite.

    Attributes:
        index: shape (n,), flat index into the volume in order (k, j, i).
        value: shape (n,), what the file holds there.
    """

    index: np.ndarray
    value: np.ndarray


def is_nifti(path: Path) -> bool:
    """Whether a file is a NIfTI: by the magic of its (unpacked) header or, where that is damaged, by its name."""
    return path.name.lower().endswith((".nii", ".nii.gz")) or _start(path)[344:348] in (b"n+1\0", b"n+2\0")


def read_nifti_header(path: Path) -> ImageHeader:
    """Return what the header of a single-file NIfTI-1 says.

    Raises:
        InputError: damaged or truncated, NIfTI-2, a .hdr/.img pair, or a type that is not one number a voxel.
    """
    start = _start(path)
    if start[4:7] == b"n+2":
        raise InputError(f"{path} is a NIfTI-2 file, which SimpleITK does not read; save it as NIfTI-1")
    if start[344:348] in (b"ni1\0", b"ni2\0"):
        raise InputError(f"{path} is one of a pair (.hdr and .img) that cannot be checked; save it as .nii.gz")
    if len(start) < _HEADER_BYTES or start[344:348] != b"n+1\0":
        raise InputError(
            f"{path} has no NIfTI header (its magic word is {start[344:348]!r}); it is damaged or another file"
        )
    order = "<" if struct.unpack_from("<i", start)[0] == _HEADER_BYTES else ">"
    if struct.unpack_from(order + "i", start)[0] != _HEADER_BYTES:
        raise InputError(f"{path} has a NIfTI header of a wrong length; it is damaged")
    dims = struct.unpack_from(order + "8h", start, 40)
    if not 1 <= dims[0] <= 7:
        raise InputError(f"{path} has {dims[0]} axes; the header is damaged")
    code, bits = struct.unpack_from(order + "2h", start, 70)
    if code in _COLOURS:
        raise InputError(f"{path} is a colour (RGB) image with 3 components a voxel; give one with a single value")
    if code in _COMPLEX:
        raise InputError(f"{path} has complex values; give the magnitude image")
    if _BITS.get(code) != bits:
        raise InputError(
            f"{path} has data type {code} with {bits} bits a voxel, which is none of NIfTI's; it is damaged"
        )
    begin = struct.unpack_from(order + "f", start, 108)[0]
    if not (math.isfinite(begin) and _HEADER_BYTES <= begin < 2**31):
        raise InputError(f"{path} has its voxels at byte {begin:g}; the header is damaged")
    slope = struct.unpack_from(order + "2f", start, 112)
    if not all(math.isfinite(value) for value in slope):
        raise InputError(f"{path} scales its values by {slope[0]:g} and {slope[1]:g}; the header is damaged")
    unit = _MM_PER_UNIT.get(start[123] & 7, 1.0)
    direction, origin = _place(order, start)
    return ImageHeader(
        reader="NiftiImageIO",
        size=tuple(dims[1 : 1 + dims[0]]),
        spacing=tuple(abs(value) * unit for value in struct.unpack_from(order + "3f", start, 80)[: min(3, dims[0])]),
        origin=tuple((origin * unit).tolist()),
        direction=direction,
        components=1,
        component_bytes=bits // 8,
        data_file=path,
        data_start=int(begin),
        packing="gzip" if _is_packed(path) else "raw",
    )


def _place(order: str, start: bytes) -> tuple[np.ndarray | None, np.ndarray]:
    """Directions and origin as the header states them: its matrix if it has one, else its quaternion's offset."""
    qform, sform = struct.unpack_from(order + "2h", start, 252)
    if sform > 0:
        matrix = np.array(struct.unpack_from(order + "12f", start, 280), dtype=float).reshape(3, 4)
        return matrix[:, :3], matrix[:, 3]
    quaternion = np.array(struct.unpack_from(order + "6f", start, 256), dtype=float)
    if qform > 0 and not np.isfinite(quaternion).all():
        return np.full((3, 3), np.nan), quaternion[3:]
    return None, quaternion[3:] if qform > 0 else np.zeros(3)


def scan_nifti(path: Path, header: ImageHeader) -> NotFinite | None:
    """Read a NIfTI to its end: check its gzip checksum and length, and find NaN and infinite voxels.

    Reading stops at what the header claims and a little more: a small file may unpack to a disk full of zeros.

    Returns:
        The voxels that ITK will have replaced by 0; None if there are none.

    Raises:
        InputError: damaged or truncated.
    """
    with _unpacked(path) as content:
        return _scan(path, content, header, _kind(path))


def _scan(path: Path, content: Any, header: ImageHeader, kind: np.dtype | None) -> NotFinite | None:
    begin, expected = header.data_start or 0, header.data_bytes
    content.seek(begin)
    found, position = [], 0
    while block := content.read(_BLOCK_BYTES):
        if kind is not None:
            found.append(_not_finite(block, kind, position // kind.itemsize))
        position += len(block)
        if position > expected + MOST_EXTRA_BYTES:
            raise InputError(f"{path} unpacks to more than the {expected} bytes that its header claims; it is damaged")
    if position < expected:
        raise InputError(f"{path} is truncated: it holds {begin + position} of {begin + expected} bytes; copy it again")
    return _joined(found, math.prod(header.size))


def _kind(path: Path) -> np.dtype | None:
    """The type of voxels that can be NaN; None for whole numbers."""
    start = _start(path)
    order = "<" if struct.unpack_from("<i", start)[0] == _HEADER_BYTES else ">"
    code = struct.unpack_from(order + "h", start, 70)[0]
    return np.dtype(order + _FLOATS[code]) if code in _FLOATS else None


def _start(path: Path) -> bytes:
    with _unpacked(path) as content:
        return content.read(_HEADER_BYTES)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


@contextmanager
def _unpacked(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path) if _is_packed(path) else path.open("rb") as content:
            yield content
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path} is a truncated or damaged gzip file; copy it again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None


def _not_finite(block: bytes, kind: np.dtype, first: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.frombuffer(block, kind, count=len(block) // kind.itemsize)
    index = np.flatnonzero(~np.isfinite(values))
    return index + first, values[index].astype(np.float64)


def _joined(found: list[tuple[np.ndarray, np.ndarray]], voxels: int) -> NotFinite | None:
    if not any(len(index) for index, _ in found):
        return None
    index = np.concatenate([index for index, _ in found])
    value = np.concatenate([value for _, value in found])
    return NotFinite(index[index < voxels], value[index < voxels])  # bytes behind the image do not count
