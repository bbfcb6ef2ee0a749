"""Words in a panel: why a button is grey, and labels that take no room while there is nothing to say."""

from __future__ import annotations

from typing import Any


def enable(button: Any, reason: str) -> None:
    """Enable a button, or disable it and say why in its tool tip."""
    words = button.property("usualToolTip")
    if words is None:
        words = button.toolTip
        button.setProperty("usualToolTip", words)
    button.enabled = not reason
    button.toolTip = reason or words


def tell(label: Any, text: str) -> None:
    """Show words in a label; without any, it takes no room."""
    if label.text != text:
        label.text = text
    label.visible = bool(text)
