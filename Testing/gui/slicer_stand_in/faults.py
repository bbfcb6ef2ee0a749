"""What Slicer prints and swallows, kept so that a test fails of it.

In the application an exception in a slot, in an observer of a node or in a panel's ``setup`` is printed, and everything
goes on; so is Qt's ``qCritical``. The half-made panel receives events as before. Here they are printed, swallowed and
noted: :meth:`Faults.found` must be empty at the end of a test, but for what it expected.

Dialogs are counted for each click: a second message is a fault, and so is any dialog after the user has said no.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PySide6 import QtCore


@dataclass
class Click:
    """A click that lasts: its button, the messages that opened, and whether the user has said no to something."""

    button: str
    messages: list[str] = field(default_factory=list)
    declined: bool = False


class Faults:
    """The faults of one window.

    Attributes:
        found: the faults so far, texts.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self._click: Click | None = None

    def note(self, text: str) -> None:
        """Note a fault, and print it as Slicer does."""
        sys.stderr.write(f"{text}\n")
        self.found.append(text)

    @contextlib.contextmanager
    def swallowed(self) -> Iterator[None]:
        """Do what Slicer calls in Python: an exception is printed and noted, and goes no further."""
        try:
            yield
        except Exception:  # whatever a panel raises
            self.note(traceback.format_exc())

    @contextlib.contextmanager
    def expected(self, words: str) -> Iterator[None]:
        """Do something that has faults with these words in them: they are no faults of the test.

        Raises:
            AssertionError: there was none.
        """
        before = len(self.found)
        yield
        wanted = [text for text in self.found[before:] if words in text]
        assert wanted, f"no fault says {words!r}: {self.found[before:]}"
        self.found[before:] = [text for text in self.found[before:] if text not in wanted]

    @contextlib.contextmanager
    def clicking(self, button: str) -> Iterator[None]:
        """Count the dialogs that open while a click lasts."""
        if self._click is not None:  # a button that presses another one is still one click of the user
            yield
            return
        self._click = Click(button)
        try:
            yield
        finally:
            self._click = None

    def message_opens(self, text: str) -> None:
        """Note that a message opens."""
        if self._click is None:
            return
        self._click.messages.append(text)
        if self._click.declined:
            self.note(f"{self._click.button!r}: a message opens after the user has said no: {text!r}")
        elif len(self._click.messages) > 1:
            self.note(
                f"{self._click.button!r}: one click opens {len(self._click.messages)} messages, the last {text!r}"
            )

    def question_is_answered(self, text: str, answer: bool) -> None:
        """Note that a question opened, and what the user said."""
        if self._click is None:
            return
        if self._click.declined:
            self.note(f"{self._click.button!r}: a question opens after the user has said no: {text!r}")
        self._click.declined = self._click.declined or not answer

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note what slots and observers raise, and Qt's critical messages."""
        global _CURRENT
        outer, _CURRENT = _CURRENT, self
        excepthook, handler = sys.excepthook, QtCore.qInstallMessageHandler(self._on_message)
        sys.excepthook = self._on_exception
        try:
            yield
        finally:
            sys.excepthook = excepthook
            QtCore.qInstallMessageHandler(handler)
            _CURRENT = outer

    def _on_exception(self, kind: Any, error: Any, place: Any) -> None:
        self.note("".join(traceback.format_exception(kind, error, place)))

    def _on_message(self, kind: Any, context: Any, text: str) -> None:
        if kind in (QtCore.QtMsgType.QtCriticalMsg, QtCore.QtMsgType.QtFatalMsg):
            self.note(f"Qt: {text}")


_CURRENT: Faults | None = None


@contextlib.contextmanager
def click(button: str) -> Iterator[None]:
    """Count the dialogs of a click, where a window watches."""
    with _CURRENT.clicking(button) if _CURRENT is not None else contextlib.nullcontext():
        yield
