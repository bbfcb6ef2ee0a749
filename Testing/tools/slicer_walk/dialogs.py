"""Dialogs during a walk: none may wait for somebody who is not there, and each is counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer.util

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

    def take(self) -> tuple[list[str], list[str]]:
        """Return messages and questions, and forget them: they were expected."""
        taken = self.messages, self.questions
        self.messages, self.questions = [], []
        return taken

    def close_what_waits(self) -> None:
        """Close a window that waits for an answer, and note it: no dialog of Slicer's own may stop the walk."""
        import qt

        waiting = qt.QApplication.activeModalWidget()
        if waiting is not None:
            self.messages.append(f"a window waited for an answer: {waiting.windowTitle or waiting.className()}")
            waiting.close()

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
