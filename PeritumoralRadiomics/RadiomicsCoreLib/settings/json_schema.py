"""The JSON Schema of a settings record: what programs that are not ours read to fill in a job."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .options import option_of, type_choices, without_none
from .records import Changes, plain_value

Schema = dict[str, Any]
_SIMPLE: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    Path: {"type": "string", "format": "path"},
}
_ANYTHING: Schema = {}


def json_schema(record: type[Any]) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a settings record: types, choices, defaults and help of its fields.

    What it lets through may still be refused by the record itself, which checks bounds too.

    Args:
        record: a dataclass, such as a job's; records in it become objects.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Folds:
        ...     count: int = 5
        >>> json_schema(Folds)["properties"]
        {'count': {'type': 'integer', 'default': 5}}
    """
    hints = get_type_hints(record)
    properties: Schema = {}
    required = []
    for one in dataclasses.fields(record):
        if not one.init:
            continue
        properties[one.name] = _described(one, hints[one.name])
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            required.append(one.name)
    return _closed(properties, required)


def _closed(properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def _described(one: dataclasses.Field[Any], hint: Any) -> Schema:
    schema = dict(_schema(hint))
    known = option_of(one)
    if known is not None and known.choices is not None:
        choices = list(known.choices() if callable(known.choices) else known.choices)
        schema = _with_choices(schema, [plain_value(choice) for choice in choices])
    if known is not None and known.help:
        schema["description"] = known.help
    if one.default is not dataclasses.MISSING and not dataclasses.is_dataclass(one.default):
        schema["default"] = plain_value(one.default)
    return schema


def _with_choices(schema: Schema, choices: list[Any]) -> Schema:
    """Such names may be written in any case: the list is offered, and the job checks it."""
    if "anyOf" in schema:
        return {"anyOf": [_with_choices(part, choices) for part in schema["anyOf"]]}
    if schema.get("type") == "array":
        return {**schema, "items": {**schema["items"], "examples": choices}}
    return schema if schema.get("type") == "null" else {**schema, "examples": choices}


def _schema(hint: Any) -> Schema:
    kind, optional = without_none(hint)
    if not optional:
        return _plain(kind)
    inner = _plain(kind)
    return inner if not inner else {"anyOf": [inner, {"type": "null"}]}


def _plain(kind: Any) -> Schema:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if type_choices(kind):
        return {"enum": list(type_choices(kind))}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _ANYTHING if hasattr(kind, "from_plain") else json_schema(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return {"anyOf": [_plain(part) for part in parts]}
    if origin is Changes:
        return {name: value for name, value in json_schema(parts[0]).items() if name != "required"}
    if origin is tuple:
        return _list(parts)
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _schema(parts[1])}
    return _ANYTHING


def _list(parts: tuple[Any, ...]) -> Schema:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return {"type": "array", "items": _schema(parts[0])}
    return {
        "type": "array",
        "prefixItems": [_schema(part) for part in parts],
        "minItems": len(parts),
        "maxItems": len(parts),
    }
