"""The figure of ROC curves, at a horizon of a survival model or of a binary outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..errors import InputError
from .legends import legend_below
from .style import LIGHT_GREY, colour, dashes, interval_text, literal, new_figure, plain_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE_IN = 4.4


class RocLike(Protocol):
    """A ROC curve with its area."""

    @property
    def false_positive_rate(self) -> np.ndarray: ...
    @property
    def true_positive_rate(self) -> np.ndarray: ...
    @property
    def auc(self) -> float: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...


@dataclass(frozen=True)
class DrawnRoc:
    """What is drawn of one model.

    Attributes:
        false_positive_rate, true_positive_rate: (m,) of the curve, ascending.
        auc, lower, upper: what the legend says of it; NaN ends where there is no interval.
    """

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    auc: float
    lower: float
    upper: float


def roc_figure(
    curves: Mapping[str, RocLike],
    *,
    title: str = "",
    corrected: Sequence[str] = (),
    area: str = "AUC",
    digits: int = 2,
) -> Figure:
    """ROC curves with their area and interval in the legend.

    Args:
        curves: name (horizon or model) -> curve; NaN ends where there is no interval.
        title: printed above.
        corrected: a text for each curve of the fitted patients, with the AUC corrected for optimism.
        area: what the numbers of the legend are; a longer text than AUC stands above the legend.
        digits: decimals of the areas.

    Raises:
        InputError: there is no curve.
    """
    if not curves:
        raise InputError("there is no curve to draw")
    figure = new_figure(SIDE_IN, SIDE_IN)
    axes = plain_axes(figure, x_label="1 - specificity", y_label="Sensitivity", title=title)
    axes.plot([0, 1], [0, 1], color=LIGHT_GREY, linewidth=0.8, linestyle="--")
    said = "AUC " if area == "AUC" else ""
    for k, (name, curve) in enumerate(curves.items()):
        label = f"{name}: {said}{interval_text(curve.auc, curve.lower, curve.upper, digits)}"
        if len(corrected):
            label += f" apparent,\n    {corrected[k]}"
        axes.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=colour(k),
            linestyle=dashes(k),
            linewidth=1.5,
            label=literal(label),
        )
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    legend_below(figure, axes, title="" if said else area)
    return figure
