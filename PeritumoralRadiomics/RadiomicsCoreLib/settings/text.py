"""Files of names and values in YAML or JSON; nothing in them can run code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..errors import InputError


def read_values(path: Path | str, what: str) -> Any:
    """Return the contents of a file in YAML or, by its ending ``.json``, in JSON.

    Args:
        path: UTF-8 text.
        what: what the file is, for the message: "parameter file".

    Raises:
        InputError: the file cannot be read or parsed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"{what} {str(path)!r} cannot be read: {why}") from None
    try:
        return json.loads(text) if path.suffix.lower() == ".json" else load_yaml(text)
    except RecursionError:
        raise InputError(f"{what} {str(path)!r} cannot be parsed: lists or names are nested too deeply") from None
    except ValueError as error:
        first = str(error).splitlines()[0] if str(error) else "syntax error"
        raise InputError(f"{what} {str(path)!r} cannot be parsed: {first}") from None


def load_yaml(text: str) -> Any:
    """Load YAML 1.2, where 1e-3 is a number (in PyYAML's 1.1 it is a text).

    Raises:
        ValueError: no YAML; one line with the place.

    Example:
        >>> load_yaml("rate: 1e-3")
        {'rate': 0.001}
    """
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


def yaml_text(values: Any) -> str:
    """Return plain values as YAML that :func:`load_yaml` reads back, in the order given.

    Example:
        >>> print(yaml_text({"verb": "rings", "outer_mm": [3.0, 6.0]}), end="")
        verb: rings
        outer_mm: [3.0, 6.0]
    """
    import yaml

    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
