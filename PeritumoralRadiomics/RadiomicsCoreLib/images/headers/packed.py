"""Compressed voxels of MetaImage and NRRD files, unpacked once to check them: ITK takes damaged ones without a word."""

from __future__ import annotations

import zlib
from pathlib import Path

from ...errors import InputError
from .header import ImageHeader

_BLOCK_BYTES = 1 << 20
_WINDOW_BITS = {"zlib": 15 + 32, "gzip": 15 + 32}  # either header is understood: MetaIO writes zlib, teem gzip


def check_packed_voxels(path: Path, header: ImageHeader) -> None:
    """Unpack the voxels, check their checksum and their number.

    Args:
        path: the header's file, for the message.
        header: of a file whose packing is zlib or gzip.

    Raises:
        InputError: damaged, truncated, or not as many bytes as the header claims.
    """
    unpacker = zlib.decompressobj(_WINDOW_BITS[header.packing])
    found = 0
    try:
        with header.data_file.open("rb") as stream:
            stream.seek(header.data_start or 0)
            while not unpacker.eof and (block := stream.read(_BLOCK_BYTES)):
                while block and not unpacker.eof and found <= header.data_bytes:
                    found += len(unpacker.decompress(block, _BLOCK_BYTES))
                    block = unpacker.unconsumed_tail
                if found > header.data_bytes:
                    break
    except zlib.error:
        raise InputError(f"{path} is damaged: its compressed voxels cannot be unpacked; copy it again") from None
    except OSError as error:
        raise InputError(f"{header.data_file} cannot be opened: {error.strerror}") from None
    if found != header.data_bytes:
        more = "more than" if found > header.data_bytes else f"{found} of"
        raise InputError(f"{path} is damaged: it unpacks to {more} the {header.data_bytes} bytes of its header")
    if not unpacker.eof:
        raise InputError(f"{path} is truncated: its compressed voxels have no end; copy it again")
