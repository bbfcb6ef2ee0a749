"""Settings of one phase as one word of the command line: ``pet:bin_width=0.25,window=0,20``."""

from __future__ import annotations

from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.text import load_yaml


def phase_settings(text: str) -> tuple[str, dict[str, Any]]:
    """Return a phase and its settings; a value with commas is a list.

    Raises:
        InputError: not of the form ``PHASE:NAME=VALUE,…``.

    Example:
        >>> phase_settings("ct:window=-150,250,preset=wu2021")
        ('ct', {'window': [-150, 250], 'preset': 'wu2021'})
    """
    phase, colon, rest = text.partition(":")
    if not colon or not phase.strip() or not rest.strip():
        raise InputError(f"{text!r} is not of the form PHASE:NAME=VALUE,…, such as pet:bin_width=0.25")
    settings: dict[str, Any] = {}
    name = ""
    for part in rest.split(","):
        before, sign, after = part.partition("=")
        if sign:
            name = before.strip().replace("-", "_")
            settings[name] = _plain(after)
        elif name:
            below = settings[name]
            settings[name] = [*below, _plain(part)] if isinstance(below, list) else [below, _plain(part)]
        else:
            raise InputError(f"{text!r}: {part!r} names no setting; write NAME=VALUE")
    return phase.strip(), settings


def _plain(text: str) -> Any:
    try:
        return load_yaml(text.strip())
    except ValueError:
        return text.strip()
