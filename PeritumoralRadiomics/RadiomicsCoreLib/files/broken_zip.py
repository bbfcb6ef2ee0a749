"""What reading a zip from a stranger can raise."""

from __future__ import annotations

import struct
import zipfile
import zlib

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it tells such a zip by a RuntimeError
    LZMAError = zlib.error  # type: ignore[misc,assignment]

BROKEN_ZIP = (
    *(zipfile.BadZipFile, zlib.error, LZMAError, struct.error),
    *(RuntimeError, NotImplementedError, OSError, EOFError, ValueError),
)
"""Raised by a zip that is torn, changed, encrypted, or packed in a way that Python does not understand."""
