"""A PNG picture in a label, as wide as the label is, and on disk for the program that opens pictures."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

NARROWEST, WIDEST = 240, 1000
"""Width of a picture in a panel, pixels."""


class PngPicture:
    """Shows PNG files in one QLabel; the label should be of the size policy "Ignored".

    Args:
        label: the QLabel.
    """

    def __init__(self, label: Any) -> None:
        self._label = label
        self._pixmap: Any = None
        self._shown: tuple[Any, int] = (None, 0)

    def show(self, path: Path | None) -> None:
        """Show a file, or nothing."""
        import qt

        self._pixmap = qt.QPixmap(str(path)) if path is not None else None
        self._shown = (None, 0)
        self._label.visible = path is not None
        self.fit()

    def fit(self) -> None:
        """Draw the picture as wide as the label is now."""
        import qt

        width = label_width(self._label)
        if self._pixmap is None or self._shown == (self._pixmap, width):
            return
        height = round(self._pixmap.height() * width / max(1, self._pixmap.width()))
        self._label.setPixmap(
            self._pixmap.scaled(qt.QSize(width, height), qt.Qt.KeepAspectRatio, qt.Qt.SmoothTransformation)
        )
        self._shown = (self._pixmap, width)


def label_width(label: Any) -> int:
    """Return how wide a picture in a label can be, pixels."""
    return max(NARROWEST, min(WIDEST, label.width))


def write_png(folder: Path, name: str, png: str) -> Path:
    """Write a picture that is kept in base64 to a file of a folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    path.write_bytes(base64.b64decode(png))
    return path
