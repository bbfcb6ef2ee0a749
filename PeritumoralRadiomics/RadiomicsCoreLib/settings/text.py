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
    except (OSError, ValueError) as error:
        known = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "its name holds a NUL character"
        raise InputError(f"{what} {str(path)!r} cannot be read: {getattr(error, 'strerror', None) or known}") from None
    try:
        return load_json(text) if path.suffix.lower() == ".json" else load_yaml(text)
    except RecursionError:
        raise InputError(f"{what} {str(path)!r} cannot be parsed: lists or names are nested too deeply") from None
    except ValueError as error:
        first = str(error).splitlines()[0] if str(error) else "syntax error"
        raise InputError(f"{what} {str(path)!r} cannot be parsed: {first}") from None


def load_json(text: str) -> Any:
    """Load JSON; a name that stands twice in one place is refused, and so are NaN and Infinity, which JSON has not.

    Raises:
        ValueError: no JSON; one line with the place.

    Example:
        >>> load_json('{"rate": 1, "rate": 2}')
        Traceback (most recent call last):
        ValueError: the name 'rate' stands twice
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in values:
                raise ValueError(f"the name {name!r} stands twice")
            values[name] = value
        return values

    def refused(word: str) -> Any:
        raise ValueError(f"{word} is no number of JSON")

    try:
        return json.loads(text, object_pairs_hook=once, parse_constant=refused)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def load_yaml(text: str) -> Any:
    """Load YAML without surprises: 1e-3 is a number (in PyYAML a text), and 2024-01-31 a text (in PyYAML a date).

    Refused are anchors and aliases (a few lines of them unfold to gigabytes), tags, and a name that stands twice.

    Raises:
        ValueError: no such YAML; one line with the place.

    Example:
        >>> load_yaml("rate: 1e-3")
        {'rate': 0.001}
    """
    try:
        import yaml
    except ModuleNotFoundError:
        if text.lstrip().startswith("{"):
            return load_json(text)  # what yaml_text writes without PyYAML
        raise
    try:
        return yaml.load(text, Loader=_loader())  # a subclass of SafeLoader: cannot execute code
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{getattr(error, 'problem', None) or error}") from error
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


Place = tuple[str | int, ...]
"""Where a value stands: the names and numbers that lead to it."""


def yaml_lines(text: str) -> dict[Place, int]:
    """Return the line, from 1, of everything in a YAML text that :func:`load_yaml` reads; the whole stands at ``()``.

    Raises:
        ValueError: no such YAML; one line with the place.

    Example:
        >>> yaml_lines("rings:\\n  outer_mm: [3,\\n    6]\\n")[("rings", "outer_mm", 1)]
        3
    """
    load_yaml(text)
    import yaml

    found: dict[Place, int] = {}

    def walk(node: Any, place: Place, line: int) -> None:
        found[place] = line
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                walk(value, (*place, str(key.value)), key.start_mark.line + 1)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                walk(item, (*place, number), item.start_mark.line + 1)

    walk(yaml.compose(text, Loader=_loader()), (), 1)
    return found


def yaml_text(values: Any) -> str:
    """Return plain values as YAML that :func:`load_yaml` reads back, in the order given.

    Example:
        >>> print(yaml_text({"verb": "rings", "outer_mm": [3.0, 6.0], "group": "1e3"}), end="")
        verb: rings
        outer_mm: [3.0, 6.0]
        group: '1e3'
    """
    try:
        import yaml
    except ModuleNotFoundError:  # 3D Slicer comes without it, and JSON is YAML too
        return json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False) + "\n"

    class Dumper(yaml.SafeDumper):
        # Every value is written where it stands, also one that stands in two places.
        def ignore_aliases(self, data: Any) -> bool:
            return True

    _read_exponents(Dumper)
    return yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


_DEEPEST = 100
_TOO_DEEP = "it is nested too deeply"
_EXPONENT = re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$")


def _read_exponents(kind: Any) -> None:
    kind.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+.0123456789"))


def _loader() -> Any:
    """Return a strict subclass of PyYAML's SafeLoader, which is imported when it is needed."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            if getattr(event, "anchor", None) is not None:
                raise yaml.composer.ComposerError(
                    None, None, f"anchors and aliases (&{event.anchor}) are not used here", event.start_mark
                )
            if getattr(event, "tag", None) is not None:
                raise yaml.composer.ComposerError(None, None, f"tags ({event.tag}) are not used here", event.start_mark)
            return super().compose_node(parent, index)

        def fetch_flow_collection_start(self, kind: Any) -> None:
            if self.flow_level >= _DEEPEST:  # PyYAML's time grows with the square of it
                raise yaml.scanner.ScannerError(None, None, _TOO_DEEP, self.get_mark())
            super().fetch_flow_collection_start(kind)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen: set[str] = set()
            for child in (child for child, _ in node.value if isinstance(child, yaml.ScalarNode)):
                if child.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the name {child.value!r} stands twice", child.start_mark
                    )
                seen.add(child.value)
            return super().construct_mapping(node, deep)

    _read_exponents(Loader)
    dates = "tag:yaml.org,2002:timestamp"
    Loader.yaml_implicit_resolvers = {
        letter: [rule for rule in rules if rule[0] != dates] for letter, rules in Loader.yaml_implicit_resolvers.items()
    }
    return Loader
