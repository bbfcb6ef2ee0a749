"""Settings files: names and values in YAML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.text import read_values

SUFFIXES = (".yaml", ".yml", ".json")


def read_settings_file(path: Path | str) -> dict[str, Any]:
    """Read names and values from a file (``.yaml``, ``.yml`` or ``.json``); nothing in it can run code.

    Raises:
        InputError: the file cannot be read, or does not hold names and values; the message names the file.
    """
    values = read_values(path, "settings file")
    if not isinstance(values, Mapping):
        raise InputError(
            f"settings file {str(path)!r} holds {values!r:.60}; write names and values, such as epochs: 50"
        )
    return {str(name): value for name, value in values.items()}
