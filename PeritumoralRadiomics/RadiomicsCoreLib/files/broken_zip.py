"""What reading a zip from a stranger can raise."""

from __future__ import annotations

import zipfile
import zlib

BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, EOFError, ValueError)
"""Raised by a zip that is torn, changed, encrypted, or packed in a way that Python does not understand."""
