"""Looks through a NIfTI file for what SimpleITK does not tell: truncation, damage, NaN and infinite voxels.

ITK's NIfTI reader takes a truncated file without a word (the rest of the image is left over from memory or zero),
and puts 0 in place of NaN and infinite voxels (``nifti_read_buffer`` of niftilib). Both would go into features
unseen. Reading the stream once more costs about as long as ITK takes to read the image (2 to 3 s for 200 MB).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

_BLOCK_BYTES = 1 << 20
_HEADER_BYTES = 348
_FLOATS = {16: "f4", 64: "f8"}  # NIfTI datatype codes


@dataclass(frozen=True)
class NotFinite:
    """Voxels that are NaN or infinite.

    Attributes:
        index: shape (n,), flat index into the volume in order (k, j, i).
        value: shape (n,), what the file holds there.
    """

    index: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class _Header:
    offset: int
    voxels: int
    bits: int
    kind: np.dtype | None

    @property
    def file_bytes(self) -> int:
        return self.offset + self.voxels * self.bits // 8


def scan_nifti(path: Path) -> NotFinite | None:
    """Read a file to its end, check its gzip checksum and, for a NIfTI, its length and voxels.

    Args:
        path: any file; one that is neither gzip nor NIfTI is only opened.

    Returns:
        The voxels that ITK will have replaced by 0; None if there are none.

    Raises:
        InputError: empty, unreadable, damaged or truncated, NIfTI-2, or a .hdr/.img pair.
    """
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes); copy it again")
        if path.suffix.lower() in (".hdr", ".img"):
            raise InputError(f"{path} is one of a pair (.hdr and .img) that cannot be checked; save it as .nii.gz")
        with path.open("rb") as stream:
            zipped = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as content:
            return _scan(path, content, zipped)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path} is a truncated or damaged gzip file; copy it again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None


def _scan(path: Path, content: Any, zipped: bool) -> NotFinite | None:
    start = content.read(_HEADER_BYTES)
    if start[4:7] == b"n+2":
        raise InputError(f"{path} is a NIfTI-2 file, which SimpleITK does not read; save it as NIfTI-1")
    header = _header(start)
    if header is None:
        while zipped and content.read(_BLOCK_BYTES):
            pass
        return None
    content.seek(header.offset)
    found, position = [], 0
    while block := content.read(_BLOCK_BYTES):
        if header.kind is not None:
            found.append(_not_finite(block, header.kind, position // header.kind.itemsize))
        position += len(block)
    if header.offset + position < header.file_bytes:
        raise InputError(
            f"{path} is truncated: it holds {header.offset + position} of {header.file_bytes} bytes; copy it again"
        )
    return _joined(found, header.voxels)


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


def _header(start: bytes) -> _Header | None:
    """Return what the header of a single-file NIfTI-1 says; None if it is no such file."""
    if len(start) < _HEADER_BYTES or start[344:347] != b"n+1":
        return None
    order = "<" if struct.unpack_from("<i", start)[0] == _HEADER_BYTES else ">"
    dims = struct.unpack_from(order + "8h", start, 40)
    code, bits = struct.unpack_from(order + "2h", start, 70)
    offset = int(struct.unpack_from(order + "f", start, 108)[0])
    axes = [max(1, n) for n in dims[1 : 1 + max(0, min(7, dims[0]))]]
    kind = np.dtype(order + _FLOATS[code]) if code in _FLOATS else None
    return _Header(offset, int(np.prod(axes, dtype=np.int64)), bits, kind)
