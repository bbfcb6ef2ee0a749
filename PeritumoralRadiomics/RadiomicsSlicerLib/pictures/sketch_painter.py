"""Paints a sketch into a label, in the colours of the window: dark on bright, bright on dark."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from RadiomicsCoreLib.figures.sketch import FAINT, GREY, HIGH, INK, LOW, MARK, ROLES, Sketch, Stroke, Word

ON_DARK: Mapping[str, str] = {
    INK: "#f0f0f0",
    GREY: "#b0b0b0",
    FAINT: "#4a4a4a",
    MARK: "#ff9a3c",
    LOW: "#56B4E9",
    HIGH: "#e6a5cc",
}
"""Role to its colour in a dark window."""
_DASH_PX, _GAP_PX = 5, 4


class SketchPainter:
    """Paints sketches into one QLabel.

    Drawn with lines and texts alone: what else a painter can do, Slicer's own files never ask of PythonQt. The label
    should be of the size policy "Ignored", so that a picture never keeps the panel wide.

    Args:
        label: the QLabel.
    """

    def __init__(self, label: Any) -> None:
        self._label = label
        self._fonts: dict[tuple[int, bool], tuple[Any, Any]] = {}

    def measure(self, text: str, size: int) -> float:
        """Return the width of a text in the label's font, pixels."""
        return float(self._font(size, False)[1].horizontalAdvance(text))

    def paint(self, sketch: Sketch) -> None:
        """Show a sketch in the label."""
        import qt

        roles = ON_DARK if self.is_dark() else ROLES
        colours = {role: qt.QColor(code) for role, code in roles.items()}
        pixmap = qt.QPixmap(sketch.width, sketch.height)
        pixmap.fill(qt.QColor(0, 0, 0, 0))
        painter = qt.QPainter()
        painter.begin(pixmap)
        try:
            for stroke in sketch.strokes:
                self._stroke(painter, stroke, colours[stroke.colour])
            for word in sketch.words:
                self._word(painter, word, colours[word.colour])
        finally:
            painter.end()
        self._label.setPixmap(pixmap)

    def is_dark(self) -> bool:
        """Whether the window's text is brighter than the middle between black and white."""
        code = self._label.palette.text().color().name().lstrip("#")
        return sum(int(code[place : place + 2], 16) for place in (0, 2, 4)) > 3 * 128

    def _stroke(self, painter: Any, stroke: Stroke, colour: Any) -> None:
        import qt

        pen = qt.QPen()
        pen.setColor(colour)
        pen.setWidth(max(1, round(stroke.width)))
        painter.setPen(pen)
        points = [(round(x), round(y)) for x, y in stroke.points]
        for (x, y), (to_x, to_y) in pairwise(points):
            if stroke.dashed and x == to_x:
                low, high = min(y, to_y), max(y, to_y)
                for start in range(low, high, _DASH_PX + _GAP_PX):
                    painter.drawLine(x, start, x, min(start + _DASH_PX, high))
            else:
                painter.drawLine(x, y, to_x, to_y)

    def _word(self, painter: Any, word: Word, colour: Any) -> None:
        import qt

        font, metrics = self._font(word.size, word.bold)
        width = metrics.horizontalAdvance(word.text)
        left = word.x - {"left": 0, "middle": width / 2, "right": width}[word.align]
        pen = qt.QPen()
        pen.setColor(colour)
        painter.setPen(pen)
        painter.setFont(font)
        painter.drawText(qt.QPoint(round(left), round(word.y)), word.text)

    def _font(self, size: int, bold: bool) -> tuple[Any, Any]:
        import qt

        if (size, bold) not in self._fonts:
            font = qt.QFont(self._label.font)
            font.setPixelSize(size)
            font.setBold(bold)
            self._fonts[size, bold] = (font, qt.QFontMetrics(font))
        return self._fonts[size, bold]
