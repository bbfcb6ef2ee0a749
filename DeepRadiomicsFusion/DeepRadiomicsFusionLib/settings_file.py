"""Settings files: names and values in YAML or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError


def read_settings_file(path: Path | str) -> dict[str, Any]:
    """Read names and values from a file (``.yaml``, ``.yml`` or ``.json``); nothing in it can run code.

    Raises:
        InputError: the file cannot be read, or does not hold names and values; the message names the file.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"settings file {str(path)!r} cannot be read: {why}") from None
    try:
        values = json.loads(text) if path.suffix.lower() == ".json" else _load_yaml(text)
    except ValueError as error:
        first = str(error).splitlines()[0] if str(error) else "syntax error"
        raise InputError(f"settings file {str(path)!r} cannot be parsed: {first}") from None
    if not isinstance(values, Mapping):
        raise InputError(
            f"settings file {str(path)!r} holds {values!r:.60}; write names and values, such as epochs: 50"
        )
    return {str(name): value for name, value in values.items()}


def _load_yaml(text: str) -> Any:
    """Load YAML 1.2, where 1e-4 is a number and not a text."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    exponent = re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", exponent, list("-+.0123456789"))
    try:
        return yaml.load(text, Loader=Loader)  # a subclass of SafeLoader: cannot execute code
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{getattr(error, 'problem', None) or error}") from error
