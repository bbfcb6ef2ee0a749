"""The losses of a training, epoch by epoch, and their picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.figures.legends import legend_below
from RadiomicsCoreLib.figures.style import literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Losses:
    """Losses after each epoch.

    Attributes:
        training: mean over the epoch's batches, while the weights change.
        validation: over the validation cases, after the epoch; empty without validation.
        dice: mean Dice of the validation cases, where it chooses the best epoch; else empty.

    Example:
        >>> losses = Losses().with_epoch(0.9, 0.8).with_epoch(0.7, 0.85)
        >>> losses.best_epoch, losses.best_loss
        (1, 0.8)
    """

    training: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()
    dice: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.training)

    def with_epoch(self, training: float, validation: float | None, dice: float | None = None) -> Losses:
        """Return the losses with one epoch more."""
        added, overlap = (() if value is None else (value,) for value in (validation, dice))
        return Losses((*self.training, training), self.validation + added, self.dice + overlap)

    @property
    def best_epoch(self) -> int:
        """Epoch (from 1) of the highest Dice, else of the lowest validation loss, the first of equal ones; without
        validation the last.
        """
        if self.dice:
            return self.dice.index(max(self.dice)) + 1
        if not self.validation:
            return len(self.training)
        return self.validation.index(min(self.validation)) + 1

    @property
    def best_loss(self) -> float:
        """The loss of that epoch; NaN before the first epoch."""
        losses = self.validation or self.training
        return losses[self.best_epoch - 1] if losses else math.nan

    @property
    def summary(self) -> str:
        """One line."""
        return f"{len(self)} epochs; {self.best_text} at epoch {self.best_epoch}"

    @property
    def best_text(self) -> str:
        """The number by which the best epoch was chosen, with its name."""
        if self.dice:
            return f"validation Dice {max(self.dice):.3f}"
        return f"{'validation loss' if self.validation else 'loss'} {self.best_loss:.4f}"

    def to_dict(self) -> dict[str, list[float]]:
        """Return plain values, for JSON."""
        losses = {"training": list(self.training), "validation": list(self.validation)}
        return losses | ({"dice": list(self.dice)} if self.dice else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Losses:
        """Undo :meth:`to_dict`."""
        names = ("training", "validation", *(("dice",) if "dice" in values else ()))
        return cls(*(tuple(float(loss) for loss in values[name]) for name in names))


def loss_curve(losses: Losses, title: str = "") -> Figure:
    """Draw the losses over the epochs, with the epoch whose weights are kept.

    Args:
        losses: at least one epoch for a curve; an empty picture without.
        title: text above.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(5.2, 3.4)
    axes = figure.add_subplot()
    epochs = range(1, len(losses) + 1)
    marker = "o" if len(losses) < 25 else None
    axes.plot(epochs, losses.training, color="#0072B2", label="training", marker=marker, markersize=3)
    if losses.validation:
        axes.plot(epochs, losses.validation, color="#D55E00", label="validation", marker=marker, markersize=3)
    if len(losses):
        axes.axvline(losses.best_epoch, color="#999999", linestyle="--", linewidth=1, label="weights kept")
        legend_below(figure, axes)
    if losses.dice:
        overlap = axes.twinx()
        overlap.plot(epochs, losses.dice, color="#009E73", marker=marker, markersize=3)
        overlap.set_ylim(0, 1)
        overlap.set_ylabel("validation Dice", fontsize=9, color="#009E73")
        overlap.tick_params(labelsize=8)
        overlap.spines["top"].set_visible(False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", fontsize=9)
    axes.set_ylabel("loss", fontsize=9)
    axes.tick_params(labelsize=8)
    if title:
        axes.set_title(literal(title), fontsize=10, loc="left")
    return figure
