"""Slicer's error log: what came into it, and what Python printed and swallowed."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer

_LEVEL_COLUMN = 2
_WRONG = ("Error", "Critical", "Fatal")


class ErrorLog:
    """Reads the log from where it stands."""

    def __init__(self) -> None:
        self._model = slicer.app.errorLogModel()
        self._read = self._model.logEntryCount()
        self._exceptions: list[str] = []

    def news(self) -> list[str]:
        """Return the errors since the last call, of VTK, Qt and Python."""
        slicer.app.processEvents()  # the log is filled by events
        count = self._model.logEntryCount()
        rows = range(self._read, count)
        wrong = [row for row in rows if self._model.index(row, _LEVEL_COLUMN).data() in _WRONG]
        found = [self._model.logEntryDescription(row) for row in wrong] + self._exceptions
        self._read, self._exceptions = count, []
        return list(dict.fromkeys(text.strip() for text in found))  # what Python prints comes into the log, too

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what slots and observers raise: Slicer prints it and goes on."""
        plain = sys.excepthook

        def note(kind: Any, error: Any, place: Any) -> None:
            self._exceptions.append("".join(traceback.format_exception(kind, error, place)))
            plain(kind, error, place)

        sys.excepthook = note
        try:
            yield
        finally:
            sys.excepthook = plain
