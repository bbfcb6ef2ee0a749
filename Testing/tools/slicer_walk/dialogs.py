"""Dialogs during a walk: none may wait for somebody who is not there, and each is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer.util

GRACE_S = 2.0
_MESSAGES = ("errorDisplay", "warningDisplay", "infoDisplay")
_QUESTIONS = ("confirmOkCancelDisplay", "confirmYesNoDisplay", "confirmRetryCloseDisplay")


class Dialogs:
    """Takes the place of Slicer's dialogs.

    Attributes:
        messages: texts of messages, first lines, that nobody took yet.
        questions: texts of questions that nobody took yet.
        answer: what the user says to a question.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.questions: list[str] = []
        self.answer = True
        self._waiting = ("", 0.0)

    def take(self) -> tuple[list[str], list[str]]:
        """Return messages and questions, and forget them: they were expected."""
        taken = self.messages, self.questions
        self.messages, self.questions = [], []
        return taken

    def close_what_waits(self) -> None:
        """Close a window that has waited for an answer, and note it: no dialog of Slicer's own may stop the walk."""
        import qt

        window = qt.QApplication.activeModalWidget()
        name = "" if window is None else f"{window.className()} {window.windowTitle}"
        if window is None or name != self._waiting[0]:
            self._waiting = (name, time.monotonic())
        elif time.monotonic() - self._waiting[1] > GRACE_S:  # a window that shows progress goes by itself
            self.messages.append(f"a window waited for an answer: {name}")
            window.close()
            self._waiting = ("", 0.0)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Take the place of Slicer's dialogs, and give it back."""
        plain = {name: getattr(slicer.util, name) for name in (*_MESSAGES, *_QUESTIONS)}
        for name in _MESSAGES:
            setattr(slicer.util, name, self._message)
        for name in _QUESTIONS:
            setattr(slicer.util, name, self._question)
        try:
            yield
        finally:
            for name, function in plain.items():
                setattr(slicer.util, name, function)

    def _message(self, text: str, *_: Any, **__: Any) -> None:
        self.messages.append(text)

    def _question(self, text: str, *_: Any, **__: Any) -> bool:
        self.questions.append(text)
        return self.answer
