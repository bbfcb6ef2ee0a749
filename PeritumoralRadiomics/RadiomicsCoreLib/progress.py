"""Progress callbacks: every long function takes ``progress(fraction, message)``.

Raising :class:`~RadiomicsCoreLib.errors.Cancelled` from the callback stops the function cleanly and keeps
what is finished.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]


def no_progress(fraction: float, message: str) -> None:
    """Ignore progress; the default of every long function."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Return a callback for a step that fills ``start`` to ``end`` of a larger task's progress.

    Args:
        progress: callback of the larger task, fractions in [0, 1].
        start: fraction of the larger task at which the step begins.
        end: fraction of the larger task at which the step is done.

    Example:
        >>> seen = []
        >>> step = part_of(lambda fraction, message: seen.append(fraction), 0.5, 1.0)
        >>> step(0.5, "half of the second half")
        >>> seen
        [0.75]
    """

    def report(fraction: float, message: str) -> None:
        progress(start + (end - start) * fraction, message)

    return report


class StatedTime(str):
    """A message of a step that knows how long the rest takes, better than the pace so far can tell.

    Args:
        message: what is going on.
        seconds_left: estimate, above 0.

    Example:
        >>> message = StatedTime("making the map", 12.5)
        >>> message, message.seconds_left
        ('making the map', 12.5)
    """

    seconds_left: float

    def __new__(cls, message: str, seconds_left: float) -> StatedTime:
        """Make the text, and keep the time beside it."""
        made = super().__new__(cls, message)
        made.seconds_left = seconds_left
        return made
