"""The parts of a cohort: which patients are fitted, and which are only predicted."""

from __future__ import annotations

from collections.abc import Sequence

TRAINING = "train"
"""The one part that anything is fitted on."""


def split_labels(cells: Sequence[str | None]) -> list[str | None]:
    """Return the labels of a split column as they are compared: letter case and blanks aside.

    ``Train``, ``TRAIN`` and ``train`` are one word, the training part; any other label keeps the spelling of the
    first cell that bears it, so that files and figures show the user's own word. An empty cell stays None.

    Example:
        >>> split_labels(["Train", "TRAIN ", "Berlin", "berlin", None])
        ['train', 'train', 'Berlin', 'Berlin', None]
    """
    spelling = {TRAINING: TRAINING}
    return [
        None if cell is None or not cell.strip() else spelling.setdefault(cell.strip().casefold(), cell.strip())
        for cell in cells
    ]


def part_order(labels: Sequence[str | None]) -> list[str]:
    """Return the parts that occur, training first and the others by name.

    Example:
        >>> part_order(["test", "train", "external", None])
        ['train', 'external', 'test']
    """
    return sorted({label for label in labels if label is not None}, key=lambda label: (label != TRAINING, label))
