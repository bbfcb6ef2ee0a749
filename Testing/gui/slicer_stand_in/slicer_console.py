"""Slicer's console: a text comes out as so many bytes as it has characters.

CTK writes ``text.size()`` bytes of the text's UTF-8, so that each character that takes more than one byte cuts off the
end of what was written, and may leave half a character behind.
"""

from __future__ import annotations

import io
from typing import TextIO


def garbled(text: str) -> str:
    """Return what Slicer's console shows of a text.

    Example:
        >>> garbled("3 rings"), garbled("3 \\u2026 rings")
        ('3 rings', '3 \\u2026 rin')
    """
    return text.encode()[: len(text)].decode(errors="replace")


class SlicerConsole(io.TextIOBase):
    """A stream that writes as Slicer's console does.

    Args:
        stream: where it goes.

    Attributes:
        spoilt: the texts that did not come out as they were written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.spoilt: list[str] = []

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, text: str) -> int:
        """Write a text, garbled."""
        shown = garbled(text)
        if shown != text:
            self.spoilt.append(text)
        self._stream.write(shown)
        return len(text)

    def flush(self) -> None:
        """Flush the stream behind it."""
        self._stream.flush()
