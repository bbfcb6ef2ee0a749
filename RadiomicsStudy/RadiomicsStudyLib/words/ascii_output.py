"""Printing in ASCII, for Slicer's console: it counts a text's characters and writes as many of its UTF-8 bytes.

One ellipsis or umlaut thus cuts two bytes off the end of what is printed. Signs of our own words become their ASCII
fellows; any other letter, of a file name or a patient's identifier, is escaped as Python writes it, so that it can be
told from every other one and searched for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

ENCODING = "ascii"
_SIGNS = str.maketrans(
    {
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{PLUS-MINUS SIGN}": "+-",
        "\N{NO-BREAK SPACE}": " ",
        "\N{LESS-THAN OR EQUAL TO}": "<=",
        "\N{GREATER-THAN OR EQUAL TO}": ">=",
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{SUPERSCRIPT TWO}": "^2",
        "\N{SUPERSCRIPT THREE}": "^3",
    }
)


def in_ascii(text: str) -> str:
    """Return a text in ASCII.

    Example:
        >>> print(in_ascii("Müller_…: 2 × 3"))
        M\\xfcller_...: 2 x 3
    """
    return text.translate(_SIGNS).encode(ENCODING, "backslashreplace").decode(ENCODING)


class AsciiStream:
    """A stream in front of another one that hands on ASCII only.

    rich asks a stream for its encoding and draws its tables and bars with ``+-|`` for this one.
    """

    encoding = ENCODING
    errors = "backslashreplace"

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        self._stream.write(in_ascii(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def ascii_only(output: Any, errors: Any) -> Iterator[None]:
    """Print in ASCII while the block runs.

    Args:
        output, errors: the streams to print to.
    """
    with redirect_stdout(AsciiStream(output)), redirect_stderr(AsciiStream(errors)):
        yield
