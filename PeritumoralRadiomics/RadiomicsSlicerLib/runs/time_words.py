"""How long something takes, as people say it."""

from __future__ import annotations

from slicer.i18n import tr as _


def in_words(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> in_words(0.4), in_words(47), in_words(200), in_words(7000)
        ('1 second', '47 seconds', '4 minutes', '1.9 hours')
    """
    if seconds < 1.5:
        return _("1 second")
    if seconds < 90:
        return _("{number} seconds").format(number=round(seconds))
    if seconds < 5400:
        return _("{number} minutes").format(number=-(-round(seconds) // 60))
    return _("{number} hours").format(number=f"{seconds / 3600:.1f}")
