"""Clicks on points of charts: which point of which series the user means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

_SIGNAL = "dataSelected(vtkStringArray*, vtkCollection*)"


class ChartClicks:
    """Listens to the plot views of the window; there may be none.

    Args:
        onPoint: called with the name of the series and the number of its point.
    """

    def __init__(self, onPoint: Callable[[str, int], None]) -> None:
        self._onPoint = onPoint
        self._views: list[Any] = []

    def listen(self) -> None:
        """Listen to the views of the present layout, beside those of layouts before."""
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        for number in range(manager.plotViewCount):
            view = manager.plotWidget(number).plotView()
            if view not in self._views:
                view.connect(_SIGNAL, self.onSelected)
                self._views.append(view)

    def stop(self) -> None:
        """Listen no more."""
        while self._views:
            self._views.pop().disconnect(_SIGNAL, self.onSelected)

    def onSelected(self, series: Any, points: Any) -> None:
        """Take what a plot view tells: ids of series nodes, and for each an array of numbers of points."""
        for number in range(series.GetNumberOfValues()):
            node, chosen = slicer.mrmlScene.GetNodeByID(series.GetValue(number)), points.GetItemAsObject(number)
            if node is not None and chosen is not None and chosen.GetNumberOfValues():
                self._onPoint(node.GetName(), int(chosen.GetValue(0)))
                return
